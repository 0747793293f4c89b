// definitions.cpp: names are checked first, then foreign keys decide which columns need types that can be indexed, then
// each table is written.
#include "schema/mysql/definitions.hpp"

#include "ddl/mysql/expression.hpp"
#include "dialect/mysql/forms.hpp"
#include "dialect/mysql/quote.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>

namespace walbridge::schema::mysql {
namespace {

using dialect::mysql::Flavour;
using dialect::mysql::MappedType;
using dialect::mysql::name_problem;
using dialect::mysql::quote;
using dialect::mysql::quote_identifier;
using dialect::mysql::quote_literal;

constexpr std::size_t longest_column_comment = 1024, longest_table_comment = 2048, longest_index_comment = 1024;

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
    return text;
}

/// The first `count` characters.
std::string cut(const std::string &text, std::size_t count) {
    std::size_t seen = 0;
    for (std::size_t at = 0; at < text.size(); ++at)
        if ((static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U && seen++ == count) return text.substr(0, at);
    return text;
}

bool has(const std::vector<int> &list, int number) { return std::ranges::find(list, number) != list.end(); }

/// A foreign key that is created, its columns in the order of the parent's key.
struct ForeignKey {
    const SourceConstraint *constraint = nullptr;
    const SourceTable *parent = nullptr;
    std::vector<int> columns, parent_columns;
};

/// A table on its way to the target.
struct Plan {
    const SourceTable *source = nullptr;
    std::vector<ForeignKey> foreign_keys;
    std::vector<MappedType> types;
    std::optional<int> auto_increment;         ///< attnum
    std::set<int> computed;                    ///< generated on the target as well
    std::vector<const SourceIndex *> in_table; ///< created with the table, the primary key first

    [[nodiscard]] const MappedType &type(int number) const {
        for (std::size_t i = 0; i < source->columns.size(); ++i)
            if (source->columns[i].number == number) return types[i];
        return types.front();
    }
};

/// Names that have to be unique in a database, as constraints have.
class UniqueNames {
  public:
    std::string take(const std::string &database, const std::string &table, const std::string &wanted) {
        if (claim(database, wanted)) return wanted;
        const auto longer = table + "_" + wanted;
        for (int number = 1;; ++number) {
            const auto suffix = number == 1 ? std::string() : "_" + std::to_string(number);
            auto name = cut(longer, dialect::mysql::longest_name - suffix.size()) + suffix;
            if (claim(database, name)) return name;
        }
    }

  private:
    bool claim(const std::string &database, const std::string &name) {
        return taken_.insert({database, lower(name)}).second;
    }
    std::set<std::pair<std::string, std::string>> taken_;
};

class Maker {
  public:
    Maker(const std::vector<SourceTable> &tables, const DefinitionOptions &options)
        : tables_(tables), options_(options) {
        if (!options_.policy)
            options_.policy = [](const QualifiedName &, const std::string &) { return dialect::mysql::Unfit::error; };
    }

    Definitions make() {
        check_names();
        for (const auto &table : tables_) {
            by_oid_.emplace(table.oid, &table);
            if (table.kind == 'p')
                leave_out(table, "", "a partitioned table: its partitions are tables of their own on the target");
        }
        std::vector<Plan> plans;
        for (const auto &table : tables_)
            if (table.kind == 'r') plans.push_back(plan(table));
        for (auto &one : plans) plan_of_.emplace(one.source->oid, &one);
        for (const auto &one : plans) made_.types.emplace(one.source->oid, one.types);
        if (!made_.errors.empty()) return std::move(made_);
        for (auto &one : plans) drop_unlike_foreign_keys(one);
        add_databases(plans);
        for (auto &one : plans) add_table(one);
        for (const auto &one : plans) add_indexes(one);
        for (const auto &one : plans)
            for (const auto &key : one.foreign_keys) add_foreign_key(one, key);
        int number = 0;
        for (auto &item : made_.items) item.number = ++number;
        return std::move(made_);
    }

  private:
    void leave_out(const SourceTable &table, const std::string &part, std::string reason) {
        made_.left_out.push_back({to_string(table.name) + (part.empty() ? "" : " " + part), std::move(reason)});
    }
    void fail(const std::string &object, std::string reason) { made_.errors.push_back({object, std::move(reason)}); }

    void check_names() {
        static const std::set<std::string> reserved = {"mysql", "sys", "information_schema", "performance_schema",
                                                       "walbridge"};
        std::map<std::pair<std::string, std::string>, QualifiedName> seen;
        for (const auto &table : tables_) {
            if (table.kind != 'r') continue;
            const auto object = to_string(table.name);
            for (const auto &name : {table.target.schema, table.target.name})
                if (auto problem = name_problem(name); !problem.empty())
                    fail(object, fmt::format("\"{}\" cannot be a name on the target: {}", name, problem));
            if (reserved.contains(lower(table.target.schema)))
                fail(object,
                     fmt::format("database {} of the target is the server's or walbridge's own", table.target.schema));
            const auto target = options_.lower_case_tables
                                    ? QualifiedName{lower(table.target.schema), lower(table.target.name)}
                                    : table.target;
            const auto [known, fresh] = seen.emplace(std::pair(target.schema, target.name), table.name);
            if (!fresh) fail(object, fmt::format("it has the name of {} on the target", to_string(known->second)));
            if (table.columns.empty()) fail(object, "MySQL has no tables without columns");
            std::map<std::string, std::string> columns;
            for (const auto &column : table.columns) {
                if (auto problem = name_problem(column.name); !problem.empty())
                    fail(object, fmt::format("column \"{}\": {}", column.name, problem));
                const auto [first, unique] = columns.emplace(lower(column.name), column.name);
                if (!unique)
                    fail(object, fmt::format("columns {} and {} differ in case alone, which MySQL does not tell apart",
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
            key = {&constraint, &parent, std::move(columns), index.columns};
            return {};
        }
        return "the key it refers to is not on the target";
    }

    /// InnoDB compares the two sides by their bytes: the types have to be alike.
    void drop_unlike_foreign_keys(Plan &plan) {
        std::erase_if(plan.foreign_keys, [&](const ForeignKey &key) {
            const auto &parent = *plan_of_.at(key.parent->oid);
            for (std::size_t i = 0; i < key.columns.size(); ++i) {
                const auto &mine = plan.type(key.columns[i]).column,
                           &theirs = parent.type(key.parent_columns[i]).column;
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
                leave_out(table, "foreign key " + constraint.name,
                          "it is not deferrable on the target: each statement is checked at once");
            keys.push_back(key.columns);
            plan.foreign_keys.push_back(std::move(key));
        }
        plan.types = choose_types(table, options_.flavour, keys, options_.policy);
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
                leave_out(table, "default of column " + table.column(number)->name,
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

    void add_databases(const std::vector<Plan> &plans) {
        std::set<std::string> databases;
        for (const auto &plan : plans) databases.insert(plan.source->target.schema);
        for (const auto &database : databases)
            made_.items.push_back(
                {0, Section::before_data, "DATABASE", database, std::nullopt,
                 fmt::format("CREATE DATABASE IF NOT EXISTS {} DEFAULT CHARACTER SET utf8mb4 COLLATE {}",
                             quote_identifier(database), dialect::mysql::collation(options_.flavour)),
                 false});
    }

    void add_table(Plan &plan) {
        const auto &table = *plan.source;
        std::map<std::string, ddl::mysql::ExpressionColumn> columns;
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            columns.emplace(
                table.columns[i].name,
                ddl::mysql::ExpressionColumn{table.columns[i].type, plan.types[i].column, table.columns[i].name});
        std::vector<std::string> parts;
        for (std::size_t i = 0; i < table.columns.size(); ++i)
            parts.push_back(column_definition(plan, table.columns[i], plan.types[i], columns));
        for (const auto *index : plan.in_table) parts.push_back(key_definition(plan, *index));
        for (const auto &constraint : table.constraints)
            if (constraint.type == 'c') add_check(plan, constraint, columns, parts);
        auto sql =
            fmt::format("CREATE TABLE {} (\n  {}\n) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 "
                        "COLLATE {}",
                        quote(table.target), fmt::join(parts, ",\n  "), dialect::mysql::collation(options_.flavour));
        sql += comment_clause(table, "", table.comment, longest_table_comment);
        made_.items.push_back({0, Section::before_data, "TABLE", to_string(table.target), to_string(table.target),
                               std::move(sql), false});
    }

    std::string comment_clause(const SourceTable &table, const std::string &part, const std::string &comment,
                               std::size_t longest) {
        if (comment.empty()) return {};
        auto text = cut(comment, longest);
        if (text.size() != comment.size())
            leave_out(table, part.empty() ? "comment" : "comment of " + part,
                      fmt::format("it is cut to {} characters", longest));
        return " COMMENT " + quote_literal(text);
    }

    std::string column_definition(Plan &plan, const SourceColumn &column, const MappedType &type,
                                  const std::map<std::string, ddl::mysql::ExpressionColumn> &columns) {
        const auto &table = *plan.source;
        auto sql = quote_identifier(column.name) + " " + type.sql;
        if (type.sql.empty()) fail(to_string(table.name), fmt::format("column {}: {}", column.name, type.remark));
        const auto &self = columns.at(column.name);
        if (column.generated != '\0') {
            if (const auto expression = generation(plan, column, self, columns)) {
                plan.computed.insert(column.number);
                // MariaDB knows no NOT NULL here; the source's own holds for what it sends.
                sql += fmt::format(" GENERATED ALWAYS AS ({}) STORED", *expression);
                return sql + comment_clause(table, "column " + column.name, column.comment, longest_column_comment);
            }
        }
        if (column.not_null) sql += " NOT NULL";
        if (plan.auto_increment == column.number) {
            sql += " AUTO_INCREMENT";
        } else if (column.generated == '\0' && column.identity == '\0' && !column.expression.empty()) {
            const auto value = ddl::mysql::translate_default(column.expression, self);
            if (value.sql && !(*value.sql == "NULL" && column.not_null))
                sql += " DEFAULT " + *value.sql;
            else if (!value.sql && !value.sequence)
                leave_out(table, "default of column " + column.name,
                          fmt::format("{}: {}", column.expression, value.reason));
        }
        return sql + comment_clause(table, "column " + column.name, column.comment, longest_column_comment);
    }

    std::optional<std::string> generation(const Plan &plan, const SourceColumn &column,
                                          const ddl::mysql::ExpressionColumn &self,
                                          const std::map<std::string, ddl::mysql::ExpressionColumn> &columns) {
        bool padded = false;
        const auto translated = ddl::mysql::translate_expression(
            column.expression, [&](const std::string &name) -> const ddl::mysql::ExpressionColumn * {
                const auto found = columns.find(name);
                if (found == columns.end()) return nullptr;
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
        leave_out(*plan.source, "generation of column " + column.name,
                  fmt::format("{}: {}; it is an ordinary column on the target", column.expression, reason));
        return std::nullopt;
    }

    void add_check(const Plan &plan, const SourceConstraint &constraint,
                   const std::map<std::string, ddl::mysql::ExpressionColumn> &columns,
                   std::vector<std::string> &parts) {
        const auto &table = *plan.source;
        std::set<std::string> used;
        auto translated = ddl::mysql::translate_expression(
            constraint.expression, [&](const std::string &name) -> const ddl::mysql::ExpressionColumn * {
                used.insert(name);
                const auto found = columns.find(name);
                return found == columns.end() ? nullptr : &found->second;
            });
        auto reason = translated.reason;
        if (!constraint.validated) reason = "it is NOT VALID: rows may break it";
        const auto uses = [&](int number) { return used.contains(table.column(number)->name); };
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
        const auto name = checks_.take(table.target.schema, table.target.name, constraint.name);
        parts.push_back(fmt::format("CONSTRAINT {} CHECK ({})", quote_identifier(name), *translated.sql));
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

    /// `name`(columns), prefixes where a column is longer than the index has room for.
    std::string key_parts(const Plan &plan, const SourceIndex &index, bool whole) {
        std::vector<std::size_t> sizes;
        for (const int number : index.columns) {
            const auto &type = plan.type(number);
            sizes.push_back(type.key_bytes == 0 ? dialect::mysql::most_key_bytes : type.key_bytes);
        }
        const auto shares = share_out(sizes, dialect::mysql::most_key_bytes);
        std::vector<std::string> parts;
        for (std::size_t i = 0; i < index.columns.size(); ++i) {
            const auto &type = plan.type(index.columns[i]);
            auto part = quote_identifier(plan.source->column(index.columns[i])->name);
            if (!whole && (type.needs_prefix || shares[i] < sizes[i]))
                part += fmt::format(
                    "({})", type.column.charset.empty() ? shares[i] : shares[i] / dialect::mysql::bytes_per_character);
            if (index.descending[i]) part += " DESC";
            parts.push_back(std::move(part));
        }
        return fmt::format("({})", fmt::join(parts, ", "));
    }

    std::string key_definition(const Plan &plan, const SourceIndex &index) {
        const bool whole = is_whole_key(index);
        const auto comment = comment_clause(*plan.source, "index " + index.name, index.comment, longest_index_comment);
        if (index.primary && whole) return "PRIMARY KEY " + key_parts(plan, index, true) + comment;
        auto name = index.name;
        auto &taken = index_names_[plan.source->oid];
        taken.insert("primary"); // the name of every primary key
        for (int number = 2; !taken.insert(lower(name)).second; ++number)
            name = cut(index.name, dialect::mysql::longest_name - 4) + "_" + std::to_string(number);
        return fmt::format("{}KEY {} {}{}", whole ? "UNIQUE " : "", quote_identifier(name),
                           key_parts(plan, index, whole), comment);
    }

    void add_indexes(const Plan &plan) {
        const auto &table = *plan.source;
        std::vector<std::string> keys, names;
        for (const auto &index : table.indexes) {
            if (std::ranges::find(plan.in_table, &index) != plan.in_table.end()) continue;
            const auto what = fmt::format("{} {}", index.primary ? "primary key" : "index", index.name);
            if (auto problem = index_problem(index); !problem.empty()) {
                leave_out(table, what, std::move(problem));
                continue;
            }
            if (index.unique && !index.immediate)
                leave_out(table, what, "it is deferrable, which MySQL has not: an ordinary index on the target");
            keys.push_back("ADD " + key_definition(plan, index));
            names.push_back(index.name);
        }
        if (keys.empty()) return;
        made_.items.push_back({0, Section::index, "INDEX",
                               fmt::format("{} {}", to_string(table.target), fmt::join(names, ", ")),
                               to_string(table.target),
                               fmt::format("ALTER TABLE {} {}", quote(table.target), fmt::join(keys, ", ")), false});
    }

    void add_foreign_key(const Plan &plan, const ForeignKey &key) {
        const auto &table = *plan.source;
        const auto list = [](const SourceTable &of, const std::vector<int> &numbers) {
            std::vector<std::string> names;
            for (const int number : numbers) names.push_back(of.column(number)->name);
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
        const auto name = foreign_keys_.take(table.target.schema, table.target.name, key.constraint->name);
        made_.items.push_back(
            {0, Section::foreign_key, "FK CONSTRAINT", to_string(table.target) + " " + name, to_string(table.target),
             fmt::format("ALTER TABLE {} ADD CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} ({}){}{}",
                         quote(table.target), quote_identifier(name), list(table, key.columns),
                         quote(key.parent->target), list(*key.parent, key.parent_columns),
                         action("DELETE", key.constraint->on_delete), action("UPDATE", key.constraint->on_update)),
             false});
    }

    const std::vector<SourceTable> &tables_;
    DefinitionOptions options_;
    Definitions made_;
    std::map<std::uint32_t, const SourceTable *> by_oid_;
    std::map<std::uint32_t, Plan *> plan_of_;
    std::map<std::uint32_t, std::set<std::string>> index_names_;
    UniqueNames checks_, foreign_keys_;
};

} // namespace

Definitions make_definitions(const std::vector<SourceTable> &tables, const DefinitionOptions &options) {
    return Maker(tables, options).make();
}

} // namespace walbridge::schema::mysql
