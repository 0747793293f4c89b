// snapshot.cpp: CREATE_REPLICATION_SLOT with an exported snapshot, and what its refusals mean.
#include "source/snapshot.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "source/catalog/sql.hpp"

#include <chrono>
#include <fmt/format.h>
#include <memory>
#include <poll.h>

namespace walbridge::source {
namespace {

using dialect::postgres::quote_identifier;

bool contains(const std::string &text, std::string_view part) { return text.find(part) != std::string::npos; }

/// Says what the server's refusal means to an operator; rethrows what it does not know.
[[noreturn]] void explain(const SqlError &error, const SlotRequest &request) {
    const auto &text = error.fields().message;
    if (error.sqlstate() == "58P01" || contains(text, "could not access file"))
        throw Error(ErrorKind::plugin, "output plugin " + request.plugin, "the source has no such library: " + text,
                    fmt::format("Install the walbridge package for the source's PostgreSQL version, so that {}.so lies "
                                "in its pkglibdir.",
                                request.plugin));
    if (contains(text, "output_plugin_libraries") || contains(error.fields().hint, "output_plugin_libraries") ||
        contains(error.fields().detail, "output_plugin_libraries") ||
        (contains(text, "output plugin") && contains(text, "not allowed")))
        throw Error(
            ErrorKind::plugin, "output plugin " + request.plugin, "the source refuses to load it: " + text,
            fmt::format("Add {} to the setting output_plugin_libraries on the source and reload: ALTER SYSTEM SET "
                        "output_plugin_libraries = pgoutput, test_decoding, {}; SELECT pg_reload_conf();",
                        request.plugin, request.plugin));
    if (error.sqlstate() == "53400" || contains(text, "replication slots are in use"))
        throw Error(ErrorKind::resource, "slot " + request.slot, "the source has no free replication slot: " + text,
                    "Raise max_replication_slots on the source and restart it, or drop slots nobody uses "
                    "(pg_replication_slots). A "
                    "task needs one, and one more while it copies.");
    if (error.sqlstate() == "42710")
        throw Error(ErrorKind::task_state, "slot " + request.slot, "it exists already",
                    fmt::format("Drop it if no task uses it: SELECT pg_drop_replication_slot({});",
                                dialect::postgres::quote_literal(request.slot)));
    if (error.sqlstate() == "55000" && contains(text, "wal_level"))
        throw Error(ErrorKind::precheck, "slot " + request.slot, text,
                    "Set wal_level = logical on the source and restart it.");
    if (error.sqlstate() == "42501")
        throw Error(ErrorKind::permission, "slot " + request.slot, text,
                    "ALTER ROLE ... REPLICATION for the task's role on the source.");
    throw error;
}

/// Names the transactions that hold the slot up, once per change of the list.
class WaitReport {
  public:
    WaitReport(const pg::Endpoint &source, const SlotRequest &request, int walsender)
        : source_(source), request_(request), own_(walsender) {}

    void look() {
        try {
            if (!session_)
                session_ =
                    std::make_unique<pg::Session>(source_, pg::ConnectOptions{request_.application_name, false, {}});
            const auto rows = session_->query(sql::waiting_for);
            std::string list;
            for (int row = 0; row < rows.rows(); ++row) {
                if (rows.get(row, 0) == std::to_string(own_)) continue;
                if (!list.empty()) list += "; ";
                list += fmt::format("{} {}@{} {} {} since {}", rows.get(row, 0), rows.get(row, 1), rows.get(row, 2),
                                    rows.get(row, 3), rows.get(row, 4), rows.get(row, 5));
            }
            if (list.empty() || list == last_) return;
            last_ = list;
            log::warning("creating the slot waits for transactions that are open on the source",
                         {{"slot", request_.slot}, {"transactions", list}});
        } catch (const Error &error) {
            session_.reset();
            log::debug("cannot look at open transactions", {{"reason", error.what()}});
        }
    }

  private:
    const pg::Endpoint &source_;
    const SlotRequest &request_;
    const int own_;
    std::unique_ptr<pg::Session> session_;
    std::string last_;
};

/// Waits until the answer is there, reporting what it waits for. Throws Error(task_state) when a stop was requested.
void wait_for_answer(pg::Session &session, const SlotRequest &request, const StopToken &stop,
                     const pg::Endpoint &source) {
    using Clock = std::chrono::steady_clock;
    WaitReport report(source, request, session.backend_pid());
    auto next_look = Clock::now() + std::chrono::seconds(2);
    while (PQisBusy(session.raw()) != 0) {
        if (stop.requested()) {
            session.cancel();
            throw Error(ErrorKind::task_state, "slot " + request.slot,
                        "a stop was requested while its creation waited");
        }
        pollfd waiting{PQsocket(session.raw()), POLLIN, 0};
        poll(&waiting, 1, 200);
        if (PQconsumeInput(session.raw()) == 0) session.raise(nullptr, "CREATE_REPLICATION_SLOT");
        if (Clock::now() < next_look) continue;
        report.look();
        next_look = Clock::now() + std::chrono::seconds(5);
    }
}

} // namespace

std::string create_slot_statement(const SlotRequest &request, int server_version) {
    return fmt::format("CREATE_REPLICATION_SLOT {}{} LOGICAL {} {}", quote_identifier(request.slot),
                       request.life == SlotLife::temporary ? " TEMPORARY" : "", quote_identifier(request.plugin),
                       server_version >= 150000
                           ? fmt::format("(SNAPSHOT 'export'{})", request.failover ? ", FAILOVER true" : "")
                           : "EXPORT_SNAPSHOT");
}

ExportedSnapshot::ExportedSnapshot(const pg::Endpoint &source, const SlotRequest &request, const StopToken &stop)
    : session_(source, {request.application_name, true, {}}), slot_(request.slot) {
    const auto sql = create_slot_statement(request, session_.server_version());
    if (PQsendQuery(session_.raw(), sql.c_str()) == 0) session_.raise(nullptr, sql);
    wait_for_answer(session_, request, stop, source);
    const pg::Result answer(PQgetResult(session_.raw()));
    if (PQresultStatus(answer.raw()) != PGRES_TUPLES_OK) {
        try {
            session_.raise(answer.raw(), sql);
        } catch (const SqlError &error) {
            explain(error, request);
        }
    }
    while (PGresult *more = PQgetResult(session_.raw())) PQclear(more);
    const auto lsn = parse_lsn(answer.get(0, 1));
    if (!lsn || answer.null(0, 2)) throw Error(ErrorKind::protocol, "slot " + slot_, "the source returned no snapshot");
    lsn_ = *lsn;
    name_ = answer.text(0, 2);
    log::info("slot created, snapshot exported",
              {{"slot", slot_},
               {"consistent_point", to_string(lsn_)},
               {"snapshot", name_},
               {"life", request.life == SlotLife::permanent ? "permanent" : "temporary"}});
}

bool ExportedSnapshot::alive() {
    return PQstatus(session_.raw()) == CONNECTION_OK && PQconsumeInput(session_.raw()) == 1 &&
           PQstatus(session_.raw()) == CONNECTION_OK;
}

void import_snapshot(pg::Session &session, const std::string &snapshot_name) {
    session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    session.execute("SET TRANSACTION SNAPSHOT " + dialect::postgres::quote_literal(snapshot_name));
}

} // namespace walbridge::source
