// objects_command.cpp: judging requests, storing them, waiting for the answer. What is shown is in objects_report.cpp.
#include "task/objects_command.hpp"

#include "base/sql/fence.hpp"
#include "base/sql/presence.hpp"
#include "config/value_text.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/postgres.hpp"
#include "source/catalog.hpp"
#include "target/kind.hpp"
#include "target/state_session.hpp"
#include "task/precheck_checks.hpp"
#include "task/state_store.hpp"
#include "task/sync_task.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

namespace walbridge::task {
namespace {

using Action = ObjectChange::Action;
using Stage = ObjectChange::State;
using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds usual_patience{60};
constexpr std::chrono::milliseconds poll{100};

Error of_task(const TaskConfig &config, std::string reason, std::string remedy) {
    return {ErrorKind::task_state, fmt::format("task {}", config.name), std::move(reason), std::move(remedy)};
}

/// The moment at which a task's tables can be changed: its process follows the source.
TaskRow require_following(const TaskConfig &config, sql::Session &target) {
    const auto row = read_task(target, config.name);
    if (!row || row->phase == Phase::none)
        throw of_task(config, "it was not started yet", "Change the task file, or start it first: walbridge run.");
    if (!may_run(row->state))
        throw of_task(config, fmt::format("it is {}", name_of(row->state)),
                      "A task that ended has no tables to change.");
    if (row->phase == Phase::done)
        throw of_task(config, "it has no incremental stage and is complete", "Create another task for more tables.");
    if (row->phase != Phase::follow)
        throw of_task(config, "its initial load is not done",
                      "Wait until it follows its source (walbridge status), then repeat the command.");
    if (!row->reverse_task.empty() || !row->reverse_of.empty())
        throw of_task(config,
                      fmt::format("it is one of two that run in opposite directions (task {} is the other): the other "
                                  "way would not carry the same tables, and what was written on the target and not "
                                  "carried back yet would be lost",
                                  row->reverse_task.empty() ? row->reverse_of : row->reverse_task),
                      "Go back to one way first (walbridge reverse --remove), change the tables, then make the way "
                      "back again.");
    if (!lock_holder(target, config.name))
        throw of_task(config, row->state == State::failed ? "it failed, and no process runs it" : "no process runs it",
                      "Start it with walbridge run; its tables are changed while it runs.");
    if (row->paused)
        throw of_task(config, "it is paused", "walbridge resume first: tables come and go while changes are applied.");
    return *row;
}

std::string listed(const std::vector<QualifiedName> &tables) {
    std::vector<std::string> names;
    for (const auto &table : tables) names.push_back(to_string(table));
    return some_of(names, 10);
}

/// Judges a request by what both databases and earlier changes say.
class Judge {
  public:
    Judge(const TaskConfig &config, sql::Session &target, const ObjectsRequest &request)
        : config_(config), target_(target), request_(request), changes_(load_object_changes(target, config.name)),
          selection_(effective_selection(config.objects.include, config.objects.exclude, changes_)) {
        pg::Session source(config.source.endpoint, {"walbridge:objects", false, {{"statement_timeout", "60s"}}});
        tables_ = source::read_tables(source, source::Unlogged::bring);
    }

    /// The rows to store. Throws what stands against them.
    std::vector<ObjectChange> judge() {
        if (request_.patterns.empty())
            throw Error(ErrorKind::usage, std::string(name_of(request_.action)), "no table is given",
                        request_.action == Action::resync
                            ? "walbridge resync TASK.toml SCHEMA.TABLE..."
                            : fmt::format("walbridge objects {} TASK.toml PATTERN...", name_of(request_.action)));
        std::vector<std::string> patterns;
        for (const auto &text : request_.patterns)
            if (auto pattern = well_formed(text); std::ranges::find(patterns, pattern) == patterns.end())
                patterns.push_back(std::move(pattern));
        switch (request_.action) {
        case Action::add: judge_addition(patterns); break;
        case Action::remove: judge_removal(patterns); break;
        case Action::resync: patterns = judge_resync(patterns); break;
        }
        std::vector<ObjectChange> rows;
        for (auto &pattern : patterns) {
            ObjectChange row;
            row.action = request_.action;
            row.pattern = std::move(pattern);
            row.emptied = request_.action == Action::resync || request_.empties;
            rows.push_back(std::move(row));
        }
        return rows;
    }

    /// Which tables are meant, by their names on the source.
    [[nodiscard]] const std::vector<QualifiedName> &chosen() const { return chosen_; }

  private:
    std::string well_formed(const std::string &text) const {
        try {
            if (request_.action == Action::resync && !exact_table(text))
                throw Error(ErrorKind::usage, text, "a table's name is needed, not a pattern",
                            "Name the tables one by one: SCHEMA.TABLE.");
            return stored_pattern(text);
        } catch (const wire::PatternError &error) {
            throw Error(ErrorKind::usage, text, error.what(), "Patterns are schema.table with * and ?.");
        }
    }

    std::vector<const source::Table *> matched(const std::string &pattern) const {
        const wire::ObjectPattern matcher(pattern);
        std::vector<const source::Table *> found;
        for (const auto &table : tables_)
            if (matcher.matches(table.name.schema, table.name.name)) found.push_back(&table);
        return found;
    }

    [[noreturn]] void refuse_nothing(const std::string &pattern) const {
        std::vector<std::string> names;
        for (const auto &table : tables_) names.push_back(to_string(table.name));
        const auto exact = exact_table(pattern);
        const auto guess = exact ? config::nearest(to_string(*exact), names) : std::nullopt;
        throw Error(ErrorKind::usage, shown_pattern(pattern), "no table of the source has this name",
                    guess ? fmt::format("Did you mean {}?", *guess)
                          : "Patterns are schema.table with * and ?, and letters are compared as they are.");
    }

    /// An open command that has the table, or is going to.
    const ObjectChange *under_way(const QualifiedName &table) const {
        for (const auto &change : changes_)
            if (change.open() && wire::ObjectPattern(change.pattern).matches(table.schema, table.name)) return &change;
        return nullptr;
    }

    void refuse_under_way(const source::Table &table) const {
        const auto *change = under_way(table.name);
        if (change == nullptr) return;
        throw Error(ErrorKind::task_state, to_string(table.name),
                    change->sync_task.empty()
                        ? fmt::format("command {} ({}) for it waits", change->command, name_of(change->action))
                        : fmt::format("task {} has it: command {} ({}) is {}", change->sync_task, change->command,
                                      name_of(change->action), name_of(change->state)),
                    "Wait until that is done (walbridge objects shows it), or give it up: walbridge objects cancel.");
    }

    /// A pattern of an exclude list stands against the table.
    [[noreturn]] void refuse_excluded(const source::Table &table, const SourcedPattern &by) const {
        if (by.change == 0)
            throw Error(
                ErrorKind::configuration, to_string(table.name),
                fmt::format("the task file leaves it out: objects.exclude has {}", by.pattern),
                "Change objects.exclude in the task file so that it does not name the table, and start the task "
                "again (walbridge stop, walbridge run): what it selects then and did not before is brought.");
        throw of_task(
            config_,
            fmt::format("{} is left out by command {}: {}", to_string(table.name), by.change,
                        shown_pattern(by.pattern)),
            fmt::format("Add what was left out as a whole, walbridge objects add ... '{}', and remove what is "
                        "not wanted of it.",
                        shown_pattern(by.pattern)));
    }

    void judge_addition(const std::vector<std::string> &patterns) {
        auto after = changes_;
        int number = changes_.empty() ? 0 : changes_.back().number;
        for (const auto &pattern : patterns) {
            ObjectChange change;
            change.number = ++number;
            change.pattern = pattern;
            change.state = Stage::done;
            after.push_back(change);
        }
        const auto then = effective_selection(config_.objects.include, config_.objects.exclude, after);
        std::map<QualifiedName, const source::Table *> fresh;
        std::string had;
        for (const auto &pattern : patterns) {
            const auto found = matched(pattern);
            if (found.empty()) refuse_nothing(pattern);
            for (const auto *table : found) {
                refuse_under_way(*table);
                if (selection_.judge(table->name).selected) {
                    had = to_string(table->name);
                    continue;
                }
                if (const auto verdict = then.judge(table->name); !verdict.selected)
                    refuse_excluded(*table, *verdict.by);
                fresh.emplace(table->name, table);
            }
        }
        if (fresh.empty())
            throw Error(ErrorKind::task_state, had, "the task has it already", "walbridge objects shows why.");
        std::set<std::uint32_t> roots;
        for (const auto &[name, table] : fresh) {
            chosen_.push_back(name);
            if (table->kind == 'p') roots.insert(table->oid);
        }
        for (const auto &table : tables_) // sorted by name: a partition may stand before its root
            if (roots.contains(table.parent_oid) && !then.judge(table.name).selected)
                throw Error(ErrorKind::usage, to_string(table.name),
                            "it is a partition of a table that would come without it: a hole in its rows",
                            "Give a pattern for the partitions too, for example 'public.measurement*'.");
        judge_names(fresh);
        judge_target(fresh);
    }

    /// A name on the target that another table has would be taken for the table's own.
    void judge_names(const std::map<QualifiedName, const source::Table *> &fresh) {
        std::map<QualifiedName, QualifiedName> taken;
        for (const auto &table : tables_)
            if (selection_.judge(table.name).selected) taken.emplace(config_.names.table(table.name), table.name);
        for (const auto &[name, table] : fresh)
            if (const auto [other, first] = taken.emplace(config_.names.table(name), name); !first)
                throw Error(ErrorKind::configuration, to_string(name),
                            fmt::format("{} and it would both be {} on the target", to_string(other->second),
                                        to_string(other->first)),
                            "Give one of them another name with rename in [[objects.table]]; renames of a started task "
                            "cannot be changed, so another task has to bring it.");
    }

    void judge_target(const std::map<QualifiedName, const source::Table *> &fresh) {
        std::vector<QualifiedName> there, missing, filled;
        for (const auto &[name, table] : fresh) {
            if (table->kind != 'r') continue;
            const auto target = config_.names.table(name);
            if (!sql::has_relation(target_, target))
                missing.push_back(target);
            else {
                there.push_back(target);
                if (holds_rows(target)) filled.push_back(target);
            }
        }
        if (!there.empty() && !missing.empty())
            throw Error(ErrorKind::target_shape, to_string(there.front()),
                        fmt::format("it is on the target already, and {} is not: the one is copied into, the other "
                                    "created",
                                    listed(missing)),
                        "Add those that exist and those that do not by a command each.");
        if (!missing.empty() && !config_.schema_stage)
            throw Error(ErrorKind::target_shape, to_string(missing.front()),
                        fmt::format("{} of the tables are missing on the target, and the task has no schema stage: {}",
                                    missing.size(), listed(missing)),
                        "Create them on the target first.");
        if (!filled.empty() && !request_.empties)
            throw Error(ErrorKind::target_shape, to_string(filled.front()),
                        fmt::format("{} of the tables hold rows on the target: {}", filled.size(), listed(filled)),
                        "With --truncate they are emptied first; or empty or drop them yourself.");
    }

    bool holds_rows(const QualifiedName &name) const {
        const bool mysql = target_.dialect() == sql::Dialect::mysql;
        return target_
            .ask_value(fmt::format("SELECT 1 FROM {} LIMIT 1",
                                   mysql ? dialect::mysql::quote(name) : dialect::postgres::quote(name)))
            .has_value();
    }

    void judge_removal(const std::vector<std::string> &patterns) {
        std::set<QualifiedName> gone;
        for (const auto &pattern : patterns) {
            const auto found = matched(pattern);
            if (found.empty()) refuse_nothing(pattern);
            bool any = false;
            for (const auto *table : found) {
                refuse_under_way(*table);
                if (!selection_.judge(table->name).selected) continue;
                any = true;
                gone.insert(table->name);
            }
            if (!any)
                throw Error(ErrorKind::task_state, shown_pattern(pattern), "the task has no table of this name",
                            "walbridge objects --all shows why.");
        }
        bool left = false;
        std::map<std::uint32_t, const source::Table *> by_oid;
        for (const auto &table : tables_) by_oid.emplace(table.oid, &table);
        for (const auto &table : tables_) {
            const bool stays = selection_.judge(table.name).selected && !gone.contains(table.name);
            left = left || (stays && table.kind == 'r');
            const auto parent = by_oid.find(table.parent_oid);
            if (parent == by_oid.end() || table.inherits) continue;
            const auto &root = *parent->second;
            if (!selection_.judge(table.name).selected || !selection_.judge(root.name).selected) continue;
            if (gone.contains(table.name) != gone.contains(root.name))
                throw Error(ErrorKind::usage, to_string(gone.contains(table.name) ? table.name : root.name),
                            fmt::format("{} and its partition {} stay or go together", to_string(root.name),
                                        to_string(table.name)),
                            "Give patterns for the partitioned table and all of its partitions.");
        }
        if (!left)
            throw of_task(config_, "no table would be left",
                          "End the task instead: walbridge stop, walbridge release.");
        chosen_.assign(gone.begin(), gone.end());
    }

    std::vector<std::string> judge_resync(const std::vector<std::string> &patterns) {
        std::set<std::uint32_t> oids;
        for (const auto &pattern : patterns) {
            const auto found = matched(pattern);
            if (found.empty()) refuse_nothing(pattern);
            oids.insert(found.front()->oid);
        }
        for (bool grew = true; grew;) { // partitions hold the rows
            grew = false;
            for (const auto &table : tables_)
                if (!table.inherits && oids.contains(table.parent_oid) && oids.insert(table.oid).second) grew = true;
        }
        std::vector<std::string> names;
        for (const auto &table : tables_) {
            if (!oids.contains(table.oid)) continue;
            refuse_under_way(table);
            const auto verdict = selection_.judge(table.name);
            if (!verdict.selected)
                throw Error(ErrorKind::task_state, to_string(table.name), "it is not one of the task's tables",
                            fmt::format("walbridge objects add brings it, with --truncate where the target's table "
                                        "holds rows{}.",
                                        verdict.by ? "; " + verdict.by->pattern + " leaves it out" : ""));
            if (table.kind == 'r' && !sql::has_relation(target_, config_.names.table(table.name)))
                throw Error(ErrorKind::target_shape, to_string(config_.names.table(table.name)),
                            "it is missing on the target",
                            "Remove it from the task and add it again: walbridge objects remove, then add.");
            names.push_back(stored_pattern(table.name));
            chosen_.push_back(table.name);
        }
        return names;
    }

    const TaskConfig &config_;
    sql::Session &target_;
    const ObjectsRequest &request_;
    const std::vector<ObjectChange> changes_;
    const EffectiveSelection selection_;
    std::vector<source::Table> tables_;
    std::vector<QualifiedName> chosen_;
};

[[noreturn]] void throw_stored(const ObjectChange &change) {
    const auto json = nlohmann::json::parse(change.error.value_or("{}"), nullptr, false);
    if (!json.is_object() || !json.contains("exit_code"))
        throw Error(ErrorKind::task_state, change.pattern, "it failed", "See walbridge objects.");
    throw Error(static_cast<ErrorKind>(json.value("exit_code", 1)), json.value("object", ""), json.value("reason", ""),
                json.value("remedy", "") + " The task goes on without the table. walbridge resume tries again; "
                                           "walbridge objects cancel gives it up.");
}

/// Waits until `answered(rows)`; the rows then.
template <class Answered>
std::vector<ObjectChange> await(sql::Session &target, const TaskConfig &config, int command,
                                std::optional<std::chrono::milliseconds> patience, Answered answered) {
    const auto began = Clock::now();
    for (;;) {
        auto rows = of_command(load_object_changes(target, config.name), command);
        if (rows.empty()) throw of_task(config, "the request disappeared", "Somebody reset or released the task.");
        if (answered(rows)) return rows;
        if (patience && Clock::now() - began > *patience)
            throw Error(ErrorKind::timeout, fmt::format("task {}", config.name),
                        fmt::format("command {} is {} after {} s", command, name_of(rows.front().state),
                                    patience->count() / 1000),
                        "The request stands; walbridge objects shows how far it is.");
        if (!lock_holder(target, config.name))
            throw of_task(config, "its process ended", "The request stands: walbridge run goes on with it.");
        std::this_thread::sleep_for(poll);
    }
}

std::string said(const TaskConfig &config, const std::vector<ObjectChange> &rows,
                 const std::vector<QualifiedName> &tables, bool json) {
    const auto &row = rows.front();
    if (json) {
        nlohmann::ordered_json out{{"task", config.name},
                                   {"command", row.command},
                                   {"action", name_of(row.action)},
                                   {"state", name_of(row.state)}};
        out["lsn"] = row.lsn.valid() ? nlohmann::ordered_json(to_string(row.lsn)) : nlohmann::ordered_json(nullptr);
        out["sync_task"] =
            row.sync_task.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(row.sync_task);
        out["tables"] = nlohmann::ordered_json::array();
        for (const auto &table : tables) out["tables"].push_back({{"schema", table.schema}, {"table", table.name}});
        return out.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
    }
    const auto names = listed(tables);
    const auto begin = fmt::format("task {}, command {}: ", config.name, row.command);
    if (row.action == Action::remove && row.state == Stage::done)
        return begin +
               fmt::format("{} left at {}: the target holds what was committed before it and nothing later; its "
                           "tables stay as they are\n",
                           names, to_string(row.lsn));
    if (row.state == Stage::done) return begin + fmt::format("{}: streaming since {}\n", names, to_string(row.lsn));
    if (row.state == Stage::cancelled) return begin + "given up\n";
    if (row.state == Stage::asked) return begin + fmt::format("{}: waits for an earlier command\n", names);
    return begin +
           fmt::format("{}: brought by task {} while the others stream on; walbridge objects shows how far it is\n",
                       names, row.sync_task);
}

} // namespace

std::string change_objects(const TaskConfig &config, const ObjectsRequest &request) {
    const auto session = target::open_state(config, "walbridge:objects");
    auto &target = *session;
    static_cast<void>(require_following(config, target));
    install_state(target); // a state of an older version has no place for it
    int command = 0;
    std::vector<QualifiedName> tables;
    sql::in_transaction(target, [&] {
        // One command at a time; what it is judged by stands still until its rows are stored.
        sql::hold_task(target, config.name);
        Judge judge(config, target, request);
        command = store_object_changes(target, config.name, judge.judge());
        tables = judge.chosen();
        notify_task(target, config.name);
    });
    // A command behind another one is not taken up before that has ended.
    const auto taken_up = [&](const std::vector<ObjectChange> &rows) {
        if (rows.front().state != Stage::asked) return true;
        const auto all = load_object_changes(target, config.name);
        return std::ranges::any_of(all, [&](const ObjectChange &change) {
            return change.command < command && change.state == Stage::syncing;
        });
    };
    auto rows = await(target, config, command, request.timeout.value_or(usual_patience), taken_up);
    const auto ended = [](const std::vector<ObjectChange> &now) {
        return !now.front().open() || now.front().state == Stage::failed;
    };
    if (request.wait && !ended(rows)) rows = await(target, config, command, request.timeout, ended);
    if (rows.front().state == Stage::failed && request.wait) throw_stored(rows.front());
    return said(config, rows, tables, request.json);
}

std::string cancel_objects(const TaskConfig &config, std::chrono::milliseconds patience) {
    const auto session = target::open_state(config, "walbridge:objects");
    auto &target = *session;
    if (!read_task(target, config.name))
        throw of_task(config, "the target knows no such task", "Start it with walbridge run.");
    install_state(target);
    std::set<int> commands;
    std::vector<std::string> names;
    for (const auto &change : load_object_changes(target, config.name)) {
        if (!change.open()) continue;
        commands.insert(change.command);
        names.push_back(fmt::format("{} {}", name_of(change.action), shown_pattern(change.pattern)));
    }
    if (commands.empty()) throw of_task(config, "nothing is under way", "walbridge objects shows the task's tables.");
    sql::in_transaction(target, [&] {
        sql::hold_task(target, config.name);
        for (const int command : commands) {
            move_object_changes(target, config.name, command, Stage::cancelled, {}, {}, {}, Stage::asked);
            for (const auto state : {Stage::syncing, Stage::failed})
                move_object_changes(target, config.name, command, Stage::cancelling, {}, {}, {}, state);
        }
        notify_task(target, config.name);
    });
    std::string text;
    if (!lock_holder(target, config.name))
        return fmt::format("task {}: no process runs it; the next walbridge run gives up {}\n", config.name,
                           some_of(names, 10));
    for (const int command : commands) {
        const auto rows = await(target, config, command, patience,
                                [](const std::vector<ObjectChange> &now) { return !now.front().open(); });
        for (const auto &row : rows)
            text += fmt::format("task {}, command {}: {} {} {}\n", config.name, command, name_of(row.action),
                                shown_pattern(row.pattern),
                                row.state == Stage::done ? fmt::format("was done before, at {}", to_string(row.lsn))
                                : row.action == Action::resync && row.lsn.valid()
                                    ? fmt::format("is given up: the table left the stream at {} and stays out, "
                                                  "walbridge objects add --truncate brings it back",
                                                  to_string(row.lsn))
                                    : "is given up; what the target holds of it stays there");
    }
    return text;
}

} // namespace walbridge::task
