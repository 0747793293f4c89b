// range.cpp: bounds from a sample of the source's pages.
#include "verify/range.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::verify {

using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

std::vector<Range> ranges_between(const std::vector<std::string> &bounds) {
    std::vector<Range> ranges(bounds.size() + 1);
    for (std::size_t at = 0; at < bounds.size(); ++at) ranges[at].high = ranges[at + 1].low = bounds[at];
    return ranges;
}

std::vector<std::string> quantiles(const std::vector<std::string> &sorted, std::size_t pieces) {
    std::vector<std::string> bounds;
    for (std::size_t piece = 1; piece < pieces && !sorted.empty(); ++piece) {
        const auto &value = sorted[piece * sorted.size() / pieces];
        if ((bounds.empty() || bounds.back() != value) && value != sorted.front()) bounds.push_back(value);
    }
    return bounds;
}

std::vector<Range> cut(pg::Session &source, const TablePair &table, std::uint64_t bytes) {
    const auto size = std::max(table.source_bytes, table.target_bytes);
    if (!table.by_ranges || size < 2 * bytes) return ranges_between({});
    const auto pieces = static_cast<std::size_t>(size / bytes);
    const auto pages = static_cast<double>(std::max<std::uint64_t>(table.source_bytes / 8192, 1));
    const auto percent = std::clamp(100.0 * static_cast<double>(pieces) * 20.0 / pages, 0.001, 100.0);
    const auto column = quote_identifier(table.first_key);
    const auto sample = source.query(fmt::format(
        "SELECT k::text AS bound FROM (SELECT {0} AS k FROM {1} TABLESAMPLE SYSTEM ({2}) REPEATABLE (1)) q ORDER BY k",
        column, table.relation(Side::source), percent));
    std::vector<std::string> values;
    for (int row = 0; row < sample.rows(); ++row) values.push_back(sample.text(row, 0));
    return ranges_between(quantiles(values, pieces));
}

std::string condition(const TablePair &table, const Range &range, Side side) {
    if (!range.low && !range.high) return {};
    const auto &name = table.columns[table.key.front()].name;
    const auto &of = side == Side::source ? table.source : table.target;
    const auto type = std::find_if(of.columns.begin(), of.columns.end(), [&](const auto &c) { return c.name == name; });
    const auto bound = [&](std::string_view comparison, const std::string &value) {
        return fmt::format("{} {} {}::{}", quote_identifier(name), comparison, quote_literal(value), type->type);
    };
    std::string text;
    if (range.low) text = bound(">=", *range.low);
    if (range.high) text += (text.empty() ? "" : " AND ") + bound("<", *range.high);
    return text;
}

} // namespace walbridge::verify
