// reader.cpp: the mirror image of writer.cpp. Every read goes through Cursor, which checks bounds and ranges.
#include "wire/reader.hpp"

#include <algorithm>
#include <cstring>

#include "wire/numeric.hpp"

namespace walbridge::wire {

namespace {

std::string printable(std::uint8_t byte) {
    static constexpr char digits[] = "0123456789abcdef";
    std::string text = "0x";
    text += digits[byte >> 4];
    text += digits[byte & 15];
    if (byte > 0x20 && byte < 0x7f) text += std::string(" '") + static_cast<char>(byte) + "'";
    return text;
}

// Reads one record or frame from front to back.
class Cursor {
  public:
    explicit Cursor(std::string_view bytes, std::size_t position = 0) : bytes_(bytes), position_(position) {}

    std::size_t position() const { return position_; }
    std::size_t left() const { return bytes_.size() - position_; }

    [[noreturn]] void fail(const std::string &reason) const { throw ProtocolError(position_, reason); }

    std::uint8_t u8() {
        if (left() < 1) fail("the record ends early");
        return static_cast<std::uint8_t>(bytes_[position_++]);
    }

    std::uint8_t flags(std::uint8_t known, const char *what) {
        const std::uint8_t value = u8();
        if ((value & ~known) != 0) fail(std::string("unknown ") + what + " flags " + printable(value));
        return value;
    }

    std::uint32_t u32() {
        const std::string_view raw = take(4);
        std::uint32_t value = 0;
        for (int i = 3; i >= 0; --i) value = (value << 8) | static_cast<std::uint8_t>(raw[static_cast<std::size_t>(i)]);
        return value;
    }

    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const std::uint8_t byte = u8();
            const std::uint64_t group = byte & 0x7f;
            if (shift == 63 && group > 1) fail("a varint exceeds 64 bits");
            value |= group << shift;
            if ((byte & 0x80) == 0) {
                if (byte == 0 && shift != 0) fail("a varint is not in its shortest form");
                return value;
            }
        }
        fail("a varint exceeds 64 bits");
    }

    std::uint32_t varint32(const char *what) {
        const std::uint64_t value = varint();
        if (value > UINT32_MAX) fail(std::string(what) + " exceeds 32 bits");
        return static_cast<std::uint32_t>(value);
    }

    std::int64_t signed_varint() {
        const std::uint64_t value = varint();
        return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
    }

    std::string_view take(std::uint64_t bytes) {
        if (bytes > left()) fail("the record ends early");
        const std::string_view taken = bytes_.substr(position_, static_cast<std::size_t>(bytes));
        position_ += static_cast<std::size_t>(bytes);
        return taken;
    }

    std::string_view string() { return take(varint()); }

    // A count of things that take at least one byte each: larger ones are damage and must not allocate.
    std::size_t count(const char *what, std::uint64_t most = UINT64_MAX) {
        const std::uint64_t value = varint();
        if (value > left() || value > most) fail(std::string("impossible ") + what + " count " + std::to_string(value));
        return static_cast<std::size_t>(value);
    }

    Xid xid() {
        const Xid value = varint32("a transaction id");
        if (value == 0) fail("a transaction id is 0");
        return value;
    }

    void end() const {
        if (left() != 0) fail(std::to_string(left()) + " bytes are left over at the end of the record");
    }

  private:
    std::string_view bytes_;
    std::size_t position_;
};

Cursor open(std::string_view record, RecordKind expected) {
    const RecordKind found = kind(record);
    if (found != expected)
        throw ProtocolError(0, "expected a " + std::string(name_of(expected)) + " record and found " +
                                   std::string(name_of(found)));
    return Cursor(record, 1);
}

Xid subxid(Cursor &in, Block block) { return block == Block::streamed ? in.xid() : 0; }

RelationNumber relation_number(Cursor &in) {
    const RelationNumber number = in.varint32("a relation number");
    if (number == 0) in.fail("a relation number is 0");
    return number;
}

OldTuple old_tuple(Cursor &in, bool may_be_absent) {
    const std::uint8_t value = in.u8();
    if (value > static_cast<std::uint8_t>(OldTuple::full) || (value == 0 && !may_be_absent))
        in.fail("unknown kind of old row " + printable(value));
    return static_cast<OldTuple>(value);
}

// Values that are expanded: from what the record holds to what the type's send function gives. Room for them was
// counted by the shape.
class Expander {
  public:
    explicit Expander(char *room) : at_(room) {}

    std::string_view integer(Cursor &in, unsigned bytes) {
        const std::int64_t value = in.signed_varint();
        const unsigned unused = 64 - 8 * bytes;
        if (static_cast<std::int64_t>(static_cast<std::uint64_t>(value) << unused) >> unused != value)
            in.fail("an integer of " + std::to_string(bytes) + " bytes is out of range");
        for (unsigned n = 0; n < bytes; ++n) at_[n] = static_cast<char>(value >> (8 * (bytes - 1 - n)));
        return took(bytes);
    }

    std::string_view numeric(Cursor &in) {
        const std::uint8_t head = in.u8();
        if (head == 0) return in.string();
        if (head > longest_scale + 1) in.fail("unknown form of a numeric value " + printable(head));
        const std::int64_t units = in.signed_varint();
        if (units > most_units || units < -most_units) in.fail("a numeric value is too long for its form");
        return took(expand_numeric({units, static_cast<std::uint32_t>(head - 1)}, at_));
    }

  private:
    std::string_view took(std::size_t bytes) {
        const std::string_view taken(at_, bytes);
        at_ += bytes;
        return taken;
    }

    char *at_;
};

std::string_view read_binary(Cursor &in, Layout layout, Expander &expander) {
    switch (layout) {
    case Layout::sized: return in.string();
    case Layout::int2: return expander.integer(in, 2);
    case Layout::int4: return expander.integer(in, 4);
    case Layout::int8: return expander.integer(in, 8);
    case Layout::numeric: return expander.numeric(in);
    default: return in.take(static_cast<std::uint64_t>(layout)); // fixed; others were refused with the relation
    }
}

// Appends one value for each column.
void read_tuple(Cursor &in, const TupleShape &shape, std::vector<ColumnValue> &values,
                std::pmr::memory_resource &memory) {
    const std::size_t columns = shape.columns.size();
    const std::string_view kinds = in.take((columns + 3) / 4);
    if (columns % 4 != 0 && (static_cast<std::uint8_t>(kinds.back()) >> (2 * (columns % 4))) != 0)
        in.fail("unused bits of a tuple are set");
    Expander expander(shape.expanded_bytes != 0 ? static_cast<char *>(memory.allocate(shape.expanded_bytes, 1))
                                                : nullptr);
    for (std::size_t i = 0; i < columns; ++i) {
        const auto value_kind = static_cast<ValueKind>((static_cast<std::uint8_t>(kinds[i / 4]) >> (2 * (i % 4))) & 3);
        std::string_view bytes;
        if (value_kind == ValueKind::text)
            bytes = in.string();
        else if (value_kind == ValueKind::binary)
            bytes = read_binary(in, shape.columns[i], expander);
        values.emplace_back(value_kind, bytes);
    }
}

bool is_known(Layout layout) {
    switch (layout) {
    case Layout::int2:
    case Layout::int4:
    case Layout::int8:
    case Layout::numeric: return true;
    default: return layout <= Layout::longest_fixed;
    }
}

TypeRef read_type(Cursor &in, Oid oid) {
    TypeRef type;
    type.oid = oid;
    type.schema = in.string();
    type.name = in.string();
    type.category = static_cast<char>(in.u8());
    return type;
}

} // namespace

ProtocolError::ProtocolError(std::uint64_t offset, const std::string &reason)
    : std::runtime_error("wire protocol error at byte " + std::to_string(offset) + ": " + reason), offset_(offset),
      reason_(reason) {}

// ---- frames

std::size_t RecordAssembler::feed(std::string_view frame, std::shared_ptr<const void> owner) {
    if (position_ < frame_.size()) throw std::logic_error("the previous frame has not been read to its end");
    Cursor in(frame);
    if (frame.empty()) in.fail("the frame is empty");
    const std::uint8_t flags = in.u8();
    if ((flags & ~frame_flag::known) != 0) in.fail("unknown frame flags " + printable(flags));
    const auto compression = static_cast<Compression>(flags & frame_flag::compression_mask);
    if (compression > Compression::zstd) in.fail("unknown frame compression " + printable(flags));
    const bool continued = (flags & frame_flag::continued) != 0;
    if (continued && !in_record()) in.fail("the frame continues a record that has not begun");
    if (!continued && in_record()) in.fail("the frame does not continue the incomplete record before it");
    if (in.left() == 0) in.fail("the frame holds no bytes");
    std::string_view records = frame.substr(in.position());
    if (compression != Compression::none) {
        // Checked before it allocates: a frame is small, compressed or not.
        const std::uint64_t bytes = in.varint();
        if (bytes == 0 || bytes > max_frame_bytes - 1)
            in.fail("impossible size of a decompressed frame " + std::to_string(bytes));
        const std::string_view compressed = in.take(in.left());
        const auto plain = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(bytes));
        if (!decompressor_.decompress(compression, compressed, plain.get(), static_cast<std::size_t>(bytes)))
            in.fail("the frame cannot be decompressed to the " + std::to_string(bytes) + " bytes it announces");
        records = {plain.get(), static_cast<std::size_t>(bytes)};
        owner = plain;
    }
    frame_ = records;
    position_ = 0;
    owner_ = std::move(owner);
    return records.size();
}

std::size_t RecordAssembler::feed(std::shared_ptr<const std::string> frame) {
    const std::string_view view = *frame;
    return feed(view, std::move(frame));
}

std::optional<Record> RecordAssembler::next() {
    if (position_ == frame_.size()) {
        owner_.reset();
        frame_ = {};
        position_ = 0;
        return std::nullopt;
    }
    if (!in_record()) {
        Cursor in(frame_, position_);
        const std::uint64_t bytes = in.varint();
        if (bytes == 0) in.fail("a record is empty");
        if (bytes > longest_record_)
            in.fail("a record of " + std::to_string(bytes) + " bytes is longer than the limit of " +
                    std::to_string(longest_record_));
        position_ = in.position();
        if (bytes <= in.left()) {
            const Record record{frame_.substr(position_, static_cast<std::size_t>(bytes)), owner_};
            position_ += static_cast<std::size_t>(bytes);
            return record;
        }
        // Exactly the record's size, once; pages are touched only as frames fill them.
        assembled_ = std::make_shared_for_overwrite<char[]>(static_cast<std::size_t>(bytes));
        assembled_bytes_ = 0;
        record_bytes_ = bytes;
    }
    const std::size_t n =
        static_cast<std::size_t>(std::min<std::uint64_t>(record_bytes_ - assembled_bytes_, frame_.size() - position_));
    std::memcpy(assembled_.get() + assembled_bytes_, frame_.data() + position_, n);
    assembled_bytes_ += n;
    position_ += n;
    if (assembled_bytes_ < record_bytes_) return next();
    const std::string_view bytes(assembled_.get(), static_cast<std::size_t>(record_bytes_));
    return Record{bytes, std::move(assembled_)};
}

// ---- kinds

RecordKind kind(std::string_view record) {
    if (record.empty()) throw ProtocolError(0, "a record is empty");
    const auto found = static_cast<RecordKind>(record[0]);
    if (name_of(found).empty())
        throw ProtocolError(0, "unknown record kind " + printable(static_cast<std::uint8_t>(record[0])));
    return found;
}

bool is_change(RecordKind kind) {
    switch (kind) {
    case RecordKind::insert:
    case RecordKind::update:
    case RecordKind::erase:
    case RecordKind::truncate:
    case RecordKind::unidentified:
    case RecordKind::message: return true;
    default: return false;
    }
}

std::string_view name_of(RecordKind kind) {
    switch (kind) {
    case RecordKind::session: return "session";
    case RecordKind::relation: return "relation";
    case RecordKind::begin: return "begin";
    case RecordKind::insert: return "insert";
    case RecordKind::update: return "update";
    case RecordKind::erase: return "delete";
    case RecordKind::truncate: return "truncate";
    case RecordKind::unidentified: return "unidentified";
    case RecordKind::message: return "message";
    case RecordKind::commit: return "commit";
    case RecordKind::begin_prepare: return "begin_prepare";
    case RecordKind::prepare: return "prepare";
    case RecordKind::commit_prepared: return "commit_prepared";
    case RecordKind::rollback_prepared: return "rollback_prepared";
    case RecordKind::stream_start: return "stream_start";
    case RecordKind::stream_stop: return "stream_stop";
    case RecordKind::stream_abort: return "stream_abort";
    case RecordKind::stream_commit: return "stream_commit";
    case RecordKind::stream_prepare: return "stream_prepare";
    }
    return {};
}

// ---- relations and rows

void TupleShape::add(Layout layout) {
    columns.push_back(layout);
    switch (layout) {
    case Layout::int2: expanded_bytes += 2; break;
    case Layout::int4: expanded_bytes += 4; break;
    case Layout::int8: expanded_bytes += 8; break;
    case Layout::numeric: expanded_bytes += longest_expanded_numeric; break;
    default: break;
    }
}

RowShape shape_of(const Relation &relation) {
    RowShape shape;
    for (const Column &column : relation.columns) {
        shape.row.add(column.layout);
        if (column.has(column_flag::key)) shape.key.add(column.layout);
    }
    return shape;
}

void ShapeTable::learn(const Relation &relation) {
    // The plugin counts up from 1; a number far beyond what has been seen is damage, not a reason to allocate.
    if (relation.number > shapes_.size() + 1)
        throw ProtocolError(0, "relation number " + std::to_string(relation.number) + " leaves a gap in the numbers");
    if (relation.number >= shapes_.size()) shapes_.resize(relation.number + std::size_t{1});
    auto &slot = shapes_[relation.number];
    if (slot) throw ProtocolError(0, "relation number " + std::to_string(relation.number) + " is defined twice");
    slot = shape_of(relation);
}

void ShapeTable::adopt(RelationNumber number, RowShape shape) {
    if (number >= shapes_.size()) shapes_.resize(number + std::size_t{1});
    shapes_[number] = std::move(shape);
}

const RowShape &ShapeTable::at(RelationNumber number) const {
    if (number >= shapes_.size() || !shapes_[number])
        throw ProtocolError(0, "relation number " + std::to_string(number) + " has not been defined");
    return *shapes_[number];
}

Session read_session(std::string_view record) {
    Cursor in = open(record, RecordKind::session);
    Session session;
    session.protocol = in.varint32("the protocol version");
    if (session.protocol != protocol_version)
        in.fail("protocol version " + std::to_string(session.protocol) +
                " is not supported, this side speaks version " + std::to_string(protocol_version));
    session.plugin_version = in.string();
    session.server_version_num = in.varint32("the server version");
    session.database_oid = in.varint32("the database oid");
    session.database = in.string();
    session.server_encoding = in.string();
    session.counter_seed = in.varint();
    session.next_full_xid = in.varint();
    in.end();
    return session;
}

Relation read_relation(std::string_view record) {
    Cursor in = open(record, RecordKind::relation);
    Relation relation;
    relation.number = relation_number(in);
    relation.oid = in.varint32("a relation oid");
    relation.schema = in.string();
    relation.name = in.string();
    relation.kind = static_cast<char>(in.u8());
    if (relation.kind != 'r' && relation.kind != 'p')
        in.fail("unknown relation kind " + printable(static_cast<std::uint8_t>(relation.kind)));
    relation.identity = static_cast<char>(in.u8());
    if (std::string_view("dnfi").find(relation.identity) == std::string_view::npos)
        in.fail("unknown replica identity " + printable(static_cast<std::uint8_t>(relation.identity)));
    relation.columns.resize(in.count("column", max_columns));
    for (Column &column : relation.columns) {
        column.name = in.string();
        column.flags = in.flags(column_flag::known, "column");
        column.type = read_type(in, in.varint32("a type oid"));
        const std::int64_t typmod = in.signed_varint();
        if (typmod < INT32_MIN || typmod > INT32_MAX) in.fail("a type modifier exceeds 32 bits");
        column.typmod = static_cast<std::int32_t>(typmod);
        if (const Oid element = in.varint32("a type oid"); element != 0) column.element = read_type(in, element);
        column.collation_schema = in.string();
        column.collation_name = in.string();
        column.labels.resize(in.count("enum label"));
        for (std::string_view &label : column.labels) label = in.string();
        const std::uint8_t layout = in.u8();
        column.layout = static_cast<Layout>(layout);
        if (!is_known(column.layout)) in.fail("unknown layout of values " + printable(layout));
    }
    relation.rewrite_of = in.varint32("the oid of a rewritten relation");
    in.end();
    return relation;
}

RowChange read_row(std::string_view record, Block block, const ShapeTable &shapes, std::vector<ColumnValue> &values,
                   std::pmr::memory_resource &memory) {
    RowChange row;
    row.kind = kind(record);
    Cursor in(record, 1);
    row.subxid = subxid(in, block);
    row.relation = relation_number(in);
    bool new_tuple = true;
    switch (row.kind) {
    case RecordKind::insert: break;
    case RecordKind::update: row.old_kind = old_tuple(in, true); break;
    case RecordKind::erase:
        row.old_kind = old_tuple(in, false);
        new_tuple = false;
        break;
    case RecordKind::unidentified: {
        const std::uint8_t operation = in.u8();
        if (operation != 'U' && operation != 'D') in.fail("unknown operation " + printable(operation));
        row.operation = static_cast<char>(operation);
        new_tuple = operation == 'U';
        break;
    }
    default: throw ProtocolError(0, "expected a row record and found " + std::string(name_of(row.kind)));
    }
    const RowShape &shape = shapes.at(row.relation);
    values.clear();
    std::size_t old_columns = 0;
    if (row.old_kind != OldTuple::none) {
        if (row.old_kind == OldTuple::key && shape.key.columns.empty())
            in.fail("a key row of a relation without key columns");
        read_tuple(in, row.old_kind == OldTuple::key ? shape.key : shape.row, values, memory);
        old_columns = values.size();
    }
    if (new_tuple) read_tuple(in, shape.row, values, memory);
    in.end();
    row.old_values = std::span<const ColumnValue>(values).first(old_columns);
    row.new_values = std::span<const ColumnValue>(values).subspan(old_columns);
    return row;
}

RelationNumber row_relation(std::string_view record, Block block) {
    switch (const RecordKind found = kind(record)) {
    case RecordKind::insert:
    case RecordKind::update:
    case RecordKind::erase:
    case RecordKind::unidentified: break;
    default: throw ProtocolError(0, "expected a row record and found " + std::string(name_of(found)));
    }
    Cursor in(record, 1);
    subxid(in, block);
    return relation_number(in);
}

Truncate read_truncate(std::string_view record, Block block) {
    Cursor in = open(record, RecordKind::truncate);
    Truncate truncate;
    truncate.subxid = subxid(in, block);
    truncate.relations.resize(in.count("relation"));
    if (truncate.relations.empty()) in.fail("a truncate of no relations");
    for (RelationNumber &number : truncate.relations) number = relation_number(in);
    const std::uint8_t flags = in.flags(truncate_flag::known, "truncate");
    truncate.cascade = (flags & truncate_flag::cascade) != 0;
    truncate.restart_identity = (flags & truncate_flag::restart_identity) != 0;
    in.end();
    return truncate;
}

Message read_message(std::string_view record, Block block) {
    Cursor in = open(record, RecordKind::message);
    Message message;
    message.subxid = subxid(in, block);
    message.transactional = (in.flags(message_flag::known, "message") & message_flag::transactional) != 0;
    message.lsn = in.varint();
    message.prefix = in.string();
    message.content = in.string();
    in.end();
    return message;
}

// ---- transactions

Begin read_begin(std::string_view record, LastBegin &last) {
    Cursor in = open(record, RecordKind::begin);
    Begin begin;
    const std::int64_t step = in.signed_varint();
    const std::int64_t most = UINT32_MAX;
    if (step > most || step < -most || last.xid + step < 1 || last.xid + step > most)
        in.fail("a transaction id is out of range");
    begin.xid = static_cast<Xid>(last.xid + step);
    begin.commit_lsn = last.commit_lsn + static_cast<std::uint64_t>(in.signed_varint());
    begin.commit_time = static_cast<Microseconds>(static_cast<std::uint64_t>(last.commit_time) +
                                                  static_cast<std::uint64_t>(in.signed_varint()));
    begin.origin = in.string();
    if (!begin.origin.empty()) begin.origin_lsn = in.varint();
    in.end();
    last = {begin.xid, begin.commit_lsn, begin.commit_time};
    return begin;
}

Commit read_commit(std::string_view record, const LastBegin &begin) {
    Cursor in = open(record, RecordKind::commit);
    Commit commit;
    commit.commit_lsn = begin.commit_lsn;
    commit.end_lsn = begin.commit_lsn + in.varint();
    commit.commit_time = begin.commit_time;
    commit.counter = in.varint();
    commit.changes = in.varint();
    commit.checksum = in.u32();
    in.end();
    return commit;
}

BeginPrepare read_begin_prepare(std::string_view record) {
    Cursor in = open(record, RecordKind::begin_prepare);
    BeginPrepare begin;
    begin.xid = in.xid();
    begin.gid = in.string();
    begin.prepare_lsn = in.varint();
    begin.end_lsn = in.varint();
    begin.prepare_time = in.signed_varint();
    begin.origin = in.string();
    begin.origin_lsn = in.varint();
    in.end();
    return begin;
}

Prepare read_prepare(std::string_view record) {
    Cursor in = open(record, RecordKind::prepare);
    Prepare prepare;
    prepare.xid = in.xid();
    prepare.gid = in.string();
    prepare.prepare_lsn = in.varint();
    prepare.end_lsn = in.varint();
    prepare.prepare_time = in.signed_varint();
    prepare.changes = in.varint();
    prepare.checksum = in.u32();
    in.end();
    return prepare;
}

CommitPrepared read_commit_prepared(std::string_view record) {
    Cursor in = open(record, RecordKind::commit_prepared);
    CommitPrepared commit;
    commit.xid = in.xid();
    commit.gid = in.string();
    commit.commit_lsn = in.varint();
    commit.end_lsn = in.varint();
    commit.commit_time = in.signed_varint();
    commit.counter = in.varint();
    commit.origin = in.string();
    commit.origin_lsn = in.varint();
    in.end();
    return commit;
}

RollbackPrepared read_rollback_prepared(std::string_view record) {
    Cursor in = open(record, RecordKind::rollback_prepared);
    RollbackPrepared rollback;
    rollback.xid = in.xid();
    rollback.gid = in.string();
    rollback.prepare_end_lsn = in.varint();
    rollback.rollback_end_lsn = in.varint();
    rollback.prepare_time = in.signed_varint();
    rollback.rollback_time = in.signed_varint();
    in.end();
    return rollback;
}

StreamStart read_stream_start(std::string_view record) {
    Cursor in = open(record, RecordKind::stream_start);
    StreamStart start;
    start.xid = in.xid();
    start.first_block = (in.flags(stream_flag::known, "stream") & stream_flag::first_block) != 0;
    start.origin = in.string();
    in.end();
    return start;
}

StreamStop read_stream_stop(std::string_view record) {
    Cursor in = open(record, RecordKind::stream_stop);
    StreamStop stop;
    stop.changes = in.varint();
    stop.checksum = in.u32();
    in.end();
    return stop;
}

StreamAbort read_stream_abort(std::string_view record) {
    Cursor in = open(record, RecordKind::stream_abort);
    StreamAbort abort;
    abort.xid = in.xid();
    abort.subxid = in.xid();
    abort.abort_lsn = in.varint();
    in.end();
    return abort;
}

StreamCommit read_stream_commit(std::string_view record) {
    Cursor in = open(record, RecordKind::stream_commit);
    StreamCommit commit;
    commit.xid = in.xid();
    commit.commit_lsn = in.varint();
    commit.end_lsn = in.varint();
    commit.commit_time = in.signed_varint();
    commit.counter = in.varint();
    commit.origin_lsn = in.varint();
    commit.changes = in.varint();
    commit.checksum = in.u32();
    in.end();
    return commit;
}

StreamPrepare read_stream_prepare(std::string_view record) {
    Cursor in = open(record, RecordKind::stream_prepare);
    StreamPrepare prepare;
    prepare.xid = in.xid();
    prepare.gid = in.string();
    prepare.prepare_lsn = in.varint();
    prepare.end_lsn = in.varint();
    prepare.prepare_time = in.signed_varint();
    prepare.origin_lsn = in.varint();
    prepare.changes = in.varint();
    prepare.checksum = in.u32();
    in.end();
    return prepare;
}

} // namespace walbridge::wire
