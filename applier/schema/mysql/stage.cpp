// stage.cpp: see stage.hpp.
#include "schema/mysql/stage.hpp"

#include "base/log.hpp"
#include "schema/item_store.hpp"
#include "schema/mysql/target_session.hpp"
#include "schema/worker_pool.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>
#include <utility>

namespace walbridge::schema::mysql {
namespace {

constexpr std::size_t shown_of_statement = 300, shown_tables = 10;

std::vector<Item> of(std::vector<Item> items, Section section) {
    std::erase_if(items, [&](const Item &item) { return item.section != section; });
    return items;
}

/// Marks the item as begun in a transaction of its own. False: it was begun before.
bool begin(my::Session &session, const sql::Fence &fence, const std::string &task, const Item &item) {
    long long begun = 0;
    fence.around(session, [&] {
        begun = session
                    .ask("UPDATE walbridge.schema_item SET begun = 1 WHERE task = $1 AND item = $2 AND begun = 0",
                         {task, std::to_string(item.number)})
                    .affected();
    });
    return begun == 1;
}

/// The server's words for an object of that name that is there already.
bool exists_already(const SqlError &error) {
    return std::ranges::any_of(std::array{"(error 1050)", "(error 1061)", "(error 1826)", "(error 3822)"},
                               [&](std::string_view sign) { return error.fields().message.ends_with(sign); }) ||
           error.fields().message.find("errno: 121") != std::string::npos;
}

[[noreturn]] void fail(const Item &item, const SqlError &error) {
    if (source::transient(error)) throw;
    const auto statement = item.statement.size() <= shown_of_statement
                               ? item.statement
                               : item.statement.substr(0, shown_of_statement) + " ...";
    const bool permission = error.sqlstate() == "42501";
    throw Error(permission ? ErrorKind::permission : ErrorKind::schema_stage, item.name,
                fmt::format("cannot create {} {}: {}; statement: {}", item.type, item.name, error.reason(), statement),
                fmt::format("{} The stage continues with this object when the task runs again.",
                            permission             ? "Grant the task's user on the target what the message names."
                            : exists_already(error) ? "Drop it on the target, or leave it out of the selection."
                                                    : "Mend the cause on the target, or leave the object out with "
                                                      "objects.exclude and reset the task."));
}

/// A table of the selection that is on the target before we created anything.
void refuse_existing_tables(my::Session &session, const std::vector<Item> &items) {
    const auto rows = session.query("SELECT table_schema, table_name FROM information_schema.tables");
    std::set<std::string> present;
    for (int row = 0; row < rows.rows(); ++row) present.insert(rows.text(row, 0) + "." + rows.text(row, 1));
    std::vector<std::string> found;
    for (const auto &item : items)
        if (item.type == "TABLE" && item.table && present.contains(*item.table)) found.push_back(*item.table);
    if (found.empty()) return;
    const auto total = found.size();
    if (total > shown_tables) found.resize(shown_tables);
    throw Error(
        ErrorKind::target_shape, found.front(),
        fmt::format("{} of the tables to create exist already on the target: {}{}", total, fmt::join(found, ", "),
                    total > shown_tables ? ", ..." : ""),
        "Drop them on the target, or leave the schema stage out (task.stages) if they have the right definition.");
}

bool none_begun(my::Session &session, const std::string &task) {
    return session.ask("SELECT 1 FROM walbridge.schema_item WHERE task = $1 AND begun = 1 LIMIT 1", {task}).rows() == 0;
}

} // namespace

void Stage::run_item(my::Session &session, const Item &item) {
    const bool first = begin(session, fence_, config_.name, item);
    try {
        session.execute(item.statement);
    } catch (const SqlError &error) {
        if (first || !exists_already(error)) fail(item, error);
        log::info("an earlier run of the stage had created it", {{"object", item.name}, {"type", item.type}});
    }
    fence_.around(session, [&] { mark_done(session, config_.name, {item}); });
    events_.item_done();
    log::debug("created", {{"object", item.name}, {"type", item.type}});
}

bool Stage::run_side_by_side(const std::vector<Item> &items, const std::string &what) {
    std::map<std::string, std::vector<Item>> tables;
    for (const auto &item : items) tables[item.table.value_or("")].push_back(item);
    std::vector<std::vector<Item>> groups;
    for (auto &[table, group] : tables) groups.push_back(std::move(group));
    std::atomic<std::size_t> next{0};
    const int workers = std::clamp(static_cast<int>(groups.size()), 1, std::max(config_.copy.index_workers, 1));
    return run_workers(workers, stop_, [&](WorkerSession &worker) {
        source::RetryWindow retry(config_.retry, stop_, events_.retries);
        for (auto mine = next++; mine < groups.size() && !worker.stopping(); mine = next++)
            for (std::size_t at = 0; at < groups[mine].size() && !worker.stopping();) {
                try {
                    run_item(worker.open([&] { return std::make_unique<my::Session>(open_target(config_, "schema")); }),
                             groups[mine][at]);
                    retry.succeeded();
                    ++at;
                } catch (const Error &error) {
                    worker.close();
                    if (worker.stopping()) return;
                    if (!retry.again(error, what + ": " + groups[mine][at].name)) return;
                }
            }
    });
}

bool Stage::run_section(Section section, const std::string &what) {
    source::RetryWindow retry(config_.retry, stop_, events_.retries);
    while (!stop_.requested()) {
        try {
            auto session = open_target(config_, "schema");
            const auto open = of(load_items(session, config_.name, true), section);
            if (open.empty()) return true;
            if (section == Section::before_data && none_begun(session, config_.name))
                refuse_existing_tables(session, open);
            events_.enter(section, static_cast<int>(open.size()));
            if (section == Section::index) {
                if (!run_side_by_side(open, what)) return false;
            } else {
                for (const auto &item : open) {
                    if (stop_.requested()) return false;
                    run_item(session, item);
                }
            }
            retry.succeeded();
        } catch (const Error &error) {
            if (!retry.again(error, what)) return false;
        }
    }
    return false;
}

bool Stage::run_before_data() { return run_section(Section::before_data, "schema before the data"); }

bool Stage::run_after_data() {
    return run_section(Section::index, "indexes") && run_section(Section::foreign_key, "foreign keys") &&
           run_section(Section::after_data, "objects after the data");
}

} // namespace walbridge::schema::mysql
