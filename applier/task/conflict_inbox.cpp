// conflict_inbox.cpp: see conflict_inbox.hpp.
#include "task/conflict_inbox.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "task/state_store.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <pwd.h>
#include <set>
#include <unistd.h>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_literal;

/// Sessions that write rows: like the applier's.
std::vector<std::pair<std::string, std::string>> writing_settings(const TaskConfig &config) {
    return {{"session_replication_role", "replica"},
            {"lock_timeout", fmt::format("{}ms", config.apply.lock_timeout.count())},
            {"lc_monetary", "C"},
            {"xmloption", "content"}};
}

std::string decider() {
    std::array<char, 256> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '\0';
    const auto *user = getpwuid(geteuid());
    return fmt::format("{}@{}", user != nullptr ? user->pw_name : std::to_string(geteuid()).c_str(), host.data());
}

const char *word_of(ConflictAction action) {
    switch (action) {
    case ConflictAction::skip: return "skip";
    case ConflictAction::overwrite: return "overwrite";
    case ConflictAction::replay: return "replay";
    case ConflictAction::edit: break;
    }
    return "edit";
}

/// Rows that the source wrote carry an origin of the task, so that they do not travel back through a task of the other
/// direction; what an operator wrote here is this side's own. Without the right to it they carry none.
void mark_as_the_tasks(const TaskConfig &config, pg::Session &target) {
    const auto origin = quote_literal(config.origin_name() + ":inbox");
    try {
        target.execute(fmt::format("SELECT pg_catalog.pg_replication_origin_create({0}) WHERE "
                                   "pg_catalog.pg_replication_origin_oid({0}) IS NULL",
                                   origin));
        target.execute(fmt::format("SELECT pg_catalog.pg_replication_origin_session_setup({})", origin));
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        log::warning("the rows carry no replication origin: a task of the other direction takes them for the target's "
                     "own",
                     {{"reason", error.reason()}});
    }
}

class Inbox {
  public:
    Inbox(const TaskConfig &config, const ConflictResolution &resolution)
        : config_(config), resolution_(resolution), target_(open_inbox(config, writing_settings(config))),
          replay_(config, target_) {}

    ResolvedConflicts run() {
        const auto ids = chosen();
        ResolvedConflicts resolved;
        if (ids.empty()) {
            resolved.text = "no conflict waits for a decision\n";
            return resolved;
        }
        find_later(ids);
        for (const auto &id : ids) {
            try {
                resolved.text += fmt::format("conflict {}: {}\n", id, resolve(id));
            } catch (const Error &error) {
                target_.rollback_quietly();
                const auto *sql = dynamic_cast<const SqlError *>(&error);
                if (sql != nullptr && sql->recovery() == Recovery::reconnect) throw;
                if (ids.size() == 1 || error.kind() == ErrorKind::usage) throw;
                resolved.complete = false;
                resolved.text += fmt::format("conflict {}: NOT resolved: {}\n", id, error.reason());
            }
        }
        if (stopped_ > 0)
            resolved.text += lock_holder(target_, config_.name)
                                 ? "the task's process follows the decision when it starts again\n"
                                 : "the task goes on with walbridge run\n";
        return resolved;
    }

  private:
    std::vector<std::string> chosen() {
        std::string sql;
        if (!resolution_.ids.empty()) {
            std::string list;
            for (const auto &word : resolution_.ids) {
                const auto id = conflict_id(word);
                if (!target_.value("SELECT 1 FROM walbridge.conflict WHERE task = $1 AND id = $2::bigint",
                                   {config_.name, id}))
                    throw Error(ErrorKind::task_state, "conflict " + word, "there is none of that id",
                                "walbridge conflicts list shows them.");
                list += (list.empty() ? "" : ", ") + id;
            }
            sql = fmt::format(" AND c.id IN ({})", list);
        } else {
            sql = conflict_conditions(target_, config_, resolution_.filter) +
                  fmt::format(" AND c.decision IS NULL AND ({} OR c.outcome IN ('kept target', 'skipped'))",
                              conflict_pending_sql());
        }
        const auto rows = target_.query(
            fmt::format("SELECT c.id {}{} ORDER BY c.commit_lsn, c.change, c.id", conflicts_from_sql(), sql),
            {config_.name});
        std::vector<std::string> ids;
        for (int row = 0; row < rows.rows(); ++row) ids.push_back(rows.text(row, 0));
        return ids;
    }

    /// Which of the chosen ones have a later change of the same row beside them that is not decided with them. One look
    /// at all of them: records are not found by their key.
    void find_later(const std::vector<std::string> &ids) {
        const std::set<std::string> mine(ids.begin(), ids.end());
        std::string named; // may have been closed before
        if (!resolution_.ids.empty())
            for (const auto &id : ids) named += (named.empty() ? " OR c.id IN (" : ", ") + id;
        if (!named.empty()) named += ")";
        const auto rows = target_.query(
            fmt::format("SELECT c.id, pg_catalog.hashtextextended(pg_catalog.concat_ws('.', c.schema_name, "
                        "c.table_name, c.key), 0) {} AND ((c.decision IS NULL AND c.outcome IN ('kept target', "
                        "'skipped')){}) ORDER BY c.id DESC",
                        conflicts_from_sql(), named),
            {config_.name});
        std::map<std::string, std::string> left_out; // row -> the oldest of those that are younger
        for (int row = 0; row < rows.rows(); ++row) {
            auto id = rows.text(row, 0), same_row = rows.text(row, 1);
            if (!mine.contains(id))
                left_out.insert_or_assign(std::move(same_row), std::move(id));
            else if (const auto found = left_out.find(same_row); found != left_out.end())
                later_.emplace(std::move(id), found->second);
        }
    }

    /// Locked: two operators do not decide the same.
    RecordedConflict read(const std::string &id) {
        const auto row =
            target_.query(fmt::format("SELECT c.kind, coalesce(c.operation, pg_catalog.split_part(c.kind, '_', 1)), "
                                      "{}, c.outcome, coalesce(c.decision, ''), c.schema_name, c.table_name, "
                                      "coalesce(c.key::text, '{{}}'), coalesce(c.source_row::text, '{{}}') {} AND c.id "
                                      "= $2::bigint FOR UPDATE OF c",
                                      conflict_state_sql(), conflicts_from_sql()),
                          {config_.name, id});
        if (row.rows() == 0)
            throw Error(ErrorKind::task_state, "conflict " + id, "its record was removed",
                        "walbridge conflicts list shows those there are.");
        RecordedConflict conflict{id,
                                  row.text(0, 0),
                                  row.text(0, 1),
                                  row.text(0, 2),
                                  row.text(0, 3),
                                  row.text(0, 4),
                                  {row.text(0, 5), row.text(0, 6)},
                                  row.text(0, 7),
                                  row.text(0, 8),
                                  {},
                                  {}};
        if (const auto found = later_.find(id); found != later_.end()) conflict.later = found->second;
        const auto rows = target_.query(
            "SELECT e.row::text FROM walbridge.conflict c CROSS JOIN LATERAL pg_catalog.jsonb_array_elements(CASE "
            "pg_catalog.jsonb_typeof(c.target_row) WHEN 'array' THEN c.target_row WHEN 'object' THEN "
            "pg_catalog.jsonb_build_array(c.target_row) ELSE '[]' END) AS e(row) WHERE c.id = $1::bigint",
            {id});
        for (int at = 0; at < rows.rows(); ++at) conflict.target_rows.push_back(rows.text(at, 0));
        return conflict;
    }

    std::string resolve(const std::string &id) {
        target_.execute("BEGIN");
        const auto conflict = read(id);
        const bool pending = conflict.state == "open" || conflict.state == "decided";
        const bool of_source =
            resolution_.action == ConflictAction::overwrite || resolution_.action == ConflictAction::replay;
        if (!pending && of_source && !marked_) { // outside of a transaction: where it is refused, work goes on
            target_.execute("ROLLBACK");
            mark_as_the_tasks(config_, target_);
            marked_ = true;
            return resolve(id);
        }
        auto done = pending ? decide(conflict) : amend(conflict);
        target_.execute("COMMIT");
        replay_.committed();
        return done;
    }

    void note(const RecordedConflict &conflict, const pg::Parameter &decision, const std::string &edited = {}) {
        target_.query("UPDATE walbridge.conflict SET decision = $2::text, decided_by = CASE WHEN $2::text IS NOT NULL "
                      "THEN $3 END, "
                      "decided_at = CASE WHEN $2::text IS NOT NULL THEN pg_catalog.clock_timestamp() END, edited_row = "
                      "$4::jsonb WHERE id = $1::bigint",
                      {conflict.id, decision, decider(), edited.empty() ? pg::Parameter{} : pg::Parameter{edited}});
    }

    /// The applier meets the change again.
    std::string decide(const RecordedConflict &conflict) {
        ++stopped_;
        switch (resolution_.action) {
        case ConflictAction::skip: note(conflict, "skip"); return "the change will be passed over";
        case ConflictAction::overwrite: note(conflict, "overwrite"); return "the source's row will win";
        case ConflictAction::replay: note(conflict, std::nullopt); return "the change will be tried again as it is";
        case ConflictAction::edit: break;
        }
        if (lock_holder(target_, config_.name))
            throw Error(ErrorKind::task_state, fmt::format("conflict {}", conflict.id),
                        "a process runs the task and may apply the change at any moment",
                        "Stop it with walbridge stop and decide then.");
        const auto done = replay_.apply(conflict, ConflictAction::edit, resolution_.edit, resolution_.force);
        note(conflict, "skip", replay_.written());
        return done + "; the change will be passed over";
    }

    /// A policy or a decision passed the change over.
    std::string amend(const RecordedConflict &conflict) {
        const auto object = fmt::format("conflict {}", conflict.id);
        if (conflict.outcome != "kept target" && conflict.outcome != "skipped")
            throw Error(ErrorKind::task_state, object,
                        conflict.state == "passed" ? "its transaction has been applied since"
                                                   : fmt::format("its outcome is: {}", conflict.outcome),
                        "There is nothing to decide: only changes that stopped the task or were passed over are.");
        if (!conflict.decision.empty() && conflict.decision != "skip" && !resolution_.force)
            throw Error(ErrorKind::task_state, object, fmt::format("it was decided before: {}", conflict.decision),
                        "walbridge conflicts show tells by whom and when; --force decides once more.");
        if (resolution_.action == ConflictAction::skip) {
            note(conflict, "skip");
            return "closed, the target's row stays";
        }
        auto done = replay_.apply(conflict, resolution_.action, resolution_.edit, resolution_.force);
        note(conflict, word_of(resolution_.action),
             resolution_.action == ConflictAction::edit ? replay_.written() : std::string());
        return done;
    }

    const TaskConfig &config_;
    const ConflictResolution &resolution_;
    pg::Session target_;
    ConflictReplay replay_;
    std::map<std::string, std::string> later_; ///< by id
    bool marked_ = false;
    int stopped_ = 0;
};

void check_edit(const std::string &edit) {
    const auto json = nlohmann::json::parse(edit, nullptr, false);
    if (!json.is_object() || json.empty())
        throw Error(ErrorKind::usage, "--edit", "it is no JSON object with columns",
                    R"(Write for example --edit '{"email": "b@example.org"}'.)");
}

} // namespace

ResolvedConflicts resolve_conflicts(const TaskConfig &config, const ConflictResolution &resolution) {
    if (resolution.action == ConflictAction::edit) check_edit(resolution.edit);
    return Inbox(config, resolution).run();
}

std::string skip_stopping_conflict(const TaskConfig &config) {
    auto target = open_inbox(config);
    const auto row = read_task(target, config.name).value();
    const auto failure = nlohmann::json::parse(row.error.value_or(""), nullptr, false);
    const bool conflicted = failure.is_object() && failure.value("kind", "") == name_of(ErrorKind::conflict);
    const auto found = target.query(
        fmt::format("SELECT c.id, c.kind, c.schema_name || '.' || c.table_name, c.key::text {} AND {} ORDER BY "
                    "c.decision IS NULL DESC, c.at DESC, c.id DESC LIMIT 1",
                    conflicts_from_sql(), conflict_pending_sql()),
        {config.name});
    if (row.state != State::failed || !conflicted || found.rows() == 0)
        throw Error(ErrorKind::task_state, fmt::format("task {}", config.name), "it did not stop at a conflict",
                    "walbridge status shows what it waits for; walbridge conflicts list shows what was recorded.");
    ConflictResolution resolution;
    resolution.ids = {found.text(0, 0)};
    static_cast<void>(resolve_conflicts(config, resolution));
    return fmt::format("conflict {}: {} in {}, key {}: its change will be passed over\n", found.get(0, 0),
                       found.get(0, 1), found.get(0, 2), found.get(0, 3));
}

} // namespace walbridge::task
