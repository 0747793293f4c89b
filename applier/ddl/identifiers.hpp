// identifiers.hpp: names inside of text: the search_path setting and strings such as nextval's 'app.order_id_seq'.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::ddl {

/// Reads names between `separator`s as the server does: unquoted ones are folded to lower case. Nothing when the text
/// is not such a list. An empty text is an empty list.
[[nodiscard]] std::optional<std::vector<std::string>> split_identifiers(std::string_view text, char separator);

/// The inverse; every name is quoted that has to be.
[[nodiscard]] std::string join_identifiers(const std::vector<std::string> &names, std::string_view separator);

} // namespace walbridge::ddl
