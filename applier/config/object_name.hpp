// object_name.hpp: names of schemas and tables as a task file writes them: public, public.customer,
// "My Schema"."a.b". Letters are compared as they are; in double quotes anything may stand ("" is one quote).
#pragma once

#include "base/error.hpp"
#include "base/name_pattern.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::config {

/// The parts between the dots, without quotes. Throws Error(configuration) without an object: empty parts, an open
/// quote, * and ? outside of quotes (these are names, not patterns), names longer than the server keeps.
[[nodiscard]] std::vector<std::string> parse_object_name(std::string_view text);

/// The same, and * and ? outside of quotes make a part a pattern.
[[nodiscard]] std::vector<NamePattern> parse_name_pattern(std::string_view text);

} // namespace walbridge::config
