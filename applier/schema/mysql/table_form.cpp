// table_form.cpp: names are checked first, then foreign keys decide which columns need types that can be indexed, then
// each table gets its form.
#include "schema/mysql/table_form.hpp"

#include "dialect/mysql/forms.hpp"
#include "dialect/mysql/quote.hpp"
#include "schema/mysql/constraint_names.hpp"
#include "schema/mysql/text.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace walbridge::schema::mysql {
namespace {

using ddl::mysql::ExpressionColumn;
using dialect::mysql::Flavour;
using dialect::mysql::MappedType;
using dialect::mysql::name_problem;
using dialect::mysql::quote;
using dialect::mysql::quote_identifier;
using dialect::mysql::quote_literal;

constexpr std::size_t longest_column_comment = 1024, longest_table_comment = 2048, longest_index_comment = 1024;

bool has(const std::vector<int> &list, int number) { return std::ranges::find(list, number) != list.end(); }

/// A foreign key that is created, its columns in the order of the parent's key.
struct ForeignKey {
    const SourceConstraint *constraint = nullptr;
    const SourceTable *parent = nullptr;
    const SourceIndex *parent_key = nullptr;
    std::vector<int> columns;
};

/// A table on its way to its form.
struct Plan {
    const SourceTable *source = nullptr;
    std::vector<ForeignKey> foreign_keys;
    std::vector<MappedType> types;
    std::optional<int> auto_increment;         ///< attnum
    std::vector<const SourceIndex *> in_table; ///< created with the table, the primary key first
    std::map<std::string, ExpressionColumn> columns;

    [[nodiscard]] const MappedType &type(int number) const {
        for (std::size_t i = 0; i < source->columns.size(); ++i)
            if (source->columns[i].number == number) return types[i];
        return types.front();
    }
};

class Maker {
  public:
    Maker(const std::vector<SourceTable> &tables, const DefinitionOptions &options)
        : tables_(tables), options_(options), names_(constraint_names(tables)) {
        if (!options_.policy)
            options_.policy = [](const QualifiedName &, const std::string &) { return dialect::mysql::Unfit::error; };
    }

    Forms make() {
        check_names();
        for (const auto &table : tables_) {
            by_oid_.emplace(table.oid, &table);
            if (table.kind == 'p')
                differ(table, "", "a partitioned table: its partitions are tables of their own on the target");
        }
        std::vector<Plan> plans;
        for (const auto &table : tables_)
            if (table.kind == 'r') plans.push_back(plan(table));
        for (auto &one : plans) plan_of_.emplace(one.source->oid, &one);
        for (const auto &one : plans) made_.types.emplace(one.source->oid, one.types);
        for (auto &one : plans)
            if (!faulty_.contains(one.source->oid)) drop_unlike_foreign_keys(one);
        for (auto &one : plans) {
            if (faulty_.contains(one.source->oid)) continue;
            auto form = form_of(one);
            if (!faulty_.contains(one.source->oid)) made_.tables.push_back(std::move(form));
        }
        for (auto &form : made_.tables) add_foreign_keys(form, *plan_of_.at(form.oid));
        return std::move(made_);
    }

  private:
    void leave_out(const SourceTable &table, const std::string &part, std::string reason, bool minor = false) {
        made_.left_out.push_back(
            {to_string(table.name) + (part.empty() ? "" : " " + part), std::move(reason), minor, table.oid, part});
    }
    void differ(const SourceTable &table, const std::string &part, std::string reason) {
        leave_out(table, part, std::move(reason), true);
    }
    void fail(const SourceTable &table, std::string reason) {
        made_.errors.push_back({to_string(table.name), std::move(reason)});
        faulty_.insert(table.oid);
    }
    /// Refuses what the target cannot call so.
    void check_name(const SourceTable &table, const char *what, const std::string &name) {
        if (auto problem = name_problem(name); !problem.empty())
            fail(table, fmt::format("{} \"{}\": {}", what, name, problem));
    }

    void check_names() {
        static const std::set<std::string> reserved = {"mysql", "sys", "information_schema", "performance_schema",
                                                       "walbridge"};
        std::map<std::pair<std::string, std::string>, QualifiedName> seen;
        for (const auto &table : tables_) {
            if (table.kind != 'r') continue;
            for (const auto &name : {table.target.schema, table.target.name})
                if (auto problem = name_problem(name); !problem.empty())
                    fail(table, fmt::format("\"{}\" cannot be a name on the target: {}", name, problem));
            if (reserved.contains(lower(table.target.schema)))
                fail(table,
                     fmt::format("database {} of the target is the server's or walbridge's own", table.target.schema));
            const auto target = options_.lower_case_tables
                                    ? QualifiedName{lower(table.target.schema), lower(table.target.name)}
                                    : table.target;
            const auto [known, fresh] = seen.emplace(std::pair(target.schema, target.name), table.name);
            if (!fresh) fail(table, fmt::format("it has the name of {} on the target", to_string(known->second)));
            if (table.columns.empty()) fail(table, "MySQL has no tables without columns");
            std::map<std::string, std::string> columns;
            for (const auto &column : table.columns) {
                check_name(table, "column", column.on_target());
                const auto [first, unique] = columns.emplace(lower(column.on_target()), column.name);
                if (!unique)
                    fail(table, fmt::format("columns {} and {} differ in case alone, which MySQL does not tell apart",
                                            first->second, column.name));
            }
        }
    }

    // ---- foreign keys

    /// Why the target cannot have it; empty when it can.
    [[nodiscard]] std::string foreign_key_problem(const SourceTable &table, const SourceConstraint &constraint,
                                                  ForeignKey &key) const {
        const auto found = by_oid_.find(constraint.foreign_table);
        if (found == by_oid_.end()) return "the table it refers to is not selected";
        const auto &parent = *found->second;
        if (parent.kind != 'r') return "it refers to a partitioned table, which the target has as several tables";
        if (constraint.columns.size() > most_key_parts) return "it has more than 16 columns";
        if (constraint.match == 'f' && constraint.columns.size() > 1) return "MATCH FULL has no counterpart";
        if (constraint.on_delete == 'd' || constraint.on_update == 'd') return "SET DEFAULT has no counterpart";
        if (constraint.sets_some_columns) return "SET NULL of single columns has no counterpart";
        for (const int number : constraint.columns) {
            const auto *column = table.column(number);
            if (column == nullptr) return "it has columns that are not there";
            if (column->not_null && (constraint.on_delete == 'n' || constraint.on_update == 'n'))
                return "SET NULL of a column that is NOT NULL";
            if (column->generated != '\0') return "it has a generated column";
        }
        // The columns in the order of a key of the parent.
        for (const auto &index : parent.indexes) {
            if (!is_whole_key(index) || index.columns.size() != constraint.foreign_columns.size()) continue;
            std::vector<int> columns;
            for (const int number : index.columns)
                for (std::size_t i = 0; i < constraint.foreign_columns.size(); ++i)
                    if (constraint.foreign_columns[i] == number) columns.push_back(constraint.columns[i]);
            if (columns.size() != index.columns.size()) continue;
            key = {&constraint, &parent, &index, std::move(columns)};
            return {};
        }
        return "the key it refers to is not on the target";
    }

    /// InnoDB compares the two sides by their bytes: the types have to be alike.
    void drop_unlike_foreign_keys(Plan &plan) {
        std::erase_if(plan.foreign_keys, [&](const ForeignKey &key) {
            const auto &parent = *plan_of_.at(key.parent->oid);
            if (faulty_.contains(key.parent->oid)) return false;
            for (std::size_t i = 0; i < key.columns.size(); ++i) {
                const auto &mine = plan.type(key.columns[i]).column,
                           &theirs = parent.type(key.parent_key->columns[i]).column;
                const bool text = !mine.charset.empty() && mine.charset == theirs.charset && mine.data_type != "enum" &&
                                  theirs.data_type != "enum";
                const bool bytes = mine.data_type == "varbinary" && theirs.data_type == "varbinary";
                if (text || bytes || mine.column_type == theirs.column_type) continue;
                leave_out(
                    *plan.source, "foreign key " + key.constraint->name,
                    fmt::format("its types differ on the target: {} and {}", mine.column_type, theirs.column_type));
                return true;
            }
            return false;
        });
    }

    // ---- tables

    Plan plan(const SourceTable &table) {
        Plan plan;
        plan.source = &table;
        std::vector<std::vector<int>> keys;
        for (const auto &constraint : table.constraints) {
            if (constraint.type != 'f') continue;
            ForeignKey key;
            if (auto problem = foreign_key_problem(table, constraint, key); !problem.empty()) {
                leave_out(table, "foreign key " + constraint.name, std::move(problem));
                continue;
            }
            if (constraint.deferrable)
                differ(table, "foreign key " + constraint.name,
                       "it is not deferrable on the target: each statement is checked at once");
            keys.push_back(key.columns);
            plan.foreign_keys.push_back(std::move(key));
        }
        plan.types = choose_types(table, options_.flavour, keys, options_.policy);
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            plan.columns.emplace(table.columns[i].name, ExpressionColumn{table.columns[i].type, plan.types[i].column,
                                                                         table.columns[i].on_target()});
        choose_auto_increment(plan);
        choose_keys_in_table(plan);
        return plan;
    }

    static bool takes_sequence(const SourceColumn &column, const MappedType &type) {
        if (column.identity != '\0') return true;
        if (column.expression.empty() || column.generated != '\0') return false;
        return ddl::mysql::translate_default(column.expression, {column.type, type.column, column.name}).sequence;
    }

    void choose_auto_increment(Plan &plan) {
        const auto &table = *plan.source;
        std::vector<int> candidates;
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            if (takes_sequence(table.columns[i], plan.types[i])) candidates.push_back(table.columns[i].number);
        for (const auto &index : table.indexes) { // the primary key comes first
            if (!is_whole_key(index) || index.columns.empty()) continue;
            const int first = index.columns.front();
            const auto &type = plan.type(first).column.data_type;
            if (has(candidates, first) && (type == "int" || type == "bigint" || type == "smallint")) {
                plan.auto_increment = first;
                break;
            }
        }
        for (const int number : candidates)
            if (plan.auto_increment != number)
                differ(table, "default of column " + table.column(number)->name,
                       plan.auto_increment
                           ? "a table has one AUTO_INCREMENT column"
                           : "AUTO_INCREMENT needs a primary or unique key that begins with the column");
    }

    /// The primary key, or the key that the rows are told apart by: InnoDB stores the rows in its order. And the key
    /// that AUTO_INCREMENT needs.
    static void choose_keys_in_table(Plan &plan) {
        const auto &table = *plan.source;
        const auto add = [&](const SourceIndex &index) {
            if (std::ranges::find(plan.in_table, &index) == plan.in_table.end()) plan.in_table.push_back(&index);
        };
        for (const auto &index : table.indexes)
            if (index.primary && is_whole_key(index)) add(index);
        if (plan.in_table.empty()) {
            const SourceIndex *clustered = nullptr;
            for (const auto &index : table.indexes) {
                const bool total = std::ranges::all_of(index.columns, [&](int number) {
                    const auto *column = table.column(number);
                    return column != nullptr && column->not_null;
                });
                if (is_whole_key(index) && total && (clustered == nullptr || index.replica_identity))
                    clustered = &index;
            }
            if (clustered != nullptr) add(*clustered);
        }
        const auto begins = [&](const SourceIndex &index) {
            return is_whole_key(index) && index.columns.front() == plan.auto_increment;
        };
        if (plan.auto_increment &&
            std::ranges::none_of(plan.in_table, [&](const auto *index) { return begins(*index); }))
            for (const auto &index : table.indexes)
                if (begins(index)) {
                    add(index);
                    break;
                }
    }

    TableForm form_of(const Plan &plan) {
        const auto &table = *plan.source;
        TableForm form;
        form.oid = table.oid;
        form.source = table.name;
        form.target = table.target;
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            form.columns.push_back(column_form(plan, table.columns[i], plan.types[i]));
        std::set<std::string> taken = {"primary"}; // the name of every primary key
        for (const auto *index : plan.in_table) {
            form.keys.push_back(key_form(plan, *index, taken));
            form.keys.back().in_table = true;
        }
        for (const auto &constraint : table.constraints)
            if (constraint.type == 'c') add_check(plan, constraint, form);
        form.comment = comment_of(table, "", table.comment, longest_table_comment);
        add_other_keys(plan, form, taken);
        return form;
    }

    std::string comment_of(const SourceTable &table, const std::string &part, const std::string &comment,
                           std::size_t longest) {
        auto text = cut(comment, longest);
        if (text.size() != comment.size())
            differ(table, part.empty() ? "comment" : "comment of " + part,
                   fmt::format("it is cut to {} characters", longest));
        return text;
    }

    ColumnForm column_form(const Plan &plan, const SourceColumn &column, const MappedType &type) {
        const auto &table = *plan.source;
        if (type.sql.empty()) fail(table, fmt::format("column {}: {}", column.name, type.remark));
        ColumnForm form;
        form.number = column.number;
        form.name = column.on_target();
        form.source_name = column.name;
        form.type = type.sql;
        form.values = plan.columns.at(column.name);
        if (column.generated != '\0') {
            if (const auto expression = generation(plan, column, form.values, form.computed_from)) {
                form.computed = true;
                // MariaDB knows no NOT NULL here; the source's own holds for what it sends.
                form.attributes = fmt::format(" GENERATED ALWAYS AS ({}) STORED", *expression);
                form.comment = comment_of(table, "column " + column.name, column.comment, longest_column_comment);
                return form;
            }
            form.computed_from.clear();
        }
        form.not_null = column.not_null;
        if (form.not_null) form.attributes = " NOT NULL";
        if (plan.auto_increment == column.number) {
            form.auto_increment = true;
            form.attributes += " AUTO_INCREMENT";
        } else if (column.generated == '\0' && column.identity == '\0' && !column.expression.empty()) {
            const auto value = ddl::mysql::translate_default(column.expression, form.values);
            if (value.sql && !(*value.sql == "NULL" && column.not_null))
                form.default_value = *value.sql;
            else if (!value.sql && !value.sequence)
                differ(table, "default of column " + column.name,
                       fmt::format("{}: {}", column.expression, value.reason));
        }
        form.comment = comment_of(table, "column " + column.name, column.comment, longest_column_comment);
        return form;
    }

    static int number_of(const SourceTable &table, const std::string &column) {
        const auto found = std::ranges::find(table.columns, column, &SourceColumn::name);
        return found == table.columns.end() ? 0 : found->number;
    }

    std::optional<std::string> generation(const Plan &plan, const SourceColumn &column, const ExpressionColumn &self,
                                          std::set<int> &used) {
        bool padded = false;
        const auto translated = ddl::mysql::translate_expression(
            column.expression, [&](const std::string &name) -> const ExpressionColumn * {
                const auto found = plan.columns.find(name);
                if (found == plan.columns.end()) return nullptr;
                used.insert(number_of(*plan.source, name));
                padded = padded || found->second.target.data_type == "char";
                return &found->second;
            });
        std::string reason = translated.reason;
        const bool in_primary_key = std::ranges::any_of(plan.in_table, [&](const SourceIndex *index) {
            return index->primary && has(index->columns, column.number);
        });
        if (translated.sql && padded && options_.flavour == Flavour::mariadb)
            reason = "MariaDB computes nothing from columns of type char";
        else if (translated.sql && in_primary_key)
            reason = "it is part of the primary key";
        else if (translated.sql && !ddl::mysql::can_store(translated, self))
            reason = fmt::format("its value may be stored otherwise as {}", self.target.column_type);
        if (reason.empty()) return translated.sql;
        differ(*plan.source, "generation of column " + column.name,
               fmt::format("{}: {}; it is an ordinary column on the target", column.expression, reason));
        return std::nullopt;
    }

    void add_check(const Plan &plan, const SourceConstraint &constraint, TableForm &form) {
        const auto &table = *plan.source;
        std::set<int> used;
        auto translated = ddl::mysql::translate_expression(constraint.expression,
                                                           [&](const std::string &name) -> const ExpressionColumn * {
                                                               const auto found = plan.columns.find(name);
                                                               if (found == plan.columns.end()) return nullptr;
                                                               used.insert(number_of(table, name));
                                                               return &found->second;
                                                           });
        auto reason = translated.reason;
        if (!constraint.validated) reason = "it is NOT VALID: rows may break it";
        const auto uses = [&](int number) { return used.contains(number); };
        if (plan.auto_increment && uses(*plan.auto_increment))
            reason = "MySQL has no checks of an AUTO_INCREMENT column";
        for (const auto &key : plan.foreign_keys) {
            const bool acts = key.constraint->on_update == 'c' || key.constraint->on_update == 'n' ||
                              key.constraint->on_delete == 'n';
            if (acts && std::ranges::any_of(key.columns, uses))
                reason = fmt::format("foreign key {} changes a column of it, which MySQL does not allow",
                                     key.constraint->name);
        }
        if (!reason.empty()) {
            leave_out(table, "check " + constraint.name, fmt::format("{}: {}", constraint.expression, reason));
            return;
        }
        const auto &name = names_.at({table.oid, 'c', constraint.name});
        check_name(table, "check", name);
        form.checks.push_back({constraint.name, name, *translated.sql, std::move(used)});
    }

    // ---- indexes

    /// Why the target has nothing like it; empty when it has.
    static std::string index_problem(const SourceIndex &index) {
        if (!index.valid) return "it is not valid on the source";
        if (index.exclusion) return "exclusion constraints have no counterpart";
        if (index.expressions) return "it has expressions";
        if (index.partial) return index.unique ? "a partial unique index has no counterpart" : "it is partial";
        if (index.method != "btree" && index.method != "hash")
            return fmt::format("{} indexes have no counterpart", index.method);
        if (index.nulls_not_distinct) return "NULLS NOT DISTINCT has no counterpart";
        if (index.columns.size() > most_key_parts) return "it has more than 16 columns";
        return {};
    }

    /// Whole columns, prefixes where a column is longer than the index has room for.
    static std::vector<KeyPart> key_parts(const Plan &plan, const SourceIndex &index, bool whole) {
        std::vector<std::size_t> sizes;
        for (const int number : index.columns) {
            const auto &type = plan.type(number);
            sizes.push_back(type.key_bytes == 0 ? dialect::mysql::most_key_bytes : type.key_bytes);
        }
        const auto shares = share_out(sizes, dialect::mysql::most_key_bytes);
        std::vector<KeyPart> parts;
        for (std::size_t i = 0; i < index.columns.size(); ++i) {
            const auto &type = plan.type(index.columns[i]);
            KeyPart part{index.columns[i], 0, index.descending[i]};
            if (!whole && (type.needs_prefix || shares[i] < sizes[i]))
                part.prefix = type.column.charset.empty() ? shares[i] : shares[i] / dialect::mysql::bytes_per_character;
            parts.push_back(part);
        }
        return parts;
    }

    KeyForm key_form(const Plan &plan, const SourceIndex &index, std::set<std::string> &taken) {
        const bool whole = is_whole_key(index);
        KeyForm form;
        form.source_name = index.name;
        form.unique = whole;
        form.parts = key_parts(plan, index, whole);
        form.comment = comment_of(*plan.source, "index " + index.name, index.comment, longest_index_comment);
        form.primary = index.primary && whole;
        form.name = form.primary ? "PRIMARY" : index.name;
        if (form.primary) return form;
        for (int number = 2; !taken.insert(lower(form.name)).second; ++number)
            form.name = cut(index.name, dialect::mysql::longest_name - 4) + "_" + std::to_string(number);
        check_name(*plan.source, "index", form.name);
        return form;
    }

    void add_other_keys(const Plan &plan, TableForm &form, std::set<std::string> &taken) {
        const auto &table = *plan.source;
        for (const auto &index : table.indexes) {
            if (std::ranges::find(plan.in_table, &index) != plan.in_table.end()) continue;
            const auto what = fmt::format("{} {}", index.primary ? "primary key" : "index", index.name);
            if (auto problem = index_problem(index); !problem.empty()) {
                leave_out(table, what, std::move(problem));
                continue;
            }
            if (index.unique && !index.immediate)
                differ(table, what, "it is deferrable, which MySQL has not: an ordinary index on the target");
            form.keys.push_back(key_form(plan, index, taken));
        }
    }

    void add_foreign_keys(TableForm &form, const Plan &plan) {
        const auto &table = *plan.source;
        const auto list = [](const SourceTable &of, const std::vector<int> &numbers) {
            std::vector<std::string> names;
            for (const int number : numbers) names.push_back(of.column(number)->on_target());
            return dialect::mysql::quote_list(names);
        };
        const auto action = [](const char *when, char letter) -> std::string {
            switch (letter) {
            case 'c': return fmt::format(" ON {} CASCADE", when);
            case 'n': return fmt::format(" ON {} SET NULL", when);
            case 'r': return fmt::format(" ON {} RESTRICT", when);
            default: return {};
            }
        };
        for (const auto &key : plan.foreign_keys) {
            if (faulty_.contains(key.parent->oid)) {
                leave_out(table, "foreign key " + key.constraint->name,
                          "the target cannot have the table it refers to");
                continue;
            }
            const auto &name = names_.at({table.oid, 'f', key.constraint->name});
            check_name(table, "foreign key", name);
            if (!name_problem(name).empty()) continue;
            const auto &there = key.parent_key->columns;
            form.foreign_keys.push_back(
                {key.constraint->name, name, key.columns, there, key.parent->oid, key.parent_key->name,
                 fmt::format("FOREIGN KEY ({}) REFERENCES {} ({}){}{}", list(table, key.columns),
                             quote(key.parent->target), list(*key.parent, there),
                             action("DELETE", key.constraint->on_delete),
                             action("UPDATE", key.constraint->on_update))});
        }
    }

    const std::vector<SourceTable> &tables_;
    DefinitionOptions options_;
    ConstraintNames names_;
    Forms made_;
    std::set<std::uint32_t> faulty_; ///< tables with errors
    std::map<std::uint32_t, const SourceTable *> by_oid_;
    std::map<std::uint32_t, Plan *> plan_of_;
};

std::string comment_clause(const std::string &comment) {
    return comment.empty() ? std::string() : " COMMENT " + quote_literal(comment);
}

} // namespace

std::string ColumnForm::definition(const std::string &default_instead) const {
    return type + attributes + (default_instead.empty() ? "" : " DEFAULT " + default_instead) + comment_clause(comment);
}

const ColumnForm *TableForm::column(int number) const {
    const auto found = std::ranges::find(columns, number, &ColumnForm::number);
    return found == columns.end() ? nullptr : &*found;
}

Forms make_forms(const std::vector<SourceTable> &tables, const DefinitionOptions &options) {
    if (!options.shape) return Maker(tables, options).make();
    std::vector<LeftOut> left_out;
    const auto travelling = shaped(tables, options.shape, left_out);
    auto forms = Maker(travelling, options).make();
    forms.left_out.insert(forms.left_out.end(), left_out.begin(), left_out.end());
    return forms;
}

std::string create_database(const std::string &name, Flavour flavour) {
    return fmt::format("CREATE DATABASE IF NOT EXISTS {} DEFAULT CHARACTER SET utf8mb4 COLLATE {}",
                       quote_identifier(name), dialect::mysql::collation(flavour));
}

std::string create_table(const TableForm &table, Flavour flavour) {
    std::vector<std::string> parts;
    for (const auto &column : table.columns) parts.push_back(quote_identifier(column.name) + " " + column.definition());
    for (const auto &key : table.keys)
        if (key.in_table) parts.push_back(key_clause(table, key));
    for (const auto &check : table.checks) parts.push_back(check_clause(check));
    return fmt::format("CREATE TABLE {} (\n  {}\n) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 "
                       "COLLATE {}{}",
                       quote(table.target), fmt::join(parts, ",\n  "), dialect::mysql::collation(flavour),
                       comment_clause(table.comment));
}

std::string key_clause(const TableForm &table, const KeyForm &key) {
    std::vector<std::string> parts;
    for (const auto &part : key.parts)
        parts.push_back(quote_identifier(table.column(part.column)->name) +
                        (part.prefix == 0 ? "" : fmt::format("({})", part.prefix)) + (part.descending ? " DESC" : ""));
    return fmt::format("{} ({}){}",
                       key.primary ? std::string("PRIMARY KEY")
                                   : fmt::format("{}KEY {}", key.unique ? "UNIQUE " : "", quote_identifier(key.name)),
                       fmt::join(parts, ", "), comment_clause(key.comment));
}

std::string check_clause(const CheckForm &check) {
    return fmt::format("CONSTRAINT {} CHECK ({})", quote_identifier(check.name), check.condition);
}

std::string add_foreign_key(const TableForm &table, const ForeignKeyForm &key) {
    return fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", quote(table.target), quote_identifier(key.name),
                       key.clause);
}

std::string add_keys(const TableForm &table) {
    std::vector<std::string> clauses;
    for (const auto &key : table.keys)
        if (!key.in_table) clauses.push_back("ADD " + key_clause(table, key));
    return clauses.empty() ? std::string()
                           : fmt::format("ALTER TABLE {} {}", quote(table.target), fmt::join(clauses, ", "));
}

} // namespace walbridge::schema::mysql
