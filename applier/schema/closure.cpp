// closure.cpp: two kinds of objects: what tables are made of is taken with all it needs; everything else (views,
// routines, foreign keys, triggers, policies, ...) is taken when all it needs is there, until nothing more can be
// taken.
#include "schema/closure.hpp"

#include <algorithm>
#include <optional>

namespace walbridge::schema {
namespace {

namespace cls = source::catalog_class;
using source::Dependency;
using source::Object;
using source::ObjectGraph;
using source::ObjectId;

bool holds_rows(const Object &object) {
    return object.id.catalog == cls::relation && (object.kind == 'r' || object.kind == 'p');
}

/// Relations that are never dragged in by something that only refers to them.
bool table_like(const Object &object) {
    return object.id.catalog == cls::relation && std::string_view("rpfvm").find(object.kind) != std::string_view::npos;
}

bool system_schema(const std::string &schema) {
    return schema.starts_with("pg_") || schema == "information_schema" || schema == "walbridge";
}

std::string describe(const Object &object) {
    const auto what = [&]() -> std::string_view {
        switch (object.id.catalog) {
        case cls::relation:
            switch (object.kind) {
            case 'v': return "view";
            case 'm': return "materialized view";
            case 'S': return "sequence";
            case 'f': return "foreign table";
            default: return "table";
            }
        case cls::type: return "type";
        case cls::proc: return "routine";
        case cls::constraint: return "foreign key";
        case cls::trigger: return "trigger";
        case cls::policy: return "policy";
        case cls::rewrite: return "rule";
        default: return "object";
        }
    }();
    return std::string(what) + " " + object.schema + "." + object.name;
}

class Selector {
  public:
    Selector(const ObjectGraph &graph, const wire::ObjectSelection &selection) : graph_(graph), selection_(selection) {}

    Closure select() {
        for (const auto &[id, object] : graph_.objects)
            if (system_schema(object.schema) || of_extension(id))
                continue;
            else if (holds_rows(object) && selection_.matches(object.schema, object.name))
                selected_.insert(id);
            else if (id.catalog == cls::schema && covers_schema(selection_, object.name))
                taken_.insert(id);
        for (const auto &id : selected_) take(id);
        take_what_can_be_taken();
        take_casts();
        for (const auto &id : taken_)
            if (const auto *object = graph_.find(id);
                object != nullptr && holds_rows(*object) && !selected_.contains(id))
                result_.definitions_only.push_back(object->schema + "." + object->name);
        result_.objects = std::move(taken_);
        return std::move(result_);
    }

  private:
    /// The extension an object is a member of.
    std::optional<ObjectId> of_extension(ObjectId id) const {
        const auto needs = graph_.needs.find(id);
        if (needs == graph_.needs.end()) return std::nullopt;
        for (const auto &dependency : needs->second)
            if (dependency.type == 'e') return dependency.object;
        return std::nullopt;
    }

    bool is_walbridge(ObjectId id) const {
        const auto *object = graph_.find(id);
        return object != nullptr &&
               (object->schema == "walbridge" || (id.catalog == cls::extension && object->name == "walbridge"));
    }

    /// Parts of `owner`: they come and go with it.
    bool is_part(const Object &part, const Object *owner) const {
        switch (part.id.catalog) {
        case cls::attribute_default: return true;
        case cls::constraint: return part.kind != 'f' && part.kind != 't';
        case cls::relation: return part.kind == 'i' || part.kind == 'I' || part.kind == 'S';
        case cls::rewrite: return part.kind == 'V';
        case cls::statistics: return owner != nullptr && holds_rows(*owner);
        default: return false;
        }
    }

    /// Adds `id` and all it needs to `into`. Without `drag`, false as soon as it needs a table or view that is not
    /// taken.
    bool collect(ObjectId id, std::set<ObjectId> &into, bool drag, std::string *missing) const {
        if (const auto extension = of_extension(id)) id = *extension;
        if (taken_.contains(id) || into.contains(id)) return true;
        if (is_walbridge(id)) {
            if (missing != nullptr) *missing = "walbridge itself";
            return false;
        }
        into.insert(id);
        const auto visit = [&](ObjectId next) {
            const auto *object = graph_.find(next);
            if (!drag && object != nullptr && table_like(*object) && !taken_.contains(next) && !into.contains(next)) {
                if (missing != nullptr) *missing = describe(*object);
                return false;
            }
            return collect(next, into, drag, missing);
        };
        const auto *self = graph_.find(id);
        if (const auto needs = graph_.needs.find(id); needs != graph_.needs.end())
            for (const auto &dependency : needs->second)
                if (!visit(dependency.object)) return false;
        if (self != nullptr && self->id.catalog == cls::type && self->on_table != 0 &&
            !visit({cls::relation, self->on_table}))
            return false;
        if (id.catalog == cls::extension) return true;
        if (const auto users = graph_.needed_by.find(id); users != graph_.needed_by.end())
            for (const auto &user : users->second) {
                const auto *part = graph_.find(user.object);
                if (part == nullptr || (user.type != 'a' && user.type != 'i') || !is_part(*part, self)) continue;
                if (!collect(user.object, into, drag, missing)) return false;
            }
        return true;
    }

    void take(ObjectId id) {
        std::set<ObjectId> all;
        collect(id, all, true, nullptr);
        taken_.merge(all);
    }

    /// Objects that come along when all they need does.
    bool is_candidate(const Object &object) const {
        const auto id = object.id;
        if (taken_.contains(id) || system_schema(object.schema) || is_walbridge(id) || of_extension(id)) return false;
        const bool covered = covers_schema(selection_, object.schema);
        switch (id.catalog) {
        case cls::relation:
            if (object.kind == 'v' || object.kind == 'm' || object.kind == 'S')
                return covered && selection_.matches(object.schema, object.name);
            return false;
        case cls::constraint: return object.kind == 'f' && taken_.contains({cls::relation, object.on_table});
        case cls::policy: return taken_.contains({cls::relation, object.on_table});
        case cls::trigger: return object.kind != 'i' && covered && taken_.contains({cls::relation, object.on_table});
        case cls::rewrite: return object.kind != 'V' && covered && taken_.contains({cls::relation, object.on_table});
        case cls::type: // row types come with their tables, array and multirange types with their types
            return covered && object.kind != 'm' && (object.on_table == 0 || composite(object)) && !is_array(object);
        case cls::attribute_default:
        case cls::schema:
        case cls::cast: return false;
        default: return covered;
        }
    }

    bool composite(const Object &type) const {
        const auto *relation = graph_.relation(type.on_table);
        return relation != nullptr && relation->kind == 'c';
    }

    bool is_array(const Object &type) const {
        const auto needs = graph_.needs.find(type.id);
        return type.name.starts_with('_') && needs != graph_.needs.end() &&
               std::any_of(needs->second.begin(), needs->second.end(),
                           [](const Dependency &d) { return d.type == 'i' && d.object.catalog == cls::type; });
    }

    bool owned_sequence(const Object &object) const {
        const auto needs = graph_.needs.find(object.id);
        return object.kind == 'S' && object.id.catalog == cls::relation && needs != graph_.needs.end() &&
               std::any_of(needs->second.begin(), needs->second.end(), [](const Dependency &d) {
                   return (d.type == 'a' || d.type == 'i') && d.object.catalog == cls::relation;
               });
    }

    void take_what_can_be_taken() {
        for (bool grew = true; grew;) {
            grew = false;
            for (const auto &[id, object] : graph_.objects) {
                if (!is_candidate(object)) continue;
                std::set<ObjectId> all;
                if (!collect(id, all, false, nullptr)) continue;
                taken_.merge(all);
                grew = true;
            }
        }
        for (const auto &[id, object] : graph_.objects) {
            if (!is_candidate(object)) continue;
            std::set<ObjectId> all;
            std::string missing;
            collect(id, all, false, &missing);
            if (owned_sequence(object)) continue; // goes with its table, which was left out on purpose
            result_.left_behind.push_back({describe(object), "it needs " + missing + ", which is not selected"});
        }
    }

    /// A cast comes along when its types and its function do.
    void take_casts() {
        for (const auto &[id, object] : graph_.objects) {
            if (id.catalog != cls::cast || of_extension(id)) continue;
            const auto needs = graph_.needs.find(id);
            if (needs == graph_.needs.end()) continue;
            if (std::all_of(needs->second.begin(), needs->second.end(), [&](const Dependency &d) {
                    return taken_.contains(of_extension(d.object).value_or(d.object));
                }))
                taken_.insert(id);
        }
    }

    const ObjectGraph &graph_;
    const wire::ObjectSelection &selection_;
    std::set<ObjectId> selected_, taken_;
    Closure result_;
};

} // namespace

bool covers_schema(const wire::ObjectSelection &selection, std::string_view schema) {
    return selection.matches(schema, "\x01 no table has this name \x01"); // only a pattern that ends in * takes it
}

Closure select_objects(const ObjectGraph &graph, const wire::ObjectSelection &selection) {
    return Selector(graph, selection).select();
}

} // namespace walbridge::schema
