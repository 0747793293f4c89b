// shape.hpp: what of a table of the source travels: which columns, with which values and names, which rows. The copy,
// the verification and the definitions on the target ask here; the plugin applies the same rules to changes.
#pragma once

#include "base/lsn.hpp"
#include "config/table_rules.hpp"
#include "source/catalog.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::source {

/// A column that travels.
struct ShapedColumn {
    std::string name;                            ///< on the source; of a derived one as the task file has it
    std::string target;                          ///< its name on the target
    std::string sql;                             ///< SQL of the value, over the source's table
    bool computed = false;                       ///< by an expression of the task
    const Column *own = nullptr;                 ///< the table's column of that name; null = derived
    std::uint32_t type_oid = 0, element_oid = 0; ///< of the value
    std::string type;                            ///< the same with typmod, as in SQL
    char type_kind = 'b';                        ///< pg_type.typtype
    bool generated = false;                      ///< the source's column is, and no expression stands in its place
};

struct Shape {
    std::vector<ShapedColumn> columns; ///< in the table's order, derived ones behind
    std::vector<const Column *> left_out;
    std::string where; ///< condition over the source's columns; empty = every row
    AddedColumns added;

    [[nodiscard]] const ShapedColumn *find(const std::string &source_name) const;
    /// The table's own rows and columns under their own names.
    [[nodiscard]] bool plain() const;
};

/// All columns with their own values. The pointers into `table` are valid as long as it is.
[[nodiscard]] Shape as_it_is(const Table &table, const NameMap &names = {});

/// What an added column gets from a row of the copy, as SQL of the source; `at` is the snapshot's position.
[[nodiscard]] std::string added_value_of_copy(const std::string &content, const TaskConfig &config, Lsn at);

/// Tells the names which of the tables are partitions of which; those that are none count as known too.
void learn_partitions(const NameMap &names, const std::vector<Table> &tables);

/// Shapes of tables that one snapshot shows. Not thread-safe; keeps references to what it is made of.
class Shaper {
  public:
    /// `session` answers which types expressions have; it must see the tables. What stands above partitions is what the
    /// task's names have learned.
    Shaper(const TaskConfig &config, pg::Session &session) : config_(config), session_(session) {}
    /// The pointers into `table` are valid as long as it is. Throws Error(rule) naming table and reason when the server
    /// refuses an expression.
    [[nodiscard]] Shape shape(const Table &table);

  private:
    void ask_types(const Table &table, Shape &shape);

    const TaskConfig &config_;
    pg::Session &session_;
};

/// Tells the task's names of everything on the source that has rows or shows them, where names have to be learned, and
/// which tables stand above partitions.
void learn_names(const TaskConfig &config, pg::Session &source);

} // namespace walbridge::source
