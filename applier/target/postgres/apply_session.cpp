// apply_session.cpp: transactions, queued operations, commit with the fenced position, durable positions.
// The exact path's statements stand in apply_session_exact.cpp.
#include "target/postgres/apply_session.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "target/postgres/catalog.hpp"
#include "target/postgres/copy_rows.hpp"
#include "target/postgres/origins.hpp"
#include "target/postgres/row_bindings.hpp"
#include "target/postgres/user_code.hpp"

#include <fmt/format.h>
#include <utility>

namespace walbridge::target {
namespace {

/// Plans are pinned to index access: a generic plan from a stale statistic must not turn a key lookup into a scan.
pg::ConnectOptions session_options(const TaskConfig &config, int number, std::chrono::milliseconds lock_timeout) {
    return {config.application_name(number == 0 ? "apply" : fmt::format("apply {}", number)),
            false,
            {{"session_replication_role", "replica"},
             {"synchronous_commit", config.apply.synchronous_commit ? "on" : "off"},
             {"lock_timeout", std::to_string(lock_timeout.count())},
             {"xmloption", "content"},
             {"lc_monetary", "C"},
             {"plan_cache_mode", "force_generic_plan"},
             {"enable_seqscan", "off"},
             {"enable_bitmapscan", "off"},
             {"enable_hashjoin", "off"},
             {"enable_mergejoin", "off"},
             {"enable_material", "off"},
             {"jit", "off"},
             {"check_function_bodies", "off"}}};
}

/// Keys of a set operation come first in the statement's text only for delete and count; for update they follow the SET
/// columns.
statements::ColumnList joined(const statements::ColumnList &set, const std::vector<std::uint32_t> &key) {
    auto all = set;
    all.insert(all.end(), key.begin(), key.end());
    return all;
}

/// Rows of set operations are found by a unique key, whose values are never null.
std::vector<bool> no_nulls(const TablePlan &plan) { return std::vector<bool>(plan.columns.size(), false); }

/// Moves the progress row on from where we left it; the rest of the SELECT list follows. Division by zero when no row
/// was hit: the statement fails, and the COMMIT behind it is not executed.
std::string fence_with(std::string_view more) {
    return fmt::format("WITH moved AS (UPDATE walbridge.progress SET position = $1::pg_lsn, counter = "
                       "COALESCE(NULLIF($2::bigint, 0), counter), "
                       "commit_time = CASE WHEN $3::bigint = 0 THEN commit_time ELSE timestamptz '2000-01-01 "
                       "00:00:00+00' + $3::bigint * interval '1 microsecond' END, "
                       "updated_at = pg_catalog.now() WHERE task = $4::text AND position = $5::pg_lsn AND epoch = "
                       "$6::bigint RETURNING 1) SELECT 1 / pg_catalog.count(*){} FROM moved",
                       more);
}

/// The same with the replication origin's mark in the transaction.
const std::string &fence_and_mark() {
    static const auto sql = fence_with(", pg_catalog.pg_replication_origin_xact_setup($1::pg_lsn, timestamptz "
                                       "'2000-01-01 00:00:00+00' + $3::bigint * interval '1 microsecond')");
    return sql;
}

const std::string &fence() {
    static const auto sql = fence_with("");
    return sql;
}

} // namespace

PostgresApplySession::PostgresApplySession(const TaskConfig &config, CommitLedger &ledger, int number,
                                           std::optional<std::chrono::milliseconds> lock_timeout)
    : config_(config), ledger_(ledger),
      session_(config.target.endpoint,
               session_options(config, number, lock_timeout.value_or(config.apply.lock_timeout))),
      pipeline_(session_), role_(config, session_),
      ddl_(
          config, session_, [this] { pipeline_.begin_now(); }, [this] { tables_changed(); }),
      ddl_seen_(ledger.ddl()) {
    // Asked after connecting: a commit in between could belong to an earlier life of the server.
    connected_at_ = ledger_.commits();
    origin_ = carry_origin(session_, config_.origin_name(number));
    // The first session makes all of them: each knows from the start which ones are the task's.
    for (int other = 1; origin_ && number == 0 && other < config_.apply_sessions(); ++other)
        create_origin(session_, config_.origin_name(other));
    learn_origins();
    if (number != 0) return;
    if (origin_) check_origin_marks();
    // What the server had flushed before we connected cannot be lost any more: the stored position itself becomes
    // durable first.
    session_.execute("BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_catalog.txid_current(); COMMIT");
}

/// Who wrote a row, and when, is known from the commit timestamps of the target.
void PostgresApplySession::learn_origins() {
    constexpr int first_with_origins = 140000;
    commit_times_ = session_.server_version() >= first_with_origins &&
                    session_.value("SELECT pg_catalog.current_setting('track_commit_timestamp')") == "on";
    if (!config_.conflict.detects_origins()) return;
    if (!commit_times_)
        throw Error(ErrorKind::task_state, "target track_commit_timestamp",
                    session_.server_version() < first_with_origins
                        ? "the server cannot say who wrote a row (14 and newer can)"
                        : "it is off, so nothing says when and by whom a row was written",
                    "ALTER SYSTEM SET track_commit_timestamp = on, restart the target, and start the task again; or "
                    "choose a conflict.policy that does not need it.");
    if (!origin_)
        throw Error(ErrorKind::permission, "replication origins of the target",
                    "the role may not use them, so the task's own rows cannot be told from others'",
                    "The warning before this line names the functions to GRANT EXECUTE on.");
    const auto ids = session_.value("SELECT pg_catalog.string_agg(o.roident::text, ',') FROM "
                                    "pg_catalog.pg_replication_origin o WHERE " +
                                        std::string(origins_of_task),
                                    {config_.origin_name()});
    our_origins_ = ids.value_or("");
}

/// A row whose writer nobody knows (any more) counts as ours.
std::string PostgresApplySession::written_by_us(std::string_view xmin) const {
    if (our_origins_.empty()) return {};
    return fmt::format("COALESCE((pg_catalog.pg_xact_commit_timestamp_origin({})).roident = ANY "
                       "('{{{}}}'::pg_catalog.oid[]), true)",
                       xmin, our_origins_);
}

/// Marks and position are written in the same transactions: a mark ahead of the position means that one was edited.
void PostgresApplySession::check_origin_marks() {
    const auto position = ledger_.current().position;
    const auto marks = session_.query("SELECT o.roname, pg_catalog.pg_replication_origin_progress(o.roname, true) FROM "
                                      "pg_catalog.pg_replication_origin o WHERE " +
                                          std::string(origins_of_task) +
                                          // a sync task's position is its own
                                          " AND NOT pg_catalog.starts_with(o.roname, pg_catalog.concat($1, ':sync'))",
                                      {config_.origin_name()});
    for (int row = 0; row < marks.rows(); ++row) {
        if (marks.null(row, 1) || parse_lsn(marks.get(row, 1)).value_or(Lsn{}) <= position) continue;
        throw Error(ErrorKind::task_state, "walbridge.progress",
                    fmt::format("the target's replication origin {} stands at {}, after the stored position {}: the "
                                "progress row is older than the data",
                                marks.get(row, 0), marks.get(row, 1), to_string(position)),
                    "Find out who restored or edited walbridge.progress; `walbridge reset` starts the task over.");
    }
}

std::optional<TargetTable> PostgresApplySession::describe(const QualifiedName &table) {
    auto described = read_table(session_, table);
    if (described) described->acting_owner = acting_owner(session_, role_, described->oid);
    return described;
}

/// Parameters of a prepared statement keep the types they were prepared with, also when a type of the name was dropped
/// and made anew.
void PostgresApplySession::tables_changed() {
    ledger_.note_ddl();
    ddl_seen_ = ledger_.ddl();
    ddl_open_ = in_transaction_;
    pipeline_.forget_statements();
}

void PostgresApplySession::begin() {
    if (ddl_seen_ != ledger_.ddl()) {
        ddl_seen_ = ledger_.ddl();
        pipeline_.forget_statements();
    }
    ddl_open_ = false;
    in_transaction_ = true;
    pipeline_.begin();
    savepoint_open_ = false;
}

void PostgresApplySession::rollback() noexcept {
    in_transaction_ = proving_ = false;
    if (std::exchange(ddl_open_, false)) ledger_.note_ddl(); // what was prepared since fits nothing
    try {
        pipeline_.abandon();
    } catch (
        const std::exception &) { // the connection is gone or a retry is due: rolling back is all that is wanted here
    }
    session_.rollback_quietly();
}

void PostgresApplySession::savepoint() {
    // The one before is let go only now: until its row counts were looked at, it was still needed.
    if (savepoint_open_) pipeline_.send_plain("RELEASE SAVEPOINT walbridge_batch");
    pipeline_.send_plain("SAVEPOINT walbridge_batch");
    savepoint_open_ = true;
}

void PostgresApplySession::prove_on_server() { proving_ = true; }

void PostgresApplySession::rollback_to_savepoint() { session_.execute("ROLLBACK TO SAVEPOINT walbridge_batch"); }

void PostgresApplySession::send_counted(const std::string &sql, Bindings &bindings, long long rows) {
    if (!proving_) return pipeline_.send(sql, bindings, rows);
    bindings.add_text(std::to_string(rows));
    pipeline_.send(statements::proven(sql, bindings.count()), bindings, 1);
}

/// A plain table without triggers and rules takes every row or refuses the statement; what the leaves of a partitioned
/// one do is looked at.
void PostgresApplySession::send_inserts(const TablePlan &plan, const std::string &sql, Bindings &bindings,
                                        long long rows) {
    if (plan.table.kind == 'r')
        pipeline_.send(sql, bindings, rows);
    else
        send_counted(sql, bindings, rows);
}

void PostgresApplySession::send_insert(const TablePlan &plan, std::span<const Row> rows) {
    statements::ColumnList columns;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index) columns.push_back(index);
    if (rows.size() >= config_.apply.copy_rows && copyable(plan, columns, rows)) {
        CopyRows copy(columns, rows);
        const auto next = [&copy]() -> std::string_view { return copy.next(); };
        return pipeline_.copy_in(statements::copy_set(plan, columns), next, static_cast<long long>(rows.size()));
    }
    const auto types = element_types(plan, columns, rows);
    if (!types || columns.empty()) {
        for (const auto &row : rows) {
            Bindings bindings;
            for (const auto index : columns) bind_value(bindings, plan.columns[index], row[index]);
            send_inserts(plan, statements::insert_row(plan, columns), bindings, 1);
        }
        return;
    }
    Bindings bindings;
    bind_arrays(bindings, *types, columns, rows);
    send_inserts(plan, statements::insert_set(plan, columns, *types), bindings, static_cast<long long>(rows.size()));
}

void PostgresApplySession::send_update(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows) {
    statements::ColumnList set;
    for (const auto index : present_columns(plan, rows.front()))
        if (!plan.columns[index].key) set.push_back(index);
    const auto set_types = element_types(plan, set, rows);
    const auto key_types = element_types(plan, plan.key, keys);
    if (!set_types || !key_types) {
        const auto sql = statements::update_row(plan, set, no_nulls(plan), written_by_us("xmin"));
        for (std::size_t at = 0; at < rows.size(); ++at) {
            Bindings bindings;
            for (const auto index : set) bind_value(bindings, plan.columns[index], rows[at][index]);
            for (const auto index : plan.key) bind_value(bindings, plan.columns[index], keys[at][index]);
            send_counted(sql, bindings, 1);
        }
        return;
    }
    Bindings bindings;
    bind_arrays(bindings, *set_types, set, rows);
    bind_arrays(bindings, *key_types, plan.key, keys);
    const auto types = joined(*set_types, *key_types);
    const auto ours = written_by_us("t.xmin");
    const auto sql =
        set.empty() ? statements::count_set(plan, types, ours) : statements::update_set(plan, set, types, ours);
    send_counted(sql, bindings, static_cast<long long>(rows.size()));
}

/// One statement per key, for values that no array can carry.
void PostgresApplySession::send_by_key(const TablePlan &plan, const std::string &sql, std::span<const Row> keys,
                                       long long rows_each) {
    for (const auto &key : keys) {
        Bindings bindings;
        for (const auto index : plan.key) bind_value(bindings, plan.columns[index], key[index]);
        send_counted(sql, bindings, rows_each);
    }
}

void PostgresApplySession::send_delete(const TablePlan &plan, std::span<const Row> keys) {
    const auto types = element_types(plan, plan.key, keys);
    if (!types) return send_by_key(plan, statements::delete_row(plan, no_nulls(plan), written_by_us("xmin")), keys, 1);
    Bindings bindings;
    bind_arrays(bindings, *types, plan.key, keys);
    send_counted(statements::delete_set(plan, *types, written_by_us("t.xmin")), bindings,
                 static_cast<long long>(keys.size()));
}

void PostgresApplySession::send_absent(const TablePlan &plan, std::span<const Row> keys) {
    const auto types = element_types(plan, plan.key, keys);
    if (!types) return send_by_key(plan, statements::update_row(plan, {}, no_nulls(plan)), keys, 0);
    Bindings bindings;
    bind_arrays(bindings, *types, plan.key, keys);
    send_counted(statements::count_set(plan, *types), bindings, 0);
}

template <class Body> void PostgresApplySession::queue_as_owner(const std::string &owner, bool triggers, Body body) {
    if (owner.empty()) return body();
    // A deferred trigger would run at the commit, as the session's own role; the server refuses it here.
    if (triggers) pipeline_.send_plain("SET CONSTRAINTS ALL IMMEDIATE");
    Bindings enter, leave;
    enter.add_text(owner);
    enter.add_text(role_.token());
    leave.add_text(role_.token());
    pipeline_.send(ActingRole::enter_statement, enter, 1);
    body();
    pipeline_.send(ActingRole::leave_statement, leave, 1);
}

template <class Body> void PostgresApplySession::queue_as_owner(const TablePlan &plan, Body body) {
    queue_as_owner(plan.table.acting_owner, plan.table.firing_triggers, body);
}

void PostgresApplySession::queue_insert(const TablePlan &plan, std::span<const Row> rows) {
    queue_as_owner(plan, [&] { send_insert(plan, rows); });
}

void PostgresApplySession::queue_update(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows) {
    queue_as_owner(plan, [&] { send_update(plan, keys, rows); });
}

void PostgresApplySession::queue_delete(const TablePlan &plan, std::span<const Row> keys) {
    queue_as_owner(plan, [&] { send_delete(plan, keys); });
}

void PostgresApplySession::queue_absent(const TablePlan &plan, std::span<const Row> keys) {
    queue_as_owner(plan, [&] { send_absent(plan, keys); });
}

void PostgresApplySession::queue_change(const TablePlan &plan, const RowChange &change) {
    queue_as_owner(plan, [&] {
        auto row = row_statement(plan, change, written_by_us("xmin"));
        send_counted(row.sql, row.bindings, 1);
    });
}

void PostgresApplySession::queue_truncate(const std::vector<const TablePlan *> &plans, bool restart_identity) {
    for (const auto &truncate : statements::truncate(plans, restart_identity))
        queue_as_owner(truncate.acting_owner, !truncate.acting_owner.empty(),
                       [&] { pipeline_.send_plain(truncate.sql.c_str()); });
}

bool PostgresApplySession::flush() { return pipeline_.finish(); }

/// Origin mark, progress row and COMMIT; the WAL positions to judge durability by come behind.
void PostgresApplySession::queue_commit(const CommitPosition &position) {
    const auto before = ledger_.committing(position);
    Bindings bindings;
    bindings.add_text(to_string(position.position));
    bindings.add_text(std::to_string(position.counter));
    bindings.add_text(std::to_string(position.commit_time));
    bindings.add_text(config_.name);
    bindings.add_text(to_string(before.position));
    bindings.add_text(std::to_string(before.epoch));
    pipeline_.send(origin_ && position.commit_time != 0 ? fence_and_mark() : fence(), bindings, 1);
    pipeline_.send_plain("COMMIT");
    pipeline_.send("SELECT pg_catalog.pg_current_wal_insert_lsn(), pg_catalog.pg_current_wal_flush_lsn()", {},
                   std::nullopt);
}

/// True when the transaction is committed; false when it was refused and rolled back.
bool PostgresApplySession::finish_commit(const CommitPosition &position) {
    bool committed = false;
    proving_ = false;
    try {
        committed = pipeline_.finish();
    } catch (const Error &) {
        in_transaction_ = false;
        throw;
    }
    in_transaction_ = false;
    if (!committed) {
        session_.rollback_quietly();
        ledger_.refused();
        if (pipeline_.problem_statement() == fence() || pipeline_.problem_statement() == fence_and_mark())
            raise_refused_commit();
        return false;
    }
    const auto &lsns = pipeline_.row_sets().back();
    ledger_.committed(position, parse_lsn(lsns.get(0, 0)).value());
    ledger_.flushed(parse_lsn(lsns.get(0, 1)).value(), connected_at_);
    return true;
}

void PostgresApplySession::commit(const CommitPosition &position) {
    queue_commit(position);
    if (!finish_commit(position))
        throw Error(ErrorKind::target_data, "COMMIT on the target", pipeline_.problem(),
                    "Mend the cause and resume the task.");
}

bool PostgresApplySession::commit_unseen(const CommitPosition &position) {
    queue_commit(position);
    return finish_commit(position);
}

/// The progress row was not where our next commit continues from: taken over, or the server came back from a crash
/// without our last commits (which were not confirmed to the source) and this session is of its new life.
void PostgresApplySession::raise_refused_commit() {
    const auto epoch = session_.value("SELECT epoch FROM walbridge.progress WHERE task = $1", {config_.name});
    if (epoch == std::to_string(ledger_.current().epoch)) {
        SqlError::Fields fields;
        fields.message = "the target lost commits that were not durable yet";
        throw SqlError(ErrorKind::connection, "target " + pg::describe(session_.endpoint().url), fields);
    }
    throw Error(ErrorKind::fenced, "task " + config_.name, "another process took the task over",
                "Nothing was lost: the other process continues from the stored position.");
}

Lsn PostgresApplySession::durable_position() {
    if (const auto known = ledger_.durability(); !known.outstanding) return known.durable;
    const auto flushed = session_.value("SELECT pg_catalog.pg_current_wal_flush_lsn()");
    ledger_.flushed(parse_lsn(flushed.value_or("")).value_or(Lsn{}), connected_at_);
    // The WAL writer follows within a fraction of a second; where other sessions' open records hold the tail back, we
    // push.
    const auto known = ledger_.durability();
    if (known.outstanding && CommitLedger::Clock::now() - known.last_commit > std::chrono::seconds(1)) force_flush();
    return ledger_.durability().durable;
}

void PostgresApplySession::force_flush() {
    const auto target = session_.value("SELECT pg_catalog.pg_current_wal_insert_lsn()");
    session_.execute("BEGIN; SET LOCAL synchronous_commit = on; SELECT pg_catalog.txid_current(); COMMIT");
    ledger_.flushed(parse_lsn(target.value_or("")).value_or(Lsn{}), connected_at_);
}

} // namespace walbridge::target
