// changes.cpp: see changes.hpp.
#include "verify/changes.hpp"

#include <algorithm>

namespace walbridge::verify {

Changes changes_of(const TablePair &table, std::optional<Lsn> equal_at, std::optional<Lsn> complete_since,
                   const std::vector<SnapshotPair::ChangedKey> &changed) {
    Changes changes;
    const auto all = [&](std::string reason) {
        changes.keys.clear();
        changes.known = false;
        changes.reason = std::move(reason);
        return changes;
    };
    if (!equal_at) return all("it was not found equal before");
    if (!complete_since || *complete_since > *equal_at) return all("the process does not know what changed since");
    for (const auto &change : changed) {
        const bool everything = change.table == QualifiedName{};
        // An earlier change was seen by the comparison that found the table equal.
        if ((!everything && change.table != table.source.name) || change.since < *equal_at) continue;
        if (everything) return all("DDL was executed since");
        if (change.columns.empty()) return all("its changes are not known by key");
        std::vector<std::string> key;
        for (const auto at : table.key) {
            const auto found = std::find(change.columns.begin(), change.columns.end(), table.columns[at].name);
            if (found == change.columns.end()) break;
            key.push_back(change.values[static_cast<std::size_t>(found - change.columns.begin())]);
        }
        if (key.empty() || key.size() != change.columns.size() || key.size() != table.key.size())
            return all("its changes are known by another key");
        changes.keys.push_back(std::move(key));
    }
    changes.known = true;
    return changes;
}

} // namespace walbridge::verify
