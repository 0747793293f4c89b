// values_test.cpp: what each type's values become, and what a column refuses under each policy.
#include "dialect/mysql/values.hpp"

#include <boost/test/unit_test.hpp>
#include <fmt/format.h>

using namespace walbridge::dialect::mysql;

namespace {

constexpr const char *refused = "<refused>", *null = "<null>";

std::string written(const ValueWriter &writer, std::string_view text) {
    std::string scratch;
    try {
        const auto value = writer.write(text, scratch);
        return value ? std::string(*value) : null;
    } catch (const ValueError &error) {
        BOOST_TEST(!error.reason.empty());
        BOOST_TEST(!error.remedy.empty());
        return refused;
    }
}

struct Mapped {
    const char *type;
    int typmod;
    const char *text, *expected;
};

SourceType enum_type() {
    SourceType type;
    type.oid = 20000;
    type.name = "mood";
    type.kind = 'e';
    type.enum_labels = {"", "ok", "OK", "it's"};
    return type;
}

constexpr int varchar3 = 7, numeric_5_2 = ((5 << 16) | 2) + 4;

} // namespace

BOOST_AUTO_TEST_CASE(values_of_a_mapped_column_are_written_exactly_or_refused) {
    const Mapped cases[] = {
        {"int4", -1, "-2147483648", "-2147483648"},
        {"bool", -1, "t", "1"},
        {"bool", -1, "f", "0"},
        {"float8", -1, "-1.7976931348623157e+308", "-1.7976931348623157e+308"},
        {"float8", -1, "5e-324", "5e-324"},
        {"float8", -1, "NaN", refused},
        {"float4", -1, "-Infinity", refused},
        {"numeric", -1, "1.50", "1.50"},
        {"numeric", -1, "99999999999999999999999999999999999.123456789012345678901234567890",
         "99999999999999999999999999999999999.123456789012345678901234567890"},
        {"numeric", -1, "100000000000000000000000000000000000", refused},
        {"numeric", -1, "0.0000000000000000000000000000001", refused},
        {"numeric", -1, "0.0000000000000000000000000000010", "0.000000000000000000000000000001"},
        {"numeric", -1, "NaN", refused},
        {"numeric", -1, "Infinity", refused},
        {"numeric", numeric_5_2, "-999.99", "-999.99"},
        {"numeric", numeric_5_2, "NaN", refused},
        {"money", -1, "-$92,233,720,368,547,758.08", "-92233720368547758.08"},
        {"money", -1, "$0.05", "0.05"},
        {"money", -1, "1 EUR", refused},
        {"text", -1, "a ", "a "},
        {"bpchar", 9, "ab   ", "ab"},
        {"bpchar", 9, "     ", ""},
        {"bytea", -1, "\\x", ""},
        {"bytea", -1, "\\x61ff5c27", "a\xff\\'"},
        {"bytea", -1, "abc", refused},
        {"date", -1, "0001-01-01", "0001-01-01"},
        {"date", -1, "9999-12-31", "9999-12-31"},
        {"date", -1, "10000-01-01", refused},
        {"date", -1, "0001-12-31 BC", refused},
        {"date", -1, "infinity", refused},
        {"date", -1, "-infinity", refused},
        {"time", -1, "24:00:00", "24:00:00"},
        {"time", 3, "23:59:59.999", "23:59:59.999"},
        {"timestamp", -1, "9999-12-31 23:59:59.999999", "9999-12-31 23:59:59.999999"},
        {"timestamp", -1, "294276-12-31 23:59:59.999999", refused},
        {"timestamptz", -1, "2024-02-29 12:00:00.5+00", "2024-02-29 12:00:00.5"},
        {"timestamptz", -1, "0044-03-15 00:00:00+00 BC", refused},
        {"timestamptz", -1, "2024-02-29 12:00:00+01", refused},
        {"timestamptz", -1, "infinity", refused},
        {"interval", -1, "-178000000 years -11 mons +30 days 23:59:59.999999",
         "-178000000 years -11 mons +30 days 23:59:59.999999"},
        {"uuid", -1, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
        {"bit", 4, "0101", "0101"},
        {"varbit", 8, "0101", "0101"},
        {"jsonb", -1, R"({"b": 1.10, "a": [1e400]})", R"({"b": 1.10, "a": [1e400]})"},
        {"_int4", -1, "{1,NULL}", "[1, null]"},
        {"_bool", -1, "{t,f}", "[true, false]"},
        {"_text", -1, "{NULL,\"NULL\"}", "[null, \"NULL\"]"},
        {"_box", -1, "{(1,1),(0,0);(2,2),(1,1)}", "[\"(1,1),(0,0)\", \"(2,2),(1,1)\"]"},
        {"_int4", -1, "[0:1]={1,2}", refused},
        {"xml", -1, "<a/>", "<a/>"},
        {"int4range", -1, "[1,10)", "[1,10)"},
    };
    for (const auto flavour : {Flavour::mysql, Flavour::mariadb})
        for (const auto &[type, typmod, text, expected] : cases) {
            BOOST_TEST_CONTEXT(type << " " << text) {
                const auto source = built_in(type, typmod);
                const ValueWriter writer(source, map_type(source, flavour, false).column, Unfit::error);
                const std::string want = expected;
                BOOST_TEST(written(writer, text) == want);
                if (!writer.converts() && want != refused) BOOST_TEST(written(writer, text) == text);
                BOOST_TEST(writer.binary() == (std::string_view(type) == "bytea"));
            }
        }
}

BOOST_AUTO_TEST_CASE(values_that_need_no_look_are_passed_on) {
    for (const auto *type : {"int2", "int8", "text", "json", "jsonb", "uuid", "inet", "interval", "tsvector"}) {
        const auto source = built_in(type);
        BOOST_TEST(!ValueWriter(source, map_type(source, Flavour::mariadb, false).column, Unfit::error).converts());
    }
    const auto source = built_in("varchar", varchar3);
    BOOST_TEST(!ValueWriter(source, map_type(source, Flavour::mysql, true).column, Unfit::error).converts());
}

BOOST_AUTO_TEST_CASE(the_policy_says_what_becomes_of_an_unfit_value) {
    struct Case {
        const char *type;
        int typmod;
        const char *text, *clamped;
    };
    const Case cases[] = {
        {"date", -1, "infinity", "9999-12-31"},
        {"date", -1, "4713-01-01 BC", "0001-01-01"},
        {"timestamp", -1, "infinity", "9999-12-31 23:59:59.999999"},
        {"timestamp", 0, "infinity", "9999-12-31 23:59:59"},
        {"timestamptz", 3, "-infinity", "0001-01-01 00:00:00"},
        {"timestamptz", 3, "10000-01-01 00:00:00+00", "9999-12-31 23:59:59.999"},
        {"float8", -1, "Infinity", "1.7976931348623157e308"},
        {"float8", -1, "NaN", refused},
        {"numeric", -1, "NaN", refused},
        {"numeric", numeric_5_2, "-Infinity", "-999.99"},
        {"numeric", -1, "0.0000000000000000000000000000005", "0.000000000000000000000000000001"},
        {"numeric", -1, "0.9999999999999999999999999999999", "1"},
        {"numeric", -1, "-123.4567890123456789012345678901234", "-123.456789012345678901234567890123"},
        {"numeric", -1, "99999999999999999999999999999999999.9999999999999999999999999999999",
         "99999999999999999999999999999999999.999999999999999999999999999999"},
        {"_int4", -1, "[0:1]={1,2}", refused},
    };
    for (const auto &[type, typmod, text, clamped] : cases) {
        BOOST_TEST_CONTEXT(type << " " << text) {
            const auto source = built_in(type, typmod);
            const auto column = map_type(source, Flavour::mysql, false).column;
            BOOST_TEST(written(ValueWriter(source, column, Unfit::error), text) == refused);
            BOOST_TEST(written(ValueWriter(source, column, Unfit::null), text) == null);
            BOOST_TEST(written(ValueWriter(source, column, Unfit::clamp), text) == clamped);
            MapOptions options;
            options.unfit = Unfit::text;
            const auto as_text = map_type(source, Flavour::mysql, options).column;
            BOOST_TEST(written(ValueWriter(source, as_text, Unfit::text), text) == text);
        }
    }
    // A column that is no text holds no text, whatever the policy.
    const auto source = built_in("date");
    BOOST_TEST(written(ValueWriter(source, map_type(source, Flavour::mysql, false).column, Unfit::text), "infinity") ==
               refused);
}

BOOST_AUTO_TEST_CASE(labels_of_an_enum_are_told_from_each_other_and_from_numbers) {
    const auto source = enum_type();
    const auto mapped = map_type(source, Flavour::mariadb, false);
    BOOST_TEST(mapped.column.column_type == "enum('','ok','OK','it''s')");
    const ValueWriter writer(source, mapped.column, Unfit::error);
    for (const auto *label : {"", "ok", "OK", "it's"}) BOOST_TEST(written(writer, label) == label);
    for (const auto *label : {"2", "Ok", "ok "}) BOOST_TEST(written(writer, label) == refused);
}

BOOST_AUTO_TEST_CASE(columns_that_somebody_else_made_hold_a_value_exactly_or_refuse_it) {
    struct Case {
        const char *type;
        ColumnType column;
        const char *text;
        std::string expected;
    };
    const auto column = [](const char *type, std::optional<std::uint64_t> length = {},
                           std::optional<int> precision = {}, std::optional<int> scale = {},
                           std::optional<int> fraction = {}) {
        ColumnType made;
        made.data_type = made.column_type = type;
        made.length = length;
        made.precision = precision;
        made.scale = scale;
        made.fraction = fraction;
        return made;
    };
    const Case cases[] = {
        {"text", column("varchar", 3), "äöü", "äöü"},
        {"text", column("varchar", 3), "ab   ", refused},
        {"text", column("varchar", 3), "abcd", refused},
        {"text", column("char", 9), "ab ", refused},
        {"varchar", column("char", 9), "ab", "ab"},
        {"bpchar", column("char", 9), "ab ", "ab"},
        {"text", column("tinytext", 255), "abcd", "abcd"},
        {"text", column("tinytext", 255),
         "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdab"
         "cdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcd"
         "abcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdabcdab"
         "cdabcdabcd",
         refused},
        {"numeric", column("int", {}, 10, 0), "7", "7"},
        {"numeric", column("int", {}, 10, 0), "7.00", "7"},
        {"numeric", column("int", {}, 10, 0), "7.5", refused},
        {"float8", column("bigint", {}, 19, 0), "1e+15", "1000000000000000"},
        {"float8", column("bigint", {}, 19, 0), "1.5e-07", refused},
        {"float8", column("decimal", {}, 20, 8), "1.5e-07", "0.00000015"},
        {"int8", column("decimal", {}, 5, 2), "1000", refused},
        {"int8", column("decimal", {}, 5, 2), "999", "999"},
        {"money", column("int", {}, 10, 0), "$1,000.00", "1000"},
        {"bool", column("bit", {}, 1), "t", std::string("\x01", 1)},
        {"bit", column("bit", {}, 12), "000000011111", std::string("\x00\x1f", 2)},
        {"bool", column("char", 1), "t", "t"},
        {"int4", column("bit", {}, 16), "258", std::string("\x01\x02", 2)},
        {"int4", column("bit", {}, 8), "258", refused},
        {"int4", column("bit", {}, 8), "-1", refused},
        {"uuid", column("binary", 16), "00112233-4455-6677-8899-aabbccddeeff",
         std::string("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16)},
        {"bytea", column("varbinary", 2), "\\x0102", std::string("\x01\x02", 2)},
        {"bytea", column("varbinary", 2), "\\x010203", refused},
        {"bytea", column("binary", 4), "\\x0102", refused},
        {"timestamp", column("datetime", {}, {}, {}, 0), "2024-01-01 00:00:00.5", refused},
        {"timestamp", column("datetime", {}, {}, {}, 0), "2024-01-01 00:00:00", "2024-01-01 00:00:00"},
        {"timestamp", column("date"), "2024-01-01 00:00:00", "2024-01-01"},
        {"timestamp", column("date"), "2024-01-01 00:00:01", refused},
        {"date", column("datetime", {}, {}, {}, 6), "infinity", refused},
        {"time", column("time", {}, {}, {}, 0), "10:00:00.000001", refused},
        {"hstore", column("json"), "", ""},
    };
    for (const auto &[type, target, text, expected] : cases) {
        if (std::string_view(type) == "hstore") continue;
        BOOST_TEST_CONTEXT(type << " into " << target.column_type << ": " << text)
        BOOST_TEST(written(ValueWriter(built_in(type), target, Unfit::error), text) == expected);
    }
}

BOOST_AUTO_TEST_CASE(an_hstore_is_told_by_its_name) {
    SourceType source;
    source.oid = 30000;
    source.name = "hstore";
    const ValueWriter writer(source, map_type(source, Flavour::mysql, false).column, Unfit::error);
    BOOST_TEST(written(writer, "\"a\"=>NULL") == "{\"a\": null}");
}

BOOST_AUTO_TEST_CASE(a_value_too_long_for_its_key_is_refused) {
    const auto source = built_in("text");
    const ValueWriter writer(source, map_type(source, Flavour::mariadb, true).column, Unfit::clamp);
    const std::string fits(768, 'x'), long_text(769, 'x');
    BOOST_TEST(written(writer, fits) == fits);
    BOOST_TEST(written(writer, long_text) == refused);
}

BOOST_AUTO_TEST_CASE(an_array_that_is_known_by_its_name_alone_is_written_alike) {
    SourceType source;
    source.oid = 20000;
    source.kind = 'a';
    source.name = "_int4"; // as the stream names the base type of a domain
    const auto column = map_type(source, Flavour::mysql, false).column;
    BOOST_TEST(written(ValueWriter(source, column, Unfit::error), "{1,2}") == "[1, 2]");
    source.name = "_mood";
    BOOST_TEST(written(ValueWriter(source, column, Unfit::error), "{1,2}") == "[\"1\", \"2\"]");
}
