// graph_builder.hpp: builds object graphs for tests as the catalog would describe them.
#pragma once

#include "source/object_graph.hpp"

#include <string>

namespace walbridge::test {

namespace cls = source::catalog_class;
using source::ObjectId;

class GraphBuilder {
  public:
    source::ObjectGraph graph;

    ObjectId add(std::uint32_t catalog, char kind, std::string schema, std::string name, std::uint32_t on_table = 0) {
        const ObjectId id{catalog, next_++};
        graph.add({id, kind, std::move(schema), std::move(name), on_table});
        return id;
    }
    ObjectId schema(const std::string &name) { return add(cls::schema, '\0', name, name); }
    ObjectId table(const std::string &schema, const std::string &name, char kind = 'r') {
        return add(cls::relation, kind, schema, name);
    }
    /// An index depends on its table; a key's index depends on its constraint instead.
    ObjectId index(ObjectId table, const std::string &name) {
        const auto id = add(cls::relation, 'i', graph.find(table)->schema, name, table.oid);
        graph.depend(id, table, 'a');
        return id;
    }
    ObjectId foreign_key(ObjectId table, ObjectId referenced, const std::string &name) {
        const auto id = add(cls::constraint, 'f', graph.find(table)->schema, name, table.oid);
        graph.depend(id, table, 'a');
        graph.depend(id, referenced, 'n');
        return id;
    }
    ObjectId owned_sequence(ObjectId table, const std::string &name) {
        const auto id = add(cls::relation, 'S', graph.find(table)->schema, name);
        graph.depend(id, table, 'a');
        return id;
    }
    /// A view reads its tables through its rule.
    ObjectId view(const std::string &schema, const std::string &name, ObjectId reads, char kind = 'v') {
        const auto id = add(cls::relation, kind, schema, name);
        const auto rule = add(cls::rewrite, 'V', schema, "_RETURN", id.oid);
        graph.depend(rule, id, 'i');
        graph.depend(rule, reads, 'n');
        return id;
    }
    /// A column default that calls a function.
    ObjectId default_calling(ObjectId table, ObjectId function) {
        const auto id =
            add(cls::attribute_default, '\0', graph.find(table)->schema, graph.find(table)->name, table.oid);
        graph.depend(id, table, 'a');
        graph.depend(id, function, 'n');
        return id;
    }

  private:
    std::uint32_t next_ = 16384;
};

} // namespace walbridge::test
