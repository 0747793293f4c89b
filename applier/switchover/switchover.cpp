// switchover.cpp: the order of things.
#include "switchover/switchover.hpp"

#include "copy/table_statistics.hpp"
#include "dialect/postgres.hpp"
#include "reverse/reverse_task.hpp"
#include "sequence/sequences.hpp"
#include "source/shape.hpp"
#include "switchover/fence.hpp"
#include "switchover/gates.hpp"
#include "switchover/journal.hpp"
#include "switchover/listing.hpp"
#include "switchover/undo.hpp"
#include "switchover/unfollowed.hpp"
#include "task/materialized_views.hpp"
#include "task/operator_commands.hpp"
#include "task/prepare.hpp"
#include "task/replica_identity.hpp"
#include "task/start.hpp"
#include "task/state_store.hpp"
#include "verify/verify.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <thread>

namespace walbridge::switchover {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;
using dialect::postgres::quote_literal;

/// Of the verification ahead of the fence: a round shorter than this need not be followed by another.
constexpr double short_round = 1.0;
constexpr int most_rounds_ahead = 5;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

Error unproven(const std::string &gate, const std::string &reason, const std::string &remedy) {
    return {ErrorKind::switchover_refused, gate, reason, remedy};
}

/// Undoes and says so; throws switchover_open when something is left.
void undo_all(const TaskConfig &config, Journal &journal, const Show &show, const std::string &cause,
              const std::string &report) {
    const auto began = Clock::now();
    auto undone = take_back(config, journal.record().undo);
    for (const auto &undo : undone.done)
        show({"step", "undo", "ok", fmt::format("{} ({})", undo.what, undo.statement), {}});
    if (!undone.failed.empty()) {
        for (const auto &failure : undone.failed)
            show({"step", "undo", "failed", fmt::format("{}: {}", failure.undo.what, failure.reason),
                  failure.undo.statement});
        throw Error(ErrorKind::switchover_open, fmt::format("switchover of task {}", config.name),
                    fmt::format("{}; and {} of its steps could not be undone", cause, undone.failed.size()),
                    fmt::format("Run {} Then walbridge switchover --undo.", remaining_statements(undone)));
    }
    const auto &file = journal.record().reverse_file;
    if (!file.empty()) std::filesystem::remove(file);
    journal.session().query(
        "UPDATE walbridge.task SET state = 'catching-up', updated_at = now() WHERE task = $1 AND state "
        "= 'draining'",
        {config.name});
    journal.finish(Outcome::undone, report);
    show({"step", "undo", "ok", "the source is in charge as before", {}, seconds_since(began)});
}

/// One switchover from its gates to the point of no return and what follows it.
class Run {
  public:
    Run(const TaskConfig &config, const std::string &file, const Options &options, const StopToken &stop,
        const Show &show)
        : config_(config), options_(options), stop_(stop), show_(show), journal_(config.target.endpoint, config.name),
          source_(open_session(config.source.endpoint)), target_(open_session(config.target.endpoint)) {
        events_ = Json::array();
        source::learn_names(config, source_);
        if (options.reverse)
            reverse_ = reverse::derive_reverse(
                config, file,
                options.reverse_name.empty() ? reverse::reverse_name(config.name, source_) : options.reverse_name);
    }

    Result go() {
        if (auto left = read_record(target_, config_.name); left && left->outcome == Outcome::under_way) {
            if (options_.dry_run)
                throw unproven("switchover", fmt::format("an earlier one was cut off at step {}", left->step),
                               "walbridge switchover --undo takes back what it did.");
            journal_.adopt(std::move(*left));
            tell({"note",
                  "left over",
                  "",
                  fmt::format("an earlier switchover was cut off at step {}: it is undone first",
                              journal_.record().step),
                  {}});
            undo_all(config_, journal_, show_, "an earlier switchover was cut off", "null");
        }
        fence_ = plan_fence(source_);
        // Before the gates look: whatever is written while they do has to show behind the fence.
        for (const auto &kind : unfollowed_kinds) writes_.push_back(kind.writes(source_, config_));
        pass_gates();
        if (options_.dry_run) return forecast();
        try {
            return cut();
        } catch (const Error &error) {
            if (passed_) throw;
            const auto cause = fmt::format("{}: {}", error.object(), error.reason());
            tell({"step", journal_.record().step, "refused", cause, error.remedy()});
            undo_all(config_, journal_, show_, cause, document().dump());
            throw Error(ErrorKind::switchover_refused, error.object(),
                        fmt::format("{}; everything was undone and the source is in charge", error.reason()),
                        error.remedy());
        }
    }

  private:
    void tell(const Event &event) {
        Json json{{"kind", event.kind}, {"name", event.name}, {"state", event.state}, {"text", event.text}};
        if (!event.remedy.empty()) json["remedy"] = event.remedy;
        if (event.seconds >= 0) json["seconds"] = event.seconds;
        events_.push_back(std::move(json));
        show_(event);
    }

    [[nodiscard]] Json document() const {
        return {{"task", config_.name},
                {"reverse_task", reverse_ ? Json(reverse_->config.name) : Json(nullptr)},
                {"outage_seconds", outage_},
                {"events", events_}};
    }

    [[nodiscard]] bool accepted(const std::string &id) const {
        return std::ranges::find(options_.accept, id) != options_.accept.end();
    }

    void pass_gates() {
        std::optional<Gate> first;
        examine({config_, fence_, reverse_, stop_}, source_, target_, [&](const Gate &gate) {
            const bool through = gate.passage == Passage::refused && gate.acceptable && accepted(gate.id);
            const auto *state = through                          ? "accepted"
                                : gate.passage == Passage::open  ? "ok"
                                : gate.passage == Passage::noted ? "note"
                                                                 : "refused";
            tell({"gate", gate.id, state, gate.detail, gate.remedy});
            if (gate.passage == Passage::refused && !through && !first) first = gate;
        });
        possible_ = !first.has_value();
        if (first && !options_.dry_run)
            throw Error(ErrorKind::switchover_refused, first->id, first->detail + "; nothing was changed",
                        first->remedy + (first->acceptable
                                             ? fmt::format(" Or go through it knowingly: --accept {}.", first->id)
                                             : ""));
    }

    Result forecast() {
        for (const auto &step : fence_.steps) tell({"step", "fence", "would run", step.statement, {}});
        if (reverse_) tell({"step", "reverse", "would write", reverse_->file, {}});
        Result result;
        result.possible = possible_;
        if (reverse_) {
            result.reverse_task = reverse_->config.name;
            result.reverse_file = reverse_->file;
        }
        result.report = document().dump();
        return result;
    }

    /// Runs one step, with its time; a requested stop ends the switchover before it.
    template <class Body> void step(const std::string &name, Body &&body) {
        if (stop_.requested()) throw unproven(name, "it was interrupted", "Start it again when you are ready.");
        journal_.step(name);
        const auto began = Clock::now();
        const std::string said = body();
        tell({"step", name, "ok", said, {}, seconds_since(began)});
    }

    Result cut() {
        journal_.open(reverse_ ? reverse_->config.name : "", reverse_ ? reverse_->file : "");
        journal_.session().query("UPDATE walbridge.task SET state = 'draining', updated_at = now() WHERE task = $1 AND "
                                 "state <> 'switched-over'",
                                 {config_.name});
        step("statistics", [&] { return gather_statistics(); });
        if (verification() == "changed") step("verify ahead", [&] { return verify_ahead(); });
        if (options_.wait_quiet)
            step("quiet", [&] {
                wait_until_quiet(source_, config_.switchover.drain, stop_);
                return std::string("nobody else is connected");
            });
        for (const auto &planned : fence_.steps) journal_.will_do(planned.undo);
        const auto outage_began = Clock::now();
        step("fence", [&] { return close_source(); });
        step("drain", [&] { return drain(); });
        step("unfollowed", [&] { return prove_unfollowed(); });
        step("sequences", [&] { return bring_sequences(); });
        step("materialized views", [&] { return refresh_views(); });
        step("verify", [&] { return verify(); });
        if (reverse_) step("reverse", [&] { return prepare_way_back(); });
        step("revoke", [&] { return revoke(); });
        step("proof", [&] { return prove_silence(); });
        outage_ = seconds_since(outage_began);
        if (!journal_.commit(fence_lsn_, document().dump()))
            throw unproven("commit", "the task's row disappeared from walbridge.task",
                           "Somebody released or reset it.");
        passed_ = true;
        open_target();
        outage_ = seconds_since(outage_began);
        tell({"note",
              "switched over",
              "",
              fmt::format("the application may write to the target; the write outage was {:.2f} s", outage_),
              {}});
        settle();
        Result result;
        result.switched = true;
        result.outage_seconds = outage_;
        if (reverse_) {
            result.reverse_task = reverse_->config.name;
            result.reverse_file = reverse_->file;
        }
        result.report = document().dump();
        journal_.finish(Outcome::switched_over, result.report);
        return result;
    }

    /// Before the fence, because it takes its time; its first queries would be planned blindly.
    std::string gather_statistics() {
        const auto tables = copy::tables_without_statistics(source_, target_, config_);
        for (const auto &table : tables) target_.execute(fmt::format("ANALYZE {}", dialect::postgres::quote(table)));
        const auto left = copy::without_statistics(target_, tables);
        if (!left.empty())
            throw unproven("statistics",
                           fmt::format("tables have none: {}",
                                       listed(left, [](const QualifiedName &name) { return to_string(name); })),
                           "ANALYZE them on the target as their owner.");
        return tables.empty() ? "every table with rows has them" : fmt::format("gathered for {} tables", tables.size());
    }

    std::string close_source() {
        raise(source_, fence_);
        const auto silenced = silence(source_, config_.switchover.grace, stop_);
        if (!silenced.remaining.empty())
            throw unproven("fence",
                           fmt::format("{} sessions are still connected: {}", silenced.remaining.size(),
                                       listed(silenced.remaining, [](const auto &entry) { return entry.who; })),
                           "End them, and what starts them, by hand.");
        if (!silenced.still_allowed.empty())
            throw unproven("fence",
                           fmt::format("roles may still connect: {}",
                                       listed(silenced.still_allowed, [](const auto &role) { return role; })),
                           "Their right was granted by somebody else than the owner of the database: revoke it as that "
                           "role, or make them NOLOGIN for the switchover.");
        const auto prepared = source_.query("SELECT gid FROM pg_catalog.pg_prepared_xacts WHERE database = "
                                            "pg_catalog.current_database()");
        if (prepared.rows() > 0)
            throw unproven("fence", fmt::format("prepared transaction {} was left open", prepared.get(0, 0)),
                           "COMMIT PREPARED or ROLLBACK PREPARED it.");
        return fmt::format("closed; {} sessions ended", silenced.ended);
    }

    /// Writes a transaction of its own behind everything, waits until it is applied, and returns its number in the
    /// stream.
    std::uint64_t mark() {
        const auto lsn = parse_lsn(source_
                                       .value("SELECT pg_catalog.pg_logical_emit_message(true, 'walbridge.switchover', "
                                              "'')")
                                       .value())
                             .value();
        const auto until = Clock::now() + config_.switchover.drain;
        for (;;) {
            const auto row =
                target_.query("SELECT position, counter FROM walbridge.progress WHERE task = $1", {config_.name});
            if (row.rows() == 1 && parse_lsn(row.get(0, 0)).value() > lsn)
                return static_cast<std::uint64_t>(row.number(0, 1));
            if (!task::lock_holder(target_, config_.name))
                throw unproven("drain", "the task's process ended", "walbridge status says why; run it again.");
            if (stop_.requested() || Clock::now() > until)
                throw unproven("drain",
                               fmt::format("the target did not reach {} within {} s", to_string(lsn),
                                           config_.switchover.drain.count() / 1000),
                               "Look at walbridge status; raise switchover.drain when it only needs longer.");
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
        }
    }

    std::string drain() {
        fence_lsn_ = parse_lsn(source_.value("SELECT pg_catalog.pg_current_wal_insert_lsn()").value()).value();
        try {
            task::wait_until_durable(config_, config_.switchover.drain);
        } catch (const Error &error) {
            throw unproven("drain", error.reason(), error.remedy());
        }
        counter_ = mark();
        return fmt::format("the target holds everything up to {}", to_string(fence_lsn_));
    }

    /// The gates compared what the stream does not carry; nobody is connected any more, so the counters are final.
    std::string prove_unfollowed() {
        bool again = false;
        for (std::size_t at = 0; at < unfollowed_kinds.size(); ++at) {
            const auto &kind = unfollowed_kinds.at(at);
            if (accepted(kind.gate)) continue;
            const auto now = kind.writes(source_, config_);
            if (now && now == writes_.at(at)) continue;
            again = true;
            const auto found = kind.compare(source_, target_, config_, config_.switchover.drain);
            if (!found.difference.empty())
                throw unproven(kind.gate, found.difference,
                               fmt::format("{} Or go through it knowingly: --accept {}.", found.remedy, kind.gate));
        }
        return again ? "large objects and unlogged tables were compared once more"
                     : "nothing was written to large objects and unlogged tables since the gates";
    }

    std::string bring_sequences() {
        const auto result = sequence::bring_sequences_exactly(source_, target_, config_);
        if (!result.complete()) {
            auto left = result.missing;
            left.insert(left.end(), result.refused.begin(), result.refused.end());
            throw unproven("sequences", listed(left, [](const auto &entry) { return describe(entry); }),
                           listed(left, [](const auto &entry) { return entry.remedy; }));
        }
        return fmt::format("{} sequences, {} of them moved", result.selected, result.written);
    }

    std::string refresh_views() {
        const auto report = task::refresh_materialized_views(source_, target_, config_);
        if (!report.failed.empty() && !accepted("materialized views"))
            throw unproven("materialized views",
                           listed(report.failed, [](const auto &entry) { return entry.view + ": " + entry.reason; }),
                           "Mend them on the target, or go on with stale ones: --accept 'materialized views'.");
        auto said = fmt::format("{} refreshed", report.refreshed.size());
        if (!report.left.empty()) said += fmt::format(", {} without data as on the source", report.left.size());
        if (!report.failed.empty())
            said +=
                fmt::format(", not refreshed: {}",
                            listed(report.failed, [](const auto &entry) { return entry.view + ": " + entry.reason; }));
        return said;
    }

    [[nodiscard]] std::string verification() const {
        return options_.verify.empty() ? config_.switchover.verify : options_.verify;
    }

    verify::Result compare(verify::Stillness stillness) {
        verify::Options options;
        options.mode = verify::parse_mode(verification()).value();
        options.stillness = stillness;
        options.sequences = stillness == verify::Stillness::fenced; // they are brought behind the fence
        auto result = verify::compare(config_, options, stop_);
        if (!result.complete) throw unproven("verify", "it did not come to its end", "Start the switchover again.");
        if (!result.equal())
            throw unproven("verify", fmt::format("the two sides differ in {} places", result.differences()),
                           fmt::format("walbridge verify lists them; repair them, and switch over again.\n{}",
                                       verify::as_text(config_, options, result)));
        return result;
    }

    /// What changed since the last verification is compared while the application still works, again and again as long
    /// as that leaves less: behind the fence it would be part of the outage.
    std::string verify_ahead() {
        std::uint64_t rows = 0;
        int rounds = 0;
        for (double before = 0, took = 0; rounds < most_rounds_ahead; before = took) {
            const auto began = Clock::now();
            rows += compare(verify::Stillness::process).rows;
            took = seconds_since(began);
            if (++rounds > 1 && took > before / 2) break;
            if (took < short_round) break;
        }
        return fmt::format("{} rows, in {} rounds, are equal", rows, rounds);
    }

    std::string verify() {
        if (verification() == "none") return "not asked for";
        const auto result = compare(verify::Stillness::fenced);
        return fmt::format("{}: {} rows of {} tables are equal", verification(), result.rows, result.tables.size());
    }

    std::string prepare_way_back() {
        const auto &way_back = reverse_->config;
        const auto name = quote_literal(way_back.name);
        // In the order they have to be undone from the end: the slot first.
        journal_.will_do(
            {Side::source, fmt::format("state of task {}", way_back.name),
             fmt::format("DO $$ DECLARE kept text; BEGIN FOREACH kept IN ARRAY ARRAY['schema_item', 'table_sync', "
                         "'replica_identity', 'progress', 'task'] LOOP IF pg_catalog.to_regclass('walbridge.' || kept) "
                         "IS NOT NULL THEN EXECUTE pg_catalog.format('DELETE FROM walbridge.%I WHERE task = %L', kept, "
                         "{}); END IF; END LOOP; END $$",
                         name)});
        for (const auto &identity : task::identities_to_set(way_back, target_))
            journal_.will_do(
                {Side::target, fmt::format("replica identity of {}", to_string(identity.table)), identity.restoring});
        journal_.will_do({Side::target, fmt::format("slot of task {}", way_back.name),
                          fmt::format("SELECT pg_catalog.pg_drop_replication_slot(slot_name) FROM "
                                      "pg_catalog.pg_replication_slots WHERE slot_name = {} AND NOT active",
                                      quote_literal(way_back.slot_name()))});
        reverse::write_file(*reverse_);
        task::prepare(way_back, stop_);
        return fmt::format("task {} is prepared: its slot is in place before the first write", way_back.name);
    }

    /// Decision 23: the applier's rights to write to the target. Of tables it owns, and of a superuser, nothing can be
    /// revoked; what stops an old process there is the task's state.
    std::string revoke() {
        const auto tables = target_.query(
            "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), string_agg(DISTINCT a.privilege_type, ', ' ORDER "
            "BY "
            "a.privilege_type) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace, "
            "pg_catalog.aclexplode(c.relacl) a WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('walbridge', "
            "'pg_catalog', 'information_schema') AND a.grantee = current_user::regrole AND a.privilege_type IN "
            "('INSERT', "
            "'UPDATE', 'DELETE', 'TRUNCATE') AND NOT pg_catalog.pg_has_role(c.relowner, 'USAGE') GROUP BY 1 ORDER BY "
            "1");
        const auto me = dialect::postgres::quote_identifier(target_.value("SELECT current_user").value());
        int revoked = 0;
        for (int row = 0; row < tables.rows(); ++row) {
            const auto grant = fmt::format("GRANT {} ON {} TO {}", tables.get(row, 1), tables.get(row, 0), me);
            journal_.will_do({Side::target, fmt::format("rights on {}", tables.get(row, 0)), grant});
            try { // the grantor may be somebody else
                target_.execute(fmt::format("REVOKE {} ON {} FROM {}", tables.get(row, 1), tables.get(row, 0), me));
                ++revoked;
            } catch (const SqlError &error) {
                tell({"note", "revoke", "", fmt::format("{}: {}", tables.get(row, 0), error.reason()), {}});
            }
        }
        return revoked == 0
                   ? "nothing to revoke: the role owns the tables or is a superuser; the task's state keeps it out"
                   : fmt::format("the applier's rights to write on {} tables", revoked);
    }

    /// Nothing was committed on the source since the drain but our own mark.
    std::string prove_silence() {
        const auto counter = mark();
        if (counter != counter_ + 1)
            throw unproven(
                "proof",
                fmt::format("{} transactions were committed on the source behind the fence", counter - counter_ - 1),
                "A superuser, or a running walbridge wait, writes to the source: end it and switch over again.");
        const auto sessions = foreign_sessions(source_);
        if (!sessions.empty())
            throw unproven("proof",
                           fmt::format("somebody connected to the source behind the fence: {}",
                                       listed(sessions, [](const auto &entry) { return entry.who; })),
                           "End that session, and what starts it.");
        return "nothing was written behind the fence";
    }

    /// The target of a way back was closed by the switchover that led here.
    void open_target() {
        const auto earlier = read_record_of_reverse(source_, config_.name);
        if (!earlier || earlier->outcome != Outcome::switched_over) return;
        std::vector<Undo> opening;
        for (const auto &undo : earlier->undo)
            if (undo.opens) opening.push_back({Side::target, undo.what, undo.statement, true});
        const auto opened = take_back(config_, opening);
        if (!opened.failed.empty())
            throw Error(ErrorKind::switchover_open, fmt::format("switchover of task {}", config_.name),
                        "it is done, but the target could not be opened to the application",
                        fmt::format("Run {}", remaining_statements(opened)));
        tell({"step", "open", "ok", fmt::format("the target is open again ({} statements)", opened.done.size()), {}});
    }

    /// Behind the point of no return nothing may fail the switchover: what cannot be tidied up is said.
    void settle() {
        const auto tidy = [&](const std::string &what, const std::string &remedy, const auto &body) {
            try {
                tell({"step", what, "ok", body(), {}});
            } catch (const Error &error) {
                tell({"step", what, "left", error.reason(), remedy});
            }
        };
        tidy("stop", "walbridge stop ends the old process; it can no longer write.",
             [&] { return std::string(task::control(config_, "stop", std::chrono::seconds(60))); });
        tidy("slot",
             fmt::format("SELECT pg_drop_replication_slot({}); on the old source.", quote_literal(config_.slot_name())),
             [&] {
                 return std::string(task::drop_slot(source_, config_) ? "the old slot is dropped"
                                                                      : "there was no slot");
             });
        if (reverse_)
            tell({"note",
                  "way back",
                  "",
                  fmt::format("start it now, until then its slot keeps WAL: walbridge run {}", reverse_->file),
                  {}});
    }

    const TaskConfig &config_;
    const Options &options_;
    const StopToken &stop_;
    const Show &show_;
    Journal journal_;
    pg::Session source_, target_;
    std::optional<reverse::ReverseTask> reverse_;
    FencePlan fence_;
    std::vector<std::optional<std::string>> writes_; ///< of unfollowed_kinds, before the gates
    Json events_;
    Lsn fence_lsn_{};
    std::uint64_t counter_ = 0;
    double outage_ = 0;
    bool possible_ = true, passed_ = false;
};

} // namespace

Result switch_over(const TaskConfig &config, const std::string &file, const Options &options, const StopToken &stop,
                   const Show &show) {
    auto known = acceptable_gates();
    known.emplace_back("materialized views");
    for (const auto &id : options.accept)
        if (std::ranges::find(known, id) == known.end())
            throw Error(ErrorKind::usage, fmt::format("--accept {}", id), "no such gate, or it cannot be accepted",
                        fmt::format("Those are {}.", listed(known, [](const std::string &name) { return name; })));
    return Run(config, file, options, stop, show).go();
}

bool undo_left_over(const TaskConfig &config, const Show &show) {
    Journal journal(config.target.endpoint, config.name);
    auto left = read_record(journal.session(), config.name);
    if (!left || left->outcome != Outcome::under_way) return false;
    journal.adopt(std::move(*left));
    undo_all(config, journal, show, "the switchover was cut off", "null");
    return true;
}

std::string file_of_way_back(const TaskConfig &forward) {
    auto target = open_session(forward.target.endpoint);
    const auto record = read_record(target, forward.name);
    const auto object = fmt::format("task {}", forward.name);
    if (!record || record->outcome != Outcome::switched_over)
        throw Error(ErrorKind::task_state, object, "it was not switched over: there is nothing to go back from",
                    "walbridge switchover comes first.");
    if (record->reverse_file.empty())
        throw Error(ErrorKind::task_state, object, "it was switched over without a way back", "Set up a new task.");
    return record->reverse_file;
}

} // namespace walbridge::switchover
