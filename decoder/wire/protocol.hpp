// protocol.hpp: record kinds, flags, versions and limits of the wire protocol. The only place that defines them; what
// they mean is written in docs/wire-protocol.md. Pure C++: no server header, no database type.
#pragma once

#include <cstddef>
#include <cstdint>

namespace walbridge::wire {

inline constexpr std::uint32_t protocol_version = 1;

// A frame is the payload of one XLogData message, flag byte included.
inline constexpr std::size_t max_frame_bytes = std::size_t{64} * 1024;
// Longest record a reader accepts unless told otherwise. A row holds at most 1 GB per value; more than this is damage.
inline constexpr std::uint64_t max_record_bytes = std::uint64_t{1} << 33;
inline constexpr std::size_t max_varint_bytes = 10;
// PostgreSQL's limit (MaxHeapAttributeNumber is 1600); keeps a damaged count from allocating.
inline constexpr std::uint64_t max_columns = 1664;

namespace frame_flag {
inline constexpr std::uint8_t compression_mask = 0x03;
inline constexpr std::uint8_t continued = 0x04;
inline constexpr std::uint8_t known = compression_mask | continued;
} // namespace frame_flag

enum class Compression : std::uint8_t { none = 0, lz4 = 1, zstd = 2 };

enum class RecordKind : std::uint8_t {
    session = 'H',
    relation = 'R',
    begin = 'B',
    insert = 'I',
    update = 'U',
    erase = 'D',
    truncate = 'T',
    unidentified = 'X',
    message = 'M',
    commit = 'C',
    begin_prepare = 'b',
    prepare = 'P',
    commit_prepared = 'K',
    rollback_prepared = 'r',
    stream_start = 's',
    stream_stop = 'e',
    stream_abort = 'a',
    stream_commit = 'c',
    stream_prepare = 'q',
};

enum class ValueKind : std::uint8_t { null = 0, unchanged = 1, text = 2, binary = 3 };

// How values of kind binary travel, by column; the relation record tells. What they stand for is always the output of
// the type's send function. 1 to 16: exactly that many bytes, without a length.
enum class Layout : std::uint8_t {
    sized = 0, // a length and the bytes
    longest_fixed = 16,
    int2 = 0x22, // integers as signed varints
    int4 = 0x24,
    int8 = 0x28,
    numeric = 0x30, // numeric.hpp
};

enum class OldTuple : std::uint8_t { none = 0, key = 1, full = 2 };

namespace column_flag {
inline constexpr std::uint8_t key = 1;
inline constexpr std::uint8_t identity_always = 2;
inline constexpr std::uint8_t identity_by_default = 4;
inline constexpr std::uint8_t generated = 8;
inline constexpr std::uint8_t not_null = 16;
inline constexpr std::uint8_t known = 31;
} // namespace column_flag

namespace truncate_flag {
inline constexpr std::uint8_t cascade = 1;
inline constexpr std::uint8_t restart_identity = 2;
inline constexpr std::uint8_t known = 3;
} // namespace truncate_flag

namespace message_flag {
inline constexpr std::uint8_t transactional = 1;
inline constexpr std::uint8_t known = 1;
} // namespace message_flag

// SQLSTATEs of errors about the rules of tables (docs/wire-protocol.md, "Rules").
namespace rule_error {
inline constexpr char unusable[] = "WB001";   // a rule cannot be used with a table, or with this kind of change
inline constexpr char failed_row[] = "WB002"; // a rule failed for a row
} // namespace rule_error

namespace stream_flag {
inline constexpr std::uint8_t first_block = 1;
inline constexpr std::uint8_t known = 1;
} // namespace stream_flag

} // namespace walbridge::wire
