// json_text.hpp: arrays and hstore values of PostgreSQL as JSON text. Pure functions; private to dialect/mysql.
#pragma once

#include <string>
#include <string_view>

namespace walbridge::dialect::mysql {

/// How the elements of an array stand in JSON; all but numbers and booleans are strings.
enum class Elements { text, number, boolean };

/// {1,NULL,"a b"} as [1,null,"a b"], appended to `json`; elements are separated by `delimiter`. False, with `json`
/// unspecified, when the text is none that array_out writes or its indexes do not begin at 1.
[[nodiscard]] bool array_as_json(std::string_view text, Elements elements, char delimiter, std::string &json);

/// "a"=>"1", "b"=>NULL as {"a": "1", "b": null}. False when the text is none that hstore_out writes.
[[nodiscard]] bool hstore_as_json(std::string_view text, std::string &json);

/// `text` in double quotes with JSON's escapes, appended to `json`.
void append_json_string(std::string &json, std::string_view text);

} // namespace walbridge::dialect::mysql
