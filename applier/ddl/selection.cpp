// selection.cpp: by source names, always.
#include "ddl/selection.hpp"

namespace walbridge::ddl {

bool Selection::table(const QualifiedName &name) const {
    if (rules_.table_follows_ddl && !rules_.table_follows_ddl(name)) return false;
    return rules_.everything_selected || rules_.selection == nullptr ||
           rules_.selection->matches(name.schema, name.name);
}

bool Selection::schema(const std::string &name) const {
    return rules_.everything_selected || rules_.selection == nullptr || rules_.selection->covers_schema(name);
}

bool Selection::touches(const std::string &schema) const {
    return rules_.everything_selected || rules_.selection == nullptr || rules_.selection->touches_schema(schema);
}

bool Selection::member(const QualifiedName &name) const {
    return schema(name.schema) && (rules_.everything_selected || rules_.selection == nullptr ||
                                   rules_.selection->matches(name.schema, name.name));
}

bool Selection::subject(const Subject &subject, const std::optional<QualifiedName> &source, Resolver &resolver) const {
    if (!subject.place) return everything();
    if (!source) return everything();
    switch (subject.named) {
    case pg_query::OBJECT_SCHEMA: return schema(source->schema);
    case pg_query::OBJECT_TABLE:
    case pg_query::OBJECT_FOREIGN_TABLE: {
        // ALTER TABLE and COMMENT ON COLUMN serve views, indexes and sequences as well.
        const std::string type = resolver.captured_type(*source);
        if (type == "view" || type == "materialized view" || type == "composite type") return member(*source);
        if (type == "index" || type == "sequence") {
            const auto owner = resolver.table_of(*source);
            return owner ? table(*owner) : member(*source);
        }
        return table(*source);
    }
    case pg_query::OBJECT_INDEX:
    case pg_query::OBJECT_SEQUENCE:
    case pg_query::OBJECT_STATISTIC_EXT: {
        if (const auto owner = resolver.table_of(*source)) return table(*owner);
        if (member(*source)) return true;
        // DROP INDEX does not say whose index it was. The target has only those of selected tables.
        return subject.named == pg_query::OBJECT_INDEX && touches(source->schema) &&
               resolver.exists(NameKind::relation, resolver.on_target(NameKind::relation, *source));
    }
    case pg_query::OBJECT_FUNCTION:
    case pg_query::OBJECT_PROCEDURE:
    case pg_query::OBJECT_ROUTINE:
    case pg_query::OBJECT_AGGREGATE: return schema(source->schema);
    default: return member(*source);
    }
}

} // namespace walbridge::ddl
