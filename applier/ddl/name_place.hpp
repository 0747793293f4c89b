// name_place.hpp: where a name stands in a parse tree, whatever form the grammar gave it: a RangeVar, a list of
// strings, a lone string, or text in a literal.
#pragma once

#include "base/qualified_name.hpp"

#include <google/protobuf/repeated_field.h>
#include <pg_query.pb.h>

#include <string>
#include <variant>

namespace walbridge::ddl {

using Nodes = google::protobuf::RepeatedPtrField<pg_query::Node>;

enum class NameKind {
    relation,
    type,
    routine,
    schema,
    other, ///< collations, operators, text search ...: only their schema can be mapped
};

class NamePlace {
  public:
    explicit NamePlace(pg_query::RangeVar &range) : place_(&range) {}
    /// `tail` strings at the list's end belong to a part of the object (a column, a constraint).
    explicit NamePlace(Nodes &list, int tail = 0, int head = 0) : place_(List{&list, tail, head}) {}
    /// schema.name inside of a literal.
    static NamePlace in_literal(std::string &text) { return NamePlace(Literal{&text}); }
    /// A schema's name, alone.
    static NamePlace of_schema(std::string &name) { return NamePlace(Schema{&name}); }

    /// As written: the schema is empty when there is none. Both empty: not a name.
    [[nodiscard]] QualifiedName get() const;
    /// An empty schema leaves the name without one.
    void set(const QualifiedName &name);
    /// The RangeVar, the list or the string: what the place is known by.
    [[nodiscard]] const void *address() const;
    [[nodiscard]] pg_query::RangeVar *range() const;

  private:
    struct List {
        Nodes *list;
        int tail; ///< strings behind the name
        int head; ///< strings before it (access method of an operator class)
    };
    struct Literal {
        std::string *text;
    };
    struct Schema {
        std::string *name;
    };
    template <class Place> explicit NamePlace(Place place) : place_(place) {}
    std::variant<pg_query::RangeVar *, List, Literal, Schema> place_;
};

/// The strings of a list of names.
[[nodiscard]] std::vector<std::string> strings(const Nodes &list);
[[nodiscard]] pg_query::Node string_node(std::string text);

} // namespace walbridge::ddl
