// change.hpp: the changes of a transaction as plain data. Values, tuples and relations are views and pointers into the
// batch that holds the change (batch.hpp); nothing here knows a connection or a database.
#pragma once

#include "base/lsn.hpp"
#include "change/relation.hpp"
#include "change/value.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <variant>

namespace walbridge {

using Tuple =
    std::span<const Value>; ///< one value per column of the relation; a key tuple has null where the column is no key

enum class RowOperation : std::uint8_t { insert, update, remove };
enum class OldTuple : std::uint8_t { none, key, full };

struct RowChange {
    const Relation *relation = nullptr;
    RowOperation operation = RowOperation::insert;
    OldTuple old_kind = OldTuple::none; ///< none: the new tuple holds the (unchanged) key
    Tuple old_row, new_row;
};

struct TruncateChange {
    std::span<const Relation *const> relations;
    bool cascade = false, restart_identity = false;
};

struct MessageChange {
    bool transactional = true;
    Lsn lsn;
    std::string_view prefix, content;
};

/// An UPDATE or DELETE whose row the source cannot identify (no replica identity).
struct UnidentifiedChange {
    const Relation *relation = nullptr;
    RowOperation operation = RowOperation::update;
    Tuple new_row;
};

using Change = std::variant<RowChange, TruncateChange, MessageChange, UnidentifiedChange>;

/// Microseconds since 2000-01-01 00:00 UTC, as PostgreSQL counts.
using SourceTime = std::int64_t;

struct TransactionBegin {
    std::uint32_t xid = 0;
    std::uint64_t full_xid = 0; ///< with its epoch; 0 = the source did not say where to count from
    Lsn commit_lsn;             ///< start of the commit record: what order and snapshots are judged by
    SourceTime commit_time = 0;
    std::string origin; ///< empty = made on the source itself
};

struct TransactionCommit {
    Lsn commit_lsn;
    Lsn end_lsn; ///< end of the commit record: what progress and feedback use
    SourceTime commit_time = 0;
    std::uint64_t counter = 0;
};

} // namespace walbridge
