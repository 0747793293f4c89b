// stage.cpp: runs items: in order in few transactions before the data, side by side for indexes, in order for the rest.
#include "schema/stage.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "schema/item_store.hpp"
#include "schema/target_session.hpp"
#include "schema/worker_pool.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <iterator>

namespace walbridge::schema {
namespace {

/// Items of one transaction before the data: few enough for the lock table of a server with default settings.
constexpr std::size_t items_per_transaction = 1000;

std::string excerpt(const std::string &statement) {
    constexpr std::size_t limit = 300;
    return statement.size() <= limit ? statement : statement.substr(0, limit) + " ...";
}

std::string remedy_for(const Item &item, const SqlError &error) {
    const auto &state = error.sqlstate();
    const std::string again = " The stage continues with this object when the task runs again.";
    if (item.type == "EXTENSION")
        return "Install the extension's package on the target's server, and let a superuser create it there if the "
               "task's role may not." +
               again;
    if (state == "42501") return "Grant the task's role on the target what the message names." + again;
    if (state == "42P07" || state == "42710" || state == "42P06" || state == "42723")
        return fmt::format("Drop {} on the target, or leave it out of the selection.", item.name) + again;
    if (state == "42704")
        return "Create on the target what the message names (a role, collation, access method or tablespace)." + again;
    if (state.starts_with("23"))
        return "The copied rows break the constraint: check whether it is valid on the source." + again;
    return "Mend the cause on the target, or leave the object out with objects.exclude and reset the task." + again;
}

/// A statement of ours failed: transient errors go to the retry, the rest becomes an error that names the object.
[[noreturn]] void fail(const Item &item, const SqlError &error) {
    if (source::transient(error)) throw;
    const auto reason = fmt::format("cannot create {} {}: {}; statement: {}", item.type, item.name, error.reason(),
                                    excerpt(item.statement));
    throw Error(error.sqlstate() == "42501" ? ErrorKind::permission : ErrorKind::schema_stage, item.name, reason,
                remedy_for(item, error));
}

bool exists(pg::Session &session, const Item &item) {
    return session.value("SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = $1", {item.name}).has_value();
}

void execute(pg::Session &session, const Item &item) {
    try {
        if (item.type == "SCHEMA" && exists(session, item))
            log::info("the schema exists already on the target", {{"schema", item.name}});
        else
            session.execute(item.statement);
    } catch (const SqlError &error) {
        fail(item, error);
    }
}

/// A table of the selection that is on the target before we created anything.
void refuse_existing_tables(pg::Session &session, const std::vector<Item> &items) {
    const auto rows = session.query(
        "SELECT n.nspname || '.' || c.relname FROM pg_catalog.pg_class c "
        "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')");
    std::vector<std::string> present;
    for (int row = 0; row < rows.rows(); ++row) present.push_back(rows.text(row, 0));
    std::sort(present.begin(), present.end());
    std::vector<std::string> found;
    for (const auto &item : items)
        if (item.type == "TABLE" && item.table && std::binary_search(present.begin(), present.end(), *item.table))
            found.push_back(*item.table);
    if (found.empty()) return;
    const auto total = found.size();
    if (total > 10) found.resize(10);
    throw Error(
        ErrorKind::target_shape, found.front(),
        fmt::format("{} of the tables to create exist already on the target: {}{}", total, fmt::join(found, ", "),
                    total > 10 ? ", ..." : ""),
        "Drop them on the target, or leave the schema stage out (task.stages) if they have the right definition.");
}

/// A session with memory enough to sort an index.
pg::Session open_builder(const TaskConfig &config) {
    auto session = open_target(config, "schema");
    session.execute("SELECT pg_catalog.set_config('maintenance_work_mem', '262144', false) FROM pg_catalog.pg_settings "
                    "WHERE name = 'maintenance_work_mem' AND setting::bigint < 262144");
    return session;
}

std::vector<Item> of(const std::vector<Item> &items, const std::function<bool(const Item &)> &wanted) {
    std::vector<Item> some;
    std::copy_if(items.begin(), items.end(), std::back_inserter(some), wanted);
    return some;
}

} // namespace

bool Stage::run_before_data() {
    source::RetryWindow retry(config_.retry, stop_);
    for (;;) {
        try {
            return before_data_once();
        } catch (const Error &error) {
            if (!retry.again(error, "schema before the data")) return false;
        }
    }
}

bool Stage::before_data_once() {
    auto session = open_target(config_, "schema");
    // The copy relies on these objects from its first row on: a crash of the target must not take them back behind its
    // back.
    session.execute("SET synchronous_commit = local");
    const auto all = load_items(session, config_.name, false);
    const auto items = of(all, [](const Item &item) { return item.section == Section::before_data; });
    const auto open = of(items, [](const Item &item) { return !item.done; });
    if (open.empty()) return true;
    events_.enter(Section::before_data, static_cast<int>(open.size()));
    if (open.size() == items.size()) refuse_existing_tables(session, items);
    log::info("schema stage begins", {{"objects", open.size()}});
    for (std::size_t at = 0; at < open.size(); at += items_per_transaction) {
        if (stop_.requested()) return false;
        const auto first = open.begin() + static_cast<std::ptrdiff_t>(at);
        const auto count = std::min(items_per_transaction, open.size() - at);
        run_items(session, {first, first + static_cast<std::ptrdiff_t>(count)});
    }
    return true;
}

void Stage::run_items(pg::Session &session, const std::vector<Item> &items) {
    in_transaction(session, fence_, [&] {
        const auto open = lock_open_items(session, config_.name, items);
        for (const auto &item : open) execute(session, item);
        mark_done(session, config_.name, open);
    });
    for (std::size_t i = 0; i < items.size(); ++i) events_.item_done();
}

bool Stage::run_after_data() {
    const auto in = [](Section section, bool attach) {
        return [=](const Item &item) { return item.section == section && (item.type == "INDEX ATTACH") == attach; };
    };
    const auto is_refresh = [](const Item &item) { return item.type == "MATERIALIZED VIEW DATA"; };
    return run_section(Section::index, "indexes", in(Section::index, false), true) &&
           run_section(Section::index, "partition indexes", in(Section::index, true), false) &&
           run_section(Section::foreign_key, "foreign keys", in(Section::foreign_key, false), false) &&
           run_section(
               Section::after_data, "objects after the data",
               [&](const Item &item) { return item.section == Section::after_data && !is_refresh(item); }, false) &&
           run_section(
               Section::after_data, "materialized views",
               [&](const Item &item) { return item.section == Section::after_data && is_refresh(item); }, false);
}

/// Until none is open: a crash of the target may take back commits that were not flushed.
bool Stage::run_section(Section section, const std::string &what, const std::function<bool(const Item &)> &wanted,
                        bool side_by_side) {
    source::RetryWindow retry(config_.retry, stop_);
    while (!stop_.requested()) {
        std::vector<Item> open;
        try {
            auto session = open_target(config_, "schema");
            open = of(load_items(session, config_.name, true), wanted);
        } catch (const Error &error) {
            if (!retry.again(error, what)) return false;
            continue;
        }
        if (open.empty()) return true;
        events_.enter(section, static_cast<int>(open.size()));
        const int workers = side_by_side ? std::clamp(config_.copy.index_workers, 1, static_cast<int>(open.size())) : 1;
        if (!run_with_workers(workers, what, open)) return false;
        retry.succeeded();
    }
    return false;
}

bool Stage::run_with_workers(int workers, const std::string &what, const std::vector<Item> &items) {
    std::atomic<std::size_t> next{0};
    return run_workers(workers, stop_, [&](WorkerSession &worker) {
        source::RetryWindow retry(config_.retry, stop_);
        for (std::size_t mine = next++; mine < items.size() && !worker.stopping();) {
            try {
                auto &session = worker.open([&] { return open_builder(config_); });
                run_items(session, {items[mine]});
                log::debug("created", {{"object", items[mine].name}, {"type", items[mine].type}});
                retry.succeeded();
                mine = next++;
            } catch (const Error &error) {
                worker.close();
                if (worker.stopping() || !retry.again(error, what + ": " + items[mine].name)) return;
            }
        }
    });
}

} // namespace walbridge::schema
