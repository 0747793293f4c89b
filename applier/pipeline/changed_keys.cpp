// changed_keys.cpp: see changed_keys.hpp.
#include "pipeline/changed_keys.hpp"

#include "change/packed_key.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::pipeline {
namespace {

/// What an entry of the table of keys takes beside its bytes, about.
constexpr std::size_t overhead = 80;

template <class Integer> std::string integer(std::string_view bytes) {
    std::uint64_t value = 0;
    for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
    return std::to_string(static_cast<Integer>(value));
}

std::string uuid(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
    return text;
}

/// The value's text; nullopt for types that travel in a form of their own.
std::optional<std::string> text_of(const Column &column, const Value &value) {
    if (value.kind == ValueKind::text) return std::string(value.bytes);
    if (value.kind != ValueKind::binary) return std::nullopt;
    switch (column.type_oid) {
    case 20: return value.bytes.size() == 8 ? std::optional(integer<std::int64_t>(value.bytes)) : std::nullopt;
    case 21: return value.bytes.size() == 2 ? std::optional(integer<std::int16_t>(value.bytes)) : std::nullopt;
    case 23: return value.bytes.size() == 4 ? std::optional(integer<std::int32_t>(value.bytes)) : std::nullopt;
    case 25:
    case 1043:
    case 1042:
    case 19: return std::string(value.bytes);
    case 2950: return value.bytes.size() == 16 ? std::optional(uuid(value.bytes)) : std::nullopt;
    default: return std::nullopt;
    }
}

} // namespace

ChangedKeys::Table &ChangedKeys::table(std::uint32_t oid, const QualifiedName &name) {
    auto &found = tables_[oid];
    found.name = name;
    return found;
}

void ChangedKeys::note_all(std::uint32_t oid, const QualifiedName &name) {
    auto &all = table(oid, name);
    for (const auto &[key, generation] : all.keys) used_ -= std::min(used_, key.size() + overhead);
    all.keys.clear();
    all.all = static_cast<Generation>(alignments_.size() - 1);
}

void ChangedKeys::note(const ChangeBatch &batch, const TransactionPiece &piece) {
    const std::lock_guard lock(mutex_);
    if (alignments_.empty()) return;
    const auto now = static_cast<Generation>(alignments_.size() - 1);
    if (piece.ddl) everything_ = now;
    if (piece.stream == StreamStep::aborted) {
        if (piece.subxid == piece.begin.xid) streamed_.erase(piece.begin.xid);
        return;
    }
    if (piece.stream == StreamStep::committed) {
        const auto found = streamed_.find(piece.begin.xid);
        if (found == streamed_.end() || found->second.begun == unknown) { // blocks came before anything was noted
            everything_ = now;
            if (found != streamed_.end()) streamed_.erase(found);
            return;
        }
        if (found->second.begun != now) // the keys were noted as changes of an earlier time
            for (const auto &[oid, name] : found->second.tables) note_all(oid, name);
        streamed_.erase(found);
        return;
    }
    InProgress *block = nullptr;
    if (piece.stream == StreamStep::block) {
        const auto [found, fresh] = streamed_.try_emplace(piece.begin.xid);
        if (fresh) found->second.begun = piece.starts ? now : unknown;
        block = &found->second;
    }
    for (auto at = piece.first; at < piece.last; ++at) {
        const auto &change = batch.changes[at];
        if (const auto *row = std::get_if<RowChange>(&change)) {
            note_row(*row);
            if (block != nullptr) block->tables.emplace(row->relation->oid, row->relation->name);
        } else if (const auto *truncated = std::get_if<TruncateChange>(&change)) {
            for (const auto *relation : truncated->relations) {
                note_all(relation->oid, relation->name);
                if (block != nullptr) block->tables.emplace(relation->oid, relation->name);
            }
        } else if (const auto *unknown = std::get_if<UnidentifiedChange>(&change)) {
            note_all(unknown->relation->oid, unknown->relation->name);
        }
    }
}

void ChangedKeys::note_row(const RowChange &change) {
    const auto &relation = *change.relation;
    auto &changed = table(relation.oid, relation.name);
    const auto now = static_cast<Generation>(alignments_.size() - 1);
    if (changed.all == now) return;
    const bool by_key =
        (relation.identity == ReplicaIdentity::primary_key || relation.identity == ReplicaIdentity::index) &&
        !relation.key_columns.empty() && relation.rewrite_of == 0;
    if (!by_key) return note_all(relation.rewrite_of != 0 ? relation.rewrite_of : relation.oid, relation.name);
    if (changed.columns.empty())
        for (const auto column : relation.key_columns) changed.columns.push_back(relation.columns[column].name);
    if (change.operation != RowOperation::remove) note_key(changed, relation, change.new_row);
    if (change.old_kind != OldTuple::none && changed.all != now) note_key(changed, relation, change.old_row);
}

void ChangedKeys::note_key(Table &changed, const Relation &relation, Tuple row) {
    std::string key;
    const bool same_columns = changed.columns.size() == relation.key_columns.size();
    for (std::size_t at = 0; same_columns && at < relation.key_columns.size(); ++at) {
        const auto &column = relation.columns[relation.key_columns[at]];
        auto text = text_of(column, row[relation.key_columns[at]]);
        if (!text || column.name != changed.columns[at]) return note_all(relation.oid, relation.name);
        pack_key_part(key, *text);
    }
    if (!same_columns) return note_all(relation.oid, relation.name);
    const auto now = static_cast<Generation>(alignments_.size() - 1);
    const auto size = key.size() + overhead;
    const auto [found, fresh] = changed.keys.insert_or_assign(std::move(key), now);
    if (!fresh) return;
    used_ += size;
    if (used_ > room_) note_all(relation.oid, relation.name);
}

void ChangedKeys::forget_before(Lsn position) {
    forgotten_before_ = std::max(forgotten_before_, position);
    const auto old = [&](Generation generation) {
        return generation < alignments_.size() && alignments_[generation] < position;
    };
    for (auto table = tables_.begin(); table != tables_.end();) {
        auto &[oid, changed] = *table;
        std::erase_if(changed.keys, [&](const auto &key) {
            if (!old(key.second)) return false;
            used_ -= std::min(used_, key.first.size() + overhead);
            return true;
        });
        if (changed.all && old(*changed.all)) changed.all.reset();
        table = changed.keys.empty() && !changed.all ? tables_.erase(table) : std::next(table);
    }
    if (everything_ && old(*everything_)) everything_.reset();
}

ChangedKeys::Collected ChangedKeys::align(Lsn position, std::optional<Lsn> needed_since) {
    const std::lock_guard lock(mutex_);
    Collected collected;
    if (!alignments_.empty()) {
        collected.complete_since = alignments_.front();
        if (needed_since) {
            forget_before(*needed_since);
            collected.complete_since = std::max(alignments_.front(), forgotten_before_);
            const auto entry = [&](const Table &table, Generation generation) {
                return Entry{table.name, alignments_[generation], {}, {}};
            };
            if (everything_) collected.entries.push_back({{}, alignments_[*everything_], {}, {}});
            for (const auto &[oid, table] : tables_) {
                if (table.all) collected.entries.push_back(entry(table, *table.all));
                for (const auto &[key, generation] : table.keys) {
                    auto one = entry(table, generation);
                    one.columns = table.columns;
                    one.values = unpack_key(key);
                    collected.entries.push_back(std::move(one));
                }
            }
        }
    }
    alignments_.push_back(position);
    return collected;
}

} // namespace walbridge::pipeline
