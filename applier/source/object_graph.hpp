// object_graph.hpp: the source's objects and what each of them depends on, as pg_depend knows it. Plain data; the
// schema stage decides with it what a selection brings along. System objects are left out.
#pragma once

#include "base/postgres/session.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace walbridge::source {

/// Oids of the catalogs themselves are the same in every server.
namespace catalog_class {
inline constexpr std::uint32_t type = 1247, proc = 1255, relation = 1259, attribute_default = 2604, cast = 2605,
                               constraint = 2606, rewrite = 2618, schema = 2615, trigger = 2620, extension = 3079,
                               policy = 3256, statistics = 3381;
}

struct ObjectId {
    std::uint32_t catalog = 0, oid = 0;
    auto operator<=>(const ObjectId &) const = default;
};

struct Object {
    ObjectId id;
    char kind = '\0'; ///< see objects.sql
    std::string schema, name;
    std::uint32_t on_table = 0; ///< table (or view) it belongs to
};

struct Dependency {
    ObjectId object;
    char type = 'n'; ///< pg_depend.deptype
};

struct ObjectGraph {
    std::map<ObjectId, Object> objects;
    std::map<ObjectId, std::vector<Dependency>> needs; ///< object -> what it refers to
    std::map<ObjectId, std::vector<Dependency>> needed_by;

    void add(Object object) { objects.insert_or_assign(object.id, std::move(object)); }
    void depend(ObjectId object, ObjectId on, char type) {
        needs[object].push_back({on, type});
        needed_by[on].push_back({object, type});
    }
    [[nodiscard]] const Object *find(ObjectId id) const {
        const auto found = objects.find(id);
        return found == objects.end() ? nullptr : &found->second;
    }
    [[nodiscard]] const Object *relation(std::uint32_t oid) const { return find({catalog_class::relation, oid}); }
};

[[nodiscard]] ObjectGraph read_object_graph(pg::Session &session);

} // namespace walbridge::source
