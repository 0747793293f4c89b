// item_store.cpp: SQL of walbridge.schema_item.
#include "schema/item_store.hpp"

#include "base/error.hpp"
#include "base/sql/fence.hpp"
#include "base/sql/insert_rows.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <set>

namespace walbridge::schema {
namespace {

/// The items' numbers, for IN.
std::string numbers_of(const std::vector<Item> &items) {
    std::string list;
    for (const auto &item : items) list += (list.empty() ? "" : ", ") + std::to_string(item.number);
    return list;
}

void mark(sql::Session &target, const std::string &task, const std::vector<Item> &items, bool done) {
    if (items.empty()) return;
    target.ask(fmt::format("UPDATE walbridge.schema_item SET done = {} WHERE task = $1 AND item IN ({})", done,
                           numbers_of(items)),
               {task});
}

} // namespace

void store_items(sql::Session &target, const std::string &task, const std::vector<Item> &items) {
    if (items.empty()) return;
    std::vector<std::vector<sql::Parameter>> rows;
    rows.reserve(items.size());
    for (const auto &item : items)
        rows.push_back({task, std::to_string(item.number), std::string(name_of(item.section)), item.type, item.name,
                        item.table, item.statement, item.done ? "1" : "0"});
    sql::insert_rows(target, "walbridge.schema_item",
                     {"task", "item", "section", "object_type", "object_name", "table_name", "statement", "done"},
                     rows);
}

int hold_last_number(sql::Session &target, const std::string &task) {
    sql::hold_task(target, task);
    return std::stoi(
        target.ask_value("SELECT max(item) FROM walbridge.schema_item WHERE task = $1", {task}).value_or("0"));
}

void append_items(sql::Session &target, const std::string &task, std::vector<Item> items) {
    if (items.empty()) return;
    int number = hold_last_number(target, task);
    for (auto &item : items) item.number = ++number;
    store_items(target, task, items);
}

std::vector<Item> load_items(sql::Session &target, const std::string &task, bool only_open) {
    const auto rows =
        target.ask(fmt::format("SELECT item, section, object_type, object_name, table_name, statement, done FROM "
                               "walbridge.schema_item WHERE task = $1 AND NOT (done AND {}) ORDER BY item",
                               only_open),
                   {task});
    std::vector<Item> items;
    items.reserve(static_cast<std::size_t>(rows.rows()));
    for (int row = 0; row < rows.rows(); ++row) {
        Item item;
        item.number = static_cast<int>(rows.number(row, 0));
        const auto known = section(rows.text(row, 1));
        if (!known) throw Error(ErrorKind::task_state, "walbridge.schema_item", "unknown section " + rows.text(row, 1));
        item.section = *known;
        item.type = rows.text(row, 2);
        item.name = rows.text(row, 3);
        if (!rows.null(row, 4)) item.table = rows.text(row, 4);
        item.statement = rows.text(row, 5);
        item.done = rows.flag(row, 6);
        items.push_back(std::move(item));
    }
    return items;
}

std::map<std::string, std::uint64_t> load_table_sizes(sql::Session &target, const std::string &task,
                                                      const NameMap &names) {
    const auto rows = target.ask("SELECT schema_name, table_name, sum(greatest(bytes, estimated_bytes)) FROM "
                                 "walbridge.table_sync WHERE task = $1 GROUP BY 1, 2",
                                 {task});
    std::map<std::string, std::uint64_t> sizes;
    for (int row = 0; row < rows.rows(); ++row)
        sizes.emplace(to_string(names.table({rows.text(row, 0), rows.text(row, 1)})),
                      static_cast<std::uint64_t>(rows.number(row, 2)));
    return sizes;
}

std::vector<Item> lock_open_items(sql::Session &target, const std::string &task, const std::vector<Item> &items) {
    const auto rows = target.ask(fmt::format("SELECT item FROM walbridge.schema_item WHERE task = $1 AND item IN ({}) "
                                             "AND NOT done ORDER BY item FOR UPDATE",
                                             numbers_of(items)),
                                 {task});
    std::set<int> numbers;
    for (int row = 0; row < rows.rows(); ++row) numbers.insert(static_cast<int>(rows.number(row, 0)));
    std::vector<Item> open;
    std::copy_if(items.begin(), items.end(), std::back_inserter(open),
                 [&](const Item &item) { return numbers.contains(item.number); });
    return open;
}

void mark_done(sql::Session &target, const std::string &task, const std::vector<Item> &items) {
    mark(target, task, items, true);
}

void mark_open(sql::Session &target, const std::string &task, const std::vector<Item> &items) {
    mark(target, task, items, false);
}

void replace_table_items(sql::Session &target, const std::string &task, const std::string &old_name,
                         std::vector<Item> items) {
    target.ask("DELETE FROM walbridge.schema_item WHERE task = $1 AND table_name = $2 AND NOT done AND section <> "
               "'before-data'",
               {task, old_name});
    append_items(target, task, std::move(items));
}

} // namespace walbridge::schema
