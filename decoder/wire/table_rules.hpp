// table_rules.hpp: what is replicated of each table: which rows, which columns with which values, which operations.
// The applier reads the rules from the task file, copies by them and hands them to the plugin as the option `rules`;
// both look them up with the same code.
//
// The option is JSON, a list of entries in order of precedence:
//   [{"table": "public.cust*", "where": "region = 'EU'", "include_columns": ["*"], "exclude_columns": ["secret*"],
//     "columns": {"email": "md5(email)"}, "types": {"email": "text"}, "operations": ["insert", "update"]}]
// `table` is a pattern (object_selection.hpp). Of each part a table takes what the first entry says that matches its
// name and says something. What entries leave open is taken from those for the tables it is a partition of, the nearest
// first: a filter on a partitioned table holds for its partitions.
#pragma once

#include "wire/object_selection.hpp"

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace walbridge::wire {

struct Operations {
    bool insert = true, update = true, erase = true, truncate = true;
    bool operator==(const Operations &) const = default;
};

// One entry, or what all entries together say of a table. An unset part says nothing.
struct TableRule {
    std::optional<std::string> where; // a row travels iff this SQL condition is true
    // Patterns with * and ? for names of columns: those that travel under their own value.
    std::optional<std::vector<std::string>> include_columns, exclude_columns;
    // SQL by column: in place of the column's value, or as one more column where the table has none of that name.
    std::optional<std::map<std::string, std::string>> columns;
    // SQL type by column, of those in `columns`: else the replaced column's own, or the expression's.
    std::optional<std::map<std::string, std::string>> types;
    std::optional<Operations> operations;

    // Whether a column of the table travels, with its own value or with that of an expression.
    bool takes(std::string_view column) const;
    // Rows or columns differ from the table's own.
    bool changes_rows() const {
        return where.has_value() || include_columns.has_value() || exclude_columns.has_value() || columns.has_value();
    }
    bool empty() const { return !changes_rows() && !types.has_value() && !operations.has_value(); }
    bool operator==(const TableRule &) const = default;
};

// (schema, table)
using TableName = std::pair<std::string, std::string>;

class TableRules {
  public:
    // `pattern` as in ObjectPattern. Throws PatternError.
    void add(const std::string &pattern, TableRule rule);
    // names: the table's own, then those of the partitioned tables above it, the nearest first.
    TableRule of(std::span<const TableName> names) const;
    TableRule of(std::string_view schema, std::string_view table) const;
    bool empty() const { return entries_.empty(); }
    // The entries by themselves, to tell which of them concern nothing.
    std::size_t size() const { return entries_.size(); }
    const std::string &pattern(std::size_t entry) const { return entries_[entry].text; }
    const TableRule &rule(std::size_t entry) const { return entries_[entry].rule; }
    bool matches(std::size_t entry, const TableName &name) const {
        return entries_[entry].pattern.matches(name.first, name.second);
    }

  private:
    friend TableRules parse_rules(std::string_view json);
    friend std::string to_json(const TableRules &rules);
    struct Entry {
        std::string text;
        ObjectPattern pattern;
        TableRule rule;
    };
    std::vector<Entry> entries_;
};

// The text of the option. parse_rules throws PatternError that says what is wrong and where.
TableRules parse_rules(std::string_view json);
std::string to_json(const TableRules &rules);
// One rule in a form that is equal iff the rules are, to tell whether a table was copied by another one.
std::string to_json(const TableRule &rule);

} // namespace walbridge::wire
