// change_table.cpp: tables column by column.
#include "schema/compare/changes.hpp"

#include "dialect/postgres.hpp"
#include "schema/column_sql.hpp"
#include "schema/compare/statements.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::schema::compare {
namespace {

const Column *find(const std::vector<Column> &columns, const std::string &name) {
    const auto found = std::ranges::find(columns, name, &Column::name);
    return found == columns.end() ? nullptr : &*found;
}

std::string identity_sql(const Column &column) {
    auto sql = fmt::format("GENERATED {} AS IDENTITY", column.identity == 'a' ? "ALWAYS" : "BY DEFAULT");
    if (!column.identity_options.empty())
        sql += fmt::format(" (SEQUENCE NAME {} {})", column.identity_sequence, column.identity_options);
    return sql;
}

std::string definition(const Column &column) { return column_sql(column.name, column, identity_sql(column)); }

/// Whether a column can only be had by dropping and adding it: another way of being generated.
bool made_anew(const Column &target, const Column &source) {
    if (source.generated == '\0') return target.generated == 'v';
    return target.generated != source.generated || target.default_sql != source.default_sql ||
           target.type != source.type || target.collation != source.collation;
}

class TableChange {
  public:
    TableChange(const Table &target, const Table &source, const std::set<std::string> &moved,
                const std::set<std::string> &remade)
        : target_(target), source_(source), moved_(moved), remade_(remade) {}

    Change run() {
        table_itself();
        for (const auto &name : remade_) {
            const auto *column = find(source_.columns, name);
            if (column == nullptr || covered(*column) || find(target_.columns, name) == nullptr) continue;
            alter("DROP COLUMN " + name);
            change_.dropped.insert(name);
        }
        for (const bool generated : {true, false}) // these are made of the others
            for (const auto &old : target_.columns)
                if ((old.generated != '\0') == generated && find(source_.columns, old.name) == nullptr &&
                    !covered(old)) {
                    reason("column {} is not on the source", old.name);
                    alter("DROP COLUMN " + old.name);
                    change_.dropped.insert(old.name);
                }
        for (const auto &now : source_.columns) {
            const auto *old = find(target_.columns, now.name);
            if (remade_.contains(now.name) && old != nullptr) continue;
            if (old == nullptr) {
                if (covered(now)) continue;
                reason("column {} is missing", now.name);
                add(now);
            } else if (made_anew(*old, now)) {
                if (covered(now)) continue;
                reason("column {} is generated differently", now.name);
                change_.dropped.insert(now.name);
                alter("DROP COLUMN " + now.name);
                add(now);
            } else {
                column(*old, now);
            }
        }
        for (const auto &now : source_.columns) {
            if (!change_.dropped.contains(now.name) || !remade_.contains(now.name)) continue;
            if (const auto *old = find(target_.columns, now.name); old != nullptr && made_anew(*old, now))
                reason("column {} is generated differently", now.name);
            add(now);
        }
        options();
        return std::move(change_);
    }

  private:
    template <class... Values> void reason(fmt::format_string<Values...> text, Values &&...values) {
        change_.reasons.push_back(fmt::format(text, std::forward<Values>(values)...));
    }
    void alter(const std::string &action, bool only = false) {
        change_.statements.push_back(fmt::format("ALTER TABLE {}{} {}", only ? "ONLY " : "", source_.name, action));
    }

    /// The statement for the parent brings it along.
    bool covered(const Column &column) const { return column.inherited && target_.parents == source_.parents; }

    void add(const Column &column) {
        alter("ADD COLUMN " + definition(column));
        if (column.not_null && column.default_sql.empty() && column.identity == '\0')
            change_.note = "a table with rows refuses a NOT NULL column without a default: fill it in between";
        attributes({}, column);
    }

    void table_itself() {
        if (target_.kind != source_.kind || target_.partition_key != source_.partition_key) {
            reason("it is partitioned differently");
            change_.note = "needs a decision: a table is partitioned when it is created; move its rows to a new one";
            change_.replace = true;
        }
        if (target_.persistence != source_.persistence) {
            reason("it is {}", target_.persistence == "u" ? "unlogged" : "logged");
            alter(source_.persistence == "u" ? "SET UNLOGGED" : "SET LOGGED");
        }
        if (target_.access_method != source_.access_method) {
            reason("its access method is {}", target_.access_method);
            alter("SET ACCESS METHOD " + source_.access_method);
        }
        if (target_.row_security != source_.row_security) {
            reason("row security is {}", target_.row_security ? "on" : "off");
            alter(source_.row_security ? "ENABLE ROW LEVEL SECURITY" : "DISABLE ROW LEVEL SECURITY");
        }
        if (target_.forced_row_security != source_.forced_row_security) {
            reason("row security is {} for the owner", target_.forced_row_security ? "on" : "off");
            alter(source_.forced_row_security ? "FORCE ROW LEVEL SECURITY" : "NO FORCE ROW LEVEL SECURITY");
        }
    }

    void options() {
        if (target_.options == source_.options) return;
        reason("its options differ");
        change_options("ALTER TABLE " + source_.name, target_.options, source_.options, change_.statements);
    }

    void column(const Column &old, const Column &now) {
        const auto name = "ALTER COLUMN " + now.name + " ";
        const bool moved = moved_.contains(now.name);
        const bool type = (old.type != now.type || old.collation != now.collation) && !covered(now);
        if (type) {
            reason("column {} is {}{}, not {}{}", now.name, old.type,
                   old.collation.empty() ? "" : " COLLATE " + old.collation, now.type,
                   now.collation.empty() ? "" : " COLLATE " + now.collation);
            change_.note = "values that cannot be converted stop the change of the type";
        }
        auto present = old;
        if (type || (moved && !covered(now))) {
            change_.retyped.insert(now.name);
            if (old.identity == '\0' && old.generated == '\0' && !old.default_sql.empty()) {
                alter(name + "DROP DEFAULT");
                present.default_sql.clear();
            }
            alter(fmt::format("{}TYPE {}{} USING {}::{}{}", name, now.type,
                              now.collation.empty() ? "" : " COLLATE " + now.collation, now.name, moved ? "text::" : "",
                              now.type));
        }
        if (present.generated != '\0' && now.generated == '\0') {
            reason("column {} is generated", now.name);
            alter(name + "DROP EXPRESSION");
            present.default_sql.clear();
        }
        if (present.identity != '\0' && now.identity == '\0') {
            reason("column {} has an identity", now.name);
            alter(name + "DROP IDENTITY");
        }
        if (now.identity != '\0') {
            identity(present, now, name);
        } else {
            if (now.generated == '\0' && present.default_sql != now.default_sql) {
                if (old.default_sql != now.default_sql)
                    reason("column {} has {}", now.name,
                           old.default_sql.empty() ? "no default" : "the default " + old.default_sql);
                alter(name + (now.default_sql.empty() ? "DROP DEFAULT" : "SET DEFAULT " + now.default_sql), true);
            }
            if (present.not_null != now.not_null) {
                reason("column {} {}", now.name, present.not_null ? "is NOT NULL" : "may be null");
                alter(name + (now.not_null ? "SET NOT NULL" : "DROP NOT NULL"));
            }
        }
        if (present.storage != now.storage || present.compression != now.compression ||
            present.statistics != now.statistics || present.options != now.options) {
            reason("the storage or statistics settings of column {} differ", now.name);
            attributes(present, now);
        }
    }

    void identity(const Column &old, const Column &now, const std::string &name) {
        if (old.identity == '\0') {
            reason("column {} has no identity", now.name);
            if (!old.default_sql.empty()) alter(name + "DROP DEFAULT");
            if (!old.not_null) alter(name + "SET NOT NULL");
            alter(name + "ADD " + identity_sql(now));
            return;
        }
        if (old.identity != now.identity) {
            reason("the identity of column {} is {}", now.name, old.identity == 'a' ? "ALWAYS" : "BY DEFAULT");
            alter(name + fmt::format("SET GENERATED {}", now.identity == 'a' ? "ALWAYS" : "BY DEFAULT"));
        }
        if (old.identity_sequence != now.identity_sequence && !old.identity_sequence.empty()) {
            reason("the identity of column {} uses {}", now.name, old.identity_sequence);
            change_.statements.push_back(
                fmt::format("ALTER SEQUENCE {} RENAME TO {}", old.identity_sequence, last_part(now.identity_sequence)));
        }
        if (old.identity_options != now.identity_options) {
            reason("the identity of column {} counts differently", now.name);
            change_.statements.push_back(
                fmt::format("ALTER SEQUENCE {} {}", now.identity_sequence, now.identity_options));
        }
    }

    void attributes(const Column &old, const Column &now) {
        const auto name = "ALTER COLUMN " + now.name + " ";
        if (old.storage != now.storage)
            alter(name + "SET STORAGE " + (now.storage.empty() ? default_storage(old) : now.storage), true);
        if (old.compression != now.compression)
            alter(name + "SET COMPRESSION " + (now.compression.empty() ? "default" : now.compression), true);
        if (old.statistics != now.statistics)
            alter(name + "SET STATISTICS " + (now.statistics.empty() ? "-1" : now.statistics), true);
        change_options(fmt::format("ALTER TABLE ONLY {} {}", source_.name, name), old.options, now.options,
                       change_.statements);
    }

    /// The type's own; only EXTENDED and MAIN are defaults of types that have a choice, and no type of variable length
    /// that is EXTENDED by itself shows as it.
    static std::string default_storage(const Column &column) {
        return column.type == "numeric" || column.type.starts_with("numeric(") || column.type == "inet" ||
                       column.type == "cidr"
                   ? "MAIN"
                   : "EXTENDED";
    }

    const Table &target_, &source_;
    const std::set<std::string> &moved_, &remade_;
    Change change_;
};

} // namespace

Change change_table(const Table &target, const Table &source, const std::set<std::string> &moved,
                    const std::set<std::string> &remade) {
    return TableChange(target, source, moved, remade).run();
}

void follow_parent(Table &child, const Table &before, const Table &after) {
    for (const auto &now : after.columns) {
        const auto *old = find(before.columns, now.name);
        const auto below = std::ranges::find(child.columns, now.name, &Column::name);
        if (old == nullptr || below == child.columns.end() || !below->inherited) continue;
        if (old->type != now.type || old->collation != now.collation) {
            below->type = now.type;
            below->collation = now.collation;
        }
        if (old->not_null != now.not_null) below->not_null = now.not_null;
    }
}

void change_options(const std::string &prefix, const std::map<std::string, std::string> &target,
                    const std::map<std::string, std::string> &source, std::vector<std::string> &statements) {
    std::string set, reset;
    for (const auto &[name, value] : source)
        if (const auto old = target.find(name); old == target.end() || old->second != value)
            set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", name, dialect::postgres::quote_literal(value));
    for (const auto &[name, value] : target)
        if (!source.contains(name)) reset += (reset.empty() ? "" : ", ") + name;
    const auto separator = prefix.ends_with(' ') ? "" : " ";
    if (!reset.empty()) statements.push_back(fmt::format("{}{}RESET ({})", prefix, separator, reset));
    if (!set.empty()) statements.push_back(fmt::format("{}{}SET ({})", prefix, separator, set));
}

} // namespace walbridge::schema::compare
