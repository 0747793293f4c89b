// columns_test.cpp: statements about tables whose columns have other names or do not travel.
#include "ddl/columns.hpp"

#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::ddl;

namespace {

/// c_* becomes d_*, gone* does not travel, typed is text, and new tables get `more`.
ColumnRules rules() {
    ColumnRules rules;
    rules.on_target = [](const QualifiedName &, const std::string &column) -> std::optional<std::string> {
        if (column.starts_with("gone")) return std::nullopt;
        if (column.starts_with("c_")) return "d_" + column.substr(2);
        if (column == "UP") return "up";
        return column;
    };
    rules.type = [](const QualifiedName &, const std::string &column) -> std::optional<std::string> {
        return column == "typed" ? std::optional<std::string>("text") : std::nullopt;
    };
    return rules;
}

std::string shaped(const std::string &sql) {
    const auto result = shape_statement(sql, {"public", "t"}, rules());
    if (!result.nothing_left.empty()) return "nothing: " + result.nothing_left;
    return result.text.value_or("as it is");
}

} // namespace

BOOST_AUTO_TEST_SUITE(columns)

BOOST_AUTO_TEST_CASE(definitions_of_tables) {
    BOOST_TEST(shaped(R"(CREATE TABLE other."Late" (id int PRIMARY KEY, "UP" int))") ==
               "CREATE TABLE other.\"Late\" (id int PRIMARY KEY, up int);\n");
    BOOST_TEST(shaped("CREATE TABLE t (c_a int CHECK (c_a > 0), gone int, b int, CHECK (b > gone), UNIQUE (c_a, b))") ==
               "CREATE TABLE t (d_a int CHECK (d_a > 0), b int, UNIQUE (d_a, b));\n");
    BOOST_TEST(shaped("CREATE TABLE t (id int, typed int DEFAULT 3 NOT NULL)") ==
               "CREATE TABLE t (id int, typed text NOT NULL);\n");
    BOOST_TEST(shaped("CREATE TABLE t (id int)") == "as it is");
}

BOOST_AUTO_TEST_CASE(alterations) {
    BOOST_TEST(shaped("ALTER TABLE t ADD COLUMN gone_two int, ADD COLUMN c_x int") ==
               "ALTER TABLE t ADD COLUMN d_x int;\n");
    BOOST_TEST(shaped("ALTER TABLE t DROP COLUMN gone").starts_with("nothing: column gone of public.t"));
    BOOST_TEST(shaped("ALTER TABLE t ALTER COLUMN c_a SET DEFAULT 3") ==
               "ALTER TABLE t ALTER COLUMN d_a SET DEFAULT 3;\n");
    BOOST_TEST(shaped("ALTER TABLE t ALTER COLUMN typed TYPE bigint").starts_with("nothing: "));
    BOOST_TEST(shaped("ALTER TABLE t RENAME COLUMN b TO c_b") == "ALTER TABLE t RENAME COLUMN b TO d_b;\n");
    BOOST_TEST(shaped("ALTER TABLE t RENAME COLUMN gone_a TO gone_b").starts_with("nothing: "));
    BOOST_CHECK_THROW((void)shaped("ALTER TABLE t RENAME COLUMN gone_a TO b"), std::exception);
    BOOST_TEST(shaped("ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (c_a) REFERENCES public.o (c_b)") ==
               "ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (d_a) REFERENCES public.o (d_b);\n");
}

BOOST_AUTO_TEST_CASE(what_belongs_to_a_table) {
    BOOST_TEST(shaped("CREATE INDEX i ON t (c_a, lower(c_b)) INCLUDE (c_c) WHERE c_d > 0") ==
               "CREATE INDEX i ON t USING btree (d_a, lower(d_b)) INCLUDE (d_c) WHERE d_d > 0;\n");
    BOOST_TEST(shaped("CREATE INDEX i ON t (gone)").starts_with("nothing: "));
    BOOST_TEST(shaped("COMMENT ON COLUMN public.t.c_a IS 'x'") == "COMMENT ON COLUMN public.t.d_a IS 'x';\n");
    BOOST_TEST(shaped("GRANT SELECT (c_a) ON t TO r") == "GRANT select (d_a) ON t TO r;\n");
    BOOST_TEST(
        shaped(
            "CREATE TRIGGER x BEFORE UPDATE OF c_a ON t FOR EACH ROW WHEN (new.c_a > old.c_a) EXECUTE FUNCTION f()") ==
        "CREATE TRIGGER x BEFORE UPDATE OF d_a ON t FOR EACH ROW WHEN (new.d_a > old.d_a) EXECUTE FUNCTION f();\n");
    BOOST_TEST(shaped("CREATE POLICY p ON t USING (c_a > 0)") == "CREATE POLICY p ON t TO public USING (d_a > 0);\n");
}

BOOST_AUTO_TEST_CASE(together_with_the_name_of_the_table) {
    testing::Setting setting;
    setting.names.set_letters(Letters::lower);
    setting.names.learn_table({"other", "Late"});
    setting.catalog = {"other"};
    const auto statement = testing::statement_of("CREATE TABLE other.\"Late\" (id int PRIMARY KEY, \"UP\" int)",
                                                 "public", "table other.Late");
    wire::ObjectSelection selection;
    Rules all;
    all.selection = &selection;
    all.names = &setting.names;
    all.classes = setting.classes;
    all.columns = rules();
    testing::Catalog catalog({"other"});
    const auto decision = decide(statement, all, catalog);
    BOOST_TEST(
        testing::text_of(decision) ==
        "table: CREATE TABLE other.late (id int CONSTRAINT \"Late_pkey\" PRIMARY KEY, up int) {created other.Late}");
}

BOOST_AUTO_TEST_SUITE_END()
