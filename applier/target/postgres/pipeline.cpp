// pipeline.cpp: sending many statements and reading their answers in one go.
#include "target/postgres/pipeline.hpp"

#include <exception>
#include <fmt/format.h>
#include <utility>

namespace walbridge::target {
namespace {

/// Answers are small, but a server that cannot send them stops reading: at most this many statements are in flight.
constexpr std::size_t max_unanswered = 512;
constexpr std::size_t max_prepared = 2000;

} // namespace

void Bindings::add_null() { entries_.push_back({nullptr, 0, false, std::nullopt}); }

void Bindings::add_text(std::string text) {
    kept_.push_back(std::move(text));
    entries_.push_back({nullptr, kept_.back().size(), false, kept_.size() - 1});
}

void Bindings::add_binary(std::string bytes) {
    kept_.push_back(std::move(bytes));
    entries_.push_back({nullptr, kept_.back().size(), true, kept_.size() - 1});
}

void Bindings::borrow(std::string_view bytes) {
    entries_.push_back({bytes.data() != nullptr ? bytes.data() : "", bytes.size(), true, std::nullopt});
}

void Bindings::resolve(std::vector<const char *> &values, std::vector<int> &lengths, std::vector<int> &formats) const {
    for (const auto &entry : entries_) {
        values.push_back(entry.kept ? kept_[*entry.kept].data() : entry.data);
        lengths.push_back(static_cast<int>(entry.length));
        formats.push_back(entry.binary ? 1 : 0);
    }
}

/// Begins a run of statements, which finish() ends.
void StatementPipeline::open() {
    if (open_) return;
    open_ = true;
    row_sets_.clear();
    problem_.clear();
    problem_statement_.clear();
    failed_ = false;
    retry_ = nullptr;
}

void StatementPipeline::begin_now() {
    if (std::exchange(begin_pending_, false)) session_.execute("BEGIN");
}

void StatementPipeline::abandon() {
    begin_pending_ = false;
    finish();
}

/// Whatever is sent next goes into the pipeline, within the transaction.
void StatementPipeline::enter() {
    open();
    auto *connection = session_.raw();
    if (PQpipelineStatus(connection) == PQ_PIPELINE_OFF && PQenterPipelineMode(connection) != 1)
        session_.raise(nullptr, "entering pipeline mode");
    if (std::exchange(begin_pending_, false)) post("BEGIN");
}

std::string StatementPipeline::name_of(const std::string &sql, bool &known) {
    const auto found = names_.find(sql);
    known = found != names_.end();
    if (known) return found->second;
    auto name = fmt::format("wb{}", next_name_++);
    names_.emplace(sql, name);
    return name;
}

void StatementPipeline::send(const std::string &sql, const Bindings &bindings, std::optional<long long> expected) {
    enter();
    if (failed_) return;
    auto *connection = session_.raw();
    bool known = false;
    const auto name = name_of(sql, known);
    if (!known) {
        if (PQsendPrepare(connection, name.c_str(), sql.c_str(), 0, nullptr) != 1) session_.raise(nullptr, sql);
        sent_.push_back({name, std::nullopt, sql});
    }
    std::vector<const char *> values;
    std::vector<int> lengths, formats;
    bindings.resolve(values, lengths, formats);
    if (PQsendQueryPrepared(connection, name.c_str(), bindings.count(), values.data(), lengths.data(), formats.data(),
                            0) != 1)
        session_.raise(nullptr, sql);
    sent_.push_back({{}, expected, sql});
    if (sent_.size() - answered_ >= max_unanswered) drain_some();
}

void StatementPipeline::send_plain(const char *sql) {
    enter();
    post(sql);
}

void StatementPipeline::post(const char *sql) {
    if (PQsendQueryParams(session_.raw(), sql, 0, nullptr, nullptr, nullptr, nullptr, 0) != 1)
        session_.raise(nullptr, sql);
    sent_.push_back({{}, std::nullopt, sql});
}

void StatementPipeline::note(const std::string &sql, std::string problem) {
    if (!failed_) {
        problem_ = std::move(problem);
        problem_statement_ = sql;
    }
    failed_ = true;
}

/// Notes a refused statement; throws when the connection is gone.
void StatementPipeline::judge(const pg::Result &result, const std::string &sql) {
    try {
        session_.raise(result.raw(), sql);
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        if (error.recovery() == Recovery::retry_transaction && !retry_) retry_ = std::current_exception();
        note(sql, fmt::format("{}: {}", sql.substr(0, 120), error.reason()));
    }
}

/// Reads the answer to the oldest unanswered statement.
void StatementPipeline::read_answer() {
    auto *connection = session_.raw();
    const auto &expectation = sent_[answered_];
    pg::Result result(PQgetResult(connection));
    if (result.raw() == nullptr) {
        if (PQstatus(connection) != CONNECTION_OK) session_.raise(nullptr, expectation.sql);
        return; // the separator behind the previous statement's answer
    }
    const auto status = PQresultStatus(result.raw());
    if (status == PGRES_PIPELINE_ABORTED) {
        if (!expectation.prepared.empty()) names_.erase(expectation.sql);
    } else if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        if (!expectation.prepared.empty()) names_.erase(expectation.sql);
        judge(result, expectation.sql);
    } else if (expectation.prepared.empty()) {
        const auto affected = result.affected();
        if (expectation.rows && affected != *expectation.rows)
            note(expectation.sql, fmt::format("{} hit {} rows where {} were expected", expectation.sql.substr(0, 120),
                                              affected, *expectation.rows));
        if (status == PGRES_TUPLES_OK && !expectation.rows) row_sets_.push_back(std::move(result));
    }
    ++answered_;
    // Each answer is followed by a null separator.
    if (PGresult *separator = PQgetResult(connection); separator != nullptr) {
        PQclear(separator);
        throw Error(ErrorKind::internal, "pipeline", "the server sent two results for one statement");
    }
}

void StatementPipeline::drain_some() {
    if (PQsendFlushRequest(session_.raw()) != 1 || PQflush(session_.raw()) < 0) session_.raise(nullptr, "flush");
    while (answered_ < sent_.size()) read_answer();
}

/// Reads every answer and leaves pipeline mode.
void StatementPipeline::settle() {
    auto *connection = session_.raw();
    if (PQpipelineStatus(connection) == PQ_PIPELINE_OFF) return;
    if (PQpipelineSync(connection) != 1) session_.raise(nullptr, "sync");
    while (answered_ < sent_.size()) read_answer();
    pg::Result sync(PQgetResult(connection));
    if (sync.raw() == nullptr || PQresultStatus(sync.raw()) != PGRES_PIPELINE_SYNC) session_.raise(sync.raw(), "sync");
    sent_.clear();
    answered_ = 0;
    if (PQexitPipelineMode(connection) != 1) session_.raise(nullptr, "leaving pipeline mode");
}

bool StatementPipeline::finish() {
    settle();
    open_ = false;
    if (names_.size() > max_prepared && !session_.in_transaction()) forget_statements();
    if (retry_) std::rethrow_exception(std::exchange(retry_, nullptr));
    return !failed_;
}

void StatementPipeline::forget_statements() {
    session_.execute("DEALLOCATE ALL");
    names_.clear();
}

void StatementPipeline::copy_in(const std::string &sql, const std::function<std::string_view()> &next,
                                long long expected) {
    open();
    settle();
    if (failed_) return;
    begin_now();
    auto *connection = session_.raw();
    pg::Result begun(PQexec(connection, sql.c_str()));
    if (PQresultStatus(begun.raw()) != PGRES_COPY_IN) return judge(begun, sql);
    for (auto piece = next(); !piece.empty(); piece = next())
        if (PQputCopyData(connection, piece.data(), static_cast<int>(piece.size())) != 1) session_.raise(nullptr, sql);
    if (PQputCopyEnd(connection, nullptr) != 1) session_.raise(nullptr, sql);
    while (const pg::Result result{PQgetResult(connection)}) {
        if (PQresultStatus(result.raw()) != PGRES_COMMAND_OK)
            judge(result, sql);
        else if (result.affected() != expected)
            note(sql, fmt::format("{} took {} rows of {}", sql.substr(0, 120), result.affected(), expected));
    }
    if (PQstatus(connection) != CONNECTION_OK) session_.raise(nullptr, sql);
}

pg::Result StatementPipeline::run(const std::string &sql, const Bindings &bindings) {
    begin_now();
    auto *connection = session_.raw();
    bool known = false;
    const auto name = name_of(sql, known);
    if (!known) {
        pg::Result prepared(PQprepare(connection, name.c_str(), sql.c_str(), 0, nullptr));
        if (PQresultStatus(prepared.raw()) != PGRES_COMMAND_OK) {
            names_.erase(sql);
            return prepared;
        }
    }
    std::vector<const char *> values;
    std::vector<int> lengths, formats;
    bindings.resolve(values, lengths, formats);
    return pg::Result(
        PQexecPrepared(connection, name.c_str(), bindings.count(), values.data(), lengths.data(), formats.data(), 0));
}

} // namespace walbridge::target
