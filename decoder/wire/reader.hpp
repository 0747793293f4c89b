// reader.hpp: bytes in, bounds-checked. RecordAssembler turns frames into records, the read_ functions turn a record
// into its struct. All of them throw ProtocolError on anything the protocol document does not allow; none reads outside
// the bytes it was given.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "wire/compression.hpp"
#include "wire/records.hpp"

namespace walbridge::wire {

// The bytes are not what the protocol allows. Nothing can be skipped safely: the connection has to be given up.
class ProtocolError : public std::runtime_error {
  public:
    // offset: byte in the record or frame where reading stopped.
    ProtocolError(std::uint64_t offset, const std::string &reason);
    std::uint64_t offset() const { return offset_; }
    const std::string &reason() const { return reason_; }

  private:
    std::uint64_t offset_;
    std::string reason_;
};

// One record's payload (kind and body). The bytes stay valid as long as owner lives: a frame that holds the record
// whole, or a buffer that was assembled from several frames.
struct Record {
    std::string_view bytes;
    std::shared_ptr<const void> owner;
};

// Splits frames into records without copying records that stand whole in a frame. For use by one thread.
class RecordAssembler {
  public:
    explicit RecordAssembler(std::uint64_t longest_record = max_record_bytes) : longest_record_(longest_record) {}

    // Takes the next frame. The previous one must have been read to its end (next() returned nothing). Gives the bytes
    // that its records keep in memory: more than came when the frame is compressed.
    std::size_t feed(std::string_view frame, std::shared_ptr<const void> owner);
    std::size_t feed(std::shared_ptr<const std::string> frame);
    // The next complete record, or nothing when the frame is used up.
    std::optional<Record> next();
    // True while a record has begun whose rest must come with the next frames.
    bool in_record() const { return assembled_ != nullptr; }

  private:
    std::uint64_t longest_record_;
    FrameDecompressor decompressor_;
    std::string_view frame_; // plain, its flags not included
    std::size_t position_ = 0;
    std::shared_ptr<const void> owner_;
    std::shared_ptr<char[]> assembled_;
    std::uint64_t assembled_bytes_ = 0;
    std::uint64_t record_bytes_ = 0;
};

// What a tuple of some columns is made of.
struct TupleShape {
    std::vector<Layout> columns;    // how their binary values travel
    std::size_t expanded_bytes = 0; // most that their values take which do not stand in the record as they are used

    void add(Layout layout);
};

// The tuples of one relation; the relation record tells.
struct RowShape {
    TupleShape row;
    TupleShape key;
};

RowShape shape_of(const Relation &relation);

// The shapes of all relations of a connection by number. Numbers are dense, so this is an array.
class ShapeTable {
  public:
    // Throws ProtocolError when the number is taken: numbers are never reused.
    void learn(const Relation &relation);
    // Takes over what another table has learnt; any order, repetitions are allowed.
    void adopt(RelationNumber number, RowShape shape);
    // Throws ProtocolError when no relation record gave this number.
    const RowShape &at(RelationNumber number) const;

  private:
    std::vector<std::optional<RowShape>> shapes_;
};

// Whether a change record stands between stream_start and stream_stop, where it carries a subtransaction id.
enum class Block { plain, streamed };

RecordKind kind(std::string_view record);
// True for the kinds that count as changes in tallies (of messages only the transactional ones do; this says true for
// every message).
bool is_change(RecordKind kind);
// For logs: "insert", "stream_stop", ...
std::string_view name_of(RecordKind kind);

// The session record is also where a protocol version other than ours is refused.
Session read_session(std::string_view record);
Relation read_relation(std::string_view record);
// `last` is the connection's last begin record before this one, and this one afterwards.
Begin read_begin(std::string_view record, LastBegin &last);
// insert, update, erase, unidentified. values is overwritten and holds what the result's spans point to; keep it for
// the next call and nothing is allocated per row but the bytes of values that do not stand in the record in the form of
// the type's send function: those come from `memory`.
RowChange read_row(std::string_view record, Block block, const ShapeTable &shapes, std::vector<ColumnValue> &values,
                   std::pmr::memory_resource &memory);
// The relation a row record names, without reading its tuples.
RelationNumber row_relation(std::string_view record, Block block);
Truncate read_truncate(std::string_view record, Block block);
Message read_message(std::string_view record, Block block);
Commit read_commit(std::string_view record, const LastBegin &begin);
BeginPrepare read_begin_prepare(std::string_view record);
Prepare read_prepare(std::string_view record);
CommitPrepared read_commit_prepared(std::string_view record);
RollbackPrepared read_rollback_prepared(std::string_view record);
StreamStart read_stream_start(std::string_view record);
StreamStop read_stream_stop(std::string_view record);
StreamAbort read_stream_abort(std::string_view record);
StreamCommit read_stream_commit(std::string_view record);
StreamPrepare read_stream_prepare(std::string_view record);

} // namespace walbridge::wire
