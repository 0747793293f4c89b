// conflicts_command.cpp: see conflicts_command.hpp.
#include "service/conflicts_command.hpp"

#include "base/error.hpp"
#include "config/renames.hpp"
#include "task/conflict_inbox.hpp"
#include "task/explain.hpp"

#include <fmt/format.h>

namespace walbridge::service {
namespace {

QualifiedName table_name(const std::string &object, const std::string &word) {
    try {
        return config::parse_table_name(word);
    } catch (const Error &error) {
        throw Error(ErrorKind::usage, object, error.reason(), error.remedy());
    }
}

task::ConflictFilter filter_of(const CommandLine &line) {
    task::ConflictFilter filter;
    filter.open = line.open;
    for (const auto &table : line.tables) filter.tables.push_back(table_name("--table", table));
    filter.kinds = line.kinds;
    filter.since = line.since;
    filter.limit = line.limit.value_or(filter.limit);
    return filter;
}

int resolve(const TaskConfig &config, const CommandLine &line) {
    task::ConflictResolution resolution;
    const int chosen = int{line.skip} + int{line.overwrite} + int{line.replay} + int{line.edit.has_value()};
    if (chosen != 1)
        throw Error(ErrorKind::usage, "conflicts resolve",
                    chosen == 0 ? "what becomes of it is missing" : "several decisions are given",
                    "Use one of --skip, --overwrite, --replay, --edit JSON.");
    resolution.action = line.overwrite ? task::ConflictAction::overwrite
                        : line.replay  ? task::ConflictAction::replay
                        : line.edit    ? task::ConflictAction::edit
                                       : task::ConflictAction::skip;
    const bool filtered = line.open || !line.tables.empty() || !line.kinds.empty() || !line.since.empty();
    if (line.all ? !line.words.empty() : line.words.empty() || filtered)
        throw Error(ErrorKind::usage, "conflicts resolve",
                    line.all             ? "both ids and --all are given"
                    : line.words.empty() ? "which conflicts is missing"
                                         : "--open, --table, --kind and --since choose among --all",
                    "Name ids (walbridge conflicts list), or --all with --table, --kind, --since.");
    if (line.limit || line.json)
        throw Error(ErrorKind::usage, line.limit ? "--limit" : "--json", "walbridge conflicts resolve does not take it",
                    "See walbridge conflicts --help.");
    resolution.ids = line.words;
    resolution.filter = filter_of(line);
    resolution.edit = line.edit.value_or("");
    resolution.force = line.force;
    const auto resolved = task::resolve_conflicts(config, resolution);
    fmt::print("{}", resolved.text);
    return resolved.complete ? 0 : static_cast<int>(ErrorKind::conflict);
}

int run_conflicts(const TaskConfig &config, const CommandLine &line) {
    if (line.action == "resolve") return resolve(config, line);
    if (line.skip || line.overwrite || line.replay || line.edit || line.all || line.force)
        throw Error(ErrorKind::usage, "conflicts " + line.action, "it decides nothing",
                    "Use walbridge conflicts resolve.");
    fmt::print("{}", line.action == "list" ? task::list_conflicts(config, filter_of(line), line.json)
                                           : task::show_conflict(config, line.id, line.json));
    return 0;
}

int run_explain(const TaskConfig &config, const CommandLine &line) {
    if (line.words.size() < 2)
        throw Error(ErrorKind::usage, "explain", line.words.empty() ? "the table is missing" : "the key is missing",
                    "walbridge explain TASK.toml SCHEMA.TABLE KEY...");
    fmt::print("{}", task::explain_row(config, table_name(line.words.front(), line.words.front()),
                                       {line.words.begin() + 1, line.words.end()}, line.json));
    return 0;
}

} // namespace

CommandEntry conflicts_command() {
    return {"conflicts",
            "rows that met another state on the target: list, show, resolve",
            "What policies and stops recorded (walbridge.conflict on the target), and what is decided about it.\n"
            "list: --open (what waits for a decision), --table, --kind, --since 2h, --limit 50.\n"
            "resolve ID... or --all (with --table, --kind, --since), of a change that stopped the task:\n"
            "  --skip       the change is passed over when the task runs again\n"
            "  --overwrite  the source's row wins\n"
            "  --replay     it is tried again as it is: takes a decision back\n"
            "  --edit JSON  the target gets the source's row with these values, the change is passed over\n"
            "and of one that a policy passed over:\n"
            "  --overwrite  the target gets the source's row now, and rows in its way go\n"
            "  --replay     the same unless another row is in its way\n"
            "  --edit JSON  the target gets the source's row with these values now\n"
            "  --skip       closes the record\n"
            "The target's rows have to be as they were recorded; --force goes on without. Exit code 40 when something "
            "was refused.\n\n"
            "  walbridge conflicts list orders.toml --open\n"
            "  walbridge conflicts show orders.toml 12\n"
            "  walbridge conflicts resolve orders.toml 12 --skip\n"
            "  walbridge conflicts resolve orders.toml --all --kind insert_exists --overwrite\n"
            "  walbridge conflicts resolve orders.toml 12 --edit '{\"email\": \"b@example.org\"}'",
            {"json", "open", "table", "kind", "since", "limit", "all", "skip", "overwrite", "replay", "edit", "force"},
            run_conflicts,
            {"list", "show", "resolve"},
            {"show"},
            {"resolve"}};
}

CommandEntry explain_command() {
    return {
        "explain",
        "why a row is as it is: both versions, who wrote them, what was decided",
        "Shows one row on both sides: its values, who wrote it last and when (where track_commit_timestamp is on), "
        "where the task\nstands, and the latest conflicts about it. KEY: the values of the primary key in its order, "
        "or column=value pairs.\n\n"
        "  walbridge explain orders.toml public.customer 4711\n"
        "  walbridge explain orders.toml public.item order_id=4711 position=2 --json",
        {"json"},
        run_explain,
        {},
        {},
        {},
        true};
}

} // namespace walbridge::service
