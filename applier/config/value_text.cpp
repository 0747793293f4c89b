// value_text.cpp: reading and writing durations and sizes, edit distance.
#include "config/value_text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace walbridge::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array<Unit, 5> duration_units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"min", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> size_units{
    {{"TB", std::uint64_t{1} << 40}, {"GB", std::uint64_t{1} << 30}, {"MB", std::uint64_t{1} << 20}, {"kB", 1024}}};

/// Splits "12min" into 12 and "min"; nullopt unless it begins with digits.
std::optional<std::pair<std::uint64_t, std::string_view>> number_and_rest(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end == text.data()) return std::nullopt;
    auto rest = text.substr(static_cast<std::size_t>(end - text.data()));
    while (rest.starts_with(' ')) rest.remove_prefix(1);
    return std::pair{number, rest};
}

template <std::size_t N>
std::optional<std::uint64_t> scaled(std::uint64_t number, std::string_view unit, const std::array<Unit, N> &units) {
    for (const auto &known : units) {
        if (known.name != unit) continue;
        if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / known.factor)
            return std::nullopt;
        return number * known.factor;
    }
    return std::nullopt;
}

template <std::size_t N>
std::string shortest(std::uint64_t amount, const std::array<Unit, N> &units, std::string_view none) {
    if (amount != 0)
        for (const auto &unit : units)
            if (amount % unit.factor == 0) return std::to_string(amount / unit.factor) + std::string(unit.name);
    return std::to_string(amount) + std::string(none);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
    if (text == "0") return std::chrono::milliseconds{0};
    const auto parts = number_and_rest(text);
    if (!parts) return std::nullopt;
    const auto amount = scaled(parts->first, parts->second, duration_units);
    if (!amount) return std::nullopt;
    return std::chrono::milliseconds{static_cast<std::int64_t>(*amount)};
}

std::string format_duration(std::chrono::milliseconds time) {
    return shortest(static_cast<std::uint64_t>(time.count()), duration_units, "s");
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
    const auto parts = number_and_rest(text);
    if (!parts) return std::nullopt;
    if (parts->second.empty()) return parts->first;
    return scaled(parts->first, parts->second, size_units);
}

std::string format_size(std::uint64_t bytes) { return shortest(bytes, size_units, ""); }

bool is_sync_task_name(std::string_view name) {
    const auto digits = name.find_last_not_of("0123456789") + 1;
    return digits < name.size() && name.substr(0, digits).ends_with("_sync_");
}

bool valid_task_name(std::string_view name) {
    return !name.empty() && name.size() <= 40 && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    });
}

std::optional<std::string> nearest(std::string_view word, const std::vector<std::string> &candidates) {
    std::optional<std::string> best;
    // A third of the letters may be wrong; beyond that a guess would rather mislead.
    std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const auto &candidate : candidates) {
        // A beginning is as good as one wrong letter.
        const bool begins = word.size() >= 3 && candidate.starts_with(word);
        const auto distance = begins ? 1 : edit_distance(word, candidate);
        if (distance >= best_distance) continue;
        best_distance = distance;
        best = candidate;
    }
    return best;
}

std::string enumerate(const std::vector<std::string> &words) {
    std::string out;
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
        out += words[i];
    }
    return out;
}

} // namespace walbridge::config
