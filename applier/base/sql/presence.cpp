// presence.cpp: see presence.hpp.
#include "base/sql/presence.hpp"

namespace walbridge::sql {

bool has_relation(Session &session, const QualifiedName &name) {
    return session
        .ask_value(
            {"SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
             "n.nspname = $1 AND c.relname = $2",
             "SELECT 1 FROM information_schema.tables WHERE table_schema = $1 AND table_name = $2"},
            {name.schema, name.name})
        .has_value();
}

bool has_column(Session &session, const QualifiedName &relation, const std::string &column) {
    return session
        .ask_value({"SELECT 1 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN "
                    "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2 AND "
                    "a.attname = $3 AND a.attnum > 0 AND NOT a.attisdropped",
                    "SELECT 1 FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2 AND "
                    "column_name = $3"},
                   {relation.schema, relation.name, column})
        .has_value();
}

} // namespace walbridge::sql
