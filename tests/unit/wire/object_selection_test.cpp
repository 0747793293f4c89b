// object_selection_test.cpp: patterns for schema and table names.
#include "wire/object_selection.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::wire;

namespace {

bool matches(const char *pattern, const char *schema, const char *table) {
    return ObjectPattern(pattern).matches(schema, table);
}

auto says(std::string part) {
    return [part](const PatternError &e) {
        BOOST_TEST_MESSAGE(e.what());
        return std::string(e.what()).find(part) != std::string::npos;
    };
}

} // namespace

BOOST_AUTO_TEST_SUITE(object_selection)

BOOST_AUTO_TEST_CASE(wildcards_match_any_characters_or_one) {
    BOOST_TEST(matches("public.*", "public", "orders"));
    BOOST_TEST(!matches("public.*", "billing", "orders"));
    BOOST_TEST(matches("*.audit_?", "x", "audit_1"));
    BOOST_TEST(!matches("*.audit_?", "x", "audit_12"));
    BOOST_TEST(matches("s.*a*b*c", "s", "xxaxxbxxcc"));
    BOOST_TEST(!matches("s.*a*b*c", "s", "xxaxxbxxcd"));
    BOOST_TEST(matches("s.*", "s", ""));
}

BOOST_AUTO_TEST_CASE(a_question_mark_is_one_character_not_one_byte) {
    BOOST_TEST(matches("s.gr??e", "s", "größe"));
    BOOST_TEST(!matches("s.gr????e", "s", "größe"));
    BOOST_TEST(matches("s.*?", "s", "日"));
}

BOOST_AUTO_TEST_CASE(letters_are_compared_as_they_are) {
    BOOST_TEST(!matches("Public.t", "public", "t"));
    BOOST_TEST(matches("Public.T", "Public", "T"));
}

BOOST_AUTO_TEST_CASE(quoted_parts_are_literal) {
    BOOST_TEST(matches("\"My Schema\".*", "My Schema", "t"));
    BOOST_TEST(matches("s.\"a*\"", "s", "a*"));
    BOOST_TEST(!matches("s.\"a*\"", "s", "ab"));
    BOOST_TEST(matches("s.\"a\"\"b\"", "s", "a\"b"));
    BOOST_TEST(matches("\"a.b\".\"c,d\"", "a.b", "c,d"));
}

BOOST_AUTO_TEST_CASE(the_option_form_is_a_comma_separated_list) {
    BOOST_TEST(parse_patterns("").empty());
    BOOST_TEST(parse_patterns("  ").empty());
    BOOST_TEST(parse_patterns("public.*, billing.inv* ,\"a,b\".t").size() == 3u);
    BOOST_TEST(join_patterns({"public.*", "\"a,b\".t"}) == "public.*,\"a,b\".t");
    BOOST_TEST(parse_patterns(join_patterns({"public.*", "\"a,b\".t"}))[1].matches("a,b", "t"));
}

BOOST_AUTO_TEST_CASE(what_is_not_a_pattern_is_refused_with_the_reason) {
    BOOST_CHECK_EXCEPTION(ObjectPattern("orders"), PatternError, says("expected schema.table"));
    BOOST_CHECK_EXCEPTION(ObjectPattern("a.b.c"), PatternError, says("unexpected text"));
    BOOST_CHECK_EXCEPTION(ObjectPattern("a."), PatternError, says("is empty"));
    BOOST_CHECK_EXCEPTION(ObjectPattern(".b"), PatternError, says("is empty"));
    BOOST_CHECK_EXCEPTION(ObjectPattern(""), PatternError, says("is empty"));
    BOOST_CHECK_EXCEPTION(ObjectPattern("a.\"b"), PatternError, says("not closed"));
    BOOST_CHECK_EXCEPTION(ObjectPattern("a.b\"c\""), PatternError, says("enclose the whole"));
    BOOST_CHECK_EXCEPTION(ObjectPattern("a b.c"), PatternError, says("double quotes"));
    BOOST_CHECK_EXCEPTION(parse_patterns("a.b,"), PatternError, says("is empty"));
    BOOST_CHECK_EXCEPTION(parse_patterns("a.b c.d"), PatternError, says("comma"));
    BOOST_CHECK_EXCEPTION(join_patterns({"a.b,c.d"}), PatternError, says("unexpected text"));
}

BOOST_AUTO_TEST_CASE(a_table_is_selected_when_included_and_not_excluded) {
    const ObjectSelection all;
    BOOST_TEST(all.matches("any", "thing"));
    const ObjectSelection some({"public.*", "billing.invoice*"}, {"public.audit_*"});
    BOOST_TEST(some.matches("public", "orders"));
    BOOST_TEST(some.matches("billing", "invoice_line"));
    BOOST_TEST(!some.matches("billing", "orders"));
    BOOST_TEST(!some.matches("public", "audit_2024"));
    const ObjectSelection without(std::vector<std::string>{}, {"tmp.*"});
    BOOST_TEST(without.matches("public", "t"));
    BOOST_TEST(!without.matches("tmp", "t"));
}

BOOST_AUTO_TEST_SUITE_END()
