// chunk_copier.cpp: see chunk_copier.hpp.
#include "copy/chunk_copier.hpp"

#include "copy/copy_meter.hpp"
#include "copy/copy_out.hpp"
#include "dialect/postgres.hpp"
#include "source/retry_window.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <memory>
#include <string>

namespace walbridge::copy {
namespace {

constexpr std::size_t piece_bytes = 65536;
/// Collects small rows into messages of about 64 KiB: a message per row would cost the target a read per row.
class Sender {
  public:
    Sender(pg::Session &target, const std::string &statement) : target_(target), statement_(statement) {
        buffer_.reserve(2 * piece_bytes);
    }

    void add(std::string_view row) {
        if (buffer_.size() + row.size() > piece_bytes) flush();
        if (row.size() <= piece_bytes) {
            buffer_.append(row);
            return;
        }
        for (; !row.empty(); row.remove_prefix(std::min(row.size(), piece_bytes))) put(row.substr(0, piece_bytes));
    }

    void flush() {
        if (!buffer_.empty()) put(buffer_);
        buffer_.clear();
    }

  private:
    void put(std::string_view bytes) {
        if (PQputCopyData(target_.raw(), bytes.data(), static_cast<int>(bytes.size())) != 1)
            target_.raise(nullptr, statement_);
    }
    pg::Session &target_;
    const std::string &statement_;
    std::string buffer_;
};

/// Sends all statements in one message; begin() and finish() take their answers in order.
void send(pg::Session &session, const std::string &statements) {
    if (PQsendQuery(session.raw(), statements.c_str()) == 0) session.raise(nullptr, statements);
}

/// The next COPY is under way.
void begin(pg::Session &session, ExecStatusType wanted, const std::string &statement) {
    const pg::Result result(PQgetResult(session.raw()));
    if (PQresultStatus(result.raw()) != wanted) session.raise(result.raw(), statement);
}

/// The command's result after all its data.
long long finish(pg::Session &session, const std::string &statement) {
    const pg::Result result(PQgetResult(session.raw()));
    if (PQresultStatus(result.raw()) != PGRES_COMMAND_OK) session.raise(result.raw(), statement);
    return result.affected();
}

/// After the last command.
void settle(pg::Session &session) {
    while (PGresult *more = PQgetResult(session.raw())) PQclear(more);
}

class Stream {
  public:
    Stream(pg::Session &source, pg::Session &target, const CopyWatch &watch)
        : source_(source), target_(target), watch_(watch) {}

    Counts run(std::size_t place, const Leg &leg) {
        begin(source_, PGRES_COPY_OUT, leg.transfer.out);
        begin(target_, PGRES_COPY_IN, leg.transfer.in);
        CopyMeter meter(watch_, place);
        Sender sender(target_, leg.transfer.in);
        for (;;) {
            char *raw = nullptr;
            const int size = PQgetCopyData(source_.raw(), &raw, 0);
            std::unique_ptr<char, pg::Delete> row(raw);
            if (size == -1) break;
            if (size < 0) finish(source_, leg.transfer.out); // raises
            sender.add({raw, static_cast<std::size_t>(size)});
            meter.count(static_cast<std::size_t>(size));
            if (!meter.due()) continue;
            row.reset(); // not held while the throttle waits
            meter.report();
        }
        sender.flush();
        const auto sent = static_cast<std::uint64_t>(finish(source_, leg.transfer.out));
        if (PQputCopyEnd(target_.raw(), nullptr) != 1) target_.raise(nullptr, leg.transfer.in);
        const auto arrived = static_cast<std::uint64_t>(finish(target_, leg.transfer.in));
        if (arrived != sent)
            throw Error(ErrorKind::copy_stage, leg.table,
                        fmt::format("{} rows were sent and {} arrived", sent, arrived),
                        "Look for triggers ENABLE ALWAYS or REPLICA and for policies on the target's table that leave "
                        "rows out.");
        meter.correct_rows(sent);
        meter.report();
        return meter.counts();
    }

  private:
    pg::Session &source_, &target_;
    const CopyWatch &watch_;
};

} // namespace

std::vector<Counts> stream_rows(pg::Session &source, pg::Session &target, const std::vector<Leg> &legs,
                                const CopyWatch &watch) {
    std::string out, in;
    for (const auto &leg : legs) {
        out += (out.empty() ? "" : "; ") + leg.transfer.out;
        in += (in.empty() ? "" : "; ") + leg.transfer.in;
    }
    send(source, out);
    try {
        send(target, in);
        Stream stream(source, target, watch);
        std::vector<Counts> counts;
        for (std::size_t place = 0; place < legs.size(); ++place) counts.push_back(stream.run(place, legs[place]));
        settle(source);
        settle(target);
        return counts;
    } catch (...) {
        abandon(source);
        throw;
    }
}

void explain_source_error(const SqlError &error, const QualifiedName &table) {
    if (source::transient(error)) throw error;
    if (error.sqlstate() == "42501")
        throw Error(ErrorKind::permission, to_string(table),
                    "the source does not let the task's role read every row: " + error.reason(),
                    fmt::format("GRANT SELECT ON {} to the task's role; under row-level security make it the table's "
                                "owner or ALTER ROLE ... "
                                "BYPASSRLS.",
                                dialect::postgres::quote(table)));
    if (error.sqlstate() == "54000" ||
        error.fields().message.find("Cannot enlarge string buffer") != std::string::npos ||
        error.fields().message.find("invalid memory alloc request size") != std::string::npos)
        throw Error(ErrorKind::copy_stage, to_string(table),
                    "a row is larger than the 1 GB that COPY can carry: " + error.reason(),
                    "Shorten the row on the source, or leave the table out with objects.exclude.");
    throw Error(ErrorKind::copy_stage, to_string(table), "the source cannot read the rows: " + error.reason(),
                error.remedy());
}

void explain_target_error(const SqlError &error, const QualifiedName &table, const NameMap &names) {
    if (source::transient(error)) throw error;
    const auto object = names.describe(table);
    const auto reason = "the target refuses the rows: " + error.reason();
    if (error.sqlstate() == "42501")
        throw Error(ErrorKind::permission, object, reason,
                    fmt::format("GRANT INSERT, SELECT, TRUNCATE ON {} to the task's role on the target.",
                                dialect::postgres::quote(names.table(table))));
    if (error.sqlstate().starts_with("42"))
        throw Error(ErrorKind::target_shape, object, reason, "Give the table the source's definition on the target.");
    throw Error(ErrorKind::copy_stage, object, reason,
                error.sqlstate().starts_with("23")
                    ? "Drop or mend the constraint on the target, then run the task again."
                    : error.remedy());
}

} // namespace walbridge::copy
