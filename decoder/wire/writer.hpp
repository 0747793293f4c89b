// writer.hpp: bytes out. FrameWriter packs records into frames, RecordWriter knows the layout of each record kind.
// The plugin uses it against the server, tests and fakes against memory.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "wire/checksum.hpp"
#include "wire/compression.hpp"
#include "wire/records.hpp"

namespace walbridge::wire {

// Where finished frames go. send() may throw; the writer is then unusable if a record had been sent in part.
class FrameSink {
  public:
    virtual void send(std::string_view frame) = 0;

  protected:
    ~FrameSink() = default;
};

// Packs records into frames of at most max_frame_bytes. Holds one frame; a longer record leaves frame by frame while it
// is written.
class FrameWriter {
  public:
    explicit FrameWriter(FrameSink &sink, Compression compression = Compression::none)
        : sink_(sink), compressor_(compression) {
        start_frame(false);
    }

    // Starts a record of exactly `bytes` payload bytes. The payload is added to the given tallies once the record is
    // complete.
    void begin_record(std::uint64_t bytes, Tally *first = nullptr, Tally *second = nullptr);
    // Room for the whole payload of the record just begun, to be filled before end_record(); null when this frame does
    // not hold it, and put_bytes() has to be used.
    char *claim();
    void put_u8(std::uint8_t value) { put_bytes({reinterpret_cast<const char *>(&value), 1}); }
    void put_u32(std::uint32_t value);
    void put_varint(std::uint64_t value);
    void put_signed(std::int64_t value);
    void put_bytes(std::string_view bytes);
    void put_string(std::string_view bytes) {
        put_varint(bytes.size());
        put_bytes(bytes);
    }
    void end_record();

    // Sends what has been collected, if anything.
    void flush();
    // After an error: forgets the record that was being written. If a part of it has been sent already, the connection
    // cannot go on and every later begin_record throws.
    void cut_back();

  private:
    void start_frame(bool continued);
    void spill();
    void tally_pending();

    FrameSink &sink_;
    FrameCompressor compressor_;
    std::array<char, max_frame_bytes> frame_;
    std::size_t used_ = 0;
    std::size_t record_start_ = 0; // in frame_, the length prefix included
    std::size_t untallied_ = 0;    // first payload byte in frame_ that is not in crcs_ yet
    std::uint64_t missing_ = 0;    // payload bytes still to come
    Tally *tallies_[2] = {nullptr, nullptr};
    std::uint32_t crcs_[2] = {0, 0};
    bool in_record_ = false;
    bool record_spilled_ = false;
    bool broken_ = false;
};

// Collects the body of a small record, to learn its length before it is written.
class ByteBuffer {
  public:
    void put_u8(std::uint8_t value) { bytes_.push_back(static_cast<char>(value)); }
    void put_u32(std::uint32_t value);
    void put_varint(std::uint64_t value);
    void put_signed(std::int64_t value);
    void put_string(std::string_view bytes);
    void clear() { bytes_.clear(); }
    std::string_view view() const { return bytes_; }

  private:
    std::string bytes_;
};

// Everything of a relation record behind the number: what tells one descriptor from another.
void put_descriptor(ByteBuffer &out, const Relation &relation);

// Writes the records of one connection. Change records are added to the tallies given.
class RecordWriter {
  public:
    explicit RecordWriter(FrameSink &sink, Compression compression = Compression::none) : frames_(sink, compression) {}

    void write(const Session &record);
    void write_relation(RelationNumber number, std::string_view descriptor);
    void write(const Begin &record);
    void write(const RowChange &record, Tally &first, Tally *second = nullptr);
    void write(const Truncate &record, Tally &first, Tally *second = nullptr);
    void write(const Message &record, Tally *first = nullptr, Tally *second = nullptr);
    void write(const Commit &record);
    void write(const BeginPrepare &record);
    void write(const Prepare &record);
    void write(const CommitPrepared &record);
    void write(const RollbackPrepared &record);
    void write(const StreamStart &record);
    void write(const StreamStop &record);
    void write(const StreamAbort &record);
    void write(const StreamCommit &record);
    void write(const StreamPrepare &record);

    void flush() { frames_.flush(); }
    void cut_back() { frames_.cut_back(); }

  private:
    ByteBuffer &start(RecordKind kind);
    void finish(Tally *first = nullptr, Tally *second = nullptr);
    void put_tuple(std::span<const ColumnValue> values);

    FrameWriter frames_;
    ByteBuffer body_;
    LastBegin last_begin_;
};

} // namespace walbridge::wire
