// records.hpp: one plain struct per record kind, as the writer takes and the reader returns them.
// Every string_view borrows: from the caller when writing, from the record's bytes when reading.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "wire/protocol.hpp"

namespace walbridge::wire {

using Lsn = std::uint64_t;
using Xid = std::uint32_t; // 0 is no transaction
using Oid = std::uint32_t; // of the source
using RelationNumber = std::uint32_t;
using Microseconds = std::int64_t; // since 2000-01-01 00:00:00 UTC

struct ColumnValue {
    ValueKind kind = ValueKind::null;
    // When writing: false when the bytes stand by their column's layout, without a length before them.
    bool sized = true;
    std::string_view bytes = {}; // empty for null and unchanged

    ColumnValue() = default;
    ColumnValue(ValueKind value_kind, std::string_view value, bool has_length = true)
        : kind(value_kind), sized(has_length), bytes(value) {}
};

struct Session {
    std::uint32_t protocol = protocol_version;
    std::string_view plugin_version = {};
    std::uint32_t server_version_num = 0;
    Oid database_oid = 0;
    std::string_view database = {};
    std::string_view server_encoding = {};
    std::uint64_t counter_seed = 0;
    std::uint64_t next_full_xid =
        0; // lies close to the transactions that follow: their 32-bit xids get their epoch from it
};

struct TypeRef {
    Oid oid = 0; // 0: absent
    std::string_view schema = {};
    std::string_view name = {};
    char category = 0; // pg_type.typtype, or 'a' for an array
};

struct Column {
    std::string_view name = {};
    std::uint8_t flags = 0; // column_flag
    TypeRef type = {};
    std::int32_t typmod = -1;
    TypeRef element = {}; // base type of a domain or element type of an array
    std::string_view collation_schema = {};
    std::string_view collation_name = {}; // empty: default or none
    std::vector<std::string_view> labels = {};
    Layout layout = Layout::sized;

    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
};

struct Relation {
    RelationNumber number = 0;
    Oid oid = 0;
    std::string_view schema = {};
    std::string_view name = {};
    char kind = 'r';     // pg_class.relkind
    char identity = 'd'; // pg_class.relreplident
    std::vector<Column> columns = {};
    Oid rewrite_of = 0; // not 0: rows are what ALTER TABLE made of this table's rows; schema and name are that table's
};

struct Begin {
    Xid xid = 0;
    Lsn commit_lsn = 0;
    Microseconds commit_time = 0;
    std::string_view origin = {}; // empty: a local transaction
    Lsn origin_lsn = 0;
};

// What the last begin record of a connection said. The next one gives differences, and the commit record does not
// repeat it.
struct LastBegin {
    Xid xid = 0;
    Lsn commit_lsn = 0;
    Microseconds commit_time = 0;
};

struct Commit {
    Lsn commit_lsn = 0; // as in begin
    Lsn end_lsn = 0;
    Microseconds commit_time = 0; // as in begin
    std::uint64_t counter = 0;
    std::uint64_t changes = 0;
    std::uint32_t checksum = 0;
};

// insert, update, erase and unidentified. Which spans are filled follows from kind, old_kind and operation.
struct RowChange {
    RecordKind kind = RecordKind::insert;
    Xid subxid = 0; // 0 outside stream blocks
    RelationNumber relation = 0;
    OldTuple old_kind = OldTuple::none;
    char operation = 0;                           // unidentified only: 'U' or 'D'
    std::span<const ColumnValue> old_values = {}; // key columns only when old_kind is key
    std::span<const ColumnValue> new_values = {};
};

struct Truncate {
    Xid subxid = 0;
    std::vector<RelationNumber> relations = {};
    bool cascade = false;
    bool restart_identity = false;
};

struct Message {
    Xid subxid = 0;
    bool transactional = false;
    Lsn lsn = 0;
    std::string_view prefix = {};
    std::string_view content = {}; // bytes, not text
};

struct BeginPrepare {
    Xid xid = 0;
    std::string_view gid = {};
    Lsn prepare_lsn = 0;
    Lsn end_lsn = 0;
    Microseconds prepare_time = 0;
    std::string_view origin = {};
    Lsn origin_lsn = 0;
};

struct Prepare {
    Xid xid = 0;
    std::string_view gid = {};
    Lsn prepare_lsn = 0;
    Lsn end_lsn = 0;
    Microseconds prepare_time = 0;
    std::uint64_t changes = 0;
    std::uint32_t checksum = 0;
};

struct CommitPrepared {
    Xid xid = 0;
    std::string_view gid = {};
    Lsn commit_lsn = 0;
    Lsn end_lsn = 0;
    Microseconds commit_time = 0;
    std::uint64_t counter = 0;
    std::string_view origin = {};
    Lsn origin_lsn = 0;
};

struct RollbackPrepared {
    Xid xid = 0;
    std::string_view gid = {};
    Lsn prepare_end_lsn = 0;
    Lsn rollback_end_lsn = 0;
    Microseconds prepare_time = 0;
    Microseconds rollback_time = 0;
};

struct StreamStart {
    Xid xid = 0;
    bool first_block = false;
    std::string_view origin = {};
};

struct StreamStop {
    std::uint64_t changes = 0;
    std::uint32_t checksum = 0;
};

struct StreamAbort {
    Xid xid = 0;
    Xid subxid = 0; // equal to xid: everything is gone
    Lsn abort_lsn = 0;
};

struct StreamCommit {
    Xid xid = 0;
    Lsn commit_lsn = 0;
    Lsn end_lsn = 0;
    Microseconds commit_time = 0;
    std::uint64_t counter = 0;
    Lsn origin_lsn = 0;
    std::uint64_t changes = 0;
    std::uint32_t checksum = 0;
};

struct StreamPrepare {
    Xid xid = 0;
    std::string_view gid = {};
    Lsn prepare_lsn = 0;
    Lsn end_lsn = 0;
    Microseconds prepare_time = 0;
    Lsn origin_lsn = 0;
    std::uint64_t changes = 0;
    std::uint32_t checksum = 0;
};

} // namespace walbridge::wire
