// forms_test.cpp: every statement form is written back to an equal tree. A form that is not would be refused as soon as
// something in it has to be changed, so the list of those is kept here, where a newer library shows that it got better.
#include "ddl/faithful.hpp"
#include "ddl/name_place.hpp"
#include "ddl/tree.hpp"

#include <boost/test/unit_test.hpp>
#include <pg_query.pb.h>

#include <fstream>
#include <vector>

namespace walbridge::ddl::testing {

namespace {

std::vector<std::string> forms() {
    std::vector<std::string> all;
    std::ifstream in(FORMS_FILE);
    for (std::string line; std::getline(in, line);)
        if (!line.empty() && !line.starts_with("--")) all.push_back(line);
    return all;
}

} // namespace

BOOST_AUTO_TEST_SUITE(statement_forms)

BOOST_AUTO_TEST_CASE(each_is_written_back_to_an_equal_tree) {
    const auto all = forms();
    BOOST_TEST(all.size() >= 200U);
    for (std::string text : all) {
        const bool cannot = text.starts_with("!!");
        if (cannot) text = text.substr(2);
        pg_query::ParseResult tree;
        const auto error = parse(text, tree);
        BOOST_REQUIRE_MESSAGE(!error, text << ": " << error.value_or(""));
        BOOST_CHECK_MESSAGE(faithful_text(tree).has_value() != cannot,
                            text << "\n  written as " << deparse(tree).value_or("nothing"));
    }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_written_keeps_its_text_with_the_names_changed) {
    for (std::string text : forms()) {
        pg_query::ParseResult original;
        if (text.starts_with("!!"))
            text = text.substr(2);
        else
            continue;
        BOOST_REQUIRE(!parse(text, original));
        pg_query::ParseResult wanted = original;
        int changed = 0;
        walk(wanted, [&](google::protobuf::Message &part) {
            if (auto *range = dynamic_cast<pg_query::RangeVar *>(&part)) {
                range->set_schemaname("new schema");
                ++changed;
            }
            return true;
        });
        if (changed == 0) continue;
        const auto result = faithful_text(wanted, original, text);
        BOOST_CHECK_MESSAGE(result.has_value(), text);
        if (result) BOOST_TEST(result->find("\"new schema\"") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_tree_that_differs_in_one_name_is_not_the_same) {
    pg_query::ParseResult a, b;
    BOOST_REQUIRE(!parse("DROP TABLE a.b, c", a));
    BOOST_REQUIRE(!parse("DROP   TABLE a.b , d", b));
    BOOST_TEST(!same_statement(a, b));
    BOOST_REQUIRE(!parse("DROP   TABLE a.b , c", b));
    BOOST_TEST(same_statement(a, b));
}

BOOST_AUTO_TEST_CASE(a_statement_nested_beyond_measure_is_not_read) {
    std::string text = "CREATE VIEW v AS SELECT 1";
    for (int i = 0; i < 4000; ++i) text += " + 1";
    pg_query::ParseResult tree;
    BOOST_TEST(parse(text, tree).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::ddl::testing
