// tuple_reader.cpp: value forms, TOAST and encodings.
#include "server/tuple_reader.hpp"

#include "server/compat.hpp"
#include "wire/numeric.hpp"
#include "wire/varint.hpp"

#include <cstring>
#include <optional>

extern "C" {
#include "access/detoast.h"
#include "lib/stringinfo.h"
#include "utils/date.h"
#include "utils/jsonb.h"
#include "utils/timestamp.h"
#include "utils/uuid.h"
}

namespace walbridge {

namespace {

using wire::ColumnValue;
using wire::ValueKind;

template <class Unsigned> char *put_big_endian(char *out, Unsigned value) {
    for (int shift = 8 * (static_cast<int>(sizeof value) - 1); shift >= 0; shift -= 8)
        *out++ = static_cast<char>(value >> shift);
    return out;
}

// Bytes that stand as they are, without a length: layouts of fixed size, integers, numeric.
ColumnValue plain(const char *bytes, std::size_t size) { return {ValueKind::binary, {bytes, size}, false}; }

ColumnValue sized(const char *bytes, std::size_t size) { return {ValueKind::binary, {bytes, size}}; }

ColumnValue integer(char *out, std::int64_t value) { return plain(out, wire::encode_varint(out, wire::zigzag(value))); }

// A varlena as one plain block. Values that the reorder buffer put together from TOAST chunks are pointers to memory:
// followed here, because the server's own detoasting would copy them, and they may be large. Only compressed ones are
// copied.
varlena *flatten(Datum datum) {
    auto *value = reinterpret_cast<varlena *>(DatumGetPointer(datum));
    while (VARATT_IS_EXTERNAL_INDIRECT(value)) {
        varatt_indirect redirect;
        VARATT_EXTERNAL_GET_POINTER(redirect, value);
        value = redirect.pointer;
    }
    if (VARATT_IS_EXTERNAL(value) || VARATT_IS_COMPRESSED(value)) value = call([&] { return detoast_attr(value); });
    return value;
}

std::string_view bytes_of(const varlena *value) {
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

// A numeric by its stored form, which is fixed as long as pg_upgrade keeps data files: a header of two bytes that says
// all in the short form and sign and scale in the long one, which the weight follows, then digits in base 10000.
// Nothing for NaN, the infinities and long numbers.
std::optional<wire::ScaledNumber> read_numeric(std::string_view bytes) {
    constexpr unsigned special = 0xC000, short_form = 0x8000, long_negative = 0x4000;
    std::uint16_t header = 0;
    if (bytes.size() < sizeof header) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof header);
    bytes.remove_prefix(sizeof header);
    if ((header & special) == special) return std::nullopt;
    bool negative = (header & long_negative) != 0;
    unsigned scale = header & 0x3FFF;
    std::int16_t weight = 0;
    if ((header & short_form) != 0) {
        negative = (header & 0x2000) != 0;
        scale = (header & 0x1F80) >> 7;
        weight = static_cast<std::int16_t>((header & 0x3F) - (header & 0x40)); // seven bits, the highest is the sign
    } else {
        if (bytes.size() < sizeof weight) return std::nullopt;
        std::memcpy(&weight, bytes.data(), sizeof weight);
        bytes.remove_prefix(sizeof weight);
    }
    std::int16_t digits[6];
    if (bytes.size() > sizeof digits) return std::nullopt;
    std::memcpy(digits, bytes.data(), bytes.size());
    return wire::scale_number({digits, bytes.size() / sizeof *digits}, weight, negative, scale);
}

} // namespace

std::span<const ColumnValue> TupleReader::read(const RelationPlan &plan, Relation relation, HeapTuple tuple,
                                               Columns columns) {
    const TupleDesc descriptor = RelationGetDescr(relation);
    const auto attributes = static_cast<std::size_t>(descriptor->natts);
    if (room_ < attributes) {
        datums_.resize(attributes);
        nulls_ = std::make_unique<bool[]>(attributes);
        room_ = attributes;
    }
    call([&] { heap_deform_tuple(tuple, descriptor, datums_.data(), nulls_.get()); });
    return read(plan, relation, RowView{datums_.data(), nulls_.get()}, columns);
}

std::span<const ColumnValue> TupleReader::read(const RelationPlan &plan, Relation relation, const RowView &row,
                                               Columns columns) {
    if (slots_.size() < plan.columns.size()) slots_.resize(plan.columns.size());
    // An output function or a conversion that fails should say at which column. Names in the server's encoding, as its
    // messages are.
    struct Place {
        Relation relation;
        const ColumnPlan *column;
    } place{relation, nullptr};
    const ErrorContextScope error_context(
        [](void *argument) {
            const auto *at = static_cast<const Place *>(argument);
            const ColumnPlan &column = *at->column;
            errcontext("column \"%s\" of table \"%s\"",
                       column.name != nullptr
                           ? column.name
                           : NameStr(TupleDescAttr(RelationGetDescr(at->relation), column.index)->attname),
                       RelationGetRelationName(at->relation));
        },
        &place);
    values_.clear();
    values_.reserve(plan.columns.size());
    for (std::size_t i = 0; i < plan.columns.size(); ++i) {
        const ColumnPlan &column = plan.columns[i];
        place.column = &column;
        if (columns == Columns::key && !column.key) continue;
        if (column.computed >= 0) {
            const Computed &result = row.computed[column.computed];
            if (result.null || result.unchanged)
                values_.push_back({result.unchanged ? ValueKind::unchanged : ValueKind::null, {}});
            else
                values_.push_back(value_of(column, result.value, slots_[i]));
            // A cast from "char" makes texts that hold a zero byte, which output functions take for the end.
            if (values_.back().kind == ValueKind::text)
                values_.back().bytes = values_.back().bytes.substr(0, values_.back().bytes.find('\0'));
            continue;
        }
        const auto at = static_cast<std::size_t>(column.index);
        if (row.nulls[at])
            values_.push_back({ValueKind::null, {}});
        else if (column.varlena && (VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(row.values[at])) ||
                                    (row.withheld != nullptr && row.withheld[at])))
            values_.push_back({ValueKind::unchanged, {}});
        else
            values_.push_back(value_of(column, row.values[at], slots_[i]));
    }
    return values_;
}

ColumnValue TupleReader::value_of(const ColumnPlan &column, Datum datum, Slot &slot) {
    char *const start = slot.data();
    switch (column.form) {
    case ValueForm::boolean: slot[0] = DatumGetBool(datum) ? 1 : 0; return plain(start, 1);
    case ValueForm::char1: slot[0] = DatumGetChar(datum); return plain(start, 1);
    case ValueForm::int2: return integer(start, DatumGetInt16(datum));
    case ValueForm::int4: return integer(start, DatumGetInt32(datum));
    case ValueForm::int8: return integer(start, DatumGetInt64(datum));
    case ValueForm::float4:
        // Passed by value with the bits of the float.
        put_big_endian(start, static_cast<std::uint32_t>(DatumGetInt32(datum)));
        return plain(start, 4);
    case ValueForm::float8: {
        const double value = DatumGetFloat8(datum);
        std::uint64_t bits = 0;
        std::memcpy(&bits, &value, sizeof bits);
        put_big_endian(start, bits);
        return plain(start, 8);
    }
    case ValueForm::numeric: {
        if (const auto number = read_numeric(bytes_of(flatten(datum)))) {
            start[0] = static_cast<char>(number->scale + 1);
            return plain(start, 1 + wire::encode_varint(start + 1, wire::zigzag(number->units)));
        }
        const std::string_view bytes =
            bytes_of(call([&] { return static_cast<const varlena *>(SendFunctionCall(column.function, datum)); }));
        char *const whole =
            call([&] { return static_cast<char *>(palloc(1 + wire::max_varint_bytes + bytes.size())); });
        whole[0] = 0;
        const std::size_t head = 1 + wire::encode_varint(whole + 1, bytes.size());
        std::memcpy(whole + head, bytes.data(), bytes.size());
        return plain(whole, head + bytes.size());
    }
    case ValueForm::timetz: {
        const TimeTzADT *time = DatumGetTimeTzADTP(datum);
        char *out = put_big_endian(start, static_cast<std::uint64_t>(time->time));
        put_big_endian(out, static_cast<std::uint32_t>(time->zone));
        return plain(start, 12);
    }
    case ValueForm::interval: {
        const Interval *interval = DatumGetIntervalP(datum);
        char *out = put_big_endian(start, static_cast<std::uint64_t>(interval->time));
        out = put_big_endian(out, static_cast<std::uint32_t>(interval->day));
        put_big_endian(out, static_cast<std::uint32_t>(interval->month));
        return plain(start, 16);
    }
    case ValueForm::uuid: return plain(reinterpret_cast<const char *>(DatumGetUUIDP(datum)->data), UUID_LEN);
    case ValueForm::bytea: {
        const std::string_view bytes = bytes_of(flatten(datum));
        return {ValueKind::binary, bytes};
    }
    case ValueForm::jsonb: {
        auto *flat = flatten(datum);
        StringInfoData text;
        call([&] {
            // A short header leaves the contents unaligned.
            auto *jsonb = reinterpret_cast<Jsonb *>(pg_detoast_datum(flat));
            initStringInfo(&text);
            appendStringInfoChar(&text, 1); // version of jsonb's binary form
            (void)JsonbToCString(&text, &jsonb->root, VARSIZE(jsonb));
        });
        if (!encoder_.converts()) return sized(text.data, static_cast<std::size_t>(text.len));
        const std::string_view utf8 = encoder_.encode({text.data + 1, static_cast<std::size_t>(text.len - 1)});
        char *whole =
            call([&] { return static_cast<char *>(MemoryContextAllocHuge(CurrentMemoryContext, utf8.size() + 1)); });
        whole[0] = 1;
        std::memcpy(whole + 1, utf8.data(), utf8.size());
        return sized(whole, utf8.size() + 1);
    }
    case ValueForm::send: {
        const varlena *bytes = call([&] { return SendFunctionCall(column.function, datum); });
        return {ValueKind::binary, bytes_of(bytes)};
    }
    case ValueForm::varlena_text: return {ValueKind::text, encoder_.encode(bytes_of(flatten(datum)))};
    case ValueForm::name: return {ValueKind::text, encoder_.encode(NameStr(*DatumGetName(datum)))};
    case ValueForm::enum_label: {
        const auto label = column.labels.find(DatumGetObjectId(datum));
        if (label != column.labels.end()) return {ValueKind::text, label->second};
        break;
    }
    case ValueForm::output: break;
    }
    const char *text = call([&] { return OutputFunctionCall(column.function, datum); });
    return {ValueKind::text, encoder_.encode(text)};
}

} // namespace walbridge
