// changes_test.cpp: the statements of each kind of change. Whether a server ends where a fresh schema would is a test
// against servers: tests/mysql_target/changes_test.cpp.
#include "schema/mysql/changes.hpp"

#include "schema/mysql/constraint_names.hpp"
#include "schema/mysql/definition_json.hpp"

#include "source_builder.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>

using namespace walbridge;
using namespace walbridge::schema::mysql;
using namespace walbridge::testing;
using dialect::mysql::built_in;
using dialect::mysql::Flavour;

namespace {

using Tables = std::vector<SourceTable>;

SourceTable orders() {
    auto made = table(1, "orders",
                      {column(1, "id", "int4", true), column(2, "total", "int4", false, "0"),
                       column(3, "note", "varchar"), column(4, "kind", "text")},
                      {key("orders_pkey", {1}, true, true), key("orders_total", {2}), key("orders_kind", {4})},
                      {check("orders_total_check", "(total >= 0)")});
    made.columns[2].type.typmod = 24;
    return made;
}

SourceTable lines() {
    return table(2, "lines", {column(1, "id", "int4", true), column(2, "order_id", "int4")},
                 {key("lines_pkey", {1}, true, true)}, {foreign_key("lines_order_fkey", {2}, 1, {1})});
}

struct Request {
    Tables before, after;
    std::set<std::uint32_t> emptied = {};
    std::vector<MissingValue> missing = {};
    Flavour flavour = Flavour::mysql;
    bool lower_case = false;

    [[nodiscard]] Changes changes() const {
        DefinitionOptions options;
        options.flavour = flavour;
        options.lower_case_tables = lower_case;
        return change_tables(before, after, emptied, missing, options);
    }
    /// All statements, one in a line.
    [[nodiscard]] std::string sql() const {
        std::string text;
        for (const auto &command : changes().commands) text += command.sql + "\n";
        return text;
    }
};

/// The statements after a change of one table.
template <class Change> std::string changed(const SourceTable &table, Change change, Flavour flavour = Flavour::mysql) {
    auto after = table;
    change(after);
    return Request{.before = {table}, .after = {after}, .flavour = flavour}.sql();
}

bool mentions(const std::string &text, const char *part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_CASE(nothing_that_differs_is_nothing_to_do) {
    const Tables tables = {orders(), lines()};
    for (const auto flavour : {Flavour::mysql, Flavour::mariadb}) {
        const auto changes = Request{.before = tables, .after = tables, .flavour = flavour}.changes();
        BOOST_TEST(changes.commands.empty());
        BOOST_TEST(changes.left_out.empty());
        BOOST_TEST(changes.errors.empty());
    }
    auto partitioned = orders();
    partitioned.kind = 'p';
    auto other = partitioned;
    other.columns.pop_back();
    BOOST_TEST((Request{{partitioned}, {other}}.sql().empty()));
}

BOOST_AUTO_TEST_CASE(columns_are_renamed_changed_and_dropped_in_one_statement) {
    BOOST_TEST(changed(orders(), [](auto &t) { t.columns[2].name = "remark"; }) ==
               "ALTER TABLE `shop`.`orders` CHANGE COLUMN `note` `remark` varchar(20) CHARACTER SET utf8mb4 COLLATE "
               "utf8mb4_0900_bin\n");
    BOOST_TEST(changed(orders(),
                       [](auto &t) {
                           t.columns[2].type.typmod = 44;
                           t.columns[2].not_null = true;
                           t.columns[1].expression = "7";
                           t.columns[0].comment = "it's";
                       }) ==
               "ALTER TABLE `shop`.`orders` MODIFY COLUMN `id` int NOT NULL COMMENT 'it''s', MODIFY COLUMN "
               "`total` int DEFAULT 7, MODIFY COLUMN `note` varchar(40) CHARACTER SET utf8mb4 COLLATE "
               "utf8mb4_0900_bin NOT NULL\n");
    BOOST_TEST(changed(orders(), [](auto &t) { t.columns.erase(t.columns.begin() + 2); }) ==
               "ALTER TABLE `shop`.`orders` DROP COLUMN `note`\n");
    // With what stands on it: the check goes first, because the server wants it gone.
    const auto drop = [](auto &t) {
        t.columns.erase(t.columns.begin() + 1);
        t.indexes.erase(t.indexes.begin() + 1);
        t.constraints.clear();
    };
    BOOST_TEST(changed(orders(), drop) == "ALTER TABLE `shop`.`orders` DROP CHECK `orders_total_check`\n"
                                          "ALTER TABLE `shop`.`orders` DROP KEY `orders_total`, DROP COLUMN `total`\n");
    BOOST_TEST(mentions(changed(orders(), drop, Flavour::mariadb), "DROP CONSTRAINT `orders_total_check`\n"));
    // Names that two columns exchange.
    BOOST_TEST(mentions(changed(orders(), [](auto &t) { std::swap(t.columns[2].name, t.columns[3].name); }),
                        "CHANGE COLUMN `note` `kind` varchar(20)"));
}

BOOST_AUTO_TEST_CASE(rows_show_in_a_new_column_what_they_show_on_the_source) {
    const auto added = [](SourceColumn column, std::vector<MissingValue> missing,
                          std::set<std::uint32_t> emptied = {}) {
        auto after = orders();
        column.number = 7;
        after.columns.push_back(std::move(column));
        return Request{
            .before = {orders()}, .after = {after}, .emptied = std::move(emptied), .missing = std::move(missing)}
            .sql();
    };
    const auto value = [](const char *text) { return std::vector<MissingValue>{{1, "c", text}}; };
    // The value is the default.
    BOOST_TEST(added(column(7, "c", "int4", true, "5"), value("5")) ==
               "ALTER TABLE `shop`.`orders` ADD COLUMN `c` int NOT NULL DEFAULT 5\n");
    // It is another: the source computed it once, or the default was dropped in the same statement.
    BOOST_TEST(added(column(7, "c", "timestamp", true, "now()"), value("2026-01-02 03:04:05")) ==
               "ALTER TABLE `shop`.`orders` ADD COLUMN `c` datetime(6) NOT NULL DEFAULT '2026-01-02 03:04:05'\n"
               "ALTER TABLE `shop`.`orders` MODIFY COLUMN `c` datetime(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)\n");
    BOOST_TEST(added(column(7, "c", "int4"), value("5")) == "ALTER TABLE `shop`.`orders` ADD COLUMN `c` int DEFAULT 5\n"
                                                            "ALTER TABLE `shop`.`orders` MODIFY COLUMN `c` int\n");
    // Text takes an expression alone.
    BOOST_TEST(mentions(added(column(7, "c", "text"), value("it's")),
                        "DEFAULT (CONVERT(x'69742773' USING utf8mb4))\nALTER TABLE"));
    BOOST_TEST(mentions(added(column(7, "c", "bytea"), value("\\x00ff")), "DEFAULT (x'00ff')\nALTER TABLE"));
    // None: rows have NULL, whatever comes later.
    BOOST_TEST(added(column(7, "c", "int4", false, "5"), {}) ==
               "ALTER TABLE `shop`.`orders` ADD COLUMN `c` int\n"
               "ALTER TABLE `shop`.`orders` MODIFY COLUMN `c` int DEFAULT 5\n");
    BOOST_TEST(added(column(7, "c", "int4"), {}) == "ALTER TABLE `shop`.`orders` ADD COLUMN `c` int\n");
    // A table without rows, and one whose rows come again.
    BOOST_TEST(added(column(7, "c", "int4", true), {}) == "ALTER TABLE `shop`.`orders` ADD COLUMN `c` int NOT NULL\n");
    BOOST_TEST(added(column(7, "c", "int4", false, "5"), {}, {1}) ==
               "TRUNCATE TABLE `shop`.`orders`\nALTER TABLE `shop`.`orders` ADD COLUMN `c` int DEFAULT 5\n");
    // A value that differs from row to row is no value to add a column with.
    BOOST_TEST(
        added(column(7, "c", "uuid", true, "gen_random_uuid()"), {}, {1}) ==
        "TRUNCATE TABLE `shop`.`orders`\nALTER TABLE `shop`.`orders` ADD COLUMN `c` char(36) CHARACTER SET utf8mb4 "
        "COLLATE utf8mb4_0900_bin NOT NULL\nALTER TABLE `shop`.`orders` MODIFY COLUMN `c` char(36) CHARACTER SET "
        "utf8mb4 "
        "COLLATE utf8mb4_0900_bin NOT NULL DEFAULT (UUID())\n");
    auto computed = column(7, "c", "int4", false, "(total + 1)");
    computed.generated = 's';
    BOOST_TEST(added(computed, {}) ==
               "ALTER TABLE `shop`.`orders` ADD COLUMN `c` int GENERATED ALWAYS AS ((`total` + 1)) STORED\n");
    // A value that the column cannot hold.
    auto after = orders();
    after.columns.push_back(column(7, "c", "date"));
    const auto changes = Request{.before = {orders()}, .after = {after}, .missing = {{1, "c", "infinity"}}}.changes();
    BOOST_TEST(changes.commands.empty());
    BOOST_REQUIRE(changes.errors.size() == 1U);
    BOOST_TEST(changes.errors[0].object == "public.orders column c");
}

BOOST_AUTO_TEST_CASE(keys_are_added_dropped_moved_and_renamed) {
    BOOST_TEST(changed(orders(), [](auto &t) { t.indexes[1].name = "by_total"; }) ==
               "ALTER TABLE `shop`.`orders` RENAME KEY `orders_total` TO `by_total`\n");
    // The primary key has no name there.
    BOOST_TEST(changed(orders(), [](auto &t) { t.indexes[0].name = "orders_key"; }).empty());
    BOOST_TEST(changed(orders(), [](auto &t) { t.indexes.push_back(key("u", {2}, true)); }) ==
               "ALTER TABLE `shop`.`orders` ADD UNIQUE KEY `u` (`total`)\n");
    BOOST_TEST(changed(orders(),
                       [](auto &t) {
                           t.indexes[1].descending = {true};
                           t.indexes[2].comment = "kinds";
                       }) == "ALTER TABLE `shop`.`orders` DROP KEY `orders_total`, DROP KEY `orders_kind`, ADD KEY "
                             "`orders_total` (`total` DESC), ADD KEY `orders_kind` (`kind`(768)) COMMENT 'kinds'\n");
    // Names exchanged by two indexes.
    BOOST_TEST(changed(orders(), [](auto &t) { std::swap(t.indexes[1].name, t.indexes[2].name); }) ==
               "ALTER TABLE `shop`.`orders` DROP KEY `orders_total`, DROP KEY `orders_kind`, ADD KEY `orders_kind` "
               "(`total`), ADD KEY `orders_total` (`kind`(768))\n");
    // A primary key that moves to a serial column.
    BOOST_TEST(changed(orders(),
                       [](auto &t) {
                           t.columns.push_back(column(5, "serial", "int8", true));
                           t.columns.back().identity = 'd';
                           t.indexes[0].columns = {5};
                       }) == "ALTER TABLE `shop`.`orders` DROP PRIMARY KEY, ADD COLUMN `serial` bigint NOT NULL "
                             "AUTO_INCREMENT, ADD PRIMARY KEY (`serial`)\n");
    // A column that a unique key is made of fits into it.
    BOOST_TEST(changed(orders(), [](auto &t) { t.indexes[2] = key("kinds", {4}, true); }) ==
               "ALTER TABLE `shop`.`orders` DROP KEY `orders_kind`, MODIFY COLUMN `kind` varchar(768) CHARACTER SET "
               "utf8mb4 COLLATE utf8mb4_0900_bin, ADD UNIQUE KEY `kinds` (`kind`)\n");
}

BOOST_AUTO_TEST_CASE(checks_and_generated_columns_follow_their_columns) {
    auto table = orders();
    table.columns.push_back(column(5, "twice", "int4", false, "(total * 2)"));
    table.columns.back().generated = 's';
    const auto rename = [](auto &t) {
        t.columns[1].name = "sum";
        t.columns[4].expression = "(sum * 2)";
        t.constraints[0].expression = "(sum >= 0)";
    };
    BOOST_TEST(changed(table, rename) ==
               "ALTER TABLE `shop`.`orders` DROP CHECK `orders_total_check`, MODIFY COLUMN `twice` int\n"
               "ALTER TABLE `shop`.`orders` CHANGE COLUMN `total` `sum` int DEFAULT 0, MODIFY COLUMN `twice` int "
               "GENERATED ALWAYS AS ((`sum` * 2)) STORED, ADD CONSTRAINT `orders_total_check` CHECK ((`sum` >= 0))\n");
    BOOST_TEST(changed(table, [](auto &t) {
                   t.columns[4].generated = '\0';
                   t.columns[4].expression.clear();
               }) == "ALTER TABLE `shop`.`orders` MODIFY COLUMN `twice` int\n");
}

BOOST_AUTO_TEST_CASE(tables_come_go_and_exchange_their_names) {
    BOOST_TEST((Request{{orders()}, {orders(), lines()}}.sql()) ==
               "CREATE TABLE `shop`.`lines` (\n  `id` int NOT NULL,\n  `order_id` int,\n  PRIMARY KEY (`id`)\n) "
               "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin\n"
               "ALTER TABLE `shop`.`lines` ADD CONSTRAINT `lines_order_fkey` FOREIGN KEY (`order_id`) REFERENCES "
               "`shop`.`orders` (`id`)\n");
    BOOST_TEST((Request{{orders(), lines()}, {orders()}}.sql()) == "DROP TABLE `shop`.`lines`\n");
    // The key to a table that goes has to go, and the key that the server made for it.
    BOOST_TEST((Request{{orders(), lines()}, {lines()}}.sql()) ==
               "ALTER TABLE `shop`.`lines` DROP FOREIGN KEY `lines_order_fkey`, DROP KEY `lines_order_fkey`\n"
               "DROP TABLE `shop`.`orders`\n");
    auto moved = orders();
    moved.target = {"archive", "old_orders"};
    const auto changes = Request{{orders()}, {moved}}.changes();
    BOOST_REQUIRE(changes.commands.size() == 2U);
    BOOST_TEST(mentions(changes.commands[0].sql, "CREATE DATABASE IF NOT EXISTS `archive`"));
    BOOST_TEST(changes.commands[1].sql == "RENAME TABLE `shop`.`orders` TO `archive`.`old_orders`");
    BOOST_TEST(changes.commands[1].tables.size() == 2U);
    auto a = orders(), b = lines();
    b.constraints.clear();
    std::swap(a.target, b.target);
    auto without = lines();
    without.constraints.clear();
    BOOST_TEST((Request{{orders(), without}, {a, b}}.sql()) ==
               "RENAME TABLE `shop`.`orders` TO `shop`.`walbridge_1`, `shop`.`lines` TO `shop`.`orders`, "
               "`shop`.`walbridge_1` TO `shop`.`lines`\n");
    // The one's new name is the other's old one.
    a.target = {"shop", "lines"};
    b.target = {"shop", "parts"};
    BOOST_TEST((Request{{orders(), without}, {a, b}}.sql()) ==
               "RENAME TABLE `shop`.`lines` TO `shop`.`parts`, `shop`.`orders` TO `shop`.`lines`\n");
    // Case means nothing to such a server.
    a = orders();
    a.target.name = "Orders";
    BOOST_TEST((Request{.before = {orders()}, .after = {a}, .lower_case = true}.sql().empty()));
    BOOST_TEST(changed(orders(), [](auto &t) { t.comment = "all"; }) ==
               "ALTER TABLE `shop`.`orders` COMMENT = 'all'\n");
}

BOOST_AUTO_TEST_CASE(foreign_keys_are_off_while_what_is_below_them_changes) {
    const auto off = "ALTER TABLE `shop`.`lines` DROP FOREIGN KEY `lines_order_fkey`";
    const auto with = [&](auto change) {
        Tables after = {orders(), lines()};
        change(after[0], after[1]);
        return Request{{orders(), lines()}, after}.sql();
    };
    // The key that serves it stays; what is below changes.
    for (const auto &sql : {with([](auto &o, auto &) { o.target.name = "bills"; }),
                            with([](auto &, auto &l) { l.columns[1].not_null = true; }),
                            with([](auto &, auto &l) { l.columns[1].name = "bill"; }),
                            with([](auto &, auto &l) { l.constraints[0].on_delete = 'c'; })}) {
        BOOST_TEST(mentions(sql, (std::string(off) + "\n").c_str()), sql);
        BOOST_TEST(mentions(sql, "ADD CONSTRAINT `lines_order_fkey` FOREIGN KEY"), sql);
    }
    // A key of its own takes the place of the one that the server made.
    const auto own = with([](auto &, auto &l) { l.indexes.push_back(key("by_order", {2, 1})); });
    BOOST_TEST(own == std::string(off) +
                          ", DROP KEY `lines_order_fkey`\nALTER TABLE `shop`.`lines` ADD KEY `by_order` (`order_id`, "
                          "`id`)\nALTER TABLE `shop`.`lines` ADD CONSTRAINT `lines_order_fkey` FOREIGN KEY "
                          "(`order_id`) REFERENCES `shop`.`orders` (`id`)\n");
    // What it does not depend on leaves it alone.
    BOOST_TEST(!mentions(with([](auto &o, auto &l) {
                             o.columns[0].comment = "key";
                             o.columns[2].name = "remark";
                             l.columns.push_back(column(3, "more", "text"));
                         }),
                         "FOREIGN KEY"));
    // A table that is emptied may be referred to: the session does not check.
    BOOST_TEST((Request{.before = {orders(), lines()}, .after = {orders(), lines()}, .emptied = {1}}.sql()) ==
               "TRUNCATE TABLE `shop`.`orders`\n");
}

BOOST_AUTO_TEST_CASE(labels_of_an_enum_get_new_names_in_the_rows_too) {
    auto table = orders();
    table.columns[3].type = {};
    table.columns[3].type.oid = 20000;
    table.columns[3].type.name = "mood";
    table.columns[3].type.kind = 'e';
    table.columns[3].type.enum_labels = {"sad", "ok"};
    table.indexes.pop_back();
    BOOST_TEST(mentions(changed(table, [](auto &t) { t.columns[3].type.enum_labels.push_back("glad"); }),
                        "ALTER TABLE `shop`.`orders` MODIFY COLUMN `kind` enum('sad','ok','glad')"));
    const auto sql = changed(table, [](auto &t) { t.columns[3].type.enum_labels[1] = "fine"; });
    BOOST_TEST(mentions(sql, "MODIFY COLUMN `kind` enum('sad','ok','fine')"));
    BOOST_TEST(mentions(sql, "\nUPDATE `shop`.`orders` SET `kind` = CASE `kind` WHEN 'ok' THEN 'fine' END WHERE `kind` "
                             "IN ('ok')\nALTER TABLE"));
    BOOST_TEST(mentions(sql, "MODIFY COLUMN `kind` enum('sad','fine')"));
}

BOOST_AUTO_TEST_CASE(a_constraint_keeps_its_name_when_another_of_the_name_goes) {
    const auto one = [](std::uint32_t oid, const char *name) {
        return table(oid, name, {column(1, "a", "int4")}, {}, {check("positive", "(a > 0)")});
    };
    Tables before = {one(1, "t"), one(2, "u")};
    settle_names({}, before);
    BOOST_TEST(before[0].constraints[0].target_name.empty());
    BOOST_TEST(before[1].constraints[0].target_name == "u_positive");
    // The other table goes.
    Tables after = {one(2, "u")};
    BOOST_TEST((Request{before, after}.sql()) == "DROP TABLE `shop`.`t`\n");
    settle_names(before, after);
    BOOST_TEST(after[0].constraints[0].target_name == "u_positive");
    // Kept as JSON and read again, it knows its name.
    NameMap names;
    names.add_schema("public", "shop");
    const auto kept = tables_from_json("[" + to_json(after[0]) + "]", names);
    auto dropped = kept;
    dropped[0].constraints.clear();
    BOOST_TEST((Request{kept, dropped}.sql()) == "ALTER TABLE `shop`.`u` DROP CHECK `u_positive`\n");
    // A table that comes in front of others takes no name from them; the one that was renamed keeps its constraint's.
    auto renamed = one(1, "v");
    const auto sql = Request{before, {one(3, "a"), one(2, "u"), renamed}}.sql();
    BOOST_TEST(mentions(sql, "CONSTRAINT `a_positive` CHECK"));
    BOOST_TEST(mentions(sql, "RENAME TABLE `shop`.`t` TO `shop`.`v`\n"));
    BOOST_TEST(!mentions(sql, "DROP CHECK"));
}

BOOST_AUTO_TEST_CASE(only_what_is_new_is_reported_and_errors_leave_the_target_as_it_is) {
    auto before = orders();
    before.indexes[1].partial = true;
    auto after = before;
    after.indexes[2].expressions = true;
    const auto changes = Request{{before}, {after}}.changes();
    BOOST_REQUIRE(changes.left_out.size() == 1U);
    BOOST_TEST(changes.left_out[0].object == "public.orders index orders_kind");
    // A column that the target cannot have.
    auto bad = orders();
    bad.columns.push_back(column(5, "Note", "text"));
    const auto refused = Request{{orders(), lines()}, {bad}}.changes();
    BOOST_TEST(refused.commands.empty());
    BOOST_TEST(refused.errors.size() == 1U);
    // A table that never came does not keep others from following.
    auto nothing = table(7, "nothing", {});
    auto other = lines();
    other.constraints.clear();
    auto more = other;
    more.comment = "x";
    BOOST_TEST((Request{{other, nothing}, {more, nothing}}.sql()) == "ALTER TABLE `shop`.`lines` COMMENT = 'x'\n");
}
