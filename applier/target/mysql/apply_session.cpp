// apply_session.cpp: transactions, queued operations, commit with the fenced position. The exact path's statements
// stand in apply_session_exact.cpp.
#include "target/mysql/apply_session.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "config/mysql_endpoint.hpp"
#include "dialect/mysql/quote.hpp"
#include "target/mysql/catalog.hpp"
#include "target/mysql/progress.hpp"
#include "target/mysql/values.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::target {
namespace {

/// Rows of one INSERT, one DELETE: beyond that a statement gets no cheaper by the row.
constexpr std::size_t rows_of_insert = 1000;
constexpr std::size_t keys_of_statement = 1000;
/// Comparisons that the CASEs of one UPDATE may cost, over all columns.
constexpr std::size_t cases_of_update = 400;
constexpr std::size_t most_rows_of_update = 100, fewest_rows_of_update = 20;
/// A statement grows to this and not beyond, where its rows are large.
constexpr std::size_t usual_statement = std::size_t{1} << 20;

my::ConnectOptions session_options(const TaskConfig &config, int number, std::chrono::milliseconds lock_timeout) {
    const auto seconds = std::to_string(std::max<long long>(1, (lock_timeout.count() + 999) / 1000));
    return {config.application_name(number == 0 ? "apply" : fmt::format("apply {}", number)),
            {{"foreign_key_checks", "0"}, {"innodb_lock_wait_timeout", seconds}, {"lock_wait_timeout", seconds}}};
}

/// Lists of keys must stay ranges of the index, whatever their length.
std::string optimizer_settings(const my::Session &session) {
    if (session.mariadb()) return "SET SESSION in_predicate_conversion_threshold = 0, optimizer_max_sel_arg_weight = 0";
    return "SET SESSION range_optimizer_max_mem_size = 0";
}

std::size_t bytes_of(const TablePlan &plan, Row row) {
    std::size_t bytes = 16;
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
        bytes += row[index].bytes.size() * (plan.columns[index].writer->binary() ? 2 : 1) + 8;
    return bytes;
}

} // namespace

MysqlApplySession::MysqlApplySession(const TaskConfig &config, CommitLedger &ledger, int number,
                                     std::optional<std::chrono::milliseconds> lock_timeout)
    : config_(config), ledger_(ledger),
      session_(mysql_endpoint(config),
               session_options(config, number, lock_timeout.value_or(config.apply.lock_timeout))),
      batch_(session_), ddl_(config, session_, ledger,
                             {[this] { settle(); },
                              [this] {
                                  commit({ledger_.current().position, 0, 0});
                              },
                              [this] { begin(); }, [this] { ledger_.note_ddl(); }}) {
    session_.execute(optimizer_settings(session_));
    mysql::mark_session(session_, config.name);
    mysql::demand_durable_commits(session_);
    if (config.conflict.detects_origins())
        throw Error(ErrorKind::task_state, "conflict.policy",
                    "a MySQL target cannot say when and by whom a row was written, which the policy needs",
                    "Choose fail, ignore or overwrite, and leave conflict.origins at auto or off.");
}

std::optional<TargetTable> MysqlApplySession::describe(const QualifiedName &table) {
    settle();
    return mysql::read_table(session_, table);
}

void MysqlApplySession::begin() {
    if (session_.in_transaction())
        session_.rollback_quietly(); // START TRANSACTION would commit what is left of another
    in_transaction_ = true;
    refused_ = false;
    batch_.add("START TRANSACTION", std::nullopt);
}

void MysqlApplySession::rollback() noexcept {
    in_transaction_ = refused_ = false;
    batch_.abandon();
    session_.rollback_quietly();
}

void MysqlApplySession::settle() {
    if (batch_.empty() || batch_.finish()) return;
    throw Error(ErrorKind::internal, "target transaction", "a statement was refused: " + batch_.problem());
}

void MysqlApplySession::savepoint() { batch_.add("SAVEPOINT walbridge_batch", std::nullopt); }

void MysqlApplySession::rollback_to_savepoint() {
    try {
        session_.execute("ROLLBACK TO SAVEPOINT walbridge_batch");
    } catch (const SqlError &error) {
        // The server took back more than the statement that failed: nothing of the transaction is left to go on with.
        if (error.recovery() != Recovery::stop) throw;
        SqlError::Fields fields = error.fields();
        fields.sqlstate = "40001";
        throw SqlError(ErrorKind::resource, error.object(), std::move(fields));
    }
}

/// A value that the target cannot hold is met again by the exact path, after the changes before it.
template <class Body> void MysqlApplySession::queue_refusing(Body body) {
    if (refused_) return;
    try {
        body();
    } catch (const SqlError &) {
        throw;
    } catch (const Error &error) {
        refused_ = true;
        mismatch_ = error.reason();
    }
}

void MysqlApplySession::queue_insert(const TablePlan &plan, std::span<const Row> rows) {
    queue_refusing([&] {
        const auto head = mysql::insert_head(plan);
        std::string sql, named;
        long long count = 0;
        const auto queue = [&] {
            if (count != 0) batch_.add(sql, count, named);
            count = 0;
        };
        std::string one;
        for (const auto &row : rows) {
            one.clear();
            mysql::append_inserted(one, plan, row);
            if (count != 0 && (static_cast<std::size_t>(count) == rows_of_insert ||
                               sql.size() + one.size() > std::min(usual_statement, batch_.largest_statement())))
                queue();
            if (count++ == 0) {
                sql = head;
                named = mysql::row_for_people(plan, row);
            } else
                sql += ',';
            sql += one;
        }
        queue();
    });
}

/// Cuts keys (and rows) into statements of at most `most` of them and a bearable length.
void MysqlApplySession::queue_sets(
    const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows, std::size_t most,
    const std::function<std::string(std::span<const Row>, std::span<const Row>)> &statement, bool absent) {
    const auto limit = std::min(usual_statement, batch_.largest_statement()) / 2; // keys stand in it several times
    for (std::size_t first = 0; first < keys.size();) {
        std::size_t bytes = 0, last = first;
        while (last < keys.size() && last - first < most) {
            bytes += bytes_of(plan, keys[last]) + (rows.empty() ? 0 : bytes_of(plan, rows[last]));
            if (bytes > limit && last != first) break;
            ++last;
        }
        const auto part = keys.subspan(first, last - first);
        const auto count = static_cast<long long>(part.size());
        batch_.add(statement(part, rows.empty() ? rows : rows.subspan(first, last - first)), absent ? 0 : count,
                   mysql::row_for_people(plan, part.front()));
        first = last;
    }
}

void MysqlApplySession::queue_update(const TablePlan &plan, std::span<const Row> keys, std::span<const Row> rows) {
    queue_refusing([&] {
        mysql::ColumnList set;
        for (const auto index : mysql::present_columns(plan, rows.front()))
            if (!plan.columns[index].key) set.push_back(index);
        const auto most = set.empty()
                              ? keys_of_statement
                              : std::clamp(cases_of_update / set.size(), fewest_rows_of_update, most_rows_of_update);
        queue_sets(plan, keys, rows, most, [&](std::span<const Row> some_keys, std::span<const Row> some_rows) {
            return mysql::update_set(plan, set, some_keys, some_rows);
        });
    });
}

void MysqlApplySession::queue_delete(const TablePlan &plan, std::span<const Row> keys) {
    queue_refusing([&] {
        queue_sets(plan, keys, {}, keys_of_statement,
                   [&](std::span<const Row> some, std::span<const Row>) { return mysql::delete_set(plan, some); });
    });
}

void MysqlApplySession::queue_absent(const TablePlan &plan, std::span<const Row> keys) {
    queue_refusing([&] {
        queue_sets(
            plan, keys, {}, keys_of_statement,
            [&](std::span<const Row> some, std::span<const Row>) { return mysql::find_set(plan, some, false); }, true);
    });
}

void MysqlApplySession::queue_change(const TablePlan &plan, const RowChange &change) {
    queue_refusing([&] { batch_.add(change_sql(plan, change), 1, row_name(plan, change)); });
}

void MysqlApplySession::queue_truncate(const std::vector<const TablePlan *> &plans, bool) {
    queue_refusing([&] {
        for (const auto *plan : plans)
            batch_.add(fmt::format("DELETE FROM {}", dialect::mysql::quote(plan->table.name)), std::nullopt);
    });
}

bool MysqlApplySession::flush() {
    const bool sent = batch_.finish();
    if (!sent) mismatch_ = batch_.problem();
    return sent && !std::exchange(refused_, false);
}

/// The progress row and COMMIT, behind what is queued: when a statement before it is refused, neither is executed. True
/// when the transaction is committed; false when it was refused and rolled back.
bool MysqlApplySession::finish_commit(const CommitPosition &position) {
    const auto before = ledger_.committing(position);
    bool committed = false;
    try {
        batch_.prove_on_server();
        batch_.add(mysql::fence_sql(config_.name, before, position), 1);
        if (before.begun && position.counter != 0) // it is whole now
            batch_.add(
                fmt::format("DELETE FROM walbridge.begun_transaction WHERE task = {}", my::quote_literal(config_.name)),
                1);
        batch_.add("COMMIT", std::nullopt);
        committed = batch_.finish();
    } catch (const Error &) {
        rollback(); // what follows must not commit it by beginning a transaction of its own
        throw;
    }
    in_transaction_ = false;
    if (!committed) {
        mismatch_ = batch_.problem();
        session_.rollback_quietly();
        ledger_.refused();
        return false;
    }
    // The server has written it to disk before it answered; whoever asks, for any commit that returned.
    ledger_.committed(position, Lsn{1});
    ledger_.flushed(Lsn{1}, 0);
    return true;
}

void MysqlApplySession::commit(const CommitPosition &position) {
    if (finish_commit(position)) return;
    check_position();
    throw Error(ErrorKind::target_data, "COMMIT on the target", mismatch_, "Mend the cause and resume the task.");
}

bool MysqlApplySession::commit_unseen(const CommitPosition &position) {
    if (refused_) {
        rollback();
        return false;
    }
    if (finish_commit(position)) return true;
    check_position();
    return false;
}

/// A commit was refused: by the progress row, when that is not where our next commit continues from, or by something
/// before it.
void MysqlApplySession::check_position() {
    const auto row = session_.query(fmt::format("SELECT `position`, epoch FROM walbridge.progress WHERE task = {}",
                                                my::quote_literal(config_.name)));
    const auto known = ledger_.current();
    if (row.rows() == 0 || row.get(0, 1) != std::to_string(known.epoch))
        throw Error(ErrorKind::fenced, "task " + config_.name, "another process took the task over",
                    "Nothing was lost: the other process continues from the stored position.");
    if (row.get(0, 0) == to_string(known.position)) return;
    SqlError::Fields fields;
    fields.message = fmt::format("the target's position is {}, not that of our last commit, {}", row.get(0, 0),
                                 to_string(known.position));
    throw SqlError(ErrorKind::connection, "target " + my::describe(session_.endpoint().url), fields);
}

} // namespace walbridge::target
