// item_store.hpp: rows of walbridge.schema_item: what the schema stage has to create and what of it is done.
#pragma once

#include "base/sql/session.hpp"
#include "change/name_map.hpp"
#include "schema/item.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace walbridge::schema {

/// Through the caller's transaction.
void store_items(sql::Session &target, const std::string &task, const std::vector<Item> &items);

/// The number of the task's last item, 0 without any. Nobody else numbers items of the task until the caller's
/// transaction ends (sql::hold_task()).
[[nodiscard]] int hold_last_number(sql::Session &target, const std::string &task);

/// Stores `items`, numbered anew behind all others. Through the caller's transaction.
void append_items(sql::Session &target, const std::string &task, std::vector<Item> items);

/// By number. `only_open`: those not done.
[[nodiscard]] std::vector<Item> load_items(sql::Session &target, const std::string &task, bool only_open);

/// Bytes of the task's tables, by schema.table on the target, as the copy knows them; empty without a full stage.
[[nodiscard]] std::map<std::string, std::uint64_t> load_table_sizes(sql::Session &target, const std::string &task,
                                                                    const NameMap &names);

/// Locks the rows of `items` until the transaction ends and returns those that are open: an earlier COMMIT of ours may
/// have landed though its answer was lost. While an older session's COMMIT is under way this waits for it.
[[nodiscard]] std::vector<Item> lock_open_items(sql::Session &target, const std::string &task,
                                                const std::vector<Item> &items);

/// Through the caller's transaction, together with the statements' effects.
void mark_done(sql::Session &target, const std::string &task, const std::vector<Item> &items);
/// Through the caller's transaction: they are to be done again.
void mark_open(sql::Session &target, const std::string &task, const std::vector<Item> &items);

/// Replaces a table's open items after the data by `items` (numbered anew behind all others). `old_name` is the one
/// the items were stored under: the target's, as schema.table. Through the caller's transaction.
void replace_table_items(sql::Session &target, const std::string &task, const std::string &old_name,
                         std::vector<Item> items);

} // namespace walbridge::schema
