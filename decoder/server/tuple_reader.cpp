// tuple_reader.cpp: value forms, TOAST and encodings.
#include "server/tuple_reader.hpp"

#include "server/compat.hpp"

#include <cstring>

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

ColumnValue binary(const char *bytes, std::size_t size) { return {ValueKind::binary, {bytes, size}}; }

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
    if (slots_.size() < plan.columns.size()) slots_.resize(plan.columns.size());
    call([&] { heap_deform_tuple(tuple, descriptor, datums_.data(), nulls_.get()); });

    // An output function or a conversion that fails should say at which column. Names in the server's encoding, as its
    // messages are.
    struct Place {
        Relation relation;
        int column;
    } place{relation, 0};
    const ErrorContextScope error_context(
        [](void *argument) {
            const auto *at = static_cast<const Place *>(argument);
            errcontext("column \"%s\" of table \"%s\"",
                       NameStr(TupleDescAttr(RelationGetDescr(at->relation), at->column)->attname),
                       RelationGetRelationName(at->relation));
        },
        &place);
    values_.clear();
    for (std::size_t i = 0; i < plan.columns.size(); ++i) {
        const ColumnPlan &column = plan.columns[i];
        place.column = column.index;
        if (columns == Columns::key && !column.key) continue;
        const auto at = static_cast<std::size_t>(column.index);
        if (nulls_[at])
            values_.push_back({ValueKind::null, {}});
        else if (column.varlena && VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(datums_[at])))
            values_.push_back({ValueKind::unchanged, {}});
        else
            values_.push_back(value_of(column, datums_[at], slots_[i]));
    }
    return values_;
}

ColumnValue TupleReader::value_of(const ColumnPlan &column, Datum datum, Slot &slot) {
    char *const start = slot.data();
    switch (column.form) {
    case ValueForm::boolean: slot[0] = DatumGetBool(datum) ? 1 : 0; return binary(start, 1);
    case ValueForm::char1: slot[0] = DatumGetChar(datum); return binary(start, 1);
    case ValueForm::int2:
        put_big_endian(start, static_cast<std::uint16_t>(DatumGetInt16(datum)));
        return binary(start, 2);
    case ValueForm::int4:
        // float4 is passed by value with the bits of the float.
        put_big_endian(start, static_cast<std::uint32_t>(DatumGetInt32(datum)));
        return binary(start, 4);
    case ValueForm::int8: {
#ifdef USE_FLOAT8_BYVAL
        put_big_endian(start, static_cast<std::uint64_t>(DatumGetInt64(datum)));
#else
        std::uint64_t bits = 0;
        std::memcpy(&bits, DatumGetPointer(datum), sizeof bits);
        put_big_endian(start, bits);
#endif
        return binary(start, 8);
    }
    case ValueForm::timetz: {
        const TimeTzADT *time = DatumGetTimeTzADTP(datum);
        char *out = put_big_endian(start, static_cast<std::uint64_t>(time->time));
        put_big_endian(out, static_cast<std::uint32_t>(time->zone));
        return binary(start, 12);
    }
    case ValueForm::interval: {
        const Interval *interval = DatumGetIntervalP(datum);
        char *out = put_big_endian(start, static_cast<std::uint64_t>(interval->time));
        out = put_big_endian(out, static_cast<std::uint32_t>(interval->day));
        put_big_endian(out, static_cast<std::uint32_t>(interval->month));
        return binary(start, 16);
    }
    case ValueForm::uuid: return binary(reinterpret_cast<const char *>(DatumGetUUIDP(datum)->data), UUID_LEN);
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
        if (!encoder_.converts()) return binary(text.data, static_cast<std::size_t>(text.len));
        const std::string_view utf8 = encoder_.encode({text.data + 1, static_cast<std::size_t>(text.len - 1)});
        char *whole =
            call([&] { return static_cast<char *>(MemoryContextAllocHuge(CurrentMemoryContext, utf8.size() + 1)); });
        whole[0] = 1;
        std::memcpy(whole + 1, utf8.data(), utf8.size());
        return binary(whole, utf8.size() + 1);
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
