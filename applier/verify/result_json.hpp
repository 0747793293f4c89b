// result_json.hpp: what was found, as JSON: of ranges for the store, of everything for scripts.
#pragma once

#include "verify/range_comparer.hpp"
#include "verify/verify.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace walbridge::verify {

[[nodiscard]] nlohmann::ordered_json to_json(const RangeResult &result);
[[nodiscard]] RangeResult range_from_json(const nlohmann::json &json);
[[nodiscard]] nlohmann::ordered_json to_json(const RowDifference &row);
/// Values may carry bytes that are not UTF-8.
[[nodiscard]] std::string as_stored(const nlohmann::ordered_json &json);

} // namespace walbridge::verify
