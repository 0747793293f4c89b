// writer.cpp: framing and record layouts, the mirror image of reader.cpp.
#include "wire/writer.hpp"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include "wire/varint.hpp"

namespace walbridge::wire {

namespace {

void encode_u32(char *out, std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out[i] = static_cast<char>(value >> (8 * i));
}

bool has_bytes(const ColumnValue &value) { return value.kind == ValueKind::text || value.kind == ValueKind::binary; }

std::uint64_t tuple_bytes(std::span<const ColumnValue> values) {
    std::uint64_t total = (values.size() + 3) / 4;
    for (const ColumnValue &value : values)
        if (has_bytes(value)) total += value.bytes.size() + (value.sized ? varint_bytes(value.bytes.size()) : 0);
    return total;
}

// The kinds of the values from the nth on, four to a byte.
char kinds_from(std::span<const ColumnValue> values, std::size_t n) {
    unsigned kinds = 0;
    for (std::size_t i = n; i < std::min(n + 4, values.size()); ++i)
        kinds |= static_cast<unsigned>(values[i].kind) << (2 * (i - n));
    return static_cast<char>(kinds);
}

char *put_tuple(char *out, std::span<const ColumnValue> values) {
    for (std::size_t i = 0; i < values.size(); i += 4) *out++ = kinds_from(values, i);
    for (const ColumnValue &value : values) {
        if (!has_bytes(value)) continue;
        const std::size_t bytes = value.bytes.size();
        if (value.sized) out += encode_varint(out, bytes);
        if (bytes != 0) std::memcpy(out, value.bytes.data(), bytes);
        out += bytes;
    }
    return out;
}

void put_type(ByteBuffer &out, const TypeRef &type) {
    out.put_varint(type.oid);
    out.put_string(type.schema);
    out.put_string(type.name);
    out.put_u8(static_cast<std::uint8_t>(type.category));
}

} // namespace

// ---- FrameWriter

void FrameWriter::start_frame(bool continued) {
    frame_[0] = static_cast<char>(continued ? frame_flag::continued : 0);
    used_ = 1;
    untallied_ = 1;
}

void FrameWriter::begin_record(std::uint64_t bytes, Tally *first, Tally *second) {
    if (broken_) throw std::logic_error("a record was sent in part, the stream cannot go on");
    if (in_record_) throw std::logic_error("a record is already being written");
    if (bytes == 0) throw std::logic_error("a record cannot be empty");
    const std::size_t prefix = varint_bytes(bytes);
    // A record that fits into a frame stays whole; a longer one starts wherever its length and one more byte have room.
    const std::size_t room = max_frame_bytes - used_;
    const bool fits_a_frame = bytes + prefix <= max_frame_bytes - 1;
    if (fits_a_frame ? bytes + prefix > room : prefix + 1 > room) flush();
    record_start_ = used_;
    used_ += encode_varint(frame_.data() + used_, bytes);
    untallied_ = used_;
    missing_ = bytes;
    tallies_[0] = first;
    tallies_[1] = second;
    for (int i = 0; i < 2; ++i) crcs_[i] = tallies_[i] != nullptr ? tallies_[i]->checksum : 0;
    in_record_ = true;
    record_spilled_ = false;
}

char *FrameWriter::claim() {
    if (missing_ > max_frame_bytes - used_) return nullptr;
    char *const room = frame_.data() + used_;
    used_ += static_cast<std::size_t>(missing_);
    missing_ = 0;
    return room;
}

void FrameWriter::tally_pending() {
    if (tallies_[0] == nullptr && tallies_[1] == nullptr) {
        untallied_ = used_;
        return;
    }
    const std::string_view pending(frame_.data() + untallied_, used_ - untallied_);
    for (int i = 0; i < 2; ++i)
        if (tallies_[i] != nullptr) crcs_[i] = extend_crc(crcs_[i], pending);
    untallied_ = used_;
}

void FrameWriter::spill() {
    tally_pending();
    record_spilled_ = true;
    sink_.send(compressor_.compress({frame_.data(), used_}));
    start_frame(true);
}

void FrameWriter::put_bytes(std::string_view bytes) {
    if (bytes.size() > missing_) throw std::logic_error("a record is longer than announced");
    missing_ -= bytes.size();
    while (!bytes.empty()) {
        if (used_ == max_frame_bytes) spill();
        const std::size_t n = std::min(bytes.size(), max_frame_bytes - used_);
        std::memcpy(frame_.data() + used_, bytes.data(), n);
        used_ += n;
        bytes.remove_prefix(n);
    }
}

void FrameWriter::put_u32(std::uint32_t value) {
    char encoded[4];
    encode_u32(encoded, value);
    put_bytes({encoded, sizeof encoded});
}

void FrameWriter::put_varint(std::uint64_t value) {
    char encoded[max_varint_bytes];
    put_bytes({encoded, encode_varint(encoded, value)});
}

void FrameWriter::put_signed(std::int64_t value) { put_varint(zigzag(value)); }

void FrameWriter::end_record() {
    if (!in_record_ || missing_ != 0) throw std::logic_error("a record is shorter than announced");
    tally_pending();
    for (int i = 0; i < 2; ++i) {
        if (tallies_[i] == nullptr) continue;
        tallies_[i]->checksum = crcs_[i];
        ++tallies_[i]->changes;
    }
    in_record_ = false;
}

void FrameWriter::flush() {
    if (in_record_) throw std::logic_error("flush inside a record");
    if (used_ <= 1 || broken_) return;
    const std::size_t bytes = used_;
    // The frame counts as gone before it is sent: whatever send() does, it must not be sent twice.
    used_ = 1;
    sink_.send(compressor_.compress({frame_.data(), bytes}));
    start_frame(false);
}

void FrameWriter::cut_back() {
    if (!in_record_) return;
    in_record_ = false;
    if (record_spilled_) {
        broken_ = true;
    } else {
        used_ = record_start_;
        untallied_ = used_;
    }
}

// ---- ByteBuffer

void ByteBuffer::put_u32(std::uint32_t value) {
    char encoded[4];
    encode_u32(encoded, value);
    bytes_.append(encoded, sizeof encoded);
}

void ByteBuffer::put_varint(std::uint64_t value) {
    char encoded[max_varint_bytes];
    bytes_.append(encoded, encode_varint(encoded, value));
}

void ByteBuffer::put_signed(std::int64_t value) { put_varint(zigzag(value)); }

void ByteBuffer::put_string(std::string_view bytes) {
    put_varint(bytes.size());
    bytes_.append(bytes);
}

void put_descriptor(ByteBuffer &out, const Relation &relation) {
    out.put_varint(relation.oid);
    out.put_string(relation.schema);
    out.put_string(relation.name);
    out.put_u8(static_cast<std::uint8_t>(relation.kind));
    out.put_u8(static_cast<std::uint8_t>(relation.identity));
    out.put_varint(relation.columns.size());
    for (const Column &column : relation.columns) {
        out.put_string(column.name);
        out.put_u8(column.flags);
        put_type(out, column.type);
        out.put_signed(column.typmod);
        if (column.element.oid == 0)
            out.put_varint(0);
        else
            put_type(out, column.element);
        out.put_string(column.collation_schema);
        out.put_string(column.collation_name);
        out.put_varint(column.labels.size());
        for (const std::string_view label : column.labels) out.put_string(label);
        out.put_u8(static_cast<std::uint8_t>(column.layout));
    }
    out.put_varint(relation.rewrite_of);
}

// ---- RecordWriter

ByteBuffer &RecordWriter::start(RecordKind kind) {
    body_.clear();
    body_.put_u8(static_cast<std::uint8_t>(kind));
    return body_;
}

void RecordWriter::finish(Tally *first, Tally *second) {
    frames_.begin_record(body_.view().size(), first, second);
    frames_.put_bytes(body_.view());
    frames_.end_record();
}

void RecordWriter::write(const Session &record) {
    ByteBuffer &out = start(RecordKind::session);
    out.put_varint(record.protocol);
    out.put_string(record.plugin_version);
    out.put_varint(record.server_version_num);
    out.put_varint(record.database_oid);
    out.put_string(record.database);
    out.put_string(record.server_encoding);
    out.put_varint(record.counter_seed);
    out.put_varint(record.next_full_xid);
    finish();
}

void RecordWriter::write_relation(RelationNumber number, std::string_view descriptor) {
    ByteBuffer &out = start(RecordKind::relation);
    out.put_varint(number);
    frames_.begin_record(out.view().size() + descriptor.size());
    frames_.put_bytes(out.view());
    frames_.put_bytes(descriptor);
    frames_.end_record();
}

void RecordWriter::write(const Begin &record) {
    ByteBuffer &out = start(RecordKind::begin);
    // Differences may wrap around; the reader's sums do as well.
    out.put_signed(static_cast<std::int64_t>(record.xid) - static_cast<std::int64_t>(last_begin_.xid));
    out.put_signed(static_cast<std::int64_t>(record.commit_lsn - last_begin_.commit_lsn));
    out.put_signed(static_cast<std::int64_t>(static_cast<std::uint64_t>(record.commit_time) -
                                             static_cast<std::uint64_t>(last_begin_.commit_time)));
    out.put_string(record.origin);
    if (!record.origin.empty()) out.put_varint(record.origin_lsn);
    finish();
    last_begin_ = {record.xid, record.commit_lsn, record.commit_time};
}

void RecordWriter::put_tuple(std::span<const ColumnValue> values) {
    for (std::size_t i = 0; i < values.size(); i += 4) frames_.put_u8(static_cast<std::uint8_t>(kinds_from(values, i)));
    for (const ColumnValue &value : values) {
        if (!has_bytes(value)) continue;
        if (value.sized) frames_.put_varint(value.bytes.size());
        frames_.put_bytes(value.bytes);
    }
}

void RecordWriter::write(const RowChange &record, Tally &first, Tally *second) {
    ByteBuffer &head = start(record.kind);
    if (record.subxid != 0) head.put_varint(record.subxid);
    head.put_varint(record.relation);
    bool old_tuple = false;
    bool new_tuple = true;
    switch (record.kind) {
    case RecordKind::insert: break;
    case RecordKind::update:
        head.put_u8(static_cast<std::uint8_t>(record.old_kind));
        old_tuple = record.old_kind != OldTuple::none;
        break;
    case RecordKind::erase:
        head.put_u8(static_cast<std::uint8_t>(record.old_kind));
        old_tuple = true;
        new_tuple = false;
        break;
    case RecordKind::unidentified:
        head.put_u8(static_cast<std::uint8_t>(record.operation));
        new_tuple = record.operation == 'U';
        break;
    default: throw std::logic_error("not a row change");
    }
    std::uint64_t bytes = head.view().size();
    if (old_tuple) bytes += tuple_bytes(record.old_values);
    if (new_tuple) bytes += tuple_bytes(record.new_values);
    frames_.begin_record(bytes, &first, second);
    if (char *out = frames_.claim(); out != nullptr) {
        std::memcpy(out, head.view().data(), head.view().size());
        out += head.view().size();
        if (old_tuple) out = wire::put_tuple(out, record.old_values);
        if (new_tuple) wire::put_tuple(out, record.new_values);
    } else {
        frames_.put_bytes(head.view());
        if (old_tuple) put_tuple(record.old_values);
        if (new_tuple) put_tuple(record.new_values);
    }
    frames_.end_record();
}

void RecordWriter::write(const Truncate &record, Tally &first, Tally *second) {
    ByteBuffer &out = start(RecordKind::truncate);
    if (record.subxid != 0) out.put_varint(record.subxid);
    out.put_varint(record.relations.size());
    for (const RelationNumber number : record.relations) out.put_varint(number);
    out.put_u8(static_cast<std::uint8_t>((record.cascade ? truncate_flag::cascade : 0) |
                                         (record.restart_identity ? truncate_flag::restart_identity : 0)));
    finish(&first, second);
}

void RecordWriter::write(const Message &record, Tally *first, Tally *second) {
    ByteBuffer &head = start(RecordKind::message);
    if (record.subxid != 0) head.put_varint(record.subxid);
    head.put_u8(record.transactional ? message_flag::transactional : 0);
    head.put_varint(record.lsn);
    head.put_string(record.prefix);
    head.put_varint(record.content.size());
    frames_.begin_record(head.view().size() + record.content.size(), first, second);
    frames_.put_bytes(head.view());
    frames_.put_bytes(record.content);
    frames_.end_record();
}

void RecordWriter::write(const Commit &record) {
    if (record.commit_lsn != last_begin_.commit_lsn || record.commit_time != last_begin_.commit_time)
        throw std::logic_error("a transaction ends with another position than it began with");
    ByteBuffer &out = start(RecordKind::commit);
    out.put_varint(record.end_lsn - record.commit_lsn);
    out.put_varint(record.counter);
    out.put_varint(record.changes);
    out.put_u32(record.checksum);
    finish();
}

void RecordWriter::write(const BeginPrepare &record) {
    ByteBuffer &out = start(RecordKind::begin_prepare);
    out.put_varint(record.xid);
    out.put_string(record.gid);
    out.put_varint(record.prepare_lsn);
    out.put_varint(record.end_lsn);
    out.put_signed(record.prepare_time);
    out.put_string(record.origin);
    out.put_varint(record.origin_lsn);
    finish();
}

void RecordWriter::write(const Prepare &record) {
    ByteBuffer &out = start(RecordKind::prepare);
    out.put_varint(record.xid);
    out.put_string(record.gid);
    out.put_varint(record.prepare_lsn);
    out.put_varint(record.end_lsn);
    out.put_signed(record.prepare_time);
    out.put_varint(record.changes);
    out.put_u32(record.checksum);
    finish();
}

void RecordWriter::write(const CommitPrepared &record) {
    ByteBuffer &out = start(RecordKind::commit_prepared);
    out.put_varint(record.xid);
    out.put_string(record.gid);
    out.put_varint(record.commit_lsn);
    out.put_varint(record.end_lsn);
    out.put_signed(record.commit_time);
    out.put_varint(record.counter);
    out.put_string(record.origin);
    out.put_varint(record.origin_lsn);
    finish();
}

void RecordWriter::write(const RollbackPrepared &record) {
    ByteBuffer &out = start(RecordKind::rollback_prepared);
    out.put_varint(record.xid);
    out.put_string(record.gid);
    out.put_varint(record.prepare_end_lsn);
    out.put_varint(record.rollback_end_lsn);
    out.put_signed(record.prepare_time);
    out.put_signed(record.rollback_time);
    finish();
}

void RecordWriter::write(const StreamStart &record) {
    ByteBuffer &out = start(RecordKind::stream_start);
    out.put_varint(record.xid);
    out.put_u8(record.first_block ? stream_flag::first_block : 0);
    out.put_string(record.origin);
    finish();
}

void RecordWriter::write(const StreamStop &record) {
    ByteBuffer &out = start(RecordKind::stream_stop);
    out.put_varint(record.changes);
    out.put_u32(record.checksum);
    finish();
}

void RecordWriter::write(const StreamAbort &record) {
    ByteBuffer &out = start(RecordKind::stream_abort);
    out.put_varint(record.xid);
    out.put_varint(record.subxid);
    out.put_varint(record.abort_lsn);
    finish();
}

void RecordWriter::write(const StreamCommit &record) {
    ByteBuffer &out = start(RecordKind::stream_commit);
    out.put_varint(record.xid);
    out.put_varint(record.commit_lsn);
    out.put_varint(record.end_lsn);
    out.put_signed(record.commit_time);
    out.put_varint(record.counter);
    out.put_varint(record.origin_lsn);
    out.put_varint(record.changes);
    out.put_u32(record.checksum);
    finish();
}

void RecordWriter::write(const StreamPrepare &record) {
    ByteBuffer &out = start(RecordKind::stream_prepare);
    out.put_varint(record.xid);
    out.put_string(record.gid);
    out.put_varint(record.prepare_lsn);
    out.put_varint(record.end_lsn);
    out.put_signed(record.prepare_time);
    out.put_varint(record.origin_lsn);
    out.put_varint(record.changes);
    out.put_u32(record.checksum);
    finish();
}

} // namespace walbridge::wire
