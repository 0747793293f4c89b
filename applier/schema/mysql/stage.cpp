// stage.cpp: see stage.hpp.
#include "schema/mysql/stage.hpp"

#include "base/log.hpp"
#include "schema/item_store.hpp"
#include "schema/mysql/presence.hpp"
#include "schema/mysql/target_session.hpp"
#include "schema/worker_pool.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace walbridge::schema::mysql {
namespace {

constexpr std::size_t shown_of_statement = 300;

std::vector<Item> of(std::vector<Item> items, Section section) {
    std::erase_if(items, [&](const Item &item) { return item.section != section; });
    return items;
}

bool begun(my::Session &session, const std::string &task, const Item &item) {
    return session
               .ask("SELECT 1 FROM walbridge.schema_item WHERE task = $1 AND item = $2 AND begun = 1",
                    {task, std::to_string(item.number)})
               .rows() == 1;
}

/// Notes that the item's statement is about to run.
void begin(my::Session &session, const sql::Fence &fence, const std::string &task, const Item &item) {
    fence.around(session, [&] {
        session.ask("UPDATE walbridge.schema_item SET begun = 1 WHERE task = $1 AND item = $2",
                    {task, std::to_string(item.number)});
    });
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
                            permission
                                ? "Grant the task's user on the target what the message names."
                                : "Mend the cause on the target, or leave the object out with objects.exclude and "
                                  "reset the task."));
}

/// A table of the selection that is on the target before we created anything.
[[noreturn]] void refuse_present(const Item &item) {
    throw Error(ErrorKind::target_shape, item.name,
                fmt::format("{} {} exists already on the target", item.type, item.name),
                "Drop it on the target, or leave the schema stage out (task.stages) if everything has the right "
                "definition.");
}

} // namespace

void Stage::run_item(my::Session &session, const Item &item) {
    const bool present = session.value(presence_query(item)) != "0";
    if (present && item.type != "DATABASE" && !begun(session, config_.name, item)) refuse_present(item);
    if (present) {
        log::info("it is there already", {{"object", item.name}, {"type", item.type}});
    } else {
        begin(session, fence_, config_.name, item);
        try {
            session.execute(item.statement);
        } catch (const SqlError &error) {
            fail(item, error);
        }
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
