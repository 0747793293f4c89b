// status.cpp: joins what is stored on the target with the slot's figures on the source, and says how old each part is.
#include "base/log.hpp"
#include "base/sql/presence.hpp"
#include "target/state_session.hpp"
#include "task/conflict_records.hpp"
#include "task/figures.hpp"
#include "task/object_changes.hpp"
#include "task/operator_commands.hpp"
#include "task/slot_guard.hpp"
#include "task/slot_watch.hpp"
#include "task/source_cost.hpp"
#include "task/state_store.hpp"
#include "task/sync_task.hpp"
#include "task/throttle_settings.hpp"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::task {
namespace {

using Json = nlohmann::ordered_json;

Json tables_of(sql::Session &target, const TaskConfig &config) {
    auto tables = Json::array();
    const bool older = !sql::has_column(target, {"walbridge", "table_sync"}, "existing"); // no start has upgraded it
    const auto rows = target.ask(
        fmt::format("SELECT schema_name, table_name, sum(t.rows), sum(bytes), sum(estimated_rows), "
                    "sum(estimated_bytes), count(*), sum(CASE WHEN done THEN 1 ELSE 0 END), max(CASE WHEN unlogged "
                    "THEN 1 ELSE 0 END), {} FROM walbridge.table_sync t WHERE task = $1 GROUP BY source_oid, "
                    "schema_name, table_name ORDER BY 1, 2",
                    older ? "'none', 0, 0" : "max(existing), sum(kept), sum(overwritten)"),
        {config.name});
    for (int row = 0; row < rows.rows(); ++row) {
        tables.push_back({{"schema", rows.text(row, 0)},
                          {"table", rows.text(row, 1)},
                          {"rows", rows.number(row, 2)},
                          {"bytes", rows.number(row, 3)},
                          {"estimated_rows", rows.number(row, 4)},
                          {"estimated_bytes", rows.number(row, 5)},
                          {"chunks", rows.number(row, 6)},
                          {"chunks_done", rows.number(row, 7)},
                          {"done", rows.number(row, 6) == rows.number(row, 7)},
                          {"followed", !rows.flag(row, 8)}});
        if (const auto existing = rows.text(row, 9); existing != "none") {
            tables.back()["existing"] = existing;
            tables.back()["kept"] = rows.number(row, 10);
            tables.back()["overwritten"] = rows.number(row, 11);
        }
        const QualifiedName source{rows.text(row, 0), rows.text(row, 1)};
        if (const auto there = config.names.table(source); there != source)
            tables.back()["target"] = {{"schema", there.schema}, {"table", there.name}};
    }
    return tables;
}

/// The process's own figures of tables in work are newer than the stored ones.
void merge_active(Json &tables, const Json &live) {
    if (!live.contains("copy") || !live["copy"].contains("active")) return;
    for (const auto &active : live["copy"]["active"])
        for (auto &table : tables)
            if (table["schema"] == active["schema"] && table["table"] == active["table"] && !table["done"].get<bool>())
                for (const auto *key : {"rows", "bytes", "rows_per_second", "bytes_per_second", "eta_seconds"})
                    table[key] = active[key];
}

/// `cost`: what the task costs the source now.
Json slot_of(const TaskConfig &config, Json &cost) {
    try {
        pg::Session source(
            config.source.endpoint,
            {.application_name = "walbridge:status", .replication = false, .settings = {{"statement_timeout", "10s"}}});
        const auto slot = read_slot(source, config.slot_name());
        cost = Json::parse(source_cost_json(read_source_cost(source, config)));
        if (!slot) return {{"name", config.slot_name()}, {"exists", false}};
        Json json{
            {"name", config.slot_name()}, {"exists", true}, {"active", slot->active}, {"wal_status", slot->wal_status}};
        json["safe_wal_size"] = slot->safe_wal_size ? Json(*slot->safe_wal_size) : Json(nullptr);
        json["retained_bytes"] = slot->retained_bytes ? Json(*slot->retained_bytes) : Json(nullptr);
        json["retained_warning"] = warning_bytes(config.slot);
        json["retained_limit"] = config.slot.retained_limit;
        json["on_limit"] = config.slot.on_limit;
        json["confirmed"] = slot->confirmed_flush;
        return json;
    } catch (const Error &error) {
        return {{"name", config.slot_name()}, {"unreachable", error.reason()}};
    }
}

Json throttle_of(const TaskConfig &config, const std::string &stored) {
    const auto overrides = stored_throttle(stored);
    Json in_force;
    for (const auto &[key, value] : values(effective(config.throttle, overrides))) in_force[key] = value;
    return {{"in_force", std::move(in_force)}, {"set", overrides}};
}

/// Tasks that bring tables for this one: they are no tasks of their own to an operator.
Json sync_tasks_of(sql::Session &target, const TaskConfig &config, const std::vector<ObjectChange> &changes) {
    auto list = Json::array();
    for (const auto &sync : stored_sync_tasks(config, target)) {
        const auto row = read_task(target, sync.name);
        const auto change = std::ranges::find(changes, sync.name, &ObjectChange::sync_task);
        if (!row || change == changes.end() || !change->open()) continue; // about to be removed
        const auto rows = target.ask("SELECT coalesce(sum(t.rows), 0), coalesce(sum(estimated_rows), 0), count(*), "
                                     "coalesce(sum(CASE WHEN done THEN 1 ELSE 0 END), 0) FROM walbridge.table_sync t "
                                     "WHERE task = $1",
                                     {sync.name});
        const auto live = Json::parse(row->status.value_or("{}"), nullptr, false);
        auto copied = rows.number(0, 0);
        if (live.is_object() && live.contains("copy") && live["copy"].contains("rows"))
            copied = std::max<long long>(copied, live["copy"]["rows"].get<long long>());
        Json one{{"task", sync.name},
                 {"command", change->command},
                 {"action", name_of(change->action)},
                 {"state", change->state == ObjectChange::State::failed ? std::string("failed")
                                                                        : std::string(name_of(row->state))},
                 {"tables", sync.objects.include},
                 {"rows", copied},
                 {"estimated_rows", rows.number(0, 1)},
                 {"chunks", rows.number(0, 2)},
                 {"chunks_done", rows.number(0, 3)},
                 {"slot", sync.slot_name()}};
        one["position"] = nullptr;
        if (const auto position =
                target.ask_value("SELECT position FROM walbridge.progress WHERE task = $1", {sync.name}))
            one["position"] = *position;
        one["error"] = change->error ? Json::parse(*change->error, nullptr, false) : Json(nullptr);
        list.push_back(std::move(one));
    }
    return list;
}

Json document(const TaskConfig &config) {
    const auto session =
        target::open_state(config, "walbridge:status", {.statement_timeout = std::chrono::seconds(30)});
    auto &target = *session;
    const auto row = read_task(target, config.name);
    if (!row)
        return {{"task", config.name},
                {"state", "new"},
                {"stage", "none"},
                {"process", nullptr},
                {"reason", "the target knows no such task yet"}};
    const bool alive = lock_holder(target, config.name).has_value();
    const auto live = Json::parse(row->status.value_or("{}"), nullptr, false);
    Json json;
    json["task"] = config.name;
    json["state"] = name_of(row->state);
    json["stage"] = live.is_object() && live.contains("stage") && alive
                        ? live["stage"]
                        : Json(row->phase == Phase::follow ? "incremental"
                               : row->phase == Phase::load ? "load"
                               : row->phase == Phase::done ? "done"
                                                           : "none");
    json["stages"] = row->stages;
    json["paused"] = row->paused;
    json["reverse_of"] = row->reverse_of.empty() ? Json(nullptr) : Json(row->reverse_of);
    json["reverse_task"] = row->reverse_task.empty() ? Json(nullptr) : Json(row->reverse_task);
    json["labels"] = config.labels;
    json["process"] = alive ? Json(row->holder ? *row->holder : "unknown") : Json(nullptr);
    json["status_age_seconds"] = row->status_age ? Json(*row->status_age) : Json(nullptr);
    json["updated_at"] = row->updated_at;
    json["error"] = row->error ? Json::parse(*row->error, nullptr, false) : Json(nullptr);
    auto tables = tables_of(target, config);
    if (live.is_object()) {
        if (alive) merge_active(tables, live);
        for (const auto *key : {"retry", "copy", "positions", "lag_seconds", "lag", "counters", "schema_drift",
                                "throttle", "sequences", "clocks", "source_guard"})
            if (live.contains(key)) json[key] = live[key];
        // Figures of a process that is gone say nothing about now.
        if (!alive) json["lag_seconds"] = nullptr;
        if (!alive && json.contains("retry")) json.erase("retry");
        if (!alive && json.contains("source_guard")) json.erase("source_guard");
        // Without a process, what the next one will go by.
        if (!alive) json["throttle"] = throttle_of(config, row->throttle);
        if (json.contains("copy")) json["copy"].erase("active");
    }
    const auto progress = target.ask(
        {"SELECT position, counter, commit_time, extract(epoch FROM now() - updated_at) FROM walbridge.progress WHERE "
         "task = $1",
         "SELECT position, counter, commit_time, timestampdiff(MICROSECOND, updated_at, utc_timestamp(6)) / 1000000 "
         "FROM walbridge.progress WHERE task = $1"},
        {config.name});
    if (progress.rows() > 0)
        json["progress"] = {{"position", progress.text(0, 0)},
                            {"counter", progress.number(0, 1)},
                            {"commit_time", progress.null(0, 2) ? Json(nullptr) : Json(progress.text(0, 2))},
                            {"age_seconds", std::stod(progress.text(0, 3))}};
    json["conflicts_recorded"] =
        target.ask("SELECT count(*) FROM walbridge.conflict WHERE task = $1", {config.name}).number(0, 0);
    json["conflicts"] = {
        {"open", count_open_conflicts(target, config.name)},
        {"since_start", live.is_object() && live.contains("conflicts") ? live["conflicts"] : Json::array()}};
    // State of an older version has no such table yet.
    if (target.dialect() == sql::Dialect::mysql ||
        target.ask_value("SELECT pg_catalog.to_regclass('walbridge.ddl_statement')"))
        json["ddl_undecided"] = target
                                    .ask("SELECT count(*) FROM walbridge.ddl_statement WHERE task = $1 AND state IN "
                                         "('failed', 'skipped', 'gap')",
                                         {config.name})
                                    .number(0, 0);
    json["sync_tasks"] = sync_tasks_of(target, config, load_object_changes(target, config.name));
    Json cost;
    json["slot"] = slot_of(config, cost);
    json["source_cost"] = std::move(cost);
    json["alerts"] = live.is_object() && live.contains("alerts") ? live["alerts"] : Json(nullptr);
    json["tables"] = std::move(tables);
    return json;
}

std::string text_of(const Json &value, const char *none = "-") {
    return value.is_string() ? value.get<std::string>() : value.is_null() ? none : value.dump();
}
double number_of(const Json &value) { return value.is_number() ? value.get<double>() : 0; }

/// "public.a", or "public.a -> crm.b" where the target calls it otherwise.
std::string shown_name(const Json &table) {
    const auto name = [](const Json &of) {
        return of["schema"].get<std::string>() + "." + of["table"].get<std::string>();
    };
    return table.contains("target") ? name(table) + " -> " + name(table["target"]) : name(table);
}

/// Tables that held rows before the task, with what became of those that the copy met.
void add_existing(std::string &out, const Json &tables) {
    std::size_t shown = 0;
    for (const auto &table : tables) {
        if (table.value("existing", "") != "rows" || ++shown > 30) continue;
        out += fmt::format("  {} held rows before: ", shown_name(table));
        if (const auto overwritten = table["overwritten"].get<std::int64_t>(); overwritten != 0)
            out += fmt::format("{} overwritten\n", human_count(static_cast<std::uint64_t>(overwritten)));
        else
            out += fmt::format("{} kept\n", human_count(table["kept"].get<std::uint64_t>()));
    }
    if (shown > 30) out += fmt::format("  and {} more (--json shows all)\n", shown - 30);
}

void add_sync_tasks(std::string &out, const Json &list) {
    for (const auto &sync : list) {
        std::string tables;
        for (const auto &table : sync["tables"]) {
            auto name = table.get<std::string>();
            std::erase(name, '"');
            tables += (tables.empty() ? "" : ", ") + name;
        }
        out += fmt::format("bringing:   {} by {}: {}, {} of ~{} rows\n", tables, text_of(sync["task"]),
                           text_of(sync["state"]), human_count(sync["rows"].get<std::uint64_t>()),
                           human_count(sync["estimated_rows"].get<std::uint64_t>()));
        if (sync["error"].is_object())
            out +=
                fmt::format("  reason:   {}: {}\n  remedy:   {} Then walbridge resume tries again; walbridge objects "
                            "cancel gives it up.\n",
                            sync["error"].value("object", ""), sync["error"].value("reason", ""),
                            sync["error"].value("remedy", ""));
    }
}

void add_tables(std::string &out, const Json &tables) {
    if (tables.empty()) return;
    std::size_t done = 0, width = 5;
    for (const auto &table : tables) {
        if (table["done"].get<bool>())
            ++done;
        else
            width = std::max(width, shown_name(table).size());
    }
    out += fmt::format("tables:     {} of {} copied\n", done, tables.size());
    const auto once = std::ranges::count_if(tables, [](const Json &table) { return !table["followed"].get<bool>(); });
    if (once > 0) out += fmt::format("  {} unlogged ones are copied once and not followed\n", once);
    add_existing(out, tables);
    std::size_t shown = 0;
    for (const auto &table : tables) {
        if (table["done"].get<bool>() || ++shown > 30) continue;
        out += fmt::format("  {:<{}}  {:>14} of ~{} rows  {:>10}", shown_name(table), width,
                           human_count(table["rows"].get<std::uint64_t>()),
                           human_count(table["estimated_rows"].get<std::uint64_t>()),
                           human_bytes(number_of(table["bytes"])));
        if (table.contains("rows_per_second"))
            out += fmt::format("  {} rows/s",
                               human_count(static_cast<std::uint64_t>(number_of(table["rows_per_second"]))));
        if (table.contains("eta_seconds") && table["eta_seconds"].is_number())
            out += fmt::format("  {} to go", human_seconds(number_of(table["eta_seconds"])));
        out += "\n";
    }
    if (shown > 30) out += fmt::format("  and {} more (--json shows all)\n", shown - 30);
}

std::int64_t seconds_from_now(const Json &unix_time) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::int64_t>(number_of(unix_time)) -
           std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

std::string retry_line(const Json &retry) {
    const auto failing = std::max<std::int64_t>(0, -seconds_from_now(retry["since"]));
    const auto next = std::max<std::int64_t>(0, seconds_from_now(retry["next"]));
    return fmt::format("retrying:   attempt {} failed, {} since the first failure, next in {}: {}\n",
                       text_of(retry["attempts"]), human_seconds(static_cast<double>(failing)),
                       human_seconds(static_cast<double>(next)), text_of(retry["reason"]));
}

/// Nothing when nothing is limited.
std::string throttle_line(const Json &throttle) {
    std::string text;
    for (const auto &[key, value] : throttle["in_force"].items())
        if (value.is_number_unsigned() && value != 0)
            text += fmt::format("{}{} {}/s{}", text.empty() ? "" : ", ", key,
                                written_throttle(key, value.get<std::uint64_t>()),
                                throttle["set"].contains(key) ? " (set)" : "");
    return text.empty() ? text : "throttle:   " + text + "\n";
}

/// While the copy is held, and how long it was.
std::string guard_line(const Json &guard) {
    const auto all =
        fmt::format("held {} {} since the process started, {} in all", text_of(guard["times"]),
                    guard["times"] == 1 ? "time" : "times", human_seconds(number_of(guard["held_seconds"])));
    if (!guard["held"].get<bool>()) return fmt::format("guard:      {}\n", all);
    return fmt::format("guard:      {} for {}: {}\n            {}\n",
                       guard["action"] == "slow" ? "slows the copy" : "holds the copy",
                       human_seconds(static_cast<double>(std::max<std::int64_t>(0, -seconds_from_now(guard["since"])))),
                       text_of(guard["reason"]), all);
}

std::string sequences_line(const Json &sequences) {
    std::string text = fmt::format("sequences:  {}", text_of(sequences["selected"]));
    if (number_of(sequences["brought_at"]) > 0)
        text += fmt::format(
            ", last brought {} ago",
            human_seconds(static_cast<double>(std::max<std::int64_t>(0, -seconds_from_now(sequences["brought_at"])))));
    if (sequences["missing"] != 0) text += fmt::format(", {} missing on the target", text_of(sequences["missing"]));
    if (sequences["refused"] != 0) text += fmt::format(", {} refused", text_of(sequences["refused"]));
    if (sequences["failing_since"].is_number())
        text += fmt::format(", failing for {}: {}",
                            human_seconds(static_cast<double>(
                                std::max<std::int64_t>(0, -seconds_from_now(sequences["failing_since"])))),
                            text_of(sequences["reason"]));
    text += "\n";
    for (const auto &name : sequences["names"]) text += fmt::format("  {}\n", text_of(name));
    return text;
}

void add_conflicts(std::string &out, const Json &json) {
    const auto &conflicts = json["conflicts"];
    out += fmt::format("conflicts:  {} recorded{}\n", text_of(json["conflicts_recorded"]),
                       conflicts["open"] == 0 ? ""
                                              : fmt::format(", {} wait for a decision: walbridge conflicts list",
                                                            text_of(conflicts["open"])));
    for (const auto &figure : conflicts["since_start"])
        out += fmt::format("  {} {} in {}.{}: {}\n", human_count(figure["count"].get<std::uint64_t>()),
                           text_of(figure["kind"]), text_of(figure["schema"]), text_of(figure["table"]),
                           text_of(figure["outcome"]));
}

std::string clocks_line(const Json &clocks) {
    const auto difference = number_of(clocks["difference_seconds"]), error = number_of(clocks["uncertainty_seconds"]);
    return fmt::format(
        "clocks:     the target's {:+.3f} s against the source's (± {:.3f} s){}\n", difference, error,
        std::abs(difference) - error > number_of(clocks["max_offset_seconds"]) ? ", beyond conflict.max_offset" : "");
}

void add_source_cost(std::string &out, const Json &cost) {
    if (!cost.is_object()) return;
    out += fmt::format("source:     {} sessions", text_of(cost["sessions"]));
    if (cost["walsender"].is_object())
        out += fmt::format(
            ", walsender {}{}", text_of(cost["walsender"]["state"]),
            text_of(cost["walsender"]["wait"]).empty() ? "" : " (" + text_of(cost["walsender"]["wait"]) + ")");
    if (cost["catalog_xmin_age"].is_number())
        out += fmt::format(", catalog_xmin {} transactions old",
                           human_count(cost["catalog_xmin_age"].get<std::uint64_t>()));
    if (cost["oldest_transaction_seconds"].is_number())
        out += fmt::format(", oldest transaction {}", human_seconds(number_of(cost["oldest_transaction_seconds"])));
    out += "\n";
    if (const auto &decoding = cost["decoding"]; decoding.is_object())
        out += fmt::format(
            "decoding:   {} transactions, {}; spilled {} ({}), streamed {} ({})\n",
            human_count(decoding["transactions"].get<std::uint64_t>()), human_bytes(number_of(decoding["bytes"])),
            text_of(decoding["spilled_transactions"]), human_bytes(number_of(decoding["spilled_bytes"])),
            text_of(decoding["streamed_transactions"]), human_bytes(number_of(decoding["streamed_bytes"])));
    if (!cost["table_locks"].empty()) {
        std::string locks;
        for (const auto &[mode, count] : cost["table_locks"].items())
            locks += fmt::format("{}{} {}", locks.empty() ? "" : ", ", count.dump(), mode);
        out += fmt::format("locks:      {} on the source's tables; {} other sessions wait for them\n", locks,
                           text_of(cost["waiting_sessions"]));
    }
}

void add_alerts(std::string &out, const Json &alerts) {
    if (!alerts.is_object()) return;
    for (const auto &firing : alerts.value("firing", Json::array()))
        out += fmt::format("alert:      {} ({}): {}\n", text_of(firing["event"]), text_of(firing["severity"]),
                           text_of(firing["reason"]));
    for (const auto &channel : alerts.value("channels", Json::array()))
        if (channel["failed"] != 0)
            out += fmt::format("alerts:     {} could not be delivered by {}: {}\n", text_of(channel["failed"]),
                               text_of(channel["name"]), text_of(channel["last_failure"]));
}

std::string for_people(const Json &json) {
    std::string out = fmt::format("task:       {}\n", text_of(json["task"]));
    if (json["process"].is_null() && json.contains("reason"))
        return out + fmt::format("state:      new ({})\n", text_of(json["reason"]));
    const auto state = text_of(json["state"]);
    // Without a process a state that means work is what it was when somebody last worked.
    const bool at_rest =
        state == "failed" || state == "completed" || state == "switched-over" || state == "new" || state == "paused";
    out +=
        fmt::format("state:      {}{}\n", json["process"].is_null() && !at_rest ? "stopped (was " + state + ")" : state,
                    json["paused"].get<bool>() && state != "paused" ? " (pause asked for)" : "");
    out += fmt::format("stage:      {}\n", text_of(json["stage"]));
    if (json["reverse_task"].is_string())
        out += fmt::format("two-way:    task {} is the way back\n", text_of(json["reverse_task"]));
    if (json["reverse_of"].is_string())
        out += fmt::format("two-way:    the way back of task {}\n", text_of(json["reverse_of"]));
    const auto &age = json["status_age_seconds"];
    if (json["process"].is_null())
        out += fmt::format("process:    none runs; what follows is what was stored{}\n",
                           age.is_number() ? " " + human_seconds(number_of(age)) + " ago" : "");
    else
        out += fmt::format("process:    {}{}\n", text_of(json["process"]),
                           number_of(age) > 5 ? ", last heard of " + human_seconds(number_of(age)) + " ago" : "");
    if (json["error"].is_object())
        out += fmt::format("error:      {}\nreason:     {}\nremedy:     {}\n", json["error"].value("object", ""),
                           json["error"].value("reason", ""), json["error"].value("remedy", ""));
    if (json.contains("retry")) out += retry_line(json["retry"]);
    if (json.contains("throttle")) out += throttle_line(json["throttle"]);
    if (json.contains("source_guard")) out += guard_line(json["source_guard"]);
    if (json.contains("copy") && !json["process"].is_null() && text_of(json["copy"]["phase"]) != "done") {
        const auto &copy = json["copy"];
        out += fmt::format("copy:       {}, {} rows, {}, {}/s{}\n", text_of(copy["phase"]),
                           human_count(copy["rows"].get<std::uint64_t>()), human_bytes(number_of(copy["bytes"])),
                           human_bytes(copy.contains("bytes_per_second") ? number_of(copy["bytes_per_second"]) : 0),
                           copy.contains("eta_seconds") && copy["eta_seconds"].is_number()
                               ? ", " + human_seconds(number_of(copy["eta_seconds"])) + " to go"
                               : "");
    }
    add_tables(out, json["tables"]);
    add_sync_tasks(out, json["sync_tasks"]);
    if (json.contains("positions") && !json["process"].is_null())
        out += fmt::format("positions:  received {}, applied {}, durable {}\n", text_of(json["positions"]["received"]),
                           text_of(json["positions"]["applied"]), text_of(json["positions"]["durable"]));
    if (json.contains("progress"))
        out += fmt::format("stored:     position {}, transaction {}, last commit {}\n",
                           text_of(json["progress"]["position"]), text_of(json["progress"]["counter"]),
                           text_of(json["progress"]["commit_time"]));
    if (json.contains("lag_seconds"))
        out +=
            fmt::format("lag:        {}\n",
                        json["lag_seconds"].is_number() ? human_seconds(number_of(json["lag_seconds"])) : "not known");
    if (json.contains("counters") && !json["process"].is_null())
        out += fmt::format("applied:    {} transactions, {} changes, {} changes/s\n",
                           human_count(json["counters"]["transactions"].get<std::uint64_t>()),
                           human_count(json["counters"]["changes"].get<std::uint64_t>()),
                           human_count(static_cast<std::uint64_t>(number_of(json["counters"]["changes_per_second"]))));
    add_conflicts(out, json);
    if (json.contains("sequences") && !json["process"].is_null()) out += sequences_line(json["sequences"]);
    if (json.contains("clocks") && !json["process"].is_null()) out += clocks_line(json["clocks"]);
    if (json.contains("ddl_undecided") && json["ddl_undecided"] != 0)
        out += fmt::format("DDL:        {} statements need a decision: walbridge ddl list\n",
                           text_of(json["ddl_undecided"]));
    if (json.contains("schema_drift") && json["schema_drift"]["count"].get<std::int64_t>() > 0)
        out += fmt::format("schema:     {} objects differ from the source (walbridge schema diff shows the DDL)\n",
                           text_of(json["schema_drift"]["count"]));
    const auto &slot = json["slot"];
    if (slot.contains("unreachable"))
        out += fmt::format("slot:       {}; the source cannot be asked: {}\n", text_of(slot["name"]),
                           text_of(slot["unreachable"]));
    else if (!slot["exists"].get<bool>())
        out += fmt::format("slot:       {} does not exist\n", text_of(slot["name"]));
    else
        out += fmt::format(
            "slot:       {}, {}, retains {}{}, wal_status {}{}\n", text_of(slot["name"]),
            slot["active"].get<bool>() ? "in use" : "not in use", human_bytes(number_of(slot["retained_bytes"])),
            slot["retained_limit"] == 0
                ? ""
                : fmt::format(" of at most {}, then: {}", human_bytes(number_of(slot["retained_limit"])),
                              text_of(slot["on_limit"])),
            text_of(slot["wal_status"]),
            slot["safe_wal_size"].is_number() ? ", lost after another " + human_bytes(number_of(slot["safe_wal_size"]))
                                              : "");
    add_source_cost(out, json["source_cost"]);
    add_alerts(out, json["alerts"]);
    for (const auto &[name, value] : json["labels"].items())
        out += fmt::format("label:      {} = {}\n", name, text_of(value));
    return out;
}

} // namespace

std::string status(const TaskConfig &config, bool json) {
    const auto found = document(config);
    return json ? found.dump(2, ' ', false, Json::error_handler_t::replace) + "\n" : for_people(found);
}

} // namespace walbridge::task
