// name_pattern.hpp: names with * (any characters) and ? (one character) that hand out what these stood for, and names
// built from it: "inv_*" and "invoice_$1". Pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge {

/// One name, or a pattern of names.
struct NamePattern {
    std::string text;
    bool literal = false; ///< * and ? stand for themselves

    [[nodiscard]] bool exact() const { return literal || text.find_first_of("*?") == std::string::npos; }
    /// What each * and ? stood for, from left to right; nullopt when the name does not match. A * takes as little as it
    /// can, those further left first. Names are UTF-8.
    [[nodiscard]] std::optional<std::vector<std::string>> match(std::string_view name) const;
};

/// The template with $1 ... $9 replaced by captures, $0 by `whole`, and $$ by a dollar.
[[nodiscard]] std::string expand(std::string_view name_template, const std::vector<std::string> &captures,
                                 std::string_view whole);

/// The largest number behind a dollar; 0 = none.
[[nodiscard]] int highest_capture(std::string_view name_template);

/// Number of * and ? that hand something out.
[[nodiscard]] int captures_of(const NamePattern &pattern);

} // namespace walbridge
