// types_test.cpp: the column that each type of the source becomes.
#include "dialect/mysql/types.hpp"

#include "dialect/mysql/forms.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::dialect::mysql;

namespace {

constexpr int numeric(int precision, int scale) { return ((precision << 16) | (scale & 0x7FF)) + 4; }

SourceType user_type(const char *name, char kind) {
    SourceType type;
    type.oid = 20000;
    type.name = name;
    type.kind = kind;
    return type;
}

} // namespace

BOOST_AUTO_TEST_CASE(the_typmod_decides_where_the_target_has_the_same_limits) {
    struct Case {
        const char *type;
        int typmod;
        const char *mysql, *mariadb;
    };
    const Case cases[] = {
        {"numeric", numeric(10, 2), "decimal(10,2)", "decimal(10,2)"},
        {"numeric", numeric(65, 30), "decimal(65,30)", "decimal(65,30)"},
        {"numeric", numeric(65, 35), "varchar(68)", "decimal(65,35)"},
        {"numeric", numeric(66, 0), "varchar(69)", "varchar(69)"},
        {"numeric", numeric(3, 5), "decimal(5,5)", "decimal(5,5)"},
        {"numeric", numeric(5, -2), "decimal(7,0)", "decimal(7,0)"},
        {"varchar", 44, "varchar(40)", "varchar(40)"},
        {"varchar", 16005, "longtext", "longtext"},
        {"bpchar", 14, "char(10)", "char(10)"},
        {"bpchar", 260, "varchar(256)", "varchar(256)"},
        {"bpchar", -1, "longtext", "longtext"},
        {"time", 0, "time", "time"},
        {"timestamp", 3, "datetime(3)", "datetime(3)"},
        {"bit", 64, "varchar(64)", "varchar(64)"},
        {"varbit", -1, "longtext", "longtext"},
    };
    for (const auto &[type, typmod, mysql, mariadb] : cases) {
        BOOST_TEST_CONTEXT(type << " " << typmod) {
            const auto source = built_in(type, typmod);
            BOOST_TEST(map_type(source, Flavour::mysql, false).column.column_type == mysql);
            BOOST_TEST(map_type(source, Flavour::mariadb, false).column.column_type == mariadb);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_key_column_can_be_indexed_as_a_whole) {
    for (const auto flavour : {Flavour::mysql, Flavour::mariadb})
        for (const auto name : built_in_types()) {
            BOOST_TEST_CONTEXT(name) {
                const auto mapped = map_type(built_in(name), flavour, true);
                BOOST_TEST(!mapped.needs_prefix);
                BOOST_TEST(mapped.key_bytes > 0U);
                BOOST_TEST(mapped.key_bytes <= most_key_bytes);
            }
        }
    MapOptions options;
    options.key_column = true;
    options.key_bytes = 1000;
    BOOST_TEST(map_type(built_in("text"), Flavour::mysql, options).column.column_type == "varchar(250)");
    BOOST_TEST(map_type(built_in("bytea"), Flavour::mysql, options).column.column_type == "varbinary(1000)");
    BOOST_TEST(map_type(built_in("varchar", 404), Flavour::mysql, options).column.column_type == "varchar(250)");
    BOOST_TEST(map_type(built_in("varchar", 104), Flavour::mysql, options).column.column_type == "varchar(100)");
}

BOOST_AUTO_TEST_CASE(text_compares_by_bytes_and_without_padding) {
    for (const auto &[flavour, sql] :
         {std::pair(Flavour::mysql, "varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin"),
          std::pair(Flavour::mariadb, "varchar(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin")})
        BOOST_TEST(map_type(built_in("varchar", 44), flavour, false).sql == sql);
}

BOOST_AUTO_TEST_CASE(user_defined_types_are_told_by_their_kind) {
    const auto column = [](const SourceType &type) { return map_type(type, Flavour::mysql, false).column.column_type; };
    BOOST_TEST(column(user_type("address", 'c')) == "longtext");
    BOOST_TEST(column(user_type("span", 'r')) == "longtext");
    BOOST_TEST(column(user_type("spans", 'm')) == "longtext");
    BOOST_TEST(column(user_type("geometry", 'b')) == "longtext");
    BOOST_TEST(column(user_type("hstore", 'b')) == "longtext");
    BOOST_TEST(column(user_type("_address", 'a')) == "longtext");
    BOOST_TEST((map_type(user_type("record", 'p'), Flavour::mysql, false).fidelity == Fidelity::impossible));
    // Labels that ENUM would change.
    auto mood = user_type("mood", 'e');
    mood.enum_labels = {"a", "b"};
    BOOST_TEST(column(mood) == "enum('a','b')");
    mood.enum_labels = {"a", "b "};
    BOOST_TEST(column(mood) == "varchar(63)");
    mood.enum_labels = {};
    BOOST_TEST(column(mood) == "varchar(63)");
}

BOOST_AUTO_TEST_CASE(the_policy_text_makes_text_columns_of_what_may_not_fit) {
    MapOptions options;
    options.unfit = Unfit::text;
    const auto column = [&](const char *type, int typmod = -1) {
        return map_type(built_in(type, typmod), Flavour::mysql, options).column.column_type;
    };
    BOOST_TEST(column("date") == "varchar(20)");
    BOOST_TEST(column("timestamptz") == "varchar(40)");
    BOOST_TEST(column("float8") == "varchar(24)");
    BOOST_TEST(column("numeric") == "longtext");
    BOOST_TEST(column("numeric", numeric(10, 2)) == "varchar(19)");
    BOOST_TEST(column("int4") == "int");
    options.key_column = true;
    BOOST_TEST(column("numeric") == "varchar(768)");
}

BOOST_AUTO_TEST_CASE(a_row_that_is_too_wide_holds_its_text_elsewhere) {
    MapOptions options;
    options.off_row = true;
    const auto mapped = map_type(built_in("varchar", 1004), Flavour::mariadb, options);
    BOOST_TEST(mapped.column.column_type == "longtext");
    BOOST_TEST(mapped.row_bytes == 12U);
    BOOST_TEST(map_type(built_in("varchar", 1004), Flavour::mariadb, false).row_bytes == 4002U);
}

BOOST_AUTO_TEST_CASE(columns_that_exist_are_judged_by_what_they_do_to_values) {
    struct Case {
        const char *type, *column;
        Fidelity fidelity;
    };
    const Case cases[] = {
        {"int4", "int", Fidelity::exact},
        {"int8", "int", Fidelity::exact},
        {"int8", "double", Fidelity::lossy},
        {"int4", "double", Fidelity::exact},
        {"float8", "float", Fidelity::lossy},
        {"float4", "float", Fidelity::lossy},
        {"numeric", "double", Fidelity::lossy},
        {"numeric", "decimal", Fidelity::exact},
        {"jsonb", "json", Fidelity::lossy},
        {"text", "json", Fidelity::impossible},
        {"text", "int", Fidelity::impossible},
        {"text", "char", Fidelity::exact},
        {"timestamptz", "timestamp", Fidelity::exact},
        {"time", "datetime", Fidelity::impossible},
        {"uuid", "uuid", Fidelity::exact},
        {"uuid", "binary", Fidelity::exact},
        {"bool", "bit", Fidelity::exact},
        {"bytea", "longblob", Fidelity::exact},
        {"date", "year", Fidelity::impossible},
        {"point", "point", Fidelity::impossible},
        {"inet", "inet6", Fidelity::exact},
    };
    for (const auto &[type, data_type, fidelity] : cases) {
        BOOST_TEST_CONTEXT(type << " in " << data_type) {
            ColumnType column;
            column.data_type = column.column_type = data_type;
            const auto judged = judge_column(built_in(type), column);
            BOOST_TEST((judged.fidelity == fidelity));
            BOOST_TEST((fidelity == Fidelity::exact || !judged.remark.empty()));
        }
    }
    // What the schema stage chooses loses nothing.
    for (const auto flavour : {Flavour::mysql, Flavour::mariadb})
        for (const auto name : built_in_types())
            for (const bool key : {false, true}) {
                const auto type = built_in(name);
                BOOST_TEST((judge_column(type, map_type(type, flavour, key).column).fidelity == Fidelity::exact), name);
            }
}
