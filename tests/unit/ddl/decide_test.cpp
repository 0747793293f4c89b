// decide_test.cpp: what the case files do not show: the search_path, tables whose DDL is switched off, many threads.
#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <thread>
#include <vector>

namespace walbridge::ddl::testing {

namespace {

std::string path_for(const std::string &setting, const std::string &search_path, const std::string &role = "alice") {
    DdlStatement statement = statement_of("COMMENT ON SCHEMA app IS 'x'", search_path);
    statement.role = role;
    return setting_of(setting).decide(statement).search_path;
}

} // namespace

BOOST_AUTO_TEST_SUITE(decide)

BOOST_AUTO_TEST_CASE(the_search_path_names_the_schemas_of_the_target) {
    BOOST_TEST(path_for("all", "\"$user\",  Public") == "\"$user\",  Public");
    BOOST_TEST(path_for("all", "") == "");
    BOOST_TEST(path_for("renamed schema", "app, public") == "shop, public");
    BOOST_TEST(path_for("renamed schema", "\"$user\", app", "app") == "shop, shop");
    BOOST_TEST(path_for("renamed schema", "\"App\", public") == "\"App\", public");
    BOOST_TEST(path_for("renamed schema", "\"$user\", app") == "alice, shop");
    BOOST_TEST(path_for("all", "pg_temp, public") == "public");
    // The role is called otherwise on the target: "$user" would be another schema there.
    BOOST_TEST(path_for("mapped roles", "\"$user\", public") == "alice, public");
    BOOST_TEST(path_for("mapped roles", "\"$user\", public", "zoe") == "\"$user\", public");
}

BOOST_AUTO_TEST_CASE(a_table_whose_ddl_is_switched_off_is_left_out) {
    const Setting setting = setting_of("all");
    Rules rules;
    rules.names = &setting.names;
    rules.classes = setting.classes;
    rules.table_follows_ddl = [](const QualifiedName &table) { return table.name != "t"; };
    Catalog target(setting.catalog);
    const auto decided = [&](const char *text, const char *facts) {
        return ddl::decide(statement_of(text, "public", facts), rules, target).action;
    };
    BOOST_TEST((decided("ALTER TABLE t ADD COLUMN a int", "table public.t") == Action::filtered));
    BOOST_TEST((decided("CREATE INDEX i ON t (a)", "index public.i on public.t") == Action::filtered));
    BOOST_TEST((decided("ALTER TABLE u ADD COLUMN a int", "table public.u") == Action::execute));
}

BOOST_AUTO_TEST_CASE(every_refusal_has_a_reason_and_a_remedy) {
    for (const char *text :
         {"ALTER TABLE public.t SET UNLOGGED", "ALTER TABLE public.t ADD FOREIGN KEY (a) REFERENCES other.x",
          "DROP OWNED BY bob", "CREATE WONDER w", "ALTER SCHEMA public RENAME TO other"}) {
        const Decision decision = setting_of("schema").decide(statement_of(text, "public", "table public.t"));
        BOOST_TEST((decision.action == Action::refused), text);
        BOOST_TEST(!decision.reason.empty());
        BOOST_TEST(decision.remedy.ends_with("."));
        BOOST_TEST(decision.commands.empty());
    }
}

BOOST_AUTO_TEST_CASE(threads_decide_alike) {
    const auto work = [] {
        std::string all;
        for (const char *text :
             {"CREATE TABLE orders (id serial PRIMARY KEY)", "DROP TABLE app.t, orders",
              "CREATE VIEW v AS SELECT orders.id FROM orders", "ALTER TABLE t RENAME TO orders",
              "CREATE FUNCTION app.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a FROM app.orders; END"})
            all += text_of(setting_of("both").decide(statement_of(text, "app, public"))) + "\n";
        return all;
    };
    const std::string expected = work();
    std::vector<std::string> results(4);
    std::vector<std::thread> threads;
    for (std::string &result : results)
        threads.emplace_back([&] {
            for (int i = 0; i < 20; ++i) {
                result = work();
                if (result != expected) return;
            }
        });
    for (std::thread &thread : threads) thread.join();
    for (const std::string &result : results) BOOST_TEST(result == expected);
}

BOOST_AUTO_TEST_SUITE_END()

} // namespace walbridge::ddl::testing
