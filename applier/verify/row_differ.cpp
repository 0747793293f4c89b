// row_differ.cpp: see row_differ.hpp.
#include "verify/row_differ.hpp"

#include <algorithm>

namespace walbridge::verify {

void RowDiffer::add(const std::string &key, std::int64_t digest, std::uint64_t times, int side) {
    auto &versions = rows_[key];
    auto &mine = versions.of[side];
    auto &others = versions.of[1 - side];
    const auto is_it = [&](const auto &version) { return version.first == digest; };
    if (const auto match = std::find_if(others.begin(), others.end(), is_it); match != others.end()) {
        const auto paired = std::min(match->second, times);
        times -= paired;
        match->second -= paired;
        if (match->second == 0) others.erase(match);
    }
    if (times != 0) {
        if (const auto same = std::find_if(mine.begin(), mine.end(), is_it); same != mine.end())
            same->second += times;
        else
            mine.emplace_back(digest, times);
    }
    if (mine.empty() && others.empty()) rows_.erase(key);
}

std::vector<RowDiffer::Difference> RowDiffer::differences() const {
    std::vector<Difference> found;
    for (const auto &[key, versions] : rows_) {
        Difference difference;
        difference.key = key;
        for (const auto &[digest, times] : versions.of[0]) {
            difference.source.push_back(digest);
            difference.source_rows += times;
        }
        for (const auto &[digest, times] : versions.of[1]) {
            difference.target.push_back(digest);
            difference.target_rows += times;
        }
        found.push_back(std::move(difference));
    }
    std::sort(found.begin(), found.end(), [](const auto &a, const auto &b) { return a.key < b.key; });
    return found;
}

} // namespace walbridge::verify
