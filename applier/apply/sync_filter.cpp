// sync_filter.cpp: judging changes by table sync state.
#include "apply/sync_filter.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <charconv>

namespace walbridge::apply {

void TableSync::add(const SyncChunk &chunk) {
    lowest = chunks.empty() ? chunk.sync_lsn : std::min(lowest, chunk.sync_lsn);
    highest = std::max(highest, chunk.sync_lsn);
    chunks.push_back(chunk);
}

const TableSync *SyncFilter::table(std::uint32_t source_oid) const {
    const auto found = tables_.find(source_oid);
    return found == tables_.end() ? nullptr : &found->second;
}

const TableSync *SyncFilter::table(const QualifiedName &name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : table(found->second);
}

std::optional<SyncVerdict> SyncFilter::of_table(const TableSync &table, Lsn commit_lsn) {
    if (commit_lsn >= table.highest) return SyncVerdict::apply;
    if (commit_lsn < table.lowest) return SyncVerdict::copied;
    return std::nullopt;
}

SyncVerdict SyncFilter::of_row(const TableSync &table, const Relation &relation, Tuple key_tuple, Lsn commit_lsn) {
    if (const auto verdict = of_table(table, commit_lsn)) return *verdict;
    const auto key =
        relation.key_columns.size() == 1 ? integer_of(key_tuple[relation.key_columns.front()]) : std::nullopt;
    if (!key)
        throw Error(ErrorKind::internal, to_string(relation.name),
                    "a table without a single integer key was copied under several snapshots",
                    "Run `walbridge reset` and start the task again.");
    for (const auto &chunk : table.chunks)
        if (*key >= chunk.low && (!chunk.high || *key < *chunk.high))
            return commit_lsn < chunk.sync_lsn ? SyncVerdict::copied : SyncVerdict::apply;
    return SyncVerdict::apply;
}

void SyncFilter::passed(Lsn commit_lsn) {
    std::erase_if(tables_, [&](const auto &entry) { return commit_lsn >= entry.second.highest; });
}

std::optional<std::int64_t> integer_of(const Value &value) {
    if (value.kind == ValueKind::text) {
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(value.bytes.data(), value.bytes.data() + value.bytes.size(), number);
        if (error != std::errc{} || end != value.bytes.data() + value.bytes.size()) return std::nullopt;
        return number;
    }
    if (value.kind != ValueKind::binary) return std::nullopt;
    const auto size = value.bytes.size();
    if (size != 2 && size != 4 && size != 8) return std::nullopt;
    std::uint64_t number = (static_cast<unsigned char>(value.bytes.front()) & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (const char byte : value.bytes) number = number << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(number);
}

} // namespace walbridge::apply
