// table_entries.hpp: from the entries [[objects.table]] of a task file to what the rest of walbridge asks: renames,
// rules for rows and columns, policies by table. What only the catalogs can tell (a column that is not there, an
// expression that is no SQL) is precheck's.
#pragma once

#include "config/renames.hpp"
#include "config/task_config.hpp"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::config {

/// One entry as the file has it. Absent keys are unset.
struct TableEntry {
    using Texts = std::vector<std::string>;
    using TextMap = std::map<std::string, std::string>;
    std::string name;
    std::optional<std::string> rename, conflict, where;
    std::optional<Texts> operations, include_columns, exclude_columns;
    std::optional<TextMap> values, columns, types, rename_columns, add_columns;
    /// Throws the error that points to the key ("where") of this entry in the file.
    std::function<void(const std::string &key, const std::string &reason, const std::string &remedy)> refuse;
};

/// What an added column can hold.
[[nodiscard]] const std::vector<std::string> &added_column_contents();

/// Reads all entries into the task, renames of tables into `renames`. Throws what `refuse` throws.
void read_table_entries(const std::vector<TableEntry> &entries, RenameReader &renames, TaskConfig &task);

} // namespace walbridge::config
