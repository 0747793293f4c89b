// schema_rename.cpp: see schema_rename.hpp.
#include "ddl/mysql/schema_rename.hpp"

#include "ddl/tree.hpp"

#include <pg_query.pb.h>

namespace walbridge::ddl::mysql {

std::optional<SchemaRename> schema_rename(const std::string &statement) {
    pg_query::ParseResult tree;
    if (parse(statement, tree) || tree.stmts_size() != 1) return std::nullopt;
    const auto &node = tree.stmts(0).stmt();
    if (!node.has_rename_stmt() || node.rename_stmt().rename_type() != pg_query::OBJECT_SCHEMA) return std::nullopt;
    return SchemaRename{node.rename_stmt().subname(), node.rename_stmt().newname()};
}

} // namespace walbridge::ddl::mysql
