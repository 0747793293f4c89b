// sync_keeper.cpp: see sync_keeper.hpp.
#include "task/sync_keeper.hpp"

#include "base/log.hpp"
#include "base/sql/fence.hpp"
#include "base/sql/presence.hpp"
#include "dialect/postgres.hpp"
#include "source/catalog.hpp"
#include "target/state_session.hpp"
#include "task/precheck.hpp"
#include "task/replica_identity.hpp"
#include "task/runner.hpp"
#include "task/state_store.hpp"
#include "task/sync_handover.hpp"
#include "task/sync_task.hpp"
#include "task/table_rules_store.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <set>

namespace walbridge::task {
namespace {

using Action = ObjectChange::Action;
using Stage = ObjectChange::State;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds between_looks{200};
/// For the sync task to come past the parent's position while that stands still. It has shown a moment ago that it is
/// up to date; where it is not any more the parent goes on.
constexpr std::chrono::seconds longest_hold{10};
/// A sign that the sync task has not seen after this time is looked for anew.
constexpr std::chrono::seconds sign_lasts{30};

/// Writes a transaction to the source's WAL that every stream reports at once, and returns a position before it.
Lsn leave_sign(const TaskConfig &config) {
    pg::Session source(config.source.endpoint,
                       {config.application_name("sign"), false, {{"statement_timeout", "10s"}}});
    const auto lsn = parse_lsn(source.value("SELECT pg_catalog.pg_current_wal_insert_lsn()").value()).value();
    source.execute("BEGIN; SET LOCAL synchronous_commit = local; SELECT pg_catalog.pg_logical_emit_message(true, "
                   "'walbridge.wait', ''); COMMIT");
    return lsn;
}

std::optional<Lsn> position_of(sql::Session &target, const std::string &task) {
    const auto text = target.ask_value("SELECT position FROM walbridge.progress WHERE task = $1", {task});
    return text ? parse_lsn(*text) : std::nullopt;
}

/// Tables of the source that one of the patterns names, in the order of their names.
std::vector<source::Table> tables_of(const TaskConfig &config, const std::vector<ObjectChange> &command) {
    pg::Session source(config.source.endpoint, {config.application_name("catalog"), false, {}});
    std::vector<wire::ObjectPattern> patterns;
    for (const auto &change : command) patterns.emplace_back(change.pattern);
    auto tables = source::read_tables(source, source::Unlogged::bring);
    std::erase_if(tables, [&](const source::Table &table) {
        return std::ranges::none_of(patterns, [&](const wire::ObjectPattern &pattern) {
            return pattern.matches(table.name.schema, table.name.name);
        });
    });
    return tables;
}

/// What the parent knows of tables that leave its stream goes: where they come back they are copied anew.
void forget_tables(sql::Session &control, const TaskConfig &config, const std::vector<std::string> &patterns) {
    std::vector<wire::ObjectPattern> gone;
    for (const auto &pattern : patterns) gone.emplace_back(pattern);
    const auto matches = [&](const std::string &schema, const std::string &table) {
        return std::ranges::any_of(gone, [&](const auto &pattern) { return pattern.matches(schema, table); });
    };
    const bool mysql = control.dialect() == sql::Dialect::mysql;
    const auto synced = control.ask(
        "SELECT DISTINCT source_oid, schema_name, table_name FROM walbridge.table_sync WHERE task = $1", {config.name});
    for (int row = 0; row < synced.rows(); ++row) {
        if (!matches(synced.text(row, 1), synced.text(row, 2))) continue;
        control.ask({"DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2::oid",
                     "DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2"},
                    {config.name, synced.text(row, 0)});
        if (mysql)
            control.ask("DELETE FROM walbridge.table_definition WHERE task = $1 AND source_oid = $2",
                        {config.name, synced.text(row, 0)});
    }
    const auto equal =
        control.ask("SELECT schema_name, table_name FROM walbridge.verify_equal WHERE task = $1", {config.name});
    for (int row = 0; row < equal.rows(); ++row)
        if (matches(equal.text(row, 0), equal.text(row, 1)))
            control.ask("DELETE FROM walbridge.verify_equal WHERE task = $1 AND schema_name = $2 AND table_name = $3",
                        {config.name, equal.text(row, 0), equal.text(row, 1)});
}

void throw_first_error(const PrecheckReport &report) {
    for (const auto &finding : report.findings)
        if (finding.verdict == Verdict::error)
            throw Error(ErrorKind::precheck, "precheck", fmt::format("{}: {}", finding.id, finding.reason),
                        finding.fix);
}

/// All errors of its precheck but the one that emptying the tables mends.
void require_precheck_before_emptying(const TaskConfig &sync) {
    auto report = precheck(sync);
    std::erase_if(report.findings, [](const Finding &finding) { return finding.id == "tables.target"; });
    throw_first_error(report);
}

} // namespace

/// A sync task in a thread of this process.
struct SyncKeeper::Running {
    TaskConfig config;
    int command = 0;
    StopToken stop;
    std::unique_ptr<Runner> runner;
    std::atomic<bool> ended{false};
    std::optional<Error> error; ///< valid when ended
    Lsn sign;                   ///< what it has to pass to be up to date
    Clock::time_point signed_at{};
    std::atomic<bool> ready{false}, handed_over{false};
    std::thread thread;
};

SyncKeeper::SyncKeeper(const TaskConfig &config, Live &live, std::optional<TaskObjects> previous)
    : config_(config), live_(live), previous_(std::move(previous)), resumed_(live.resumed),
      thread_([this] { work(); }) {}

SyncKeeper::~SyncKeeper() {
    end_.request();
    {
        const std::lock_guard lock(mutex_);
        if (running_) running_->stop.request();
    }
    thread_.join();
    if (const auto running = take_running()) end_running(*running);
}

std::unique_ptr<SyncKeeper::Running> SyncKeeper::take_running() {
    const std::lock_guard lock(mutex_);
    return std::move(running_);
}

void SyncKeeper::end_running(Running &running) {
    running.stop.request();
    running.thread.join();
    live_.set_sync_slot({});
}

void SyncKeeper::work() {
    std::unique_ptr<sql::Session> target;
    while (!end_.wait_for(between_looks)) {
        const auto epoch = live_.view().epoch;
        if (!epoch || live_.fenced) continue;
        try {
            if (!target)
                target = target::open_state(config_, config_.application_name("objects"),
                                            {.lock_timeout = std::chrono::seconds(10)});
            look(*target, *epoch);
            reported_.reset();
        } catch (const Error &error) {
            target.reset();
            if (reported_ != error.reason()) // once, not five times a second
                log::warning("changes of the task's tables cannot be seen to now; it is tried again",
                             {{"object", error.object()}, {"reason", error.reason()}});
            reported_ = error.reason();
            end_.wait_for(std::chrono::seconds(1));
        }
    }
}

void SyncKeeper::look(sql::Session &target, std::uint64_t epoch) {
    auto changes = load_object_changes(target, config_.name);
    if (!stock_taken_) take_stock(target, changes);
    if (const int resumed = live_.resumed; !stock_taken_ || resumed_ != resumed) {
        retry_failed(target, changes);
        resumed_ = resumed;
        stock_taken_ = true;
        changes = load_object_changes(target, config_.name);
    }
    remove_ended(target);
    give_up(target, epoch, changes);
    if (running_)
        watch(target, changes);
    else
        begin_next(target, epoch, changes);
    if (!running_ && keys_wait_) keys_wait_ = !create_waiting_foreign_keys(config_, target, epoch);
    const bool asked = std::ranges::any_of(
        changes, [](const ObjectChange &c) { return c.action == Action::remove && c.state == Stage::asked; });
    if (asked || !file_settled_ || (running_ && running_->ready)) live_.leave_stream();
}

void SyncKeeper::take_stock(sql::Session &target, const Changes &changes) {
    for (const auto &sync : stored_sync_tasks(config_, target)) {
        const bool needed = std::ranges::any_of(
            changes, [&](const ObjectChange &change) { return change.sync_task == sync.name && change.open(); });
        if (needed) continue;
        log::info("removing what an ended sync task left", {{"sync_task", sync.name}});
        ended_.push_back(sync);
    }
}

void SyncKeeper::retry_failed(sql::Session &target, const Changes &changes) {
    for (const auto &change : changes)
        if (change.state == Stage::failed)
            move_object_changes(target, config_.name, change.command, Stage::syncing, {}, {}, {}, Stage::failed);
}

void SyncKeeper::remove_ended(sql::Session &target) {
    for (; !ended_.empty(); ended_.pop_back()) remove_sync_task(ended_.back(), target);
}

void SyncKeeper::watch(sql::Session &target, const Changes &changes) {
    auto &running = *running_; // only this thread replaces it
    const bool wanted = std::ranges::any_of(changes, [&](const ObjectChange &change) {
        return change.command == running.command && change.state == Stage::syncing;
    });
    if (running.ended || running.handed_over || !wanted) return see_off(target);
    auto &live = running.runner->live();
    if (running.ready || !live.view().following || !live.statistics.caught_up) return;
    const auto now = Clock::now();
    if (!running.sign.valid() || now - running.signed_at > sign_lasts) {
        running.sign = leave_sign(config_);
        running.signed_at = now;
        return;
    }
    const auto position = position_of(target, running.config.name);
    if (!position || *position < running.sign) return;
    log::info("a sync task has caught up: its tables go over to the task", {{"sync_task", running.config.name}});
    running.ready = true;
}

/// The sync task that runs is over, or nobody wants it any more.
void SyncKeeper::see_off(sql::Session &target) {
    const auto ended = take_running(); // settle() has done by now what it was at
    end_running(*ended);
    const bool done = ended->handed_over ||
                      std::ranges::none_of(of_command(load_object_changes(target, config_.name), ended->command),
                                           &ObjectChange::open);
    if (done) {
        ended_.push_back(ended->config);
        keys_wait_ = true;
    } else if (ended->error && !end_.requested())
        store_failure(target, ended->command, *ended->error);
}

void SyncKeeper::store_failure(sql::Session &target, int command, const Error &error) {
    log::warning("a sync task stopped; the task goes on without its tables",
                 {{"kind", name_of(error.kind())},
                  {"object", error.object()},
                  {"reason", error.reason()},
                  {"remedy", error.remedy() + " Then walbridge resume tries again; walbridge objects cancel gives it "
                                              "up."}});
    move_object_changes(target, config_.name, command, Stage::failed, {}, {}, error_json(error), Stage::syncing);
}

void SyncKeeper::begin_next(sql::Session &target, std::uint64_t epoch, const Changes &changes) {
    if (std::ranges::none_of(changes, &ObjectChange::open)) return;
    const auto stored = stored_sync_tasks(config_, target);
    for (const auto &change : changes) {
        if (change.state != Stage::syncing) continue;
        const auto sync = std::ranges::find(stored, change.sync_task, &TaskConfig::name);
        if (sync != stored.end()) return run(*sync, change.command, change.emptied && !sync->schema_stage, epoch);
        return store_failure(target, change.command,
                             Error(ErrorKind::task_state, fmt::format("task {}", change.sync_task),
                                   "its row is missing in walbridge.task on the target",
                                   "Give the change up with walbridge objects cancel and ask for it again."));
    }
    for (const auto &change : changes) {
        if (change.action == Action::remove || change.state != Stage::asked) continue;
        if (change.action == Action::add)
            accept(target, epoch, of_command(changes, change.command));
        else
            live_.leave_stream(); // settle() takes it up
        return;
    }
}

/// The tables are chosen now, once: what comes into being under a pattern later is seen to at the hand-over.
void SyncKeeper::accept(sql::Session &target, std::uint64_t epoch, const Changes &command) {
    const auto in_force = with_stored_objects(config_, target);
    const wire::ObjectSelection selected(in_force.objects.include, in_force.objects.exclude);
    std::vector<QualifiedName> tables;
    bool exist = false;
    for (const auto &table : tables_of(config_, command)) {
        if (selected.matches(table.name.schema, table.name.name)) continue;
        exist = exist || (table.kind == 'r' && sql::has_relation(target, config_.names.table(table.name)));
        tables.push_back(table.name);
    }
    const auto number = command.front().command;
    const auto sync = sync_task_config(config_, free_sync_task_name(target, config_.name, number), tables,
                                       config_.schema_stage && !exist);
    if (tables.empty()) {
        sql::Fence(config_.name, epoch).around(target, [&] {
            move_object_changes(target, config_.name, number, Stage::cancelled, {}, {}, {}, Stage::asked);
        });
        log::warning("tables that were to be added are not there any more", {{"pattern", command.front().pattern}});
        return;
    }
    sql::Fence(config_.name, epoch).around(target, [&] {
        if (move_object_changes(target, config_.name, number, Stage::syncing, sync.name, {}, {}, Stage::asked) > 0)
            store_sync_task(sync, target);
    });
    for (const auto &table : tables)
        log::info("the table is brought by a sync task", {{"table", to_string(table)}, {"sync_task", sync.name}});
}

void SyncKeeper::run(const TaskConfig &sync, int command, bool empties, std::uint64_t epoch) {
    auto running = std::make_unique<Running>();
    running->config = sync;
    running->command = command;
    running->runner = std::make_unique<Runner>(running->config, running->stop);
    auto *mine = running.get();
    running->thread = std::thread([mine, empties, epoch] {
        try {
            if (empties) {
                const auto target = target::open_state(mine->config, mine->config.application_name("objects"));
                const auto row = read_task(*target, mine->config.name);
                if (row && row->phase == Phase::none) {
                    pg::Session source(mine->config.source.endpoint,
                                       {mine->config.application_name("catalog"), false, {}});
                    std::vector<QualifiedName> names;
                    for (const auto &table : selected_tables(mine->config, source, source::Unlogged::bring))
                        if (table.kind == 'r') names.push_back(table.name);
                    require_precheck_before_emptying(mine->config);
                    if (!mine->stop.requested()) empty_tables(mine->config, names, epoch);
                }
            }
            if (!mine->stop.requested()) mine->runner->run();
        } catch (const Error &error) {
            mine->error = error;
        } catch (const std::exception &error) {
            mine->error = Error(ErrorKind::internal, "walbridge", error.what(),
                                "This is a defect of walbridge; please report it with the log.");
        }
        mine->ended = true;
    });
    log::info("a sync task begins", {{"sync_task", sync.name}});
    live_.set_sync_slot(sync.slot_name());
    const std::lock_guard lock(mutex_);
    running_ = std::move(running);
}

void SyncKeeper::give_up(sql::Session &target, std::uint64_t epoch, const Changes &changes) {
    std::set<int> commands;
    for (const auto &change : changes)
        if (change.state == Stage::cancelling) commands.insert(change.command);
    if (commands.empty()) return;
    const auto stored = stored_sync_tasks(config_, target);
    for (const int command : commands) {
        if (running_ && running_->command == command) end_running(*take_running());
        const auto name = of_command(changes, command).front().sync_task;
        if (const auto sync = std::ranges::find(stored, name, &TaskConfig::name); sync != stored.end())
            remove_sync_task(*sync, target);
        sql::Fence(config_.name, epoch).around(target, [&] {
            move_object_changes(target, config_.name, command, Stage::cancelled, {}, {}, {}, Stage::cancelling);
        });
        log::info("a change of the task's tables was given up", {{"sync_task", name}});
    }
}

std::optional<TaskObjects> SyncKeeper::kept_selection() const { return file_settled_ ? std::nullopt : previous_; }

bool SyncKeeper::settle(sql::Session &control, const target::Progress &progress) {
    // Its rest would come with other changes in it than those that were counted.
    if (progress.begun) return false;
    if (!file_settled_) {
        settle_selection(control, progress);
        settle_rules(control, progress);
    }
    file_settled_ = true;
    settle_exclusions(control, progress, load_object_changes(control, config_.name));
    const std::lock_guard lock(mutex_);
    if (!running_ || !running_->ready || running_->handed_over) return false;
    running_->sign = {}; // whatever comes of it: another try begins with another sign
    running_->ready = false;
    leave_sign(config_);
    const auto until = Clock::now() + longest_hold;
    for (;;) {
        const auto position = position_of(control, running_->config.name);
        if (position && *position >= progress.position) break;
        if (running_->ended || end_.requested() || Clock::now() > until) return false;
        end_.wait_for(std::chrono::milliseconds(20));
    }
    try {
        const auto done = hand_over(config_, running_->config, running_->command, control, progress);
        if (!done) return false;
        running_->handed_over = true;
        running_->stop.request();
        log::info("tables went over from a sync task to the task", {{"sync_task", running_->config.name},
                                                                    {"lsn", to_string(done->position)},
                                                                    {"position", to_string(progress.position)}});
        return done->load;
    } catch (const Error &error) {
        const auto *sql = dynamic_cast<const SqlError *>(&error);
        if (error.kind() == ErrorKind::fenced || (sql != nullptr && sql->recovery() != Recovery::stop)) throw;
        control.rollback_quietly();
        store_failure(control, running_->command, error); // the sync task's, not the parent's
        return false;
    }
}

void SyncKeeper::settle_selection(sql::Session &control, const target::Progress &progress) {
    // What such tasks stream was brought by others.
    if (!previous_ || !config_.full_stage || !config_.reverse_of.empty()) return;
    const auto now = with_stored_objects(config_, control);
    if (now.objects.include == previous_->include && now.objects.exclude == previous_->exclude) return;
    const wire::ObjectSelection had(previous_->include, previous_->exclude),
        has(now.objects.include, now.objects.exclude);
    std::set<std::uint32_t> known;
    const auto synced =
        control.ask("SELECT DISTINCT source_oid FROM walbridge.table_sync WHERE task = $1", {config_.name});
    for (int row = 0; row < synced.rows(); ++row) known.insert(static_cast<std::uint32_t>(synced.number(row, 0)));
    pg::Session source(config_.source.endpoint, {config_.application_name("catalog"), false, {}});
    std::vector<ObjectChange> there, missing; // the ones are copied into, the others created: a sync task each
    std::vector<std::string> gone;
    for (const auto &table : source::read_tables(source, source::Unlogged::bring)) {
        const auto &name = table.name;
        const bool was = had.matches(name.schema, name.name), is = has.matches(name.schema, name.name);
        if (was && !is) gone.push_back(stored_pattern(name));
        if (!is || was || known.contains(table.oid)) continue;
        ObjectChange row;
        row.pattern = stored_pattern(name);
        row.reason = "the task file selects it now";
        (sql::has_relation(control, config_.names.table(name)) ? there : missing).push_back(std::move(row));
        log::info("the task file selects a table that it did not: it is brought", {{"table", to_string(name)}});
    }
    if (there.empty() && missing.empty() && gone.empty()) return;
    sql::Fence(config_.name, progress.epoch).around(control, [&] {
        forget_tables(control, config_, gone);
        for (const auto *rows : {&there, &missing})
            if (!rows->empty()) store_object_changes(control, config_.name, *rows);
    });
}

void SyncKeeper::settle_rules(sql::Session &control, const target::Progress &progress) {
    const auto now = with_stored_objects(config_, control);
    const auto changed = tables_by_other_rules(control, now);
    // A typing error must not take the tables out of the stream: they would have to be copied again.
    if (!changed.empty()) throw_first_error(precheck(now, {"tables.rules"}));
    std::vector<ObjectChange> rows;
    for (const auto &table : changed) {
        ObjectChange row;
        row.action = Action::resync;
        row.pattern = stored_pattern(table);
        row.emptied = true;
        row.reason = "its rule in the task file was changed";
        rows.push_back(std::move(row));
        log::info("the table's rule was changed: it is copied once more", {{"table", to_string(table)}});
    }
    sql::Fence(config_.name, progress.epoch).around(control, [&] {
        if (!rows.empty()) store_object_changes(control, config_.name, rows);
        note_rules_in_force(control, config_);
    });
}

void SyncKeeper::settle_exclusions(sql::Session &control, const target::Progress &progress, const Changes &changes) {
    const sql::Fence fence(config_.name, progress.epoch);
    std::set<int> done;
    // A table is left out for no longer than it has to be: the copy that waits for another one is not begun.
    bool free = std::ranges::none_of(changes, [](const ObjectChange &c) { return c.state == Stage::syncing; });
    for (const auto &change : changes) {
        if (change.state != Stage::asked || change.action == Action::add || !done.insert(change.command).second)
            continue;
        const auto command = of_command(changes, change.command);
        std::vector<std::string> patterns;
        for (const auto &one : command) patterns.push_back(one.pattern);
        if (change.action == Action::remove) {
            fence.around(control, [&] {
                move_object_changes(control, config_.name, change.command, Stage::done, {}, progress.position, {},
                                    Stage::asked);
                forget_tables(control, config_, patterns);
            });
            for (const auto &pattern : patterns)
                log::info("tables leave the task; what the target holds of them stays as it is",
                          {{"pattern", pattern}, {"lsn", to_string(progress.position)}});
            continue;
        }
        // A table of another rule must not be streamed for a moment.
        if (!std::exchange(free, false) && change.reason.empty()) continue;
        std::vector<QualifiedName> tables;
        for (const auto &table : tables_of(config_, command)) tables.push_back(table.name);
        const auto sync =
            sync_task_config(config_, free_sync_task_name(control, config_.name, change.command), tables, false);
        fence.around(control, [&] {
            move_object_changes(control, config_.name, change.command, Stage::syncing, sync.name, progress.position, {},
                                Stage::asked);
            forget_tables(control, config_, patterns);
            store_sync_task(sync, control);
        });
        for (const auto &table : tables)
            log::info("the table leaves the stream and is copied once more",
                      {{"table", to_string(table)}, {"lsn", to_string(progress.position)}, {"sync_task", sync.name}});
    }
}

} // namespace walbridge::task
