// expression_test.cpp: which expressions MySQL means as PostgreSQL does, and which are left out.
#include "ddl/mysql/expression.hpp"

#include <boost/test/unit_test.hpp>

#include <map>

using namespace walbridge::ddl::mysql;
using walbridge::dialect::mysql::built_in;
using walbridge::dialect::mysql::map_type;

namespace {

ExpressionColumn make_column(const std::string &name, SourceType source, bool key = false) {
    auto target = map_type(source, Flavour::mariadb, key).column;
    return {std::move(source), std::move(target), name};
}

SourceType mood() {
    SourceType type;
    type.oid = 20000;
    type.name = "mood";
    type.kind = 'e';
    type.enum_labels = {"sad", "ok"};
    return type;
}

const ExpressionColumn *find(const std::string &name) {
    static const std::map<std::string, ExpressionColumn> columns = {
        {"id", make_column("id", built_in("int4"))},
        {"big", make_column("big", built_in("int8"))},
        {"price", make_column("price", built_in("numeric"))},
        {"real", make_column("real", built_in("float4"))},
        {"double", make_column("double", built_in("float8"))},
        {"name", make_column("name", built_in("text"))},
        {"amount", make_column("amount", built_in("numeric", ((10 << 16) | 2) + 4))},
        {"code", make_column("code", built_in("bpchar", 9))},
        {"live", make_column("live", built_in("bool"))},
        {"day", make_column("day", built_in("date"))},
        {"at", make_column("at", built_in("timestamptz"))},
        {"mood", make_column("mood", mood())},
        {"doc", make_column("doc", built_in("jsonb"))},
        {"status", make_column("status", built_in("varchar", 24))},
    };
    const auto found = columns.find(name);
    return found == columns.end() ? nullptr : &found->second;
}

} // namespace

BOOST_AUTO_TEST_CASE(expressions_that_mean_the_same_are_translated) {
    const std::pair<const char *, const char *> cases[] = {
        {"(id > 0)", "(`id` > 0)"},
        {"((price >= (0)::numeric) AND (price < 1000.50))", "((`price` >= 0) AND (`price` < 1000.50))"},
        {"((status)::text = ANY ((ARRAY['new'::character varying, 'it''s'::character varying])::text[]))",
         "(`status` IN ('new', CONVERT(x'69742773' USING utf8mb4)))"},
        {"((status)::text <> ALL (ARRAY['a'::text]))", "(`status` NOT IN ('a'))"},
        {"(name <> ''::text)", "(`name` <> '')"},
        {"(name = 'a\\b'::text)", "(`name` = CONVERT(x'615c62' USING utf8mb4))"},
        {"(char_length(name) <= 10)", "(CHAR_LENGTH(`name`) <= 10)"},
        {"(length((status)::text) > 3)", "(CHAR_LENGTH(`status`) > 3)"},
        {"(octet_length(name) < 100)", "(LENGTH(`name`) < 100)"},
        {"(name ~~ '%@%'::text)", "(`name` LIKE '%@%')"},
        {"(name !~~ 'x_'::text)", "(`name` NOT LIKE 'x_')"},
        {"(code = 'ab   '::bpchar)", "(`code` = 'ab')"},
        {"(live OR (NOT (id IS NULL)))", "(`live` OR (NOT (`id` IS NULL)))"},
        {"(live IS NOT TRUE)", "(`live` IS NOT TRUE)"},
        {"(day > '2020-01-01'::date)", "(`day` > '2020-01-01')"},
        {"(at <= '2020-01-01 12:00:00+00'::timestamp with time zone)", "(`at` <= '2020-01-01 12:00:00')"},
        {"(mood = 'ok'::mood)", "(`mood` = 'ok')"},
        {"(id IS DISTINCT FROM 3)", "(NOT (`id` <=> 3))"},
        {"((id >= 1) AND (id <= '-5'::integer))", "((`id` >= 1) AND (`id` <= (-5)))"},
        {"id BETWEEN 1 AND 5", "(`id` BETWEEN 1 AND 5)"},
        {"id IN (1, 2)", "(`id` IN (1, 2))"},
        {"(id * 2) + big - 1", "(((`id` * 2) + `big`) - 1)"},
        {"((name || ' '::text) || (status)::text)", "CONCAT(CONCAT(`name`, ' '), `status`)"},
        {"COALESCE(price, (0)::numeric)", "COALESCE(`price`, 0)"},
        {"CASE WHEN live THEN 1 ELSE NULL::integer END", "(CASE WHEN `live` THEN 1 ELSE NULL END)"},
        {"NULLIF(name, ''::text)", "NULLIF(`name`, '')"},
        {"(abs(id) < 10)", "(ABS(`id`) < 10)"},
        {"(double > 0.1::double precision)", "(`double` > 0.1)"},
    };
    for (const auto &[expression, sql] : cases) {
        BOOST_TEST_CONTEXT(expression) {
            const auto translated = translate_expression(expression, find);
            BOOST_TEST(translated.sql.value_or("none: " + translated.reason) == sql);
        }
    }
}

BOOST_AUTO_TEST_CASE(expressions_that_may_mean_something_else_are_left_out) {
    const char *cases[] = {
        "(name > 'a'::text)",  // text sorts by locale
        "(name ~ '^a'::text)", // regular expressions
        "(name ~~* 'a%'::text)",
        "(name ~~ 'a\\_b'::text)", // a backslash
        "(code ~~ 'ab'::text)",    // matches the padded value
        "(real > 0.1)",            // float4
        "(price * 1.5 > 1)",       // the thirty-first digit
        "(amount > 1e-3)",
        "(price / 2 > 1)",      // division
        "(lower(name) = name)", // by locale
        "(doc ? 'a'::text)",
        "(id = '1'::text)",
        "(at > now())",
        "(at > 'infinity'::timestamp with time zone)",
        "(missing > 1)",
        "(public.f(id) > 1)",
        "(EXISTS (SELECT 1))",
        "(day = 'today'::date)",
        "((name)::integer > 1)",
        "(id > 1",
    };
    for (const auto *expression : cases) {
        BOOST_TEST_CONTEXT(expression) {
            const auto translated = translate_expression(expression, find);
            BOOST_TEST(!translated.sql.has_value());
            BOOST_TEST(!translated.reason.empty());
        }
    }
}

BOOST_AUTO_TEST_CASE(a_generated_column_takes_what_is_stored_alike) {
    const auto gives = [](const char *expression) { return translate_expression(expression, find); };
    BOOST_TEST(can_store(gives("(id * 2)"), *find("big")));
    BOOST_TEST(can_store(gives("(price * (id)::numeric)"), *find("price")));
    BOOST_TEST(can_store(gives("(name || name)"), *find("name")));
    BOOST_TEST(!can_store(gives("(price * 2)"), *find("id")));     // rounds
    BOOST_TEST(!can_store(gives("(double * 2)"), *find("price"))); // PostgreSQL keeps fifteen digits
    BOOST_TEST(!can_store(gives("name"), *find("code")));
    BOOST_TEST(can_store(gives("(amount * (3)::numeric)"), *find("amount")));
    BOOST_TEST(!can_store(gives("(amount * 1.5)"), *find("amount"))); // a third digit would be rounded
}

BOOST_AUTO_TEST_CASE(defaults_are_literals_of_the_columns_type_or_known_functions) {
    struct Case {
        const char *column, *expression, *sql; ///< nullptr: left out
    };
    const Case cases[] = {
        {"id", "0", "0"},
        {"id", "'-1'::integer", "-1"},
        {"id", "(-7)", "-7"},
        {"price", "0.005", "'0.005'"},
        {"price", "'NaN'::numeric", nullptr},
        {"live", "true", "1"},
        {"live", "false", "0"},
        {"name", "'it''s'::text", "(CONVERT(x'69742773' USING utf8mb4))"},
        {"name", "'plain'::text", "('plain')"},
        {"status", "'it''s'::text", "'it''s'"},
        {"name", "'C:\\new'::text", "(CONVERT(x'433a5c6e6577' USING utf8mb4))"},
        {"status", "'new'::character varying", "'new'"},
        {"status", "NULL::character varying", "NULL"},
        {"code", "'ab   '::bpchar", "'ab'"},
        {"doc", "'{}'::jsonb", "('{}')"},
        {"mood", "'ok'::public.mood", "'ok'"},
        {"mood", "'gone'::mood", nullptr},
        {"day", "'2020-02-29'::date", "'2020-02-29'"},
        {"day", "'infinity'::date", nullptr},
        {"day", "CURRENT_DATE", "(CURRENT_DATE())"},
        {"day", "now()", "(CURRENT_DATE())"},
        {"day", "('now'::text)::date", nullptr},
        {"at", "now()", "(UTC_TIMESTAMP(6))"},
        {"at", "CURRENT_TIMESTAMP", "(UTC_TIMESTAMP(6))"},
        {"at", "timezone('utc'::text, now())", "(UTC_TIMESTAMP(6))"},
        {"at", "(now() + '1 day'::interval)", nullptr},
        {"id", "random()", nullptr},
        {"name", "gen_random_uuid()", "(UUID())"},
        {"name", "upper('a'::text)", nullptr},
    };
    for (const auto &[column, expression, sql] : cases) {
        BOOST_TEST_CONTEXT(column << " DEFAULT " << expression) {
            const auto translated = translate_default(expression, *find(column));
            BOOST_TEST(translated.sql.has_value() == (sql != nullptr));
            if (translated.sql && sql != nullptr) BOOST_TEST(*translated.sql == sql);
            if (!translated.sql) BOOST_TEST(!translated.reason.empty());
        }
    }
    BOOST_TEST(translate_default("nextval('t_id_seq'::regclass)", *find("id")).sequence);
    const auto array = make_column("tags", built_in("_text"));
    BOOST_TEST(translate_default("'{a}'::text[]", array).sql.value_or("") == "(CONVERT(x'5b2261225d' USING utf8mb4))");
    BOOST_TEST(translate_default("'{}'::text[]", array).sql.value_or("") == "('[]')");
    BOOST_TEST(translate_default("ARRAY[]::text[]", array).sql.value_or("") == "('[]')");
    const auto bits = make_column("flags", built_in("bit", 3));
    BOOST_TEST(translate_default("'101'::\"bit\"", bits).sql.value_or("") == "'101'");
    const auto bytes = make_column("raw", built_in("bytea"));
    BOOST_TEST(translate_default("'\\x00ff'::bytea", bytes).sql.value_or("") == "(x'00ff')");
    const auto local = make_column("local", built_in("timestamp", 0));
    BOOST_TEST(translate_default("now()", local).sql.value_or("") == "CURRENT_TIMESTAMP()");
    BOOST_TEST(translate_default("timezone('utc'::text, now())", local).sql.value_or("") == "(UTC_TIMESTAMP())");
}
