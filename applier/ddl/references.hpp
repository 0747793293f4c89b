// references.hpp: every name in a statement beside its subjects: tables in queries, types, functions, operators,
// sequences in nextval's text ... WITH queries hide tables of the same name, aliases hide them in columns.
#pragma once

#include "ddl/name_place.hpp"

#include <set>
#include <vector>

namespace walbridge::ddl {

struct Reference {
    enum class Use {
        foreign_key,
        parent, ///< INHERITS, PARTITION OF, ATTACH and DETACH PARTITION
        like,
        query, ///< in FROM, or as the target of INSERT, UPDATE, DELETE: columns are called by its name
        other,
    };
    NamePlace place;
    NameKind kind = NameKind::relation;
    Use use = Use::other;
};

/// table.column or schema.table.column.
struct ColumnUse {
    pg_query::ColumnRef *column = nullptr;
    /// The table of an enclosing query that it means, where that is a table without alias.
    pg_query::RangeVar *table = nullptr;
    /// Its table is that of an enclosing query (with or without alias), not that of the statement itself.
    bool of_query = false;
};

struct References {
    std::vector<Reference> names;
    std::vector<ColumnUse> columns;
};

/// `known` are addresses of names that are taken care of already.
[[nodiscard]] References references_in(pg_query::Node &statement, const std::set<const void *> &known);

} // namespace walbridge::ddl
