// subjects.hpp: what a statement is about: the objects that it creates, changes or drops, as opposed to those that it
// only refers to; and the class it belongs to in `ddl.classes`.
#pragma once

#include "ddl/name_place.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::ddl {

struct Subject {
    std::optional<NamePlace> place; ///< none: the object stands outside of schemas
    NameKind kind = NameKind::relation;
    pg_query::ObjectType type = pg_query::OBJECT_TYPE_UNDEFINED;
    /// The type of what `place` names: the table of an index that is created, of a trigger, a column, a constraint.
    pg_query::ObjectType named = pg_query::OBJECT_TYPE_UNDEFINED;
    bool creates = false;
    int item = -1; ///< position in `Subjects::list`
};

struct Subjects {
    std::vector<Subject> all;
    Nodes *list = nullptr; ///< of statements that name several objects: where one can be taken out
    pg_query::ObjectType type = pg_query::OBJECT_TYPE_UNDEFINED;
};

/// The places belong to `statement`, which must outlive them.
[[nodiscard]] Subjects subjects_of(pg_query::Node &statement);

/// The class of objects of a type.
[[nodiscard]] std::string class_of(pg_query::ObjectType type);
/// The class of a statement: by its kind where that decides (comment, grant), else by the type of its objects.
[[nodiscard]] std::string class_of(const pg_query::Node &statement, pg_query::ObjectType type);
/// The class by the tag alone, for text that the parser cannot read.
[[nodiscard]] std::string class_of_tag(const std::string &tag);

} // namespace walbridge::ddl
