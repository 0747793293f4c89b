// common_columns.cpp: see common_columns.hpp.
#include "source/common_columns.hpp"

#include <algorithm>

namespace walbridge::source {

CommonColumns common_columns(const Shape &source, const Table &target) {
    CommonColumns found;
    std::vector<std::string> taken;
    for (const auto &column : source.columns) {
        taken.push_back(column.target);
        if (column.generated) continue;
        const auto there = std::ranges::find(target.columns, column.target, &Column::name);
        const bool writable = there != target.columns.end() && there->generated == '\0';
        (writable ? found.names : found.left_out).push_back(column.name);
    }
    for (const auto &[name, content] : source.added) taken.push_back(name);
    for (const auto &column : target.columns)
        if (std::ranges::find(taken, column.name) == taken.end()) found.only_there.push_back(column.name);
    return found;
}

Shape without(Shape source, const std::vector<std::string> &left_out) {
    std::erase_if(source.columns, [&](const ShapedColumn &column) {
        if (std::ranges::find(left_out, column.name) == left_out.end()) return false;
        if (column.own != nullptr) source.left_out.push_back(column.own);
        return true;
    });
    return source;
}

std::string listed(const std::vector<std::string> &columns) {
    std::string text;
    for (const auto &column : columns) text += (text.empty() ? "" : ", ") + column;
    return text;
}

} // namespace walbridge::source
