// changes.hpp: the statements that lead the target's tables from one state of the source's to another. Pure.
//
// Tables are told by their oid and columns by their attnum, so that a rename is one; indexes and constraints by their
// names, so that an index that is alike but for its name is renamed. A table that followed its changes is equal to one
// that is created afresh: as far as information_schema shows, with the keys that InnoDB makes for foreign keys.
#pragma once

#include "schema/mysql/table_form.hpp"

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace walbridge::schema::mysql {

struct Command {
    std::string sql;                   ///< one statement, which the server executes whole or not at all
    std::vector<QualifiedName> tables; ///< of the target that it creates, changes, renames (both names) or drops
};

/// What rows show in a column from before ADD COLUMN.
struct MissingValue {
    std::uint32_t table = 0;
    std::string column; ///< by its name after the change
    std::string value;  ///< in PostgreSQL's text form
};

struct Changes {
    /// For a session with foreign_key_checks = 0, in order: foreign keys go; emptied tables; tables dropped, renamed,
    /// created, altered; defaults that rows from before do not have; foreign keys.
    std::vector<Command> commands;
    /// Only those that `before` did not have. With errors there are no commands: the target keeps what it has, and
    /// `before` is what is to be kept of the source.
    std::vector<LeftOut> left_out, errors;
};

/// `before` and `after`: all tables of the task. `emptied`: tables whose rows all come again.
/// Names of constraints are settled as settle_names(before, after) does; the caller keeps `after` so settled.
[[nodiscard]] Changes change_tables(const std::vector<SourceTable> &before, const std::vector<SourceTable> &after,
                                    const std::set<std::uint32_t> &emptied, const std::vector<MissingValue> &missing,
                                    const DefinitionOptions &options);

} // namespace walbridge::schema::mysql
