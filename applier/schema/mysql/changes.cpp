// changes.cpp: the two states are compared form by form. Foreign keys come first: one that anything below it changes
// for is dropped before and added after, so that the server never has to follow a change through it; then what else
// would be in a change's way is taken away (checks, generated columns that lose a column of their expression).
#include "schema/mysql/changes.hpp"

#include "dialect/mysql/quote.hpp"
#include "schema/mysql/constraint_names.hpp"
#include "schema/mysql/text.hpp"

#include <algorithm>
#include <compare>
#include <fmt/format.h>
#include <map>
#include <utility>

namespace walbridge::schema::mysql {
namespace {

using dialect::mysql::Flavour;
using dialect::mysql::quote;
using dialect::mysql::quote_identifier;
using dialect::mysql::quote_literal;

// ---- keys

struct KeyChanges {
    std::vector<const KeyForm *> dropped, added;
    std::vector<std::pair<const KeyForm *, const KeyForm *>> renamed;
    std::set<std::string> stay; ///< by their name on the source
};

KeyChanges compare_keys(const TableForm &before, const TableForm &after) {
    KeyChanges changes;
    std::vector<const KeyForm *> gone, come;
    std::set<std::string> names;
    for (const auto &key : before.keys) names.insert(lower(key.name));
    const auto same = [&](const KeyForm &old_key, const KeyForm &key) {
        if (old_key.name == key.name)
            changes.stay.insert(key.source_name);
        else if (!names.contains(lower(key.name)))
            changes.renamed.emplace_back(&old_key, &key);
        else
            return false;
        return true;
    };
    for (const auto &key : before.keys) {
        const auto found = std::ranges::find(after.keys, key.source_name, &KeyForm::source_name);
        if (found == after.keys.end() || !found->alike(key) || !same(key, *found)) gone.push_back(&key);
    }
    const auto settled = [&](const KeyForm &key) {
        return changes.stay.contains(key.source_name) ||
               std::ranges::any_of(changes.renamed, [&](const auto &pair) { return pair.second == &key; });
    };
    for (const auto &key : after.keys) {
        if (settled(key)) continue;
        const auto alike =
            std::ranges::find_if(gone, [&](const KeyForm *other) { return other->alike(key) && same(*other, key); });
        if (alike == gone.end())
            come.push_back(&key);
        else
            gone.erase(alike);
    }
    changes.dropped = std::move(gone);
    changes.added = std::move(come);
    return changes;
}

/// A key that InnoDB makes for a foreign key that no other key serves.
struct MadeKey {
    std::string name; ///< the foreign key's
    std::vector<int> columns;
    friend auto operator<=>(const MadeKey &, const MadeKey &) = default;
};

bool begins_with(const std::vector<int> &columns, const std::vector<int> &first) {
    return columns.size() >= first.size() && std::equal(first.begin(), first.end(), columns.begin());
}

/// The key of the table that serves a foreign key; null: none. Descending columns do on MariaDB alone.
const KeyForm *serving(const TableForm &table, const ForeignKeyForm &foreign, Flavour flavour) {
    for (const auto &key : table.keys) {
        std::vector<int> columns;
        for (const auto &part : key.parts) {
            if (part.prefix != 0 || (part.descending && flavour == Flavour::mysql)) break;
            columns.push_back(part.column);
        }
        if (begins_with(columns, foreign.columns)) return &key;
    }
    return nullptr;
}

/// What adding a foreign key makes of the keys that were made before: one for itself, unless a longer one serves it;
/// what that can do without goes, equal ones as well.
void add_made_key(const TableForm &table, const ForeignKeyForm &foreign, Flavour flavour, std::vector<MadeKey> &made) {
    if (serving(table, foreign, flavour) != nullptr) return;
    for (const auto &key : made)
        if (key.columns.size() > foreign.columns.size() && begins_with(key.columns, foreign.columns)) return;
    std::erase_if(made, [&](const MadeKey &key) { return begins_with(foreign.columns, key.columns); });
    made.push_back({foreign.name, foreign.columns});
}

/// What a table's foreign keys are served by, when they are added one after the other.
struct Support {
    std::vector<MadeKey> made;
    /// By the foreign key's name on the source. `second`: the key's name on the source, or the made one's on the
    /// target; `first`: it is a made one.
    std::map<std::string, std::pair<bool, std::string>> of;
};

Support support_of(const TableForm &table, Flavour flavour) {
    Support support;
    for (const auto &foreign : table.foreign_keys) add_made_key(table, foreign, flavour, support.made);
    for (const auto &foreign : table.foreign_keys) {
        if (const auto *key = serving(table, foreign, flavour)) {
            support.of.emplace(foreign.source_name, std::pair(false, key->source_name));
            continue;
        }
        const auto made = std::ranges::find_if(
            support.made, [&](const MadeKey &key) { return begins_with(key.columns, foreign.columns); });
        support.of.emplace(foreign.source_name, std::pair(true, made->name));
    }
    return support;
}

// ---- tables

/// A table that is on both sides.
struct Pair {
    const TableForm *before = nullptr, *after = nullptr;
    bool moved = false; ///< it gets another name
    KeyChanges keys;
    Support support_before, support_after;
    std::vector<const ForeignKeyForm *> dropped, added; ///< foreign keys
    std::vector<const CheckForm *> dropped_checks, added_checks;
    bool made_again = false; ///< all foreign keys are dropped and added, with the keys made for them
    std::set<int> loosened;  ///< generated columns that are ordinary ones in between
};

/// Clauses of one ALTER TABLE.
class Alter {
  public:
    template <class... Arguments> void add(fmt::format_string<Arguments...> text, Arguments &&...arguments) {
        clauses_.push_back(fmt::format(text, std::forward<Arguments>(arguments)...));
    }
    void write(const QualifiedName &table, std::vector<Command> &commands) const {
        if (clauses_.empty()) return;
        commands.push_back({fmt::format("ALTER TABLE {} {}", quote(table), fmt::join(clauses_, ", ")), {table}});
    }

  private:
    std::vector<std::string> clauses_;
};

class Differ {
  public:
    Differ(const Forms &before, const Forms &after, const std::set<std::uint32_t> &emptied,
           const std::vector<MissingValue> &missing, const DefinitionOptions &options)
        : before_(before), after_(after), emptied_(emptied), missing_(missing), options_(options) {}

    Changes compare() {
        report();
        if (!made_.errors.empty()) return std::move(made_);
        pair_tables();
        for (auto &[oid, pair] : pairs_) decide_checks(pair);
        for (auto &[oid, pair] : pairs_) decide_foreign_keys(pair);
        for (auto &[oid, pair] : pairs_) loosen(pair);
        empty_tables();
        for (const auto &table : before_.tables)
            if (!pairs_.contains(table.oid)) command("DROP TABLE " + quote(table.target), {table.target});
        create_databases();
        rename_tables();
        for (const auto &table : after_.tables)
            if (!pairs_.contains(table.oid)) create(table);
        for (const auto &[oid, pair] : pairs_) alter(pair);
        for (const auto &[oid, alter] : completions_) alter.write(pairs_.at(oid).after->target, made_.commands);
        add_foreign_keys();
        if (!made_.errors.empty()) made_.commands.clear();
        return std::move(made_);
    }

  private:
    void command(std::string sql, std::vector<QualifiedName> tables) {
        made_.commands.push_back({std::move(sql), std::move(tables)});
    }

    /// What is new of what the target cannot have: neither what had another name before, nor what is called after it.
    void report() {
        const auto same_part = [](const LeftOut &a, const LeftOut &b) {
            return a.table == b.table && a.part == b.part;
        };
        const auto news = [&](const std::vector<LeftOut> &before, const std::vector<LeftOut> &after) {
            std::vector<LeftOut> list;
            for (const auto &one : after) {
                const bool known = std::ranges::any_of(before, [&](const LeftOut &old) {
                    if (one.table == 0 || old.table == 0) return one == old;
                    if (same_part(one, old)) return true;
                    const bool gone = std::ranges::none_of(after, [&](const auto &now) { return same_part(now, old); });
                    return one.table == old.table && one.reason == old.reason && gone;
                });
                if (!known) list.push_back(one);
            }
            return list;
        };
        made_.left_out = news(before_.left_out, after_.left_out);
        made_.errors = news(before_.errors, after_.errors);
        // A table that is on the target stays there until it is dropped on the source.
        for (const auto &table : before_.tables)
            if (made_.errors.empty() && after_.types.contains(table.oid) && form(after_, table.oid) == nullptr)
                made_.errors = after_.errors;
    }

    static const TableForm *form(const Forms &forms, std::uint32_t oid) {
        const auto found = std::ranges::find(forms.tables, oid, &TableForm::oid);
        return found == forms.tables.end() ? nullptr : &*found;
    }

    [[nodiscard]] QualifiedName folded(const QualifiedName &name) const {
        return options_.lower_case_tables ? QualifiedName{lower(name.schema), lower(name.name)} : name;
    }

    void pair_tables() {
        std::map<std::uint32_t, const TableForm *> after;
        for (const auto &table : after_.tables) after.emplace(table.oid, &table);
        for (const auto &table : before_.tables) {
            const auto found = after.find(table.oid);
            if (found == after.end()) continue;
            Pair pair;
            pair.before = &table;
            pair.after = found->second;
            pair.moved = folded(table.target) != folded(pair.after->target);
            pair.keys = compare_keys(table, *pair.after);
            pair.support_before = support_of(table, options_.flavour);
            pair.support_after = support_of(*pair.after, options_.flavour);
            pairs_.emplace(table.oid, std::move(pair));
        }
    }

    // ---- what is decided

    static void decide_checks(Pair &pair) {
        // MySQL takes such names for its own and changes them with the table's.
        const auto own = lower(pair.before->target.name) + "_chk_";
        const auto kept = [&](const CheckForm &check, const std::vector<CheckForm> &others) {
            const auto found = std::ranges::find(others, check.source_name, &CheckForm::source_name);
            return found != others.end() && found->name == check.name && found->condition == check.condition &&
                   found->columns == check.columns && !(pair.moved && lower(check.name).starts_with(own));
        };
        for (const auto &check : pair.before->checks)
            if (!kept(check, pair.after->checks)) pair.dropped_checks.push_back(&check);
        for (const auto &check : pair.after->checks)
            if (!kept(check, pair.before->checks)) pair.added_checks.push_back(&check);
    }

    static bool same_columns(const TableForm &before, const TableForm &after, const std::vector<int> &numbers) {
        return std::ranges::all_of(numbers, [&](int number) {
            const auto *const a = before.column(number), *const b = after.column(number);
            return a != nullptr && b != nullptr && a->core() == b->core();
        });
    }

    /// Nothing that it depends on changes.
    [[nodiscard]] bool stays(const Pair &pair, const ForeignKeyForm &before, const ForeignKeyForm &after) const {
        const auto parent = pairs_.find(before.parent);
        if (pair.moved || parent == pairs_.end() || parent->second.moved) return false;
        const auto &serving = pair.support_before.of.at(before.source_name);
        return before.name == after.name && before.clause == after.clause && before.parent == after.parent &&
               before.columns == after.columns && before.parent_columns == after.parent_columns &&
               before.parent_key == after.parent_key && serving == pair.support_after.of.at(after.source_name) &&
               (serving.first || pair.keys.stay.contains(serving.second)) &&
               parent->second.keys.stay.contains(before.parent_key) &&
               same_columns(*pair.before, *pair.after, before.columns) &&
               same_columns(*parent->second.before, *parent->second.after, before.parent_columns);
    }

    void decide_foreign_keys(Pair &pair) const {
        std::set<std::string> stay;
        for (const auto &key : pair.before->foreign_keys) {
            const auto found =
                std::ranges::find(pair.after->foreign_keys, key.source_name, &ForeignKeyForm::source_name);
            if (found != pair.after->foreign_keys.end() && stays(pair, key, *found))
                stay.insert(key.source_name);
            else
                pair.dropped.push_back(&key);
        }
        for (const auto &key : pair.after->foreign_keys)
            if (!stay.contains(key.source_name)) pair.added.push_back(&key);
        if (made_keys_after(pair) == std::set(pair.support_after.made.begin(), pair.support_after.made.end())) return;
        // The server makes other keys when these come after those than when all come in order.
        pair.dropped.clear();
        pair.added.clear();
        for (const auto &key : pair.before->foreign_keys) pair.dropped.push_back(&key);
        for (const auto &key : pair.after->foreign_keys) pair.added.push_back(&key);
        pair.made_again = true;
    }

    [[nodiscard]] std::set<MadeKey> made_keys_after(const Pair &pair) const {
        auto made = pair.support_before.made;
        std::erase_if(made, [&](const MadeKey &key) { return goes(pair, key); });
        for (const auto *key : pair.added) add_made_key(*pair.after, *key, options_.flavour, made);
        return {made.begin(), made.end()};
    }

    /// It is dropped with the foreign keys.
    static bool goes(const Pair &pair, const MadeKey &key) {
        const auto &after = pair.support_after.made;
        return pair.made_again || std::ranges::find(after, key) == after.end();
    }

    // ---- what goes first

    /// Takes away what would be in the way of what follows.
    void loosen(Pair &pair) {
        const auto &before = *pair.before, &after = *pair.after;
        Alter alter;
        for (const auto *key : pair.dropped) alter.add("DROP FOREIGN KEY {}", quote_identifier(key->name));
        for (const auto &key : pair.support_before.made)
            if (goes(pair, key)) alter.add("DROP KEY {}", quote_identifier(key.name));
        for (const auto *check : pair.dropped_checks)
            alter.add("DROP {} {}", options_.flavour == Flavour::mysql ? "CHECK" : "CONSTRAINT",
                      quote_identifier(check->name));
        for (const auto &column : before.columns) {
            if (!column.computed || after.column(column.number) == nullptr) continue;
            const bool broken = std::ranges::any_of(column.computed_from, [&](int number) {
                const auto *const old_one = before.column(number), *const new_one = after.column(number);
                return new_one == nullptr || old_one == nullptr || old_one->name != new_one->name;
            });
            if (!broken) continue;
            pair.loosened.insert(column.number);
            alter.add("MODIFY COLUMN {} {}", quote_identifier(column.name), column.type);
        }
        std::vector<std::string> updates;
        if (!emptied_.contains(before.oid))
            for (const auto &column : after.columns) rename_labels(pair, column, alter, updates);
        alter.write(before.target, made_.commands);
        for (auto &update : updates) command(std::move(update), {before.target});
    }

    /// Labels of an enum have new names: rows hold the old ones, which the new type does not know.
    void rename_labels(const Pair &pair, const ColumnForm &after, Alter &alter,
                       std::vector<std::string> &updates) const {
        const auto *before = pair.before->column(after.number);
        if (before == nullptr || after.computed || before->computed) return;
        const auto &old_type = before->values.source, &new_type = after.values.source;
        const auto &from = old_type.enum_labels, &to = new_type.enum_labels;
        if (old_type.kind != 'e' || new_type.kind != 'e' || old_type.oid != new_type.oid || from.size() != to.size())
            return;
        auto both = old_type;
        std::vector<std::string> cases, old_labels;
        for (std::size_t i = 0; i < from.size(); ++i) {
            if (from[i] == to[i]) continue;
            if (std::ranges::find(from, to[i]) == from.end()) both.enum_labels.push_back(to[i]);
            cases.push_back(fmt::format("WHEN {} THEN {}", quote_literal(from[i]), quote_literal(to[i])));
            old_labels.push_back(quote_literal(from[i]));
        }
        if (cases.empty()) return;
        const auto name = quote_identifier(before->name);
        if (before->values.target.data_type == "enum" && both.enum_labels.size() != from.size()) {
            auto wider = *before;
            wider.type = map_type(both, options_.flavour, dialect::mysql::MapOptions{}).sql;
            alter.add("MODIFY COLUMN {} {}", name, wider.definition());
        }
        updates.push_back(fmt::format("UPDATE {} SET {} = CASE {} {} END WHERE {} IN ({})", quote(pair.before->target),
                                      name, name, fmt::join(cases, " "), name, fmt::join(old_labels, ", ")));
    }

    void empty_tables() {
        for (const auto &[oid, pair] : pairs_)
            if (emptied_.contains(oid)) command("TRUNCATE TABLE " + quote(pair.before->target), {pair.before->target});
    }

    // ---- tables

    void create_databases() {
        std::set<std::string> known, wanted;
        for (const auto &table : before_.tables) known.insert(table.target.schema);
        for (const auto &table : after_.tables)
            if (!known.contains(table.target.schema)) wanted.insert(table.target.schema);
        for (const auto &database : wanted) command(create_database(database, options_.flavour), {});
    }

    struct Move {
        QualifiedName from, to;
        std::uint32_t oid = 0;
    };

    /// Those that take each other's names in one statement, the others one by one.
    void rename_tables() {
        std::vector<Move> moves;
        for (const auto &[oid, pair] : pairs_)
            if (pair.moved) moves.push_back({pair.before->target, pair.after->target, oid});
        const auto follows = [&](const Move &a, const Move &b) { return folded(a.to) == folded(b.from); };
        std::vector<Move> entangled;
        for (const auto &move : moves) {
            const bool alone = std::ranges::none_of(
                moves, [&](const Move &other) { return follows(move, other) || follows(other, move); });
            if (alone)
                command(fmt::format("RENAME TABLE {} TO {}", quote(move.from), quote(move.to)), {move.from, move.to});
            else
                entangled.push_back(move);
        }
        if (entangled.empty()) return;
        std::vector<QualifiedName> names;
        for (const auto &move : entangled) {
            names.push_back(move.from);
            if (std::ranges::find(names, move.to) == names.end()) names.push_back(move.to);
        }
        std::ranges::sort(names);
        names.erase(std::unique(names.begin(), names.end()), names.end());
        std::vector<std::string> steps;
        while (!entangled.empty()) {
            const auto free = std::ranges::find_if(entangled, [&](const Move &move) {
                return std::ranges::none_of(entangled, [&](const Move &other) { return follows(move, other); });
            });
            if (free != entangled.end()) {
                steps.push_back(fmt::format("{} TO {}", quote(free->from), quote(free->to)));
                entangled.erase(free);
                continue;
            }
            auto &first = entangled.front();
            const QualifiedName aside{first.from.schema, fmt::format("walbridge_{}", first.oid)};
            steps.push_back(fmt::format("{} TO {}", quote(first.from), quote(aside)));
            first.from = aside;
        }
        command(fmt::format("RENAME TABLE {}", fmt::join(steps, ", ")), std::move(names));
    }

    void create(const TableForm &table) {
        command(create_table(table, options_.flavour), {table.target});
        if (auto keys = add_keys(table); !keys.empty()) command(std::move(keys), {table.target});
    }

    void alter(const Pair &pair) {
        const auto &before = *pair.before, &after = *pair.after;
        Alter alter;
        for (const auto *key : pair.keys.dropped)
            if (key->primary)
                alter.add("DROP PRIMARY KEY");
            else
                alter.add("DROP KEY {}", quote_identifier(key->name));
        for (const auto &column : before.columns)
            if (after.column(column.number) == nullptr) alter.add("DROP COLUMN {}", quote_identifier(column.name));
        for (const auto &column : after.columns) {
            const auto *old_one = before.column(column.number);
            if (old_one == nullptr)
                alter.add("ADD COLUMN {} {}", quote_identifier(column.name), added(after, column));
            else if (old_one->name != column.name)
                alter.add("CHANGE COLUMN {} {} {}", quote_identifier(old_one->name), quote_identifier(column.name),
                          column.definition());
            else if (old_one->definition() != column.definition() || pair.loosened.contains(column.number))
                alter.add("MODIFY COLUMN {} {}", quote_identifier(column.name), column.definition());
        }
        for (const auto &[old_key, key] : pair.keys.renamed)
            alter.add("RENAME KEY {} TO {}", quote_identifier(old_key->name), quote_identifier(key->name));
        for (const auto *key : pair.keys.added) alter.add("ADD {}", key_clause(after, *key));
        for (const auto *check : pair.added_checks) alter.add("ADD {}", check_clause(*check));
        if (before.comment != after.comment) alter.add("COMMENT = {}", quote_literal(after.comment));
        alter.write(after.target, made_.commands);
    }

    /// The definition of a column with which rows that are there show what the source shows.
    std::string added(const TableForm &table, const ColumnForm &column) {
        const auto &own = column.default_value;
        const auto shown = shown_by_rows(table, column);
        if (shown == own || (shown.empty() && own == "NULL")) return column.definition();
        completions_[table.oid].add("MODIFY COLUMN {} {}", quote_identifier(column.name), column.definition());
        return column.definition(shown);
    }

    /// The default with which a column is added; empty = none.
    std::string shown_by_rows(const TableForm &table, const ColumnForm &column) {
        const auto &own = column.default_value;
        // MySQL adds no column whose value is another in each row: a replica would have others.
        auto without_rows = own == "(UUID())" ? std::string() : own;
        if (column.computed || column.auto_increment) return own;
        if (emptied_.contains(table.oid)) return without_rows;
        const auto found = std::ranges::find_if(missing_, [&](const MissingValue &value) {
            return value.table == table.oid && value.column == column.source_name;
        });
        // The source would refuse NOT NULL for a table with rows.
        if (found == missing_.end()) return column.not_null ? without_rows : std::string();
        const auto policy =
            options_.policy ? options_.policy(table.source, column.source_name) : dialect::mysql::Unfit::error;
        const auto value = ddl::mysql::value_default(found->value, column.values, policy);
        if (!value.sql || (*value.sql == "NULL" && column.not_null))
            made_.errors.push_back({fmt::format("{} column {}", to_string(table.source), column.name),
                                    fmt::format("the value that its rows get cannot be held: {}",
                                                value.sql ? "the column is NOT NULL" : value.reason)});
        return !value.sql || *value.sql == "NULL" ? std::string() : *value.sql;
    }

    void add_foreign_keys() {
        for (const auto &table : after_.tables) {
            const auto found = pairs_.find(table.oid);
            if (found == pairs_.end())
                for (const auto &key : table.foreign_keys) command(add_foreign_key(table, key), {table.target});
            else
                for (const auto *key : found->second.added) command(add_foreign_key(table, *key), {table.target});
        }
    }

    const Forms &before_, &after_;
    const std::set<std::uint32_t> &emptied_;
    const std::vector<MissingValue> &missing_;
    const DefinitionOptions &options_;
    std::map<std::uint32_t, Pair> pairs_; ///< by oid
    std::map<std::uint32_t, Alter> completions_;
    Changes made_;
};

} // namespace

Changes change_tables(const std::vector<SourceTable> &before, const std::vector<SourceTable> &after,
                      const std::set<std::uint32_t> &emptied, const std::vector<MissingValue> &missing,
                      const DefinitionOptions &options) {
    auto settled = after;
    settle_names(before, settled);
    const auto old_forms = make_forms(before, options), new_forms = make_forms(settled, options);
    return Differ(old_forms, new_forms, emptied, missing, options).compare();
}

} // namespace walbridge::schema::mysql
