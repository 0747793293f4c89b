// qualified_name.hpp: schema and name of a table, as they are in the catalog (unquoted).
#pragma once

#include <compare>
#include <functional>
#include <string>

namespace walbridge {

struct QualifiedName {
    std::string schema, name;
    auto operator<=>(const QualifiedName &) const = default;
};

/// For people and log lines: schema.name without quoting. SQL text goes through the dialect.
inline std::string to_string(const QualifiedName &table) { return table.schema + "." + table.name; }

} // namespace walbridge

template <> struct std::hash<walbridge::QualifiedName> {
    std::size_t operator()(const walbridge::QualifiedName &table) const noexcept {
        return std::hash<std::string>{}(table.schema) * 31 + std::hash<std::string>{}(table.name);
    }
};
