// report.hpp: differences as text that psql can run, and as JSON.
#pragma once

#include "schema/compare/compare.hpp"

#include <string>
#include <vector>

namespace walbridge::schema::compare {

/// A script: a comment per difference, its statements below it. Empty when there is none.
[[nodiscard]] std::string as_script(const std::vector<Difference> &differences);

/// {"task", "equal", "differences": [{"difference", "kind", "object", "reason", "statements": [...], "note"}]}
[[nodiscard]] std::string as_json(const std::string &task, const std::vector<Difference> &differences);

/// How many objects they are about: one that goes and comes back counts once.
[[nodiscard]] std::size_t objects_in(const std::vector<Difference> &differences);

} // namespace walbridge::schema::compare
