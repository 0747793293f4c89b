// changes_test.cpp: tables that follow changes of the source against tables that are created as the source has them
// after: SHOW CREATE TABLE has to say the same, whichever way a table came.
#include "../unit/schema/mysql/source_builder.hpp"
#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"
#include "schema/mysql/changes.hpp"
#include "schema/mysql/constraint_names.hpp"
#include "schema/mysql/definitions.hpp"
#include "support.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <functional>
#include <regex>
#include <sstream>

using namespace walbridge;
using namespace walbridge::schema::mysql;
using namespace walbridge::testing;
using dialect::mysql::built_in;

namespace {

using Tables = std::vector<SourceTable>;

// ---- a shop, and what may become of it

Tables shop() {
    auto customer =
        table(1, "customer",
              {column(1, "id", "int8", true), column(2, "name", "varchar", true), column(3, "code", "text", true),
               column(4, "score", "int4", false, "0"), column(5, "since", "timestamptz", true, "now()"),
               column(6, "note", "text")},
              {key("customer_pkey", {1}, true, true), key("customer_code", {3}, true), key("customer_name", {2, 4})},
              {check("customer_score_check", "(score >= 0)"), check("positive", "(id > 0)")});
    customer.columns[1].type.typmod = 44;
    auto item =
        table(2, "item",
              {column(1, "id", "int4", true), column(2, "price", "int4", true),
               column(3, "gross", "int4", false, "(price * 2)"), column(4, "label", "text", false, "'it''s'::text"),
               column(5, "mood", "int4", false, "1")},
              {key("item_pkey", {1}, true, true), key("item_label", {4})}, {check("item_price_check", "(price > 0)")});
    item.columns[0].identity = 'd';
    item.columns[2].generated = 's';
    item.columns[4].type = {};
    item.columns[4].type.oid = 20000;
    item.columns[4].type.name = "mood";
    item.columns[4].type.kind = 'e';
    item.columns[4].type.enum_labels = {"sad", "ok", "glad"};
    item.columns[4].expression = "'ok'::mood";
    auto sale = table(3, "sale",
                      {column(1, "id", "int8", true), column(2, "customer", "int8"), column(3, "item", "int4", true),
                       column(4, "code", "text"), column(5, "parent", "int8")},
                      {key("sale_pkey", {1}, true, true), key("sale_item", {3, 2})},
                      {foreign_key("sale_customer_fkey", {2}, 1, {1}), foreign_key("sale_item_fkey", {3}, 2, {1}),
                       foreign_key("sale_parent_fkey", {5}, 3, {1}), check("positive", "(id > 0)")});
    return {customer, item, sale};
}

SourceTable &of(Tables &tables, std::uint32_t oid) { return *std::ranges::find(tables, oid, &SourceTable::oid); }

template <class List> void remove_named(List &list, const std::string &name) {
    std::erase_if(list, [&](const auto &one) { return one.name == name; });
}

struct Mutation {
    const char *name;
    std::function<void(Tables &)> change;
};

/// Each on the shop; those with a number add that column.
const std::vector<Mutation> &mutations() {
    static const std::vector<Mutation> list = {
        {"nothing", [](Tables &) {}},
        {"add column", [](Tables &t) { of(t, 1).columns.push_back(column(7, "mail", "varchar", true, "'x'::text")); }},
        {"add text column", [](Tables &t) { of(t, 1).columns.push_back(column(8, "long", "text", false, "'a''b'")); }},
        {"add uuid column",
         [](Tables &t) { of(t, 1).columns.push_back(column(9, "token", "uuid", true, "gen_random_uuid()")); }},
        {"add generated column",
         [](Tables &t) {
             of(t, 1).columns.push_back(column(10, "twice", "int4", false, "(score * 2)"));
             of(t, 1).columns.back().generated = 's';
             of(t, 1).indexes.push_back(key("twice", {10}));
         }},
        {"drop column", [](Tables &t) { remove_named(of(t, 1).columns, "note"); }},
        {"drop column with its check and index",
         [](Tables &t) {
             remove_named(of(t, 1).columns, "score");
             remove_named(of(t, 1).indexes, "customer_name");
             remove_named(of(t, 1).constraints, "customer_score_check");
         }},
        {"drop generated column and its base",
         [](Tables &t) {
             remove_named(of(t, 2).columns, "gross");
             remove_named(of(t, 2).columns, "price");
             remove_named(of(t, 2).constraints, "item_price_check");
         }},
        {"rename columns",
         [](Tables &t) {
             of(t, 1).columns[0].name = "number";
             of(t, 1).columns[3].name = "points";
             of(t, 1).constraints[0].expression = "(points >= 0)";
             of(t, 1).constraints[1].expression = "(number > 0)";
         }},
        {"rename the base of a generated column",
         [](Tables &t) {
             of(t, 2).columns[1].name = "net";
             of(t, 2).columns[2].expression = "(net * 2)";
             of(t, 2).constraints[0].expression = "(net > 0)";
         }},
        {"swap column names", [](Tables &t) { std::swap(of(t, 1).columns[2].name, of(t, 1).columns[5].name); }},
        {"other generation", [](Tables &t) { of(t, 2).columns[2].expression = "(price + 1)"; }},
        {"no generation",
         [](Tables &t) {
             of(t, 2).columns[2].expression.clear();
             of(t, 2).columns[2].generated = '\0';
         }},
        {"types",
         [](Tables &t) {
             of(t, 1).columns[1].type.typmod = 204;
             of(t, 1).columns[3].type = built_in("numeric");
             of(t, 1).columns[5].type = built_in("jsonb");
             of(t, 2).columns[3].type = built_in("bytea");
             of(t, 2).columns[3].expression = "'\\x00ff'::bytea";
         }},
        {"type of a key and what refers to it",
         [](Tables &t) {
             of(t, 1).columns[0].type = built_in("int4");
             of(t, 3).columns[1].type = built_in("int4");
         }},
        {"type of a key alone", [](Tables &t) { of(t, 1).columns[0].type = built_in("int4"); }},
        {"defaults",
         [](Tables &t) {
             of(t, 1).columns[3].expression = "7";
             of(t, 1).columns[4].expression = "";
             of(t, 1).columns[5].expression = "'none'::text";
             of(t, 2).columns[3].expression = "";
         }},
        {"not null",
         [](Tables &t) {
             of(t, 1).columns[1].not_null = false;
             of(t, 1).columns[3].not_null = true;
             of(t, 3).columns[1].not_null = true;
         }},
        {"labels",
         [](Tables &t) {
             of(t, 2).columns[4].type.enum_labels = {"sad", "so-so", "ok", "glad"};
         }},
        {"renamed label",
         [](Tables &t) {
             of(t, 2).columns[4].type.enum_labels = {"sad", "fine", "glad"};
             of(t, 2).columns[4].expression = "'fine'::mood";
         }},
        {"serial primary key added",
         [](Tables &t) {
             auto &customer = of(t, 1);
             remove_named(customer.indexes, "customer_pkey");
             customer.columns.push_back(column(11, "serial", "int4", true, "nextval('s'::regclass)"));
             customer.indexes.insert(customer.indexes.begin(), key("customer_pkey", {11}, true, true));
             customer.indexes.push_back(key("customer_id", {1}, true));
         }},
        {"no primary key",
         [](Tables &t) {
             remove_named(of(t, 1).indexes, "customer_pkey");
             remove_named(of(t, 3).indexes, "sale_pkey");
         }},
        {"no identity", [](Tables &t) { of(t, 2).columns[0].identity = '\0'; }},
        {"identity",
         [](Tables &t) {
             of(t, 1).columns[0].identity = 'a';
             of(t, 3).columns[0].identity = 'a';
         }},
        {"primary key of two columns",
         [](Tables &t) {
             of(t, 3).indexes[0].columns = {3, 1}, of(t, 3).indexes[0].descending = {false, false};
         }},
        {"index renamed", [](Tables &t) { of(t, 1).indexes[2].name = "by_name"; }},
        {"index changed",
         [](Tables &t) {
             of(t, 1).indexes[2].descending = {true, false};
             of(t, 1).indexes[2].comment = "it's";
             of(t, 2).indexes[1].unique = true;
         }},
        {"index names swapped", [](Tables &t) { std::swap(of(t, 1).indexes[1].name, of(t, 1).indexes[2].name); }},
        {"index for a foreign key",
         [](Tables &t) {
             of(t, 3).indexes.push_back(key("a_customer", {2, 4}));
         }},
        {"descending index for a foreign key",
         [](Tables &t) {
             of(t, 3).indexes.push_back(key("a_customer", {2}));
             of(t, 3).indexes.back().descending = {true};
         }},
        {"partly descending index for a foreign key",
         [](Tables &t) {
             of(t, 3).indexes.push_back(key("a_customer", {2, 4}));
             of(t, 3).indexes.back().descending = {false, true};
             of(t, 1).indexes.push_back(key("customer_both", {1, 3}, true));
             of(t, 3).constraints.push_back(foreign_key("sale_wide_fkey", {2, 4}, 1, {1, 3}));
         }},
        {"index of a foreign key dropped", [](Tables &t) { remove_named(of(t, 3).indexes, "sale_item"); }},
        {"checks",
         [](Tables &t) {
             of(t, 1).constraints[0].expression = "(score >= 1)";
             of(t, 1).constraints[1].name = "above_zero";
             of(t, 2).constraints.push_back(check("positive", "(id > 0)"));
         }},
        {"checks gone",
         [](Tables &t) {
             of(t, 1).constraints.clear();
             of(t, 2).constraints.clear();
         }},
        {"no foreign keys", [](Tables &t) { of(t, 3).constraints.clear(); }},
        {"foreign key with actions",
         [](Tables &t) {
             of(t, 3).constraints[0].on_delete = 'n';
             of(t, 3).constraints[1].on_delete = 'c';
         }},
        {"two foreign keys of one column",
         [](Tables &t) {
             of(t, 3).constraints.insert(of(t, 3).constraints.begin(), foreign_key("a_fkey", {2}, 1, {1}));
         }},
        {"wider foreign key",
         [](Tables &t) {
             of(t, 1).indexes.push_back(key("customer_both", {1, 3}, true));
             of(t, 3).constraints.push_back(foreign_key("sale_wide_fkey", {2, 4}, 1, {1, 3}));
         }},
        {"foreign key of text",
         [](Tables &t) { of(t, 3).constraints.push_back(foreign_key("sale_code_fkey", {4}, 1, {3})); }},
        {"foreign key renamed", [](Tables &t) { of(t, 3).constraints[0].name = "bought_by"; }},
        {"table renamed", [](Tables &t) { of(t, 1).target.name = "client"; }},
        {"child renamed", [](Tables &t) { of(t, 3).target.name = "purchase"; }},
        {"table in another database", [](Tables &t) { of(t, 1).target.schema = "s1"; }},
        {"tables swapped", [](Tables &t) { std::swap(of(t, 1).target, of(t, 2).target); }},
        {"tables in a ring",
         [](Tables &t) {
             const auto first = of(t, 1).target;
             of(t, 1).target = of(t, 2).target;
             of(t, 2).target = of(t, 3).target;
             of(t, 3).target = first;
         }},
        {"names as MySQL makes them",
         [](Tables &t) {
             of(t, 3).constraints[0].name = "sale_ibfk_1";
             of(t, 1).constraints[0].name = "customer_chk_1";
         }},
        {"the same in renamed tables",
         [](Tables &t) {
             of(t, 3).constraints[0].name = "sale_ibfk_1";
             of(t, 1).constraints[0].name = "customer_chk_1";
             of(t, 3).target.name = "purchase";
             of(t, 1).target.name = "client";
         }},
        {"parent dropped", [](Tables &t) { std::erase_if(t, [](const SourceTable &one) { return one.oid == 1; }); }},
        {"child dropped", [](Tables &t) { std::erase_if(t, [](const SourceTable &one) { return one.oid == 3; }); }},
        {"parent created again",
         [](Tables &t) {
             of(t, 1).oid = 11;
             of(t, 3).constraints[0].foreign_table = 11;
         }},
        {"new tables",
         [](Tables &t) {
             t.push_back(table(4, "extra", {column(1, "a", "int4", true), column(2, "sale", "int8")},
                               {key("extra_pkey", {1}, true, true), key("extra_two", {2, 1})},
                               {foreign_key("extra_sale_fkey", {2}, 3, {1}), check("positive", "(a > 0)")}));
             of(t, 2).constraints.push_back(foreign_key("item_extra_fkey", {1}, 4, {1}));
         }},
        {"comments",
         [](Tables &t) {
             of(t, 1).comment = "it's all";
             of(t, 1).columns[0].comment = "key";
             of(t, 3).columns[1].comment = "who";
         }},
    };
    return list;
}

// ---- servers

class Follower {
  public:
    Follower() {
        options_.flavour = admin_.mariadb() ? dialect::mysql::Flavour::mariadb : dialect::mysql::Flavour::mysql;
        admin_.execute("SET foreign_key_checks = 0");
        clear();
    }
    ~Follower() {
        for (const auto *name : {"t", "s1", "s2", "s3"})
            admin_.execute(fmt::format("DROP DATABASE IF EXISTS {}", name));
    }
    Follower(const Follower &) = delete;
    Follower &operator=(const Follower &) = delete;

    my::Session &session() { return admin_; }

    void clear() {
        for (const auto *name : {"t", "s1", "s2", "s3"})
            admin_.execute(fmt::format("DROP DATABASE IF EXISTS {}", name));
    }

    void create(const Tables &tables) {
        const auto made = make_definitions(tables, options_);
        BOOST_REQUIRE(made.errors.empty());
        for (const auto &item : made.items) run(item.statement);
    }

    void follow(const Tables &before, const Tables &after, const std::set<std::uint32_t> &emptied = {},
                const std::vector<MissingValue> &missing = {}) {
        const auto changes = change_tables(before, after, emptied, missing, options_);
        BOOST_REQUIRE(changes.errors.empty());
        for (const auto &command : changes.commands) run(command.sql);
    }

    /// A row in each table of the shop.
    void fill() {
        run("INSERT INTO t.customer (id, name, code, score, note) VALUES (1, 'one', 'c1', 5, '{}')");
        run("INSERT INTO t.item (id, price, mood) VALUES (1, 2, 'ok')");
        run("INSERT INTO t.sale VALUES (1, 1, 1, 'c1', 1)");
    }
    /// The rows are still there.
    void count(const Tables &tables) {
        for (const auto &one : tables)
            if (one.oid <= 3)
                BOOST_TEST(*admin_.value("SELECT count(*) FROM " + dialect::mysql::quote(one.target)) == "1");
    }

    /// All tables of two databases, as far as the order of keys says nothing.
    std::string definitions(const std::string &first, const std::string &second) {
        std::string text;
        const auto tables = admin_.query(fmt::format("SELECT table_schema, table_name FROM information_schema.tables "
                                                     "WHERE table_schema IN ('{0}', '{1}') "
                                                     "ORDER BY table_schema = '{1}', 2",
                                                     first, second));
        for (int row = 0; row < tables.rows(); ++row) {
            const auto schema = tables.text(row, 0), name = tables.text(row, 1);
            text += sorted(admin_.query(fmt::format("SHOW CREATE TABLE `{}`.`{}`", schema, name)).text(0, 1),
                           schema == first);
        }
        return text;
    }

    /// The tables as the source has them, created in databases of their own.
    std::string fresh(Tables tables) {
        admin_.execute("DROP DATABASE IF EXISTS s2");
        admin_.execute("DROP DATABASE IF EXISTS s3");
        for (auto &one : tables) one.target.schema = one.target.schema == "t" ? "s2" : "s3";
        create(tables);
        return std::regex_replace(std::regex_replace(definitions("s2", "s3"), std::regex("`s2`"), "`t`"),
                                  std::regex("`s3`"), "`s1`");
    }

    std::vector<std::string> statements;
    /// Columns stand in the order of their numbers: false where one comes back, as no source has it.
    bool in_order = true;

  private:
    void run(const std::string &sql) {
        statements.push_back(sql);
        try {
            admin_.execute(sql);
        } catch (const Error &error) {
            std::string all;
            for (const auto &one : statements) all += one + ";\n";
            BOOST_FAIL(error.what() << "\n" << all);
        }
    }

    std::string sorted(const std::string &definition, bool first) const {
        std::istringstream lines(definition);
        std::vector<std::string> columns, others;
        std::string head, end;
        for (std::string line; std::getline(lines, line);) {
            if (line.ends_with(',')) line.pop_back();
            if (head.empty())
                head = line;
            else if (line.starts_with(')'))
                end = std::regex_replace(line, std::regex(" AUTO_INCREMENT=[0-9]+"), "");
            else
                (line.starts_with("  `") ? columns : others).push_back(line);
        }
        std::ranges::sort(others);
        if (!in_order) std::ranges::sort(columns);
        return fmt::format("{}: {}\n{}\n{}\n{}\n", first ? "first" : "second", head, fmt::join(columns, "\n"),
                           fmt::join(others, "\n"), end);
    }

    my::Session admin_ = connect();
    DefinitionOptions options_;
};

Tables after(const Mutation &mutation) {
    auto tables = shop();
    for (auto &one : tables) one.target.schema = "t";
    mutation.change(tables);
    for (auto &one : tables)
        if (one.target.schema == "shop") one.target.schema = "t";
    return tables;
}

/// Follows from one state to the other; both ways of coming there have to show the same.
void compare(Follower &server, const Mutation &from, const Mutation &to) {
    BOOST_TEST_CONTEXT(from.name << " -> " << to.name) {
        server.clear();
        server.statements.clear();
        auto first = after(from), second = after(to);
        settle_names({}, first);
        settle_names(first, second);
        server.create(first);
        const bool rows = &from == &mutations().front();
        if (rows) server.fill();
        server.follow(first, second);
        if (rows) server.count(second);
        const auto followed = server.definitions("t", "s1"), fresh = server.fresh(second);
        std::string all;
        for (const auto &one : server.statements) all += one + ";\n";
        BOOST_TEST(followed == fresh, from.name << " -> " << to.name << ":\n"
                                                << followed << "\n--- fresh:\n"
                                                << fresh << "\n"
                                                << all);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(changes)

BOOST_AUTO_TEST_CASE(a_table_that_follows_a_change_is_the_one_that_is_created_after_it) {
    Follower server;
    const auto &all = mutations();
    for (const auto &mutation : all) {
        server.in_order = true;
        compare(server, all.front(), mutation);
        server.in_order = false;
        compare(server, mutation, all.front());
    }
    const bool soak = std::getenv("WALBRIDGE_SOAK") != nullptr; // NOLINT(concurrency-mt-unsafe)
    const auto &without = *std::ranges::find(all, std::string("no foreign keys"), &Mutation::name);
    for (const auto &from : all) {
        compare(server, from, without); // shows which keys the server made
        for (const auto &to : all)
            if (soak) compare(server, from, to);
    }
}

BOOST_AUTO_TEST_CASE(a_table_that_follows_many_changes_does_not_drift) {
    Follower server;
    auto before = after(mutations().front());
    settle_names({}, before);
    server.in_order = false;
    server.create(before);
    for (const auto &mutation : mutations()) {
        auto tables = after(mutation);
        settle_names(before, tables);
        server.follow(before, tables);
        const auto followed = server.definitions("t", "s1"), fresh = server.fresh(tables);
        BOOST_TEST(followed == fresh, mutation.name << ":\n" << followed << "\n--- fresh:\n" << fresh);
        before = std::move(tables);
    }
}

BOOST_AUTO_TEST_CASE(rows_that_are_there_show_what_the_source_shows) {
    Follower server;
    auto before = Tables{
        table(1, "a", {column(1, "id", "int4", true), column(2, "mood", "int4")}, {key("a_pkey", {1}, true, true)})};
    auto &mood = before[0].columns[1].type;
    mood = {};
    mood.oid = 20000;
    mood.name = "mood";
    mood.kind = 'e';
    mood.enum_labels = {"sad", "ok", "glad"};
    before[0].target.schema = "t";
    server.create(before);
    server.session().execute("INSERT INTO t.a VALUES (1, 'sad'), (2, 'ok'), (3, NULL)");
    auto after = before;
    auto &columns = after[0].columns;
    columns[1].type.enum_labels = {"glad", "fine", "sad"}; // two exchanged, one new
    columns.push_back(column(3, "plain", "int4", true, "5"));
    columns.push_back(column(4, "at", "timestamptz", true, "now()"));
    columns.push_back(column(5, "text", "text", false, "'other'::text"));
    columns.push_back(column(6, "bytes", "bytea"));
    columns.push_back(column(7, "later", "int4", false, "8"));
    columns.push_back(column(8, "twice", "int4", false, "(plain * 2)"));
    columns.back().generated = 's';
    columns.push_back(column(9, "truth", "bool", true, "true"));
    columns.push_back(column(10, "bits", "bit"));
    columns.back().type.typmod = 4;
    columns.push_back(column(11, "list", "_int4", false, "'{}'::integer[]"));
    server.follow(before, after, {},
                  {{1, "plain", "6"},
                   {1, "at", "2026-01-02 03:04:05.6+00"},
                   {1, "text", "it's \\ ü"},
                   {1, "bytes", "\\x00ff"},
                   {1, "truth", "t"},
                   {1, "bits", "0101"},
                   {1, "list", "{1,NULL}"}});
    const auto rows = server.session().query(
        "SELECT concat_ws('|', id, mood, plain, at, text, hex(bytes), later, twice, truth, bits, list) FROM t.a "
        "ORDER BY id");
    const std::string rest = "6|2026-01-02 03:04:05.600000|it's \\ ü|00FF|12|1|0101|";
    BOOST_TEST(rows.text(0, 0).starts_with("1|glad|" + rest), rows.text(0, 0));
    BOOST_TEST(rows.text(1, 0).starts_with("2|fine|" + rest), rows.text(1, 0));
    BOOST_TEST(rows.text(2, 0).starts_with("3|" + rest), rows.text(2, 0));
    BOOST_TEST(server.session().value("SELECT later FROM t.a WHERE id = 1").has_value() == false);
    BOOST_TEST(server.definitions("t", "s1") == server.fresh(after));
    // Rows that come again.
    auto again = after;
    again[0].columns[2].type = built_in("text");
    again[0].columns[2].expression.clear();
    again[0].columns[7].expression = "1";
    again[0].columns[7].generated = '\0';
    server.follow(after, again, {1});
    BOOST_TEST(*server.session().value("SELECT count(*) FROM t.a") == "0");
    BOOST_TEST(server.definitions("t", "s1") == server.fresh(again));
}

BOOST_AUTO_TEST_SUITE_END()
