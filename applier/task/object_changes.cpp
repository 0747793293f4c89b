// object_changes.cpp: see object_changes.hpp.
#include "task/object_changes.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/sql/fence.hpp"
#include "base/sql/presence.hpp"
#include "dialect/postgres.hpp"
#include "target/state_session.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <utility>

namespace walbridge::task {
namespace {

using Action = ObjectChange::Action;
using Stage = ObjectChange::State;

constexpr std::string_view blanks = " \t\r\n";

constexpr std::array<std::pair<Action, std::string_view>, 3> actions{
    {{Action::add, "add"}, {Action::remove, "remove"}, {Action::resync, "resync"}}};
constexpr std::array<std::pair<Stage, std::string_view>, 6> states{{{Stage::asked, "asked"},
                                                                    {Stage::syncing, "syncing"},
                                                                    {Stage::failed, "failed"},
                                                                    {Stage::done, "done"},
                                                                    {Stage::cancelling, "cancelling"},
                                                                    {Stage::cancelled, "cancelled"}}};

template <class Table> auto parse(const Table &table, const std::string &word) {
    for (const auto &[value, name] : table)
        if (name == word) return value;
    throw Error(ErrorKind::task_state, "walbridge.object_change", fmt::format("unknown word {}", word),
                "Run the newer walbridge.");
}

void take_back(std::vector<SourcedPattern> &list, const std::string &pattern) {
    std::erase_if(list, [&](const SourcedPattern &one) { return one.change != 0 && one.pattern == pattern; });
}

std::vector<std::string> patterns_of(const std::vector<SourcedPattern> &list) {
    std::vector<std::string> patterns;
    for (const auto &one : list) patterns.push_back(one.pattern);
    return patterns;
}

} // namespace

SourcedPattern::SourcedPattern(std::string text, int from) : pattern(std::move(text)), change(from), parsed_(pattern) {}

std::string_view name_of(Action action) {
    return std::ranges::find(actions, action, &std::pair<Action, std::string_view>::first)->second;
}
std::string_view name_of(Stage state) {
    return std::ranges::find(states, state, &std::pair<Stage, std::string_view>::first)->second;
}

std::vector<std::string> EffectiveSelection::includes() const { return patterns_of(include); }
std::vector<std::string> EffectiveSelection::excludes() const { return patterns_of(exclude); }

EffectiveSelection::Verdict EffectiveSelection::judge(const QualifiedName &table) const {
    const auto find = [&](const std::vector<SourcedPattern> &list) -> std::optional<SourcedPattern> {
        // The latest that matches is the one that speaks.
        for (auto one = list.rbegin(); one != list.rend(); ++one)
            if (one->matches(table)) return *one;
        return std::nullopt;
    };
    if (auto left_out = find(exclude)) return {false, std::move(left_out)};
    auto taken = find(include);
    return {taken.has_value(), std::move(taken)};
}

EffectiveSelection effective_selection(const std::vector<std::string> &include, const std::vector<std::string> &exclude,
                                       const std::vector<ObjectChange> &changes) {
    EffectiveSelection selection;
    for (const auto &pattern : include) selection.include.emplace_back(pattern, 0);
    for (const auto &pattern : exclude) selection.exclude.emplace_back(pattern, 0);
    for (const auto &change : changes) {
        switch (change.action) {
        case Action::add:
            if (change.state != Stage::done) {
                if (!change.reason.empty()) selection.exclude.emplace_back(change.pattern, change.number);
                break;
            }
            take_back(selection.exclude, change.pattern);
            take_back(selection.include, change.pattern);
            selection.include.emplace_back(change.pattern, change.number);
            break;
        case Action::remove:
            if (change.state != Stage::done) break;
            take_back(selection.include, change.pattern);
            take_back(selection.exclude, change.pattern);
            selection.exclude.emplace_back(change.pattern, change.number);
            break;
        case Action::resync:
            if (change.with_sync_task() || (change.state == Stage::cancelled && change.lsn.valid()))
                selection.exclude.emplace_back(change.pattern, change.number);
            break;
        }
    }
    return selection;
}

std::optional<QualifiedName> exact_table(const std::string &pattern) {
    static_cast<void>(wire::ObjectPattern(pattern)); // one pattern, well formed
    std::array<std::string, 2> parts;
    std::size_t part = 0;
    bool quoted = false;
    for (std::size_t at = 0; at < pattern.size(); ++at) {
        const char c = pattern[at];
        if (c == '"' && quoted && at + 1 < pattern.size() && pattern[at + 1] == '"')
            parts.at(part) += pattern[at++];
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '*' || c == '?'))
            return std::nullopt;
        else if (!quoted && c == '.')
            ++part;
        else if (quoted || blanks.find(c) == std::string_view::npos)
            parts.at(part) += c;
    }
    return QualifiedName{parts[0], parts[1]};
}

std::string stored_pattern(const QualifiedName &table) { return dialect::postgres::quote(table); }

std::string stored_pattern(const std::string &pattern) {
    if (const auto table = exact_table(pattern)) return stored_pattern(*table);
    const auto first = pattern.find_first_not_of(blanks), last = pattern.find_last_not_of(blanks);
    return pattern.substr(first, last - first + 1);
}

std::string shown_pattern(const std::string &pattern) {
    const auto table = exact_table(pattern);
    return table ? to_string(*table) : pattern;
}

std::vector<ObjectChange> load_object_changes(sql::Session &target, const std::string &task) {
    if (!sql::has_relation(target, {"walbridge", "object_change"})) return {};
    const auto rows = target.ask(
        "SELECT number, command, action, pattern, emptied, state, lsn, sync_task, reason, error, asked_at, done_at "
        "FROM walbridge.object_change WHERE task = $1 ORDER BY number",
        {task});
    std::vector<ObjectChange> changes;
    for (int row = 0; row < rows.rows(); ++row) {
        ObjectChange change;
        change.number = static_cast<int>(rows.number(row, 0));
        change.command = static_cast<int>(rows.number(row, 1));
        change.action = parse(actions, rows.text(row, 2));
        change.pattern = rows.text(row, 3);
        change.emptied = rows.flag(row, 4);
        change.state = parse(states, rows.text(row, 5));
        change.lsn = parse_lsn(rows.text(row, 6)).value_or(Lsn{});
        change.sync_task = rows.text(row, 7);
        change.reason = rows.text(row, 8);
        change.error = rows.cell(row, 9);
        change.asked_at = rows.text(row, 10);
        change.done_at = rows.text(row, 11);
        changes.push_back(std::move(change));
    }
    return changes;
}

std::vector<ObjectChange> of_command(const std::vector<ObjectChange> &changes, int command) {
    std::vector<ObjectChange> some;
    std::ranges::copy_if(changes, std::back_inserter(some),
                         [&](const ObjectChange &change) { return change.command == command; });
    return some;
}

int store_object_changes(sql::Session &target, const std::string &task, const std::vector<ObjectChange> &changes) {
    sql::hold_task(target, task);
    const auto last = target.ask_value("SELECT max(number) FROM walbridge.object_change WHERE task = $1", {task});
    const int command = (last ? std::stoi(*last) : 0) + 1;
    int number = command;
    for (const auto &change : changes)
        target.ask({"INSERT INTO walbridge.object_change (task, number, command, action, pattern, emptied, reason) "
                    "VALUES ($1, $2::integer, $3::integer, $4, $5, $6::boolean, $7)",
                    "INSERT INTO walbridge.object_change (task, number, command, action, pattern, emptied, reason) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7)"},
                   {task, std::to_string(number++), std::to_string(command), std::string(name_of(change.action)),
                    change.pattern, change.emptied ? "1" : "0", change.reason});
    return command;
}

long long move_object_changes(sql::Session &target, const std::string &task, int command, Stage state,
                              const std::optional<std::string> &sync_task, const std::optional<Lsn> &lsn,
                              const std::optional<std::string> &error, std::optional<Stage> only) {
    const bool ends = state == Stage::done || state == Stage::cancelled;
    return target
        .ask({"UPDATE walbridge.object_change SET state = $3::text, sync_task = coalesce($4::text, sync_task), lsn "
              "= coalesce($5::pg_lsn, lsn), error = CASE WHEN $3::text = 'failed' THEN $6::jsonb END, done_at = CASE "
              "WHEN "
              "$7::boolean THEN pg_catalog.clock_timestamp() END WHERE task = $1 AND command = $2::integer AND "
              "($8::text "
              "IS NULL OR state = $8::text)",
              "UPDATE walbridge.object_change SET state = $3, sync_task = coalesce($4, sync_task), lsn = coalesce($5, "
              "lsn), error = CASE WHEN $3 = 'failed' THEN $6 END, done_at = CASE WHEN $7 THEN now(6) END WHERE task = "
              "$1 AND command = $2 AND ($8 IS NULL OR state = $8)"},
             {task, std::to_string(command), std::string(name_of(state)), sync_task,
              lsn ? sql::Parameter(to_string(*lsn)) : std::nullopt, error, ends ? "1" : "0",
              only ? sql::Parameter(std::string(name_of(*only))) : std::nullopt})
        .affected();
}

TaskConfig with_stored_objects(const TaskConfig &config, sql::Session &target) {
    auto task = config;
    const auto selection =
        effective_selection(config.objects.include, config.objects.exclude, load_object_changes(target, config.name));
    task.objects.include = selection.includes();
    task.objects.exclude = selection.excludes();
    return task;
}

TaskConfig with_stored_objects(const TaskConfig &config) {
    try {
        const auto target =
            target::open_state(config, "walbridge:objects", {.statement_timeout = std::chrono::seconds(30)});
        return with_stored_objects(config, *target);
    } catch (const Error &error) {
        // The command itself will tell, or does not need the target: the file's own selection is the best there is.
        log::debug("the stored selection cannot be read", {{"reason", error.reason()}});
        return config;
    }
}

} // namespace walbridge::task
