// rename_test.cpp: pg_dump's statements with the target's names.
#include "ddl/rename.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

namespace walbridge::ddl::testing {

namespace {

NameMap names() {
    NameMap map;
    map.add_schema("app", "shop");
    map.add_table({"app", "orders"}, {"sales", "invoices"});
    return map;
}

std::string renamed(const std::string &sql) {
    return rename_statement(sql, names(), [](const QualifiedName &name) -> std::optional<QualifiedName> {
        if (name.name.starts_with("orders_")) return QualifiedName{"app", "orders"};
        return std::nullopt;
    });
}

} // namespace

BOOST_AUTO_TEST_SUITE(rename)

BOOST_AUTO_TEST_CASE(names_are_mapped_wherever_pg_dump_writes_them) {
    const std::vector<std::pair<std::string, std::string>> rows = {
        {"CREATE SCHEMA app;", "CREATE SCHEMA shop;\n"},
        {"CREATE TABLE app.orders (\n    id integer NOT NULL,\n    state app.state\n);",
         "CREATE TABLE sales.invoices (id int NOT NULL, state shop.state);\n"},
        {"CREATE SEQUENCE app.orders_id_seq AS integer START WITH 1;",
         "CREATE SEQUENCE sales.orders_id_seq AS int START 1;\n"},
        {"ALTER SEQUENCE app.orders_id_seq OWNED BY app.orders.id;",
         "ALTER SEQUENCE sales.orders_id_seq OWNED BY sales.invoices.id;\n"},
        {"ALTER TABLE ONLY app.orders ALTER COLUMN id SET DEFAULT nextval('app.orders_id_seq'::regclass);",
         "ALTER TABLE ONLY sales.invoices ALTER COLUMN id SET DEFAULT nextval('sales.orders_id_seq'::regclass);\n"},
        {"ALTER TABLE app.orders ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (\n    SEQUENCE NAME "
         "app.orders_id_seq\n);",
         "ALTER TABLE sales.invoices ALTER id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME sales.orders_id_seq "
         ");\n"},
        {"CREATE INDEX orders_i ON app.orders USING btree (id);",
         "CREATE INDEX orders_i ON sales.invoices USING btree (id);\n"},
        {"ALTER INDEX app.orders_all ATTACH PARTITION app.orders_1;",
         "ALTER INDEX sales.orders_all ATTACH PARTITION sales.orders_1;\n"},
        {"ALTER TABLE ONLY app.items ADD CONSTRAINT f FOREIGN KEY (o) REFERENCES app.orders(id);",
         "ALTER TABLE ONLY shop.items ADD CONSTRAINT f FOREIGN KEY (o) REFERENCES sales.invoices (id);\n"},
        {"CREATE VIEW app.v AS\n SELECT orders.id\n   FROM app.orders;",
         "CREATE VIEW shop.v AS SELECT orders.id FROM sales.invoices orders;\n"},
        {"CREATE TRIGGER t AFTER INSERT ON app.orders FOR EACH ROW EXECUTE FUNCTION app.f();",
         "CREATE TRIGGER t AFTER INSERT ON sales.invoices FOR EACH ROW EXECUTE FUNCTION shop.f();\n"},
        {"COMMENT ON COLUMN app.orders.id IS 'x';", "COMMENT ON COLUMN sales.invoices.id IS 'x';\n"},
        {"GRANT SELECT ON TABLE app.orders TO reader;", "GRANT select ON sales.invoices TO reader;\n"},
        {"ALTER TABLE app.t OWNER TO x; COMMENT ON TABLE public.t IS 'app.t';",
         "ALTER TABLE shop.t OWNER TO x;\nCOMMENT ON TABLE public.t IS 'app.t';\n"},
        {"SELECT pg_catalog.setval('app.orders_id_seq', 5, true);",
         "SELECT pg_catalog.setval('sales.orders_id_seq', 5, true);\n"},
        {"CREATE TABLE public.t (a integer);", "CREATE TABLE public.t (a integer);"},
        {"CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql AS $$ select 1 $$;",
         "CREATE FUNCTION shop.f() RETURNS int LANGUAGE sql AS $$ select 1 $$;\n"},
    };
    for (const auto &[sql, expected] : rows) BOOST_TEST(renamed(sql) == expected);
}

BOOST_AUTO_TEST_CASE(a_body_that_mentions_a_renamed_name_is_an_error) {
    try {
        (void)renamed("CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql AS $$ select id from app.orders $$;");
        BOOST_FAIL("no error");
    } catch (const Error &error) {
        BOOST_TEST((error.kind() == ErrorKind::schema_stage));
        BOOST_TEST(error.object().find("app.f") != std::string::npos);
        BOOST_TEST(error.reason().find("app.orders") != std::string::npos);
    }
}

BOOST_AUTO_TEST_CASE(a_body_that_is_part_of_the_statement_is_mapped) {
    const std::string text = renamed(
        "CREATE FUNCTION app.f() RETURNS integer LANGUAGE sql BEGIN ATOMIC SELECT orders.id FROM app.orders; END;");
    BOOST_TEST(text.find("FROM sales.invoices AS orders") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_read_is_an_error_that_names_it) {
    BOOST_CHECK_EXCEPTION((void)renamed("CREATE WONDER app.t;"), Error,
                          [](const Error &error) { return error.object().find("CREATE WONDER") != std::string::npos; });
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::ddl::testing
