// mysql_column_types_test.cpp: what stays different on a MySQL target: a key that does not decides a conflict wrongly.
#include "target/mysql/column_types.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::target::mysql;
using dialect::mysql::built_in;
using dialect::mysql::ColumnType;

namespace {

ColumnType column(const std::string &type, const std::string &collation = {}, std::optional<int> digits = {}) {
    ColumnType made;
    made.data_type = type;
    made.column_type = type;
    made.collation = collation;
    made.charset = collation.substr(0, collation.find('_'));
    made.scale = made.fraction = digits;
    return made;
}

} // namespace

BOOST_AUTO_TEST_SUITE(mysql_column_types)

BOOST_AUTO_TEST_CASE(equality_on_the_target_is_told_by_both_types) {
    struct Case {
        const char *source;
        std::int32_t typmod;
        ColumnType target;
        Equality expected;
    };
    using enum Equality;
    const std::string nopad = "utf8mb4_nopad_bin", binary = "utf8mb4_0900_bin";
    for (const auto &one : {Case{"int4", -1, column("int"), exact},
                            {"int8", -1, column("decimal"), exact},
                            {"int4", -1, column("double"), weaker},
                            {"int4", -1, column("varchar", nopad), exact},
                            {"bool", -1, column("tinyint"), exact},
                            {"text", -1, column("varchar", nopad), exact},
                            {"text", -1, column("longtext", binary), exact},
                            {"text", -1, column("varchar", "utf8mb4_bin"), weaker}, // pads
                            {"text", -1, column("varchar", "utf8mb4_general_ci"), weaker},
                            {"text", -1, column("char", nopad), weaker}, // loses spaces
                            {"varchar", 14, column("varbinary"), exact},
                            {"bpchar", 8, column("char", "utf8mb4_bin"), exact},
                            {"bpchar", 8, column("char", "utf8mb4_general_ci"), weaker},
                            {"bytea", -1, column("varbinary"), exact},
                            {"bytea", -1, column("binary"), weaker}, // pads
                            {"uuid", -1, column("char", "ascii_general_ci"), exact},
                            {"uuid", -1, column("uuid"), exact},
                            {"numeric", (10 << 16 | 2) + 4, column("decimal", {}, 2), exact},
                            {"numeric", (10 << 16 | 2) + 4, column("decimal", {}, 1), weaker},
                            {"numeric", -1, column("decimal", {}, 30), weaker},
                            {"numeric", -1, column("varchar", nopad), same},
                            {"float8", -1, column("double"), same},
                            {"float8", -1, column("float"), weaker},
                            {"float4", -1, column("float"), same},
                            {"date", -1, column("date"), exact},
                            {"timestamp", -1, column("datetime", {}, 6), exact},
                            {"timestamptz", -1, column("datetime", {}, 3), weaker},
                            {"timestamptz", 3, column("datetime", {}, 3), exact},
                            {"time", -1, column("time", {}, 6), exact},
                            {"interval", -1, column("varchar", nopad), same},
                            {"jsonb", -1, column("json"), weaker},
                            {"jsonb", -1, column("longtext", nopad), same}})
        BOOST_TEST((equality_of(built_in(one.source, one.typmod), one.target) == one.expected),
                   std::string(one.source) + " in " + one.target.data_type + " " + one.target.collation);
}

BOOST_AUTO_TEST_CASE(a_domain_is_read_as_its_base_type) {
    Column column;
    column.type_oid = 20000;
    column.type_name = "positive";
    column.type_kind = 'd';
    column.base_type_oid = 23;
    column.base_type_name = "int4";
    column.typmod = 7;
    const auto type = source_type_of(column);
    BOOST_TEST(type.oid == 23U);
    BOOST_TEST(type.name == "int4");
    BOOST_TEST(type.typmod == -1);
    column.base_type_name = "_int4";
    BOOST_TEST(source_type_of(column).kind == 'a');
}

BOOST_AUTO_TEST_CASE(only_numbers_stand_without_quotes) {
    for (const auto *text : {"0", "-1", "+5", "1.50", ".5", "5.", "1e300", "-1.5E-7", "007"})
        BOOST_TEST(reads_as_number(text), text);
    for (const auto *text :
         {"", "-", ".", "e5", "1e", "1e+", "1 ", " 1", "0x1F", "NaN", "Infinity", "1;DROP", "1.2.3", "--1"})
        BOOST_TEST(!reads_as_number(text), text);
}

BOOST_AUTO_TEST_SUITE_END()
