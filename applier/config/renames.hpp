// renames.hpp: collects the renames of a task file into its NameMap, and refuses what would bring two sources onto one
// name. What only the catalogs can tell (a name that is taken by a table nobody renames) is precheck's.
#pragma once

#include "change/name_map.hpp"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::config {

/// All functions throw Error(configuration) without an object when a rename cannot be.
class RenameReader {
  public:
    /// [[objects.schema]]; all of them before the first table. A name with * or ? is a pattern, whose captures $1 ...
    /// $9 of `rename` stand for.
    void schema(std::string_view name, std::string_view rename);
    /// [[objects.table]]. `rename` is schema.table, or a table's name in the schema that the table's own becomes.
    void table(std::string_view name, std::string_view rename);
    /// Of the tables that both parts of `table` match.
    void column(const std::vector<NamePattern> &table, const std::string &name, const std::string &rename);
    void letters(Letters letters) { names_.set_letters(letters); }

    [[nodiscard]] NameMap take() { return names_; }

  private:
    NameMap names_;
    std::map<std::string, std::string> schema_of_;    ///< target to source
    std::map<QualifiedName, QualifiedName> table_of_; ///< target to source
};

/// A single table's source name. Throws Error(configuration) without an object.
[[nodiscard]] QualifiedName parse_table_name(std::string_view text);

/// A table's name or a pattern of such names: two parts. Throws Error(configuration) without an object.
[[nodiscard]] std::vector<NamePattern> parse_table_pattern(std::string_view text);

} // namespace walbridge::config
