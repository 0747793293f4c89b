// conflict_replay.hpp: brings the target's row to what a conflict's record says, or to what an operator wants instead,
// while the task may go on: every row concerned is locked and has to be as it was recorded.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"
#include "target/postgres/acting_role.hpp"
#include "task/row_sql.hpp"

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace walbridge::task {

/// A record as it is replayed.
struct RecordedConflict {
    std::string id, kind, operation, state, outcome, decision;
    QualifiedName table;                  ///< the target's name
    std::string key, source_row;          ///< JSON
    std::vector<std::string> target_rows; ///< JSON of each
    std::string later;                    ///< id of a later change of the row that waits as well; empty = none
};

enum class ConflictAction {
    skip,      ///< the change is passed over, the target's row stays
    overwrite, ///< the source's row wins, every row in its way goes
    replay,    ///< the change once more; other rows in the way still refuse it
    edit,      ///< a row that an operator wrote
};

class ConflictReplay {
  public:
    /// `target`: a session with session_replication_role = replica. Both are borrowed.
    ConflictReplay(const TaskConfig &config, pg::Session &target);

    /// In the session's open transaction. `edit`: a JSON object that is laid over the row. `unguarded`: whatever became
    /// of the target's rows since. Words on what was done; throws Error(conflict) with the reason why nothing is.
    std::string apply(const RecordedConflict &conflict, ConflictAction action, const std::string &edit, bool unguarded);
    /// The transaction of the last apply() was committed.
    void committed();

    /// The row that the last apply() wrote, as JSON of text values; empty when it removed one or found nothing to do.
    [[nodiscard]] const std::string &written() const { return written_; }

  private:
    struct FoundRow {
        std::string table, place; ///< tableoid, ctid
        std::string shown;        ///< as a record shows it
        bool operator==(const FoundRow &other) const { return table == other.table && place == other.place; }
    };
    using Key = std::pair<QualifiedName, std::string>;

    /// `body(sql, parameters)` as the role that may run the code of the table's owner.
    pg::Result run(const target::TargetTable &table, const std::string &sql,
                   const std::vector<pg::Parameter> &parameters);
    std::vector<FoundRow> find_rows(const target::TargetTable &table, const RowCondition &condition, bool one = false);
    std::vector<FoundRow> rows_in_the_way(const target::TargetTable &table, const RowValues &values,
                                          const std::vector<FoundRow> &own);
    /// nullopt: `why` the record does not hold the row exactly.
    std::optional<RowValues> from_record(const target::TargetTable &table, const std::string &json, std::string &why);
    /// What the record holds of unique keys.
    RowValues unique_values(const target::TargetTable &table, const std::string &json);
    /// The row as the source has it now; nullopt: `why` not.
    std::optional<RowValues> from_source(const target::TargetTable &table, const RowValues &key, std::string &why);
    /// The row to write: the recorded one with the edits, else the source's with them.
    RowValues row_to_write(const RecordedConflict &conflict, const target::TargetTable &table, const RowValues &key,
                           const std::string &edit, bool whole);
    void guard(const RecordedConflict &conflict, const std::vector<FoundRow> &own, const std::vector<FoundRow> &others);
    void remove(const target::TargetTable &table, const FoundRow &row);
    std::string write(const target::TargetTable &table, const RowValues &values, const std::vector<FoundRow> &own);
    void check_unenforced(const RecordedConflict &conflict, const target::TargetTable &table, const FoundRow &row);

    const TaskConfig &config_;
    pg::Session &target_;
    target::ActingRole role_;
    std::optional<pg::Session> source_;
    std::string written_;
    bool asked_source_ = false;
    std::map<Key, std::vector<std::string>> left_; ///< rows as committed applications left them
    std::optional<std::pair<Key, std::vector<std::string>>> leaving_;
};

} // namespace walbridge::task
