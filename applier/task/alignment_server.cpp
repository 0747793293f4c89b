// alignment_server.cpp: one request from asked to done.
#include "task/alignment_server.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::task {
namespace {

using Clock = std::chrono::steady_clock;
using Gate = pipeline::AlignmentGate;

/// Apply is never held longer for one request.
constexpr std::chrono::seconds lease{15};
constexpr std::chrono::milliseconds poll{3};

class Request {
  public:
    Request(pg::Session &target, const TaskConfig &config, Live &live, const StopToken &end)
        : target_(target), config_(config), live_(live), end_(end), until_(Clock::now() + lease) {}

    void serve() {
        const auto row = target_.query(
            "SELECT request, keys_since FROM walbridge.verify_alignment WHERE task = $1 AND state = 'asked'",
            {config_.name});
        if (row.rows() == 0) return;
        if (!row.null(0, 1)) keys_since_ = parse_lsn(row.get(0, 1));
        request_ = row.text(0, 0);
        const auto view = live_.view();
        if (!view.following || view.paused || !view.epoch)
            return fail(view.paused ? "the task is paused" : "the task does not apply changes now");
        const Release release(live_.gate);
        live_.gate.hold();
        while (live_.gate.state() == Gate::State::asked)
            if (!patient())
                return fail("its applier did not come to a stand in time");
            else
                live_.gate.wait_while(Gate::State::asked, poll);
        if (!store("held")) return;
        std::string answered;
        for (;;) {
            if (!patient()) return fail("the asker did not finish in time");
            const auto asked = target_.query("SELECT state, source_snapshot, source_lsn FROM "
                                             "walbridge.verify_alignment WHERE task = $1 AND request = $2",
                                             {config_.name, request_});
            if (asked.rows() == 0) return;
            if (asked.get(0, 0) == "done") {
                live_.gate.release();
                if (keys_since_) write_keys();
                return;
            }
            if (asked.get(0, 0) == "snapshot") {
                if (!move_to(asked.text(0, 1), parse_lsn(asked.get(0, 2)).value_or(Lsn{}), *view.epoch)) return;
            } else {
                end_.wait_for(poll);
            }
        }
    }

  private:
    /// Whatever happens, apply goes on.
    class Release {
      public:
        explicit Release(Gate &gate) : gate_(gate) {}
        Release(const Release &) = delete;
        Release &operator=(const Release &) = delete;
        ~Release() { gate_.release(); }

      private:
        Gate &gate_;
    };

    bool patient() const { return Clock::now() < until_ && !end_.requested() && live_.view().following; }

    bool move_to(const std::string &text, Lsn taken_before, std::uint64_t epoch) {
        auto snapshot = pipeline::parse_snapshot(text, taken_before);
        if (!snapshot) {
            fail(fmt::format("\"{}\" is no snapshot", text));
            return false;
        }
        live_.gate.advance(std::move(*snapshot));
        auto state = Gate::State::moving;
        while (state == Gate::State::moving) {
            if (!patient()) {
                fail("the stream did not reach the snapshot in time");
                return false;
            }
            state = live_.gate.wait_while(Gate::State::moving, poll);
        }
        if (state == Gate::State::mismatch) return store("again");
        if (state != Gate::State::aligned) {
            fail("apply ended");
            return false;
        }
        const auto position = live_.gate.position();
        collected_ = live_.gate.changed.align(position, keys_since_);
        const auto since = collected_.complete_since;
        return target_
                   .query("UPDATE walbridge.verify_alignment SET state = 'aligned', epoch = $3::bigint, position = "
                          "$4::pg_lsn, keys_complete_since = $5::pg_lsn WHERE task = $1 AND request = $2",
                          {config_.name, request_, std::to_string(epoch), to_string(position),
                           since ? pg::Parameter(to_string(*since)) : std::nullopt})
                   .affected() == 1;
    }

    /// With apply going on.
    void write_keys() {
        target_.execute("BEGIN");
        target_.query("DELETE FROM walbridge.verify_key WHERE task = $1", {config_.name});
        target_.execute("COPY walbridge.verify_key FROM STDIN");
        std::string line;
        const auto put = [&](const std::string &text, char end) {
            for (const char c : text) {
                if (c == '\\') line += '\\';
                if (c == '\n' || c == '\t' || c == '\r') {
                    line += fmt::format("\\x{:02x}", static_cast<unsigned>(c));
                    continue;
                }
                line += c;
            }
            line += end;
        };
        for (const auto &entry : collected_.entries) {
            line.clear();
            for (const auto &text :
                 {config_.name, request_, entry.table.schema, entry.table.name, to_string(entry.since)})
                put(text, '\t');
            if (entry.columns.empty())
                line += "\\N\n";
            else
                put(nlohmann::json({{"columns", entry.columns}, {"values", entry.values}}).dump(), '\n');
            if (PQputCopyData(target_.raw(), line.data(), static_cast<int>(line.size())) != 1)
                target_.raise(nullptr, "COPY walbridge.verify_key");
        }
        if (PQputCopyEnd(target_.raw(), nullptr) != 1) target_.raise(nullptr, "COPY walbridge.verify_key");
        const pg::Result end(PQgetResult(target_.raw()));
        while (PGresult *more = PQgetResult(target_.raw())) PQclear(more);
        if (PQresultStatus(end.raw()) != PGRES_COMMAND_OK) target_.raise(end.raw(), "COPY walbridge.verify_key");
        static_cast<void>(store("keys"));
        target_.execute("COMMIT");
        log::debug("wrote down the keys that changed", {{"entries", collected_.entries.size()}});
    }

    bool store(const std::string &state) {
        return target_
                   .query("UPDATE walbridge.verify_alignment SET state = $3 WHERE task = $1 AND request = $2",
                          {config_.name, request_, state})
                   .affected() == 1;
    }

    void fail(const std::string &reason) {
        log::warning("could not align with a verification", {{"reason", reason}});
        target_.query("UPDATE walbridge.verify_alignment SET state = 'failed', reason = $3 WHERE task = $1 AND "
                      "request = $2",
                      {config_.name, request_, reason});
    }

    pg::Session &target_;
    const TaskConfig &config_;
    Live &live_;
    const StopToken &end_;
    const Clock::time_point until_;
    std::string request_;
    std::optional<Lsn> keys_since_;
    pipeline::ChangedKeys::Collected collected_;
};

} // namespace

AlignmentServer::~AlignmentServer() {
    end_.request();
    if (thread_.joinable()) thread_.join();
}

void AlignmentServer::answer() {
    if (busy_.exchange(true)) return;
    if (thread_.joinable()) thread_.join();
    thread_ = std::thread([this] { work(); });
}

void AlignmentServer::work() {
    try {
        pg::Session target(config_.target.endpoint,
                           {.application_name = config_.application_name("alignment"),
                            .replication = false,
                            .settings = {{"synchronous_commit", "off"}, {"lock_timeout", "5s"}}});
        const auto began = Clock::now();
        Request(target, config_, live_, end_).serve();
        log::debug("apply was held for a verification",
                   {{"ms", std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count()}});
    } catch (const std::exception &error) {
        log::warning("could not align with a verification", {{"reason", error.what()}});
    }
    busy_ = false;
}

} // namespace walbridge::task
