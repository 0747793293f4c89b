// compare.cpp: first what changes how, then what must go meanwhile because it depends on that, then the steps:
//   1 partitions are detached   2 what is too much or made anew is dropped, users before what they use
//   3 created and altered in the source's order   4 sequences' owners, attachments
//   5 what nothing uses any more: routines, types, sequences, schemas   6 owners, grants, comments
#include "schema/compare/compare.hpp"

#include "schema/compare/changes.hpp"
#include "schema/compare/statements.hpp"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

namespace walbridge::schema::compare {
namespace {

using Kind = Difference::Kind;

const std::set<std::string> &early_kinds() {
    static const std::set<std::string> kinds{"TABLE", "VIEW",   "MATERIALIZED VIEW", "CONSTRAINT", "INDEX", "TRIGGER",
                                             "RULE",  "POLICY", "STATISTICS"};
    return kinds;
}

std::string drop_statement(const Object &object) {
    if (const auto *constraint = std::get_if<Constraint>(&object.shape))
        return fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", constraint->table, constraint->name);
    return fmt::format("DROP {} {}", object.key.kind, object.key.identity);
}

std::string joined(const std::vector<std::string> &reasons) { return fmt::format("{}", fmt::join(reasons, "; ")); }

bool inherited(const Object &object) {
    if (const auto *constraint = std::get_if<Constraint>(&object.shape)) return constraint->inherited;
    if (const auto *index = std::get_if<Index>(&object.shape)) return index->inherited;
    return false;
}

/// The name under which a type waits until nothing uses it any more.
std::string parked(const std::string &name) {
    auto last = last_part(name);
    constexpr std::string_view suffix = "__before";
    if (last.ends_with('"'))
        last.insert(last.size() - 1, suffix);
    else
        last += suffix;
    return last;
}

class Comparison {
  public:
    Comparison(const Definitions &source, const Definitions &target) : source_(source), target_(target) {
        for (const auto &object : source.objects)
            if (!object.part_of_table) in_source_.emplace(object.key, &object);
        for (const auto &object : target.objects)
            if (!object.part_of_table) in_target_.emplace(object.key, &object);
    }

    std::vector<Difference> run() {
        find_extra_and_missing();
        find_swapped_types();
        find_changes();
        find_dependents();
        disown();
        detach();
        drop_early();
        create_and_alter();
        attach();
        drop_late();
        rights();
        return std::move(steps_);
    }

  private:
    const Object *source(const Key &key) const { return look_up(in_source_, key); }
    const Object *target(const Key &key) const { return look_up(in_target_, key); }
    static const Object *look_up(const std::map<Key, const Object *> &map, const Key &key) {
        const auto found = map.find(key);
        return found == map.end() ? nullptr : found->second;
    }
    bool comes_new(const Key &key) const { return missing_.contains(key) || replaced_.contains(key); }
    bool goes(const Key &key) const { return early_.contains(key) || replaced_.contains(key); }
    bool owner_goes(const Sequence &sequence) const {
        const Key table{"TABLE", first_parts(sequence.owned_by)};
        const auto *change = change_of(table);
        return goes(table) || (change != nullptr && change->dropped.contains(last_part(sequence.owned_by)));
    }
    /// Whether the object disappears with its table or column.
    bool goes_with_table(const Object &object) const {
        if (const auto *sequence = std::get_if<Sequence>(&object.shape))
            return sequence->owned_by != "NONE" && owner_goes(*sequence);
        return !object.table.empty() && goes_any(object.table);
    }
    bool goes_any(const std::string &table) const {
        return goes({"TABLE", table}) || goes({"MATERIALIZED VIEW", table}) || goes({"VIEW", table});
    }
    bool new_table(const std::string &table) const {
        return comes_new({"TABLE", table}) || comes_new({"MATERIALIZED VIEW", table}) || comes_new({"VIEW", table});
    }

    bool detached(const std::string &table) const { return detached_.contains(table); }

    void find_extra_and_missing() {
        for (const auto &[key, object] : in_target_) {
            const auto *now = source(key);
            if (const auto *table = std::get_if<Table>(&object->shape); table != nullptr && now != nullptr) {
                const auto &new_table = std::get<Table>(now->shape);
                for (const auto &parent : table->parents)
                    if (std::ranges::find(new_table.parents, parent) == new_table.parents.end() ||
                        table->bound != new_table.bound)
                        detached_[table->name].push_back(parent);
            }
        }
        std::set<std::string> wanted;
        for (const auto &[key, object] : in_source_)
            if (target(key) == nullptr && !inherited(*object)) {
                missing_.insert(key);
                wanted.insert(key.identity);
            }
        for (const auto &[key, object] : in_target_) {
            if (source(key) != nullptr || (inherited(*object) && !detached(object->table))) continue;
            extra_.insert(key);
            if (early_kinds().contains(key.kind) || wanted.contains(key.identity)) early_.insert(key);
        }
    }

    void find_swapped_types() {
        for (const auto &[key, now] : in_source_) {
            const auto *old = target(key);
            if (old == nullptr || !now->unmapped.empty() || (key.kind != "TYPE" && key.kind != "DOMAIN")) continue;
            auto change = change_type(*old, *now);
            const bool other = change.equal() && std::holds_alternative<std::monostate>(now->shape);
            if (other) {
                change = change_other(*old, *now);
                change.swap = change.replace;
                change.replace = false;
            }
            if (change.swap) swapped_.insert(key);
            if (!change.equal()) changes_.emplace(key, std::move(change));
        }
        for (const auto &object : target_.objects) {
            const auto *table = std::get_if<Table>(&object.shape);
            if (table == nullptr) continue;
            for (const auto &column : table->columns)
                for (const auto &type : swapped_)
                    if (column.type == type.identity || column.type == type.identity + "[]")
                        moved_[table->name].insert(column.name);
        }
    }

    static Change change_type(const Object &old, const Object &now) {
        const auto &name = now.key.identity;
        if (old.shape.index() != now.shape.index()) {
            Change change;
            change.reasons.emplace_back("it is another kind of type");
            change.swap = true;
            return change;
        }
        if (const auto *type = std::get_if<Enum>(&now.shape))
            return change_enum(name, std::get<Enum>(old.shape), *type);
        if (const auto *type = std::get_if<Composite>(&now.shape))
            return change_composite(name, std::get<Composite>(old.shape), *type);
        if (const auto *type = std::get_if<Domain>(&now.shape))
            return change_domain(name, std::get<Domain>(old.shape), *type);
        return {};
    }

    /// Generated columns that are made of any of `columns`, directly or not.
    std::set<std::string> made_of(const std::string &table, const std::set<std::string> &columns) const {
        std::set<std::string> found;
        std::deque<std::string> open(columns.begin(), columns.end());
        while (!open.empty()) {
            const auto users = target_.generated_from.find({table, open.front()});
            open.pop_front();
            if (users == target_.generated_from.end()) continue;
            for (const auto &user : users->second)
                if (found.insert(user).second) open.push_back(user);
        }
        return found;
    }

    Change table_change(const Table &old, const Table &now) const {
        auto present = old;
        for (const auto &parent : old.parents) {
            const auto *before = target({"TABLE", parent}), *after = source({"TABLE", parent});
            if (before == nullptr || after == nullptr || std::ranges::find(now.parents, parent) == now.parents.end())
                continue;
            follow_parent(present, std::get<Table>(before->shape), std::get<Table>(after->shape));
        }
        const auto found = moved_.find(old.name);
        const auto moved = found == moved_.end() ? std::set<std::string>() : found->second;
        auto change = change_table(present, now, moved);
        auto touched = change.retyped;
        touched.insert(change.dropped.begin(), change.dropped.end());
        if (const auto remade = made_of(old.name, touched); !remade.empty())
            change = change_table(present, now, moved, remade);
        return change;
    }

    void find_changes() {
        for (const auto &[key, now] : in_source_) {
            const auto *old = target(key);
            if (old == nullptr || changes_.contains(key) || key.kind == "TYPE" || key.kind == "DOMAIN") continue;
            if (inherited(*now) || now->only_by_name || !now->unmapped.empty()) continue;
            Change change;
            if (const auto *table = std::get_if<Table>(&now->shape))
                change = table_change(std::get<Table>(old->shape), *table);
            else if (const auto *sequence = std::get_if<Sequence>(&now->shape))
                change = change_sequence(key.identity, std::get<Sequence>(old->shape), *sequence);
            else
                change = change_other(*old, *now);
            if (change.replace) replaced_.insert(key);
            if (!change.equal() || !change.statements.empty()) changes_.emplace(key, std::move(change));
        }
    }

    /// What uses an object or column that goes must go before it, and comes back if the source has it.
    void find_dependents() {
        std::deque<Key> open(early_.begin(), early_.end());
        open.insert(open.end(), replaced_.begin(), replaced_.end());
        open.insert(open.end(), swapped_.begin(), swapped_.end());
        const auto must_go = [&](const Key &user) {
            const auto *object = target(user);
            if (object == nullptr || user.kind == "TABLE" || user.kind == "SEQUENCE" || goes(user)) return;
            if (inherited(*object)) return;
            if (source(user) != nullptr)
                replaced_.insert(user);
            else
                early_.insert(user);
            open.push_back(user);
        };
        for (const auto &[key, change] : changes_) {
            if (key.kind != "TABLE") continue;
            for (const auto &column : change.dropped)
                if (const auto users = target_.column_used_by.find({key.identity, column});
                    users != target_.column_used_by.end())
                    std::ranges::for_each(users->second, must_go);
            for (const auto &column : change.retyped) {
                const auto users = target_.column_used_by.find({key.identity, column});
                if (users == target_.column_used_by.end()) continue;
                for (const auto &user : users->second)
                    if (user.kind != "CONSTRAINT" && user.kind != "INDEX" && user.kind != "SEQUENCE" &&
                        user.kind != "STATISTICS")
                        must_go(user);
            }
        }
        while (!open.empty()) {
            const auto key = open.front();
            open.pop_front();
            if (const auto users = target_.used_by.find(key); users != target_.used_by.end())
                std::ranges::for_each(users->second, must_go);
        }
    }

    void step(Kind kind, const Object &object, std::string reason, std::vector<std::string> statements,
              std::string note = {}) {
        steps_.push_back({kind, object.key, object.name, std::move(reason), std::move(statements), std::move(note)});
    }

    const Change *change_of(const Key &key) const {
        const auto found = changes_.find(key);
        return found == changes_.end() ? nullptr : &found->second;
    }

    /// Before a column goes that would take its sequence along.
    void disown() {
        for (const auto &[key, old] : in_target_) {
            const auto *before = std::get_if<Sequence>(&old->shape);
            const auto *now = source(key);
            if (before == nullptr || now == nullptr || before->owned_by == "NONE") continue;
            if (std::get<Sequence>(now->shape).owned_by == before->owned_by && !owner_goes(*before)) continue;
            step(Kind::different, *old, "it is owned by " + before->owned_by,
                 {fmt::format("ALTER SEQUENCE {} OWNED BY NONE", key.identity)});
            disowned_.insert(key);
        }
    }

    void detach() {
        for (const auto &[name, parents] : detached_) {
            const auto &object = *target({"TABLE", name});
            const bool partition = !std::get<Table>(object.shape).bound.empty();
            for (const auto &parent : parents)
                step(Kind::different, object,
                     partition ? "it is a partition of " + parent : "it inherits from " + parent,
                     {partition ? fmt::format("ALTER TABLE {} DETACH PARTITION {}", parent, name)
                                : fmt::format("ALTER TABLE {} NO INHERIT {}", name, parent)});
        }
    }

    /// A foreign key of a table that goes: while it is there, the key that it refers to cannot be dropped, and keys are
    /// dropped before tables.
    bool stands_in_the_way(const Object &object) const {
        const auto *constraint = std::get_if<Constraint>(&object.shape);
        if (constraint == nullptr || constraint->inherited || !constraint->definition.starts_with("FOREIGN KEY"))
            return false;
        return std::ranges::any_of(target_.objects, [&](const Object &other) {
            const auto *key = std::get_if<Constraint>(&other.shape);
            return key != nullptr && goes(other.key) && !goes_with_table(other) &&
                   (key->definition.starts_with("PRIMARY KEY") || key->definition.starts_with("UNIQUE"));
        });
    }

    void drop_early() {
        for (auto object = target_.objects.rbegin(); object != target_.objects.rend(); ++object) {
            if (object->part_of_table || !goes(object->key)) continue;
            if (goes_with_table(*object) && !stands_in_the_way(*object)) continue;
            if (extra_.contains(object->key)) {
                step(Kind::extra, *object, "it is not on the source", {drop_statement(*object)});
                continue;
            }
            const auto *change = change_of(object->key);
            step(change != nullptr ? Kind::different : Kind::dependent, *object,
                 change != nullptr ? joined(change->reasons) : "it is in the way of another change",
                 {drop_statement(*object)}, change != nullptr ? change->note : std::string());
        }
    }

    /// Sequences do not need their tables, and defaults need them.
    std::vector<const Object *> in_creation_order() const {
        std::vector<const Object *> order;
        for (const auto &object : source_.objects) order.push_back(&object);
        const auto rank = [](const Object *object) {
            return object->key.kind == "SCHEMA"                      ? 0
                   : object->key.kind == "EXTENSION"                 ? 1
                   : std::holds_alternative<Sequence>(object->shape) ? 2
                                                                     : 3;
        };
        std::ranges::stable_sort(order, {}, rank);
        return order;
    }

    void create_and_alter() {
        for (const auto *object : in_creation_order()) {
            const auto &key = object->key;
            if (object->part_of_table) {
                if (new_table(object->table))
                    steps_.push_back({Kind::missing,
                                      {"TABLE", object->table},
                                      object->table,
                                      "part of a missing table",
                                      object->statements,
                                      {}});
                continue;
            }
            if (comes_new(key)) {
                create(*object);
                continue;
            }
            const auto *change = change_of(key);
            if (change == nullptr || std::holds_alternative<Sequence>(object->shape)) continue;
            if (swapped_.contains(key)) {
                std::vector<std::string> statements{
                    fmt::format("ALTER TYPE {} RENAME TO {}", key.identity, parked(key.identity))};
                statements.insert(statements.end(), object->statements.begin(), object->statements.end());
                if (!object->owner_statement.empty()) statements.push_back(object->owner_statement);
                step(Kind::different, *object, joined(change->reasons), std::move(statements), change->note);
            } else if (!change->statements.empty()) {
                step(change->equal() ? Kind::dependent : Kind::different, *object,
                     change->equal() ? "its columns use a type that is made anew" : joined(change->reasons),
                     change->statements, change->note);
            }
        }
    }

    void create(const Object &object) {
        const auto &key = object.key;
        if (!object.unmapped.empty())
            return step(missing_.contains(key) ? Kind::missing : Kind::dependent, object, object.unmapped, {},
                        "needs a decision: create it by hand with the target's names");
        if (const auto *constraint = std::get_if<Constraint>(&object.shape))
            if (constraint->in_table && new_table(object.table)) return;
        auto statements = object.statements;
        if (!object.owner_statement.empty()) statements.push_back(object.owner_statement);
        if (const auto *table = std::get_if<Table>(&object.shape)) {
            if (!table->bound.empty())
                for (const auto &parent : table->parents)
                    statements.push_back(
                        fmt::format("ALTER TABLE {} ATTACH PARTITION {} {}", parent, table->name, table->bound));
            if (table->row_security)
                statements.push_back(fmt::format("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table->name));
        }
        const auto *change = change_of(key);
        if (missing_.contains(key))
            step(Kind::missing, object, "it is missing on the target", std::move(statements));
        else
            step(change != nullptr ? Kind::different : Kind::dependent, object,
                 change != nullptr ? joined(change->reasons) : "it was in the way of another change",
                 std::move(statements), change != nullptr ? change->note : std::string());
    }

    void attach() {
        for (const auto &object : source_.objects) {
            if (object.part_of_table) continue;
            if (const auto *sequence = std::get_if<Sequence>(&object.shape)) {
                if (comes_new(object.key)) {
                    if (sequence->owned_by != "NONE")
                        step(missing_.contains(object.key) ? Kind::missing : Kind::dependent, object,
                             "it belongs to a column",
                             {fmt::format("ALTER SEQUENCE {} OWNED BY {}", object.key.identity, sequence->owned_by)});
                } else if (const auto *change = change_of(object.key);
                           change != nullptr && !change->statements.empty()) {
                    step(Kind::different, object, joined(change->reasons), change->statements, change->note);
                } else if (disowned_.contains(object.key)) {
                    step(Kind::dependent, object, "it belongs to a column",
                         {fmt::format("ALTER SEQUENCE {} OWNED BY {}", object.key.identity, sequence->owned_by)});
                }
                continue;
            }
            const auto *table = std::get_if<Table>(&object.shape);
            const auto *old = target(object.key);
            if (table == nullptr || old == nullptr || comes_new(object.key)) continue;
            const auto &before = std::get<Table>(old->shape);
            for (const auto &parent : table->parents) {
                if (std::ranges::find(before.parents, parent) != before.parents.end() && before.bound == table->bound)
                    continue;
                step(Kind::different, object,
                     table->bound.empty() ? "it does not inherit from " + parent
                                          : fmt::format("it is not the partition {} of {}", table->bound, parent),
                     {table->bound.empty()
                          ? fmt::format("ALTER TABLE {} INHERIT {}", table->name, parent)
                          : fmt::format("ALTER TABLE {} ATTACH PARTITION {} {}", parent, table->name, table->bound)});
            }
        }
    }

    void drop_late() {
        for (auto object = target_.objects.rbegin(); object != target_.objects.rend(); ++object) {
            if (object->part_of_table) continue;
            if (extra_.contains(object->key) && !early_.contains(object->key) && !goes_with_table(*object))
                step(Kind::extra, *object, "it is not on the source", {drop_statement(*object)});
            if (swapped_.contains(object->key)) {
                const auto schema = first_parts(object->key.identity);
                step(
                    Kind::different, *object, "the type that was replaced",
                    {fmt::format("DROP TYPE {}{}{}", schema, schema.empty() ? "" : ".", parked(object->key.identity))});
            }
        }
    }

    void rights() {
        for (const auto &object : source_.objects) {
            if (object.part_of_table || object.only_by_name || !object.unmapped.empty()) continue;
            const auto *old = comes_new(object.key) || swapped_.contains(object.key) ? nullptr : target(object.key);
            if (old == nullptr && inherited(object) && !missing_.contains(object.key)) continue;
            const auto *change = change_of(object.key);
            const auto found =
                change_rights(old, object, change == nullptr ? std::set<std::string>() : change->dropped);
            if (found.statements.empty()) continue;
            step(missing_.contains(object.key) ? Kind::missing : Kind::different, object, joined(found.reasons),
                 found.statements);
        }
    }

    const Definitions &source_, &target_;
    std::map<Key, const Object *> in_source_, in_target_;
    std::set<Key> missing_, extra_, early_, replaced_, swapped_, disowned_;
    std::map<std::string, std::vector<std::string>> detached_; // table, parents
    std::map<std::string, std::set<std::string>> moved_;       // table, columns
    std::map<Key, Change> changes_;
    std::vector<Difference> steps_;
};

} // namespace

std::string_view name_of(Difference::Kind kind) {
    switch (kind) {
    case Kind::missing: return "missing";
    case Kind::extra: return "extra";
    case Kind::different: return "different";
    case Kind::dependent: return "dependent";
    }
    return {};
}

std::vector<Difference> compare(const Definitions &source, const Definitions &target) {
    return Comparison(source, target).run();
}

} // namespace walbridge::schema::compare
