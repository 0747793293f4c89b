// object_changes.hpp: what operators changed about a task's tables while it ran (walbridge.object_change), and the
// selection that follows from it. The task file's patterns come first; then the changes in their order, the latest
// wins. The pure part is effective_selection(); the rest is SQL through the caller's session and transaction.
#pragma once

#include "base/lsn.hpp"
#include "base/qualified_name.hpp"
#include "base/sql/session.hpp"
#include "config/task_config.hpp"
#include "wire/object_selection.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::task {

/// A row of walbridge.object_change; sql/target_state.sql explains the states.
struct ObjectChange {
    enum class Action { add, remove, resync };
    enum class State { asked, syncing, failed, done, cancelling, cancelled };

    int number = 0, command = 0;
    Action action = Action::add;
    std::string pattern;
    bool emptied = false; ///< the target's tables are emptied before the copy
    State state = State::asked;
    Lsn lsn;                          ///< at which it took effect; invalid = not yet
    std::string sync_task;            ///< empty = none
    std::string reason;               ///< why it was asked for where it was no command; empty = a command
    std::optional<std::string> error; ///< JSON, as error_json() writes it
    std::string asked_at, done_at;

    /// Neither done nor given up.
    [[nodiscard]] bool open() const { return state != State::done && state != State::cancelled; }
    /// A sync task has its tables.
    [[nodiscard]] bool with_sync_task() const {
        return state == State::syncing || state == State::failed || state == State::cancelling;
    }
};

[[nodiscard]] std::string_view name_of(ObjectChange::Action action);
[[nodiscard]] std::string_view name_of(ObjectChange::State state);

/// Where a pattern of the selection comes from: a change's number; 0 = the task file.
struct SourcedPattern {
    /// Throws wire::PatternError.
    SourcedPattern(std::string text, int from);
    [[nodiscard]] bool matches(const QualifiedName &table) const { return parsed_.matches(table.schema, table.name); }

    std::string pattern;
    int change = 0;

  private:
    wire::ObjectPattern parsed_;
};

/// The selection that is in force: plain lists, as the task file has them. Pure.
struct EffectiveSelection {
    std::vector<SourcedPattern> include, exclude;

    [[nodiscard]] std::vector<std::string> includes() const;
    [[nodiscard]] std::vector<std::string> excludes() const;
    /// The pattern that decides about the table, and which way: an exclude pattern wins over every include pattern.
    struct Verdict {
        bool selected = false;
        std::optional<SourcedPattern> by; ///< nullopt: no include pattern matches
    };
    [[nodiscard]] Verdict judge(const QualifiedName &table) const;
};

/// `include` and `exclude` as in the task file; changes by number. An addition takes back an earlier removal of the
/// same pattern, a removal an earlier addition; tables that are copied once more are left out for as long as that
/// lasts, and when it was given up. So are those that are brought because the task file selects them now (their
/// additions have a reason): they would be streamed before they are copied.
[[nodiscard]] EffectiveSelection effective_selection(const std::vector<std::string> &include,
                                                     const std::vector<std::string> &exclude,
                                                     const std::vector<ObjectChange> &changes);

/// The table that a pattern without wildcards names; nullopt for any other. Throws wire::PatternError.
[[nodiscard]] std::optional<QualifiedName> exact_table(const std::string &pattern);
/// The form in which patterns of commands are stored and compared: a table's is quoted. Throws wire::PatternError.
[[nodiscard]] std::string stored_pattern(const std::string &pattern);
/// Of one table.
[[nodiscard]] std::string stored_pattern(const QualifiedName &table);

/// For people: a table without its quotes, any other pattern as it is.
[[nodiscard]] std::string shown_pattern(const std::string &pattern);

/// By number. Empty where the state is older and has no such table.
[[nodiscard]] std::vector<ObjectChange> load_object_changes(sql::Session &target, const std::string &task);

/// Those of one command.
[[nodiscard]] std::vector<ObjectChange> of_command(const std::vector<ObjectChange> &changes, int command);

/// Numbers the rows behind all others, as one command, and stores them; through the caller's transaction, which holds
/// the task's row from here on. The command's number.
int store_object_changes(sql::Session &target, const std::string &task, const std::vector<ObjectChange> &changes);

/// The rows of a command get another state. `sync_task`, `lsn`, `error`: unset leaves what is stored; done_at is now
/// for states that end it. With `only`, rows in another state are left alone. How many rows were changed.
long long move_object_changes(sql::Session &target, const std::string &task, int command, ObjectChange::State state,
                              const std::optional<std::string> &sync_task = {}, const std::optional<Lsn> &lsn = {},
                              const std::optional<std::string> &error = {},
                              std::optional<ObjectChange::State> only = {});

/// The task with the selection in force: what everybody goes by who asks which tables a running task has.
[[nodiscard]] TaskConfig with_stored_objects(const TaskConfig &config, sql::Session &target);

/// The same for a command line: the file's own selection where the target cannot be asked, or knows no such task.
[[nodiscard]] TaskConfig with_stored_objects(const TaskConfig &config);

} // namespace walbridge::task
