// role_names.hpp: definitions as pg_dump writes them, with the target's names for roles.
#pragma once

#include <map>
#include <string>

namespace walbridge::ddl {

/// `text` holds one or more statements; those that name a role of `names` get the other name, all others stay as they
/// are written. Throws Error(schema_stage) when the parser cannot read a text that seems to name one of them.
[[nodiscard]] std::string with_role_names(const std::string &text, const std::map<std::string, std::string> &names);

} // namespace walbridge::ddl
