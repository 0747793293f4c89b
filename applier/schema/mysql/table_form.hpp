// table_form.hpp: a table as MySQL and MariaDB will have it, part by part. Pure. definitions.hpp writes the statements
// that create it, changes.hpp those that lead from one form to another.
#pragma once

#include "ddl/mysql/expression.hpp"
#include "schema/mysql/column_types.hpp"
#include "schema/mysql/shaped_tables.hpp"
#include "schema/mysql/source_tables.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace walbridge::schema::mysql {

struct DefinitionOptions {
    dialect::mysql::Flavour flavour = dialect::mysql::Flavour::mysql;
    UnfitPolicy policy;             ///< empty: `error` for all columns
    bool lower_case_tables = false; ///< lower_case_table_names of the target is not 0
    ShapeTable shape{};             ///< empty: every column travels under its own name
};

struct ColumnForm {
    int number = 0; ///< attnum
    std::string name, source_name;
    std::string type;          ///< with charset and collation
    std::string attributes;    ///< behind the type: NOT NULL, AUTO_INCREMENT, GENERATED ALWAYS AS ...; or empty
    std::string default_value; ///< what follows DEFAULT; empty = none
    std::string comment;       ///< empty = none
    bool not_null = false, auto_increment = false;
    std::set<int> computed_from; ///< of a column that the target computes: the columns in its expression
    bool computed = false;
    ddl::mysql::ExpressionColumn values; ///< how its values are written

    /// Type and attributes: what a key or a foreign key over the column depends on.
    [[nodiscard]] std::string core() const { return type + attributes; }
    /// All that stands behind the name.
    [[nodiscard]] std::string definition() const { return definition(default_value); }
    /// The same with another default; empty = none.
    [[nodiscard]] std::string definition(const std::string &default_instead) const;
};

struct KeyPart {
    int column = 0;
    std::size_t prefix = 0; ///< characters or bytes; 0 = the whole column
    bool descending = false;
    friend bool operator==(const KeyPart &, const KeyPart &) = default;
};

struct KeyForm {
    std::string source_name, name; ///< the primary key's on the target: "PRIMARY"
    bool primary = false, unique = false;
    bool in_table = false; ///< created with the table: the rows are stored by it, or AUTO_INCREMENT needs it
    std::vector<KeyPart> parts;
    std::string comment;

    /// All but the names are equal.
    [[nodiscard]] bool alike(const KeyForm &other) const {
        return primary == other.primary && unique == other.unique && parts == other.parts && comment == other.comment;
    }
};

struct CheckForm {
    std::string source_name, name;
    std::string condition; ///< SQL text
    std::set<int> columns; ///< that it looks at
};

struct ForeignKeyForm {
    std::string source_name, name;
    std::vector<int> columns, parent_columns; ///< in the order of the parent's key
    std::uint32_t parent = 0;
    std::string parent_key; ///< by its name on the source
    std::string clause;     ///< FOREIGN KEY (...) REFERENCES ...
};

struct TableForm {
    std::uint32_t oid = 0;
    QualifiedName source, target;
    std::string comment;
    std::vector<ColumnForm> columns; ///< by attnum
    std::vector<KeyForm> keys;       ///< those of the table first
    std::vector<CheckForm> checks;
    std::vector<ForeignKeyForm> foreign_keys;

    [[nodiscard]] const ColumnForm *column(int number) const;
};

struct Forms {
    std::vector<TableForm> tables; ///< in the order of the source's; partitioned ones and those with errors have none
    std::vector<LeftOut> left_out; ///< what the target lacks afterwards, or has otherwise
    std::vector<LeftOut> errors;   ///< names and types that the target cannot have
    /// By the table's oid on the source, in the order of its columns; of every table that holds rows, errors or not.
    std::map<std::uint32_t, std::vector<dialect::mysql::MappedType>> types;
};

/// Constraints are named by constraint_names().
[[nodiscard]] Forms make_forms(const std::vector<SourceTable> &tables, const DefinitionOptions &options);

// ---- SQL text of forms

[[nodiscard]] std::string create_database(const std::string &name, dialect::mysql::Flavour flavour);
/// With its columns, the keys that are created with the table and its checks.
[[nodiscard]] std::string create_table(const TableForm &table, dialect::mysql::Flavour flavour);
/// What follows ADD: UNIQUE KEY `name` (`a`, `b`(10) DESC) COMMENT '...'
[[nodiscard]] std::string key_clause(const TableForm &table, const KeyForm &key);
/// What follows ADD: CONSTRAINT `name` CHECK (...)
[[nodiscard]] std::string check_clause(const CheckForm &check);
[[nodiscard]] std::string add_foreign_key(const TableForm &table, const ForeignKeyForm &key);
/// ALTER TABLE ... ADD KEY ..., of all keys that are not created with the table; empty when there are none.
[[nodiscard]] std::string add_keys(const TableForm &table);

} // namespace walbridge::schema::mysql
