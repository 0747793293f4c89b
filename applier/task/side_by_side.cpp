// side_by_side.cpp: see side_by_side.hpp.
#include "task/side_by_side.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::task {
namespace {

constexpr std::size_t widest = 48;

/// Characters, not bytes: what begins one in UTF-8.
bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

std::size_t width_of(const std::string &text) {
    return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

std::string one_line(std::string text) {
    for (auto &c : text)
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    if (width_of(text) <= widest) return text;
    std::size_t end = 0;
    for (std::size_t characters = 0; end < text.size(); ++end)
        if (begins_character(text[end]) && ++characters > widest - 3) break;
    return text.substr(0, end) + "...";
}

std::string padded(const std::string &text, std::size_t width) {
    return text + std::string(width - std::min(width, width_of(text)), ' ');
}

} // namespace

std::string side_by_side(const std::vector<std::string> &heads, const std::vector<SideBySideLine> &lines) {
    std::vector<std::vector<std::string>> cells{{"  column"}};
    cells.front().insert(cells.front().end(), heads.begin(), heads.end());
    for (const auto &line : lines) {
        std::vector<std::string> row{(line.differs ? "* " : "  ") + one_line(line.name)};
        for (const auto &value : line.values) row.push_back(value ? one_line(*value) : "NULL");
        row.resize(cells.front().size(), absent_value);
        cells.push_back(std::move(row));
    }
    std::vector<std::size_t> widths(cells.front().size());
    for (const auto &row : cells)
        for (std::size_t at = 0; at < row.size(); ++at) widths[at] = std::max(widths[at], width_of(row[at]));
    std::string text;
    for (const auto &row : cells) {
        std::string line;
        for (std::size_t at = 0; at < row.size(); ++at) line += padded(row[at], widths[at]) + "  ";
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + "\n";
    }
    return text;
}

} // namespace walbridge::task
