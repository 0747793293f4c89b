// ddl_message_test.cpp: whose word a DDL message is, and what it says.
#include "wire/authentication.hpp"
#include "wire/ddl_message.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

namespace {

const std::string key_one(32, 'k'), key_two(32, 'q');
constexpr std::uint64_t xid = (std::uint64_t{3} << 32) + 77;

std::string body(const std::string &more = R"x(,"number":1,"text":"CREATE TABLE t ()","tag":"CREATE TABLE")x",
                 const std::string &sequence = "1") {
    return R"({"kind":"statement","phase":"end","system":"7001","database":5,"xid":"12884901965","sequence":)" +
           sequence + more + "}";
}

std::string sealed(const std::string &body, std::uint64_t id = 1, const std::string &key = key_one) {
    return wire::seal(id, key, body) + body;
}

struct Fixture {
    int reads = 0;
    DdlKeys keys{{1, key_one}};
    DdlVerifier verifier{"7001", 5, [this] {
                             ++reads;
                             return keys;
                         }};

    std::string refusal(const std::string &content, std::uint64_t full_xid = xid) {
        const auto verdict = verifier.verify(content, full_xid);
        const auto *refused = std::get_if<DdlVerifier::Refusal>(&verdict);
        return refused != nullptr ? refused->reason : std::string();
    }
};

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_FIXTURE_TEST_SUITE(ddl_messages, Fixture)

BOOST_AUTO_TEST_CASE(a_sealed_message_of_this_place_is_believed) {
    const auto verdict = verifier.verify(sealed(body()), xid);
    const auto *statement = std::get_if<DdlStatement>(&verdict);
    BOOST_REQUIRE(statement != nullptr);
    BOOST_TEST(statement->text == "CREATE TABLE t ()");
    BOOST_TEST(statement->full_xid == xid);
    BOOST_TEST(reads == 1);
}

BOOST_AUTO_TEST_CASE(what_anybody_can_write_is_refused) {
    BOOST_TEST(contains(refusal(body()), "does not begin with a signature"));
    BOOST_TEST(contains(refusal(""), "does not begin with a signature"));
    BOOST_TEST(contains(refusal(sealed(body(), 1, key_two)), "forged or altered"));
    auto altered = sealed(body());
    altered[altered.find("TABLE t")] = 'X';
    BOOST_TEST(contains(refusal(altered), "forged or altered"));
    BOOST_TEST(contains(refusal(sealed(body(), 0, "")), "signed with a key"));
}

BOOST_AUTO_TEST_CASE(a_copy_of_a_real_message_is_refused) {
    BOOST_TEST(contains(refusal(sealed(body()), xid + 1), "it was repeated"));
    BOOST_TEST(contains(refusal(sealed(body()), 77), "it was repeated")); // the same 32 bits, another epoch
    BOOST_TEST(refusal(sealed(body())).empty());
    BOOST_TEST(contains(refusal(sealed(body())), "came after 1"));
    BOOST_TEST(refusal(sealed(body(R"(,"text":"x")", "2"))).empty());
    verifier.start_over();
    BOOST_TEST(refusal(sealed(body())).empty());
    DdlVerifier elsewhere("7002", 5, [this] { return keys; }), other_database("7001", 6, [this] { return keys; });
    for (auto *verifier_there : {&elsewhere, &other_database}) {
        const auto verdict = verifier_there->verify(sealed(body()), xid);
        BOOST_TEST(contains(std::get<DdlVerifier::Refusal>(verdict).reason, "another database"));
    }
}

BOOST_AUTO_TEST_CASE(a_new_key_is_looked_for_once_per_message) {
    keys[2] = key_two;
    BOOST_TEST(refusal(sealed(body(), 2, key_two)).empty());
    keys[3] = std::string(32, 'r');
    BOOST_TEST(reads == 1);
    BOOST_TEST(refusal(sealed(body(",\"text\":\"x\"", "2"), 3, keys[3])).empty());
    BOOST_TEST(reads == 2);
    BOOST_TEST(contains(refusal(sealed(body(), 9, key_two)), "signed with a key"));
    BOOST_TEST(reads == 3);
}

BOOST_AUTO_TEST_CASE(what_is_sealed_and_cannot_be_read_is_refused) {
    BOOST_TEST(contains(refusal(sealed("{")), "no JSON"));
    BOOST_TEST(contains(refusal(sealed("[]")), "no JSON object"));
    BOOST_TEST(contains(refusal(sealed(body(R"(,"number":"one")"))), "wrong type"));
    BOOST_TEST(contains(refusal(sealed(body(R"(,"objects":{"a":1})"))), "wrong type"));
    BOOST_TEST(contains(refusal(sealed(R"({"kind":"statement","phase":"end"})")), "transaction id"));
    BOOST_TEST(contains(refusal(sealed(R"({"kind":"poem"})")), "poem"));
}

BOOST_AUTO_TEST_CASE(every_field_is_read) {
    const auto statement = parse_ddl_statement(R"({"kind":"gap","phase":"rewrite","system":"1","database":2,"xid":"3",
        "sequence":4,"number":5,"parent":6,"level":7,"tag":"ALTER TABLE","text":"ü","role":"app","reason":"why",
        "settings":{"search_path":"a, b","TimeZone":"UTC"},"before":{"oid":8,"schema":"s","name":"n"},
        "rewritten":{"oid":9,"schema":"s2","name":"n2"},"columns":[{"name":"c","type":"pg_catalog.int4","collation":"x"}],
        "objects":[{"class":"pg_class","oid":10,"sub":1,"tag":"CREATE INDEX","type":"index","schema":"s","identity":"s.i",
        "name":"i","persistence":"p","table_schema":"s","table_name":"n"}],
        "dropped":[{"class":"pg_class","oid":11,"type":"table","schema":"s","name":"d","identity":"s.d","original":true,
        "temporary":false,"address_names":["s","d"],"address_args":[]}],
        "missing":[{"schema":"s","table":"n","column":"c","value":""}]})");
    BOOST_TEST((statement.kind == DdlStatement::Kind::gap && statement.phase == DdlStatement::Phase::rewrite));
    BOOST_TEST(statement.number == 5U);
    BOOST_TEST(statement.parent == 6U);
    BOOST_TEST(statement.level == 7U);
    BOOST_TEST(statement.settings.at("TimeZone") == "UTC");
    BOOST_TEST((statement.before == QualifiedName{"s", "n"}));
    BOOST_TEST(statement.before_oid == 8U);
    BOOST_TEST((statement.rewritten == QualifiedName{"s2", "n2"}));
    BOOST_TEST(statement.columns.at(0).collation == "x");
    BOOST_TEST(statement.objects.at(0).table_name == "n");
    BOOST_TEST(statement.objects.at(0).persistence == 'p');
    BOOST_TEST(statement.dropped.at(0).original);
    BOOST_TEST(statement.dropped.at(0).address_names.size() == 2U);
    BOOST_TEST((statement.missing.at(0).table == QualifiedName{"s", "n"}));
    BOOST_TEST(statement.missing.at(0).value.empty());
    BOOST_TEST(statement.reason == "why");
}

BOOST_AUTO_TEST_SUITE_END()
