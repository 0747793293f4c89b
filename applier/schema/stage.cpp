// stage.cpp: runs batches of items: tables, sequences and indexes side by side, the rest in order.
#include "schema/stage.hpp"

#include "base/log.hpp"
#include "config/existing_tables.hpp"
#include "dialect/postgres.hpp"
#include "schema/item_store.hpp"
#include "schema/target_session.hpp"
#include "schema/worker_pool.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <atomic>
#include <deque>
#include <fmt/format.h>
#include <iterator>
#include <map>
#include <mutex>

namespace walbridge::schema {
namespace {

/// Creating a file and flushing an index makes a session wait, not work: more sessions than processors are busy.
constexpr int sessions_for_small_objects = 4;
/// For a sort by each of index_workers; fewer large indexes at once share all of it.
constexpr int sort_megabytes = 256;

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

/// What stands by itself (types, functions, sequences, views) and is there already stays as it is. What belongs to a
/// table does not: a constraint of that name may be another one.
void execute_unless_there(pg::Session &session, const Item &item) {
    session.execute("SAVEPOINT walbridge_object");
    try {
        session.execute(item.statement);
    } catch (const SqlError &error) {
        const auto &state = error.sqlstate();
        const bool there = state == "42P07" || state == "42710" || state == "42723" || state == "42P06";
        if (!there || (item.table && item.type != "SEQUENCE")) fail(item, error);
        session.execute("ROLLBACK TO SAVEPOINT walbridge_object");
        log::info("it is on the target already and stays as it is", {{"object", item.name}, {"type", item.type}});
    }
    session.execute("RELEASE SAVEPOINT walbridge_object");
}

/// Many statements in one message. What fails is not named: its items have to be executed one by one to learn that.
void execute_together(pg::Session &session, const std::vector<Item> &items) {
    std::string text;
    const auto flush = [&] {
        if (!text.empty()) session.execute(text);
        text.clear();
    };
    for (const auto &item : items) {
        if (item.type == "SCHEMA") {
            flush();
            execute(session, item);
        } else {
            text += item.statement;
            text += "\n;\n"; // on lines of their own: the statement may end with a comment
        }
    }
    flush();
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
pg::Session open_builder(const TaskConfig &config, int megabytes) {
    auto session = open_target(config, "schema");
    session.execute(
        fmt::format("SELECT pg_catalog.set_config('maintenance_work_mem', '{0}', false) FROM pg_catalog.pg_settings "
                    "WHERE name = 'maintenance_work_mem' AND setting::bigint < {0}",
                    megabytes * 1024));
    return session;
}

std::vector<Item> of(const std::vector<Item> &items, const std::function<bool(const Item &)> &wanted) {
    std::vector<Item> some;
    std::copy_if(items.begin(), items.end(), std::back_inserter(some), wanted);
    return some;
}

TableBytes look_up(std::map<std::string, std::uint64_t> sizes) {
    return [sizes = std::move(sizes)](const Item &item) -> std::uint64_t {
        const auto found = item.table ? sizes.find(*item.table) : sizes.end();
        return found == sizes.end() ? 0 : found->second;
    };
}

/// Hands batches out: the large ones, which come first, to some of the workers alone.
class Claims {
  public:
    Claims(const std::vector<Batch> &batches, int workers_for_large)
        : batches_(batches), workers_for_large_(workers_for_large),
          large_(static_cast<std::size_t>(std::count_if(batches.begin(), batches.end(), is_large))), small_(large_) {}

    [[nodiscard]] int enter() { return workers_++; }
    [[nodiscard]] const Batch *claim(int worker) {
        if (worker < workers_for_large_)
            if (const auto mine = next_large_++; mine < large_) return &batches_[mine];
        const auto mine = small_++;
        return mine < batches_.size() ? &batches_[mine] : nullptr;
    }

    static bool is_large(const Batch &batch) { return batch.large; }

  private:
    const std::vector<Batch> &batches_;
    const int workers_for_large_;
    const std::size_t large_;
    std::atomic<int> workers_{0};
    std::atomic<std::size_t> next_large_{0}, small_;
};

} // namespace

bool Stage::run_before_data() {
    source::RetryWindow retry(config_.retry, stop_, events_.retries);
    while (!stop_.requested()) {
        std::vector<Item> open;
        try {
            auto session = open_target(config_, "schema");
            // The copy relies on these objects from its first row on: a crash of the target must not take them back
            // behind its back. What is done after this flush stays done.
            flush_commits(session, config_, fence_);
            const auto all = load_items(session, config_.name, false);
            const auto items = of(all, [](const Item &item) { return item.section == Section::before_data; });
            open = of(items, [](const Item &item) { return !item.done; });
            if (open.empty()) return true;
            if (open.size() == items.size()) refuse_existing_tables(session, items);
        } catch (const Error &error) {
            if (!retry.again(error, "schema before the data")) return false;
            continue;
        }
        events_.enter(Section::before_data, static_cast<int>(open.size()));
        log::info("schema stage begins", {{"objects", open.size()}});
        for (const auto &wave : waves_before_data(open))
            if (!run_wave(wave, "schema before the data")) return false;
        retry.succeeded();
    }
    return false;
}

bool Stage::run_wave(const Wave &wave, const std::string &what) {
    if (!wave.side_by_side) return run_batches(wave.batches, what, nullptr);
    std::vector<Item> later;
    if (!run_batches(wave.batches, what, &later)) return false;
    std::sort(later.begin(), later.end(), [](const Item &a, const Item &b) { return a.number < b.number; });
    std::vector<Batch> one_by_one;
    for (auto &item : later) one_by_one.push_back({{std::move(item)}, false});
    return run_batches(one_by_one, what, nullptr);
}

void Stage::run_items(pg::Session &session, const std::vector<Item> &items) {
    fence_.around(session, [&] {
        const auto open = lock_open_items(session, config_.name, items);
        if (open.size() == 1 && proceeds_with_existing(config_))
            execute_unless_there(session, open.front());
        else if (open.size() == 1)
            execute(session, open.front());
        else
            execute_together(session, open);
        mark_done(session, config_.name, open);
    });
    for (const auto &item : items) {
        events_.item_done();
        log::debug("created", {{"object", item.name}, {"type", item.type}});
    }
}

bool Stage::run_after_data() {
    const auto in = [](Section section, bool attach) {
        return [=](const Item &item) { return item.section == section && (item.type == "INDEX ATTACH") == attach; };
    };
    const auto is_refresh = [](const Item &item) { return item.type == "MATERIALIZED VIEW DATA"; };
    return run_section(Section::index, "indexes", in(Section::index, false)) &&
           run_section(Section::index, "partition indexes", in(Section::index, true)) &&
           run_section(Section::foreign_key, "foreign keys", in(Section::foreign_key, false)) &&
           run_section(Section::after_data, "objects after the data",
                       [&](const Item &item) { return item.section == Section::after_data && !is_refresh(item); }) &&
           run_section(Section::after_data, "materialized views",
                       [&](const Item &item) { return item.section == Section::after_data && is_refresh(item); });
}

/// Until none is open: a crash of the target may take back commits that were not flushed.
bool Stage::run_section(Section section, const std::string &what, const std::function<bool(const Item &)> &wanted) {
    const bool indexes = section == Section::index;
    source::RetryWindow retry(config_.retry, stop_, events_.retries);
    while (!stop_.requested()) {
        std::vector<Item> open;
        TableBytes bytes;
        try {
            auto session = open_target(config_, "schema");
            open = of(load_items(session, config_.name, true), wanted);
            if (!open.empty()) bytes = look_up(load_table_sizes(session, config_.name, config_.names));
        } catch (const Error &error) {
            if (!retry.again(error, what)) return false;
            continue;
        }
        if (open.empty()) return true;
        events_.enter(section, static_cast<int>(open.size()));
        const bool side_by_side = indexes && open.front().type != "INDEX ATTACH";
        const auto batches = side_by_side ? index_batches(open, bytes) : batches_in_order(open, bytes);
        if (!(side_by_side ? run_wave({batches, true}, what) : run_batches(batches, what, nullptr))) return false;
        retry.succeeded();
    }
    return false;
}

bool Stage::run_batches(const std::vector<Batch> &batches, const std::string &what, std::vector<Item> *later) {
    if (batches.empty()) return !stop_.requested();
    const bool side_by_side = later != nullptr;
    const auto large = static_cast<int>(std::count_if(batches.begin(), batches.end(), Claims::is_large));
    const int for_large = side_by_side ? std::clamp(large, 0, std::max(config_.copy.index_workers, 1)) : 1;
    const int workers = side_by_side ? std::clamp(static_cast<int>(batches.size()) - large, for_large,
                                                  std::max(for_large, sessions_for_small_objects))
                                     : 1;
    const int megabytes = sort_megabytes * std::max(config_.copy.index_workers, 1) / std::max(for_large, 1);
    Claims claims(batches, for_large);
    std::mutex later_mutex; // guards *later
    return run_workers(std::max(workers, 1), stop_, [&](WorkerSession &worker) {
        source::RetryWindow retry(config_.retry, stop_, events_.retries);
        const auto me = claims.enter();
        std::deque<std::vector<Item>> mine;
        while (!worker.stopping()) {
            if (mine.empty()) {
                const auto *batch = claims.claim(me);
                if (batch == nullptr) return;
                mine.push_back(batch->items);
            }
            try {
                auto &session = worker.open([&] { return open_builder(config_, megabytes); });
                run_items(session, mine.front());
                retry.succeeded();
                mine.pop_front();
            } catch (const Error &error) {
                if (worker.stopping()) return worker.close();
                auto &items = mine.front();
                if (items.size() > 1 && error.kind() != ErrorKind::fenced && !source::transient(error)) {
                    log::debug("a batch failed: its objects are created one by one",
                               {{"what", what}, {"objects", items.size()}, {"reason", error.reason()}});
                    if (side_by_side) {
                        const std::lock_guard lock(later_mutex);
                        std::move(items.begin(), items.end(), std::back_inserter(*later));
                        mine.pop_front();
                    } else {
                        const auto failed = std::move(items);
                        mine.pop_front();
                        for (auto item = failed.rbegin(); item != failed.rend(); ++item) mine.push_front({*item});
                    }
                    continue;
                }
                worker.close();
                if (!retry.again(error, what + ": " + items.front().name)) return;
            }
        }
    });
}

} // namespace walbridge::schema
