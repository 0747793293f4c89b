// name_map.hpp: which name an object of the source has on the target.
//
// Names come from three places, in this order: entries for one schema or table, entries for patterns of names, and the
// case policy. Patterns and the policy speak of schemas and tables (views among them) alone, not of sequences, indexes
// or types that a pattern would match as well; so names are learned where something is known to be a table: from the
// source's catalog at the start, from relation records and DDL later. Columns need no learning.
//
// Threads: lookups and learning may run side by side. schemas(), tables() and copies belong to the thread that learns.
#pragma once

#include "base/name_pattern.hpp"
#include "base/qualified_name.hpp"

#include <map>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace walbridge {

/// "public.a", or "public.a (crm.b on the target)" where the target calls it otherwise.
inline std::string describe_pair(const QualifiedName &source, const QualifiedName &target) {
    return source == target ? to_string(source) : to_string(source) + " (" + to_string(target) + " on the target)";
}

/// Case policy for names that no entry gives. ASCII letters only: what others become depends on a locale.
enum class Letters { as_source, lower, upper };

class NameMap {
  public:
    NameMap() = default;
    NameMap(const NameMap &other);
    NameMap &operator=(const NameMap &other);
    ~NameMap() = default;

    void add_schema(std::string source, std::string target);
    void add_table(QualifiedName source, QualifiedName target);
    /// `target` may name captures of the pattern.
    void add_schemas(NamePattern source, std::string target);
    /// Captures are numbered through both parts. An empty `target_schema` is what the table's own schema becomes.
    void add_tables(NamePattern schema, NamePattern table, std::string target_schema, std::string target_table);
    void add_columns(NamePattern schema, NamePattern table, NamePattern column, std::string target);
    void set_letters(Letters letters) { rules_.letters = letters; }

    /// Whether names of schemas and tables have to be learned.
    [[nodiscard]] bool learns() const {
        return !rules_.schemas.empty() || !rules_.tables.empty() || rules_.letters != Letters::as_source;
    }
    void learn_schema(const std::string &source) const;
    void learn_table(const QualifiedName &source) const;
    /// What is given for the columns of a partitioned table holds for its partitions. A table that is none is learned
    /// as one of itself.
    void learn_partition(const QualifiedName &partition, const QualifiedName &of) const;
    [[nodiscard]] bool knows_partition(const QualifiedName &table) const;
    /// The table, then those that are learned to stand above it, the nearest first.
    [[nodiscard]] std::vector<QualifiedName> with_parents(const QualifiedName &table) const;

    /// Names that nobody gave or learned stay as they are. A table's own entry wins over that of its schema.
    [[nodiscard]] std::string schema(const std::string &source) const;
    [[nodiscard]] QualifiedName table(const QualifiedName &source) const;
    [[nodiscard]] std::string column(const QualifiedName &table, const std::string &column) const;
    /// The table that has this name on the target because it was renamed; nullopt when none is known.
    [[nodiscard]] std::optional<QualifiedName> renamed_to(const QualifiedName &target) const;
    [[nodiscard]] bool has_entry(const QualifiedName &source) const;
    /// For people: the source's name, and the target's where it is another.
    [[nodiscard]] std::string describe(const QualifiedName &source) const;

    /// Nothing is renamed: text can be used as it is.
    [[nodiscard]] bool empty() const;
    /// Some column has another name.
    [[nodiscard]] bool renames_columns() const {
        return !rules_.columns.empty() || rules_.letters != Letters::as_source;
    }
    /// Given and learned.
    [[nodiscard]] const std::unordered_map<std::string, std::string> &schemas() const { return known_.schemas; }
    [[nodiscard]] const std::unordered_map<QualifiedName, QualifiedName> &tables() const { return known_.tables; }
    /// Entries for one schema or table, as the task file gives them.
    [[nodiscard]] const std::map<std::string, std::string> &given_schemas() const { return rules_.exact_schemas; }
    [[nodiscard]] const std::map<QualifiedName, QualifiedName> &given_tables() const { return rules_.exact_tables; }
    /// Some column of the table may have another name.
    [[nodiscard]] bool renames_columns_of(const QualifiedName &table) const;
    /// Patterns for people that match none of the tables: typing errors, most likely.
    [[nodiscard]] std::vector<std::string> idle_patterns(const std::vector<QualifiedName> &tables) const;
    /// The same for columns, of patterns that match one of the tables; what stands above partitions is learned.
    [[nodiscard]] std::vector<std::string>
    idle_columns(const std::vector<std::pair<QualifiedName, std::vector<std::string>>> &tables) const;
    /// What was given, a line each, in a fixed order: two maps rename alike iff these are equal.
    [[nodiscard]] std::vector<std::string> given() const;

  private:
    struct SchemaRule {
        NamePattern source;
        std::string target;
    };
    struct TableRule {
        NamePattern schema, table;
        std::string target_schema, target_table;
    };
    struct ColumnRule {
        NamePattern schema, table, column;
        std::string target;
    };
    struct Rules {
        std::vector<SchemaRule> schemas;
        std::vector<TableRule> tables;
        std::vector<ColumnRule> columns;
        Letters letters = Letters::as_source;
        std::map<std::string, std::string> exact_schemas;
        std::map<QualifiedName, QualifiedName> exact_tables;
    };
    struct Known {
        std::unordered_map<std::string, std::string> schemas;
        std::unordered_map<QualifiedName, QualifiedName> tables, sources; ///< and back
        std::unordered_map<QualifiedName, QualifiedName> partition_of;
    };
    [[nodiscard]] std::string in_letters(std::string name) const;
    [[nodiscard]] std::string known_schema(const std::string &source) const;
    [[nodiscard]] QualifiedName known_table(const QualifiedName &source) const;
    void know(QualifiedName source, QualifiedName target) const;
    void find_schema(const std::string &source) const;
    [[nodiscard]] std::optional<std::string> column_rule(const QualifiedName &table, const std::string &column) const;

    Rules rules_; ///< fixed once the task file is read
    mutable std::shared_mutex mutex_;
    mutable Known known_; ///< guarded by mutex_; what is learned follows from the rules and the source's catalog
};

} // namespace walbridge
