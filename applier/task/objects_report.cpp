// objects_report.cpp: which tables a task has, and why: the selection in force, names, rules, and how far each table
// is.
#include "config/table_rules.hpp"
#include "dialect/postgres.hpp"
#include "source/catalog.hpp"
#include "source/shape.hpp"
#include "target/state_session.hpp"
#include "task/objects_command.hpp"
#include "task/state_store.hpp"
#include "task/sync_task.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

namespace walbridge::task {
namespace {

using Json = nlohmann::ordered_json;
using Action = ObjectChange::Action;
using Stage = ObjectChange::State;

/// What the target's state says of a table.
struct Synced {
    bool done = true;
    Lsn since;
};

std::map<QualifiedName, Synced> synced_tables(sql::Session &target, const std::string &task) {
    std::map<QualifiedName, Synced> found;
    const auto rows =
        target.ask("SELECT schema_name, table_name, sync_lsn, done FROM walbridge.table_sync WHERE task = $1", {task});
    for (int row = 0; row < rows.rows(); ++row) {
        auto &one = found[{rows.text(row, 0), rows.text(row, 1)}];
        one.done = one.done && rows.flag(row, 3);
        one.since = std::max(one.since, parse_lsn(rows.text(row, 2)).value_or(Lsn{}));
    }
    return found;
}

struct Report {
    const TaskConfig &config;
    std::vector<ObjectChange> changes{};
    EffectiveSelection selection{};
    bool started = false;
    std::optional<wire::ObjectSelection> in_force{}; ///< the selection that the task's last process stored
    std::map<QualifiedName, Synced> synced{};
    struct SyncTask {
        std::string name, state;
        wire::ObjectSelection has;
    };
    std::vector<SyncTask> syncs{};

    [[nodiscard]] std::string why(const EffectiveSelection::Verdict &verdict) const {
        if (!verdict.by) return "no pattern of objects.include names it";
        if (verdict.by->change == 0)
            return fmt::format("{} {} of the task file", verdict.selected ? "objects.include" : "objects.exclude",
                               verdict.by->pattern);
        const auto &change = *std::ranges::find(changes, verdict.by->change, &ObjectChange::number);
        return fmt::format("command {} ({} {}){}", change.command, name_of(change.action),
                           shown_pattern(change.pattern), change.reason.empty() ? "" : ": " + change.reason);
    }

    /// How far it is, and since which position of the source.
    [[nodiscard]] std::pair<std::string, Lsn> progress(const QualifiedName &table,
                                                       const EffectiveSelection::Verdict &verdict) const {
        for (const auto &[name, state, has] : syncs) {
            if (!has.matches(table.schema, table.name)) continue;
            const auto change = std::ranges::find(changes, name, &ObjectChange::sync_task);
            if (change == changes.end() || !change->open()) continue;
            if (change->state == Stage::failed) return {"failed", change->lsn};
            if (change->state == Stage::cancelling) return {"being given up", change->lsn};
            const bool following = state == "running" || state == "catching-up";
            return {following ? "catching up" : "copying", change->lsn};
        }
        if (!verdict.selected) {
            if (verdict.by && verdict.by->change != 0) {
                const auto &change = *std::ranges::find(changes, verdict.by->change, &ObjectChange::number);
                return {change.action == Action::remove ? "removed" : "given up", change.lsn};
            }
            return {"not selected", {}};
        }
        if (!started) return {"not started", {}};
        if (in_force && !in_force->matches(table.schema, table.name)) return {"not brought yet", {}};
        const auto found = synced.find(table);
        if (found == synced.end()) return {"streaming", {}}; // created since the task began
        return {found->second.done ? "streaming" : "copying", found->second.since};
    }
};

std::string operations_of(const wire::TableRule &rule) {
    if (!rule.operations) return "all";
    std::string text;
    const auto add = [&](bool takes, const char *name) {
        if (takes) text += (text.empty() ? "" : ", ") + std::string(name);
    };
    add(rule.operations->insert, "insert");
    add(rule.operations->update, "update");
    add(rule.operations->erase, "delete");
    add(rule.operations->truncate, "truncate");
    return text.empty() ? "none" : text;
}

Json json_of(const Report &report, const source::Table &table) {
    const auto verdict = report.selection.judge(table.name);
    const auto [state, lsn] = report.progress(table.name, verdict);
    Json json{{"schema", table.name.schema}, {"table", table.name.name}, {"selected", verdict.selected}};
    json["why"] = report.why(verdict);
    const auto target = report.config.names.table(table.name);
    json["target"] = {{"schema", target.schema}, {"table", target.name}};
    auto rule = rule_of(report.config, table.name);
    json["operations"] = operations_of(rule);
    rule.operations.reset();
    json["rule"] = rule.empty() ? Json(nullptr) : Json::parse(wire::to_json(rule), nullptr, false);
    json["state"] = state;
    json["lsn"] = lsn.valid() ? Json(to_string(lsn)) : Json(nullptr);
    return json;
}

Json json_of(const ObjectChange &change) {
    Json json{{"number", change.number},   {"command", change.command},      {"action", name_of(change.action)},
              {"pattern", change.pattern}, {"state", name_of(change.state)}, {"asked_at", change.asked_at},
              {"reason", change.reason}};
    json["lsn"] = change.lsn.valid() ? Json(to_string(change.lsn)) : Json(nullptr);
    json["sync_task"] = change.sync_task.empty() ? Json(nullptr) : Json(change.sync_task);
    json["done_at"] = change.done_at.empty() ? Json(nullptr) : Json(change.done_at);
    json["error"] = change.error ? Json::parse(*change.error, nullptr, false) : Json(nullptr);
    return json;
}

std::string text_of(const Json &document) {
    const auto name = [](const Json &table) {
        return table["schema"].get<std::string>() + "." + table["table"].get<std::string>();
    };
    std::size_t width = 5;
    for (const auto &table : document["tables"]) width = std::max(width, name(table).size());
    std::string out;
    for (const auto &table : document["tables"]) {
        auto state = table["state"].get<std::string>();
        if (table["lsn"].is_string())
            state += (state == "streaming" ? " since " : " at ") + table["lsn"].get<std::string>();
        out += fmt::format("{:<{}}  {:<28}  {}\n", name(table), width, state, table["why"].get<std::string>());
        const auto &target = table["target"];
        if (name(target) != name(table)) out += fmt::format("{:<{}}    on the target {}\n", "", width, name(target));
        if (table["rule"].is_object()) out += fmt::format("{:<{}}    rule {}\n", "", width, table["rule"].dump());
        if (table["operations"] != "all")
            out += fmt::format("{:<{}}    operations {}\n", "", width, table["operations"].get<std::string>());
    }
    if (document["tables"].empty()) out += "no table of the source is selected\n";
    bool first = true;
    for (const auto &change : document["changes"]) {
        const bool open = change["state"] != "done" && change["state"] != "cancelled";
        if (!open && !change["error"].is_object()) continue;
        if (std::exchange(first, false)) out += "\n";
        out += fmt::format(
            "command {}: {} {} is {}{}\n", change["command"].get<int>(), change["action"].get<std::string>(),
            change["pattern"].get<std::string>(), change["state"].get<std::string>(),
            change["sync_task"].is_string() ? ", by task " + change["sync_task"].get<std::string>() : "");
        if (change["error"].is_object())
            out += fmt::format("  error:  {}\n  reason: {}\n  remedy: {}\n", change["error"].value("object", ""),
                               change["error"].value("reason", ""), change["error"].value("remedy", ""));
    }
    return out;
}

} // namespace

std::string show_objects(const TaskConfig &config, bool all, bool json) {
    Report report{.config = config};
    const auto session =
        target::open_state(config, "walbridge:objects", {.statement_timeout = std::chrono::seconds(60)});
    auto &target = *session;
    const auto row = read_task(target, config.name);
    report.started = row && row->phase != Phase::none;
    if (row) {
        report.changes = load_object_changes(target, config.name);
        report.synced = synced_tables(target, config.name);
        if (const auto stored = load_objects(target, config.name))
            report.in_force.emplace(stored->include, stored->exclude);
        for (const auto &sync : stored_sync_tasks(config, target)) {
            const auto its_row = read_task(target, sync.name);
            report.syncs.push_back({sync.name,
                                    its_row ? std::string(name_of(its_row->state)) : std::string(),
                                    {sync.objects.include, sync.objects.exclude}});
        }
    }
    report.selection = effective_selection(config.objects.include, config.objects.exclude, report.changes);
    pg::Session source(config.source.endpoint, {"walbridge:objects", false, {{"statement_timeout", "60s"}}});
    Json document{{"task", config.name}, {"tables", Json::array()}, {"changes", Json::array()}};
    document["include"] = report.selection.includes();
    document["exclude"] = report.selection.excludes();
    const auto tables = source::read_tables(source, source::Unlogged::bring);
    source::learn_partitions(config.names, tables);
    for (const auto &table : tables) {
        auto one = json_of(report, table);
        // What is on its way is shown although nobody selects it yet.
        const bool brought = one["state"] != "not selected" && one["state"] != "removed" && one["state"] != "given up";
        if (all || one["selected"].get<bool>() || brought) document["tables"].push_back(std::move(one));
    }
    for (const auto &change : report.changes) document["changes"].push_back(json_of(change));
    return json ? document.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : text_of(document);
}

} // namespace walbridge::task
