// schema_rename.hpp: ALTER SCHEMA ... RENAME TO, the one statement that moves tables without naming them.
#pragma once

#include <optional>
#include <string>

namespace walbridge::ddl::mysql {

struct SchemaRename {
    std::string from, to;
};

/// Nullopt for every other statement.
[[nodiscard]] std::optional<SchemaRename> schema_rename(const std::string &statement);

} // namespace walbridge::ddl::mysql
