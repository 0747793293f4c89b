// rename.hpp: names mapped in SQL that is not a captured statement: pg_dump's, where every name is qualified.
#pragma once

#include "change/name_map.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace walbridge::ddl {

/// The table that an index, a sequence, a statistics object ... belongs to (source names): it lives in its table's
/// schema.
using TableOf = std::function<std::optional<QualifiedName>(const QualifiedName &)>;

/// What becomes of a function whose body is text that mentions a renamed name: nobody can rename in it.
enum class Bodies {
    refuse,
    keep, ///< the function gets its new name and keeps its body
};

/// One or more statements with the target's names. Text without a renamed name comes back as it is. `search_path` is
/// that of the text (pg_dump: empty). Throws Error(schema_stage) that names the statement when the names cannot be
/// put into it: a function body in a string mentions one, or the parser cannot read or write the form.
[[nodiscard]] std::string rename_statement(std::string_view sql, const NameMap &names, const TableOf &table_of = {},
                                           Bodies bodies = Bodies::refuse);

} // namespace walbridge::ddl
