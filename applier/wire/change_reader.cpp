// change_reader.cpp: values, tuples and kinds of change from their records.
#include "wire/change_reader.hpp"

#include <chrono>
#include <cstdio>

namespace walbridge {
namespace {

/// As timestamptz is written: microseconds since 2000-01-01 UTC.
std::string utc_text(SourceTime time) {
    using namespace std::chrono;
    const sys_time<microseconds> at = sys_days{year{2000} / 1 / 1} + microseconds(time);
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss clock{at - day};
    char text[40];
    std::snprintf(text, sizeof text, "%04d-%02u-%02u %02d:%02d:%02d.%06d+00", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return text;
}

ValueKind kind_of(wire::ValueKind kind) {
    switch (kind) {
    case wire::ValueKind::null: return ValueKind::null;
    case wire::ValueKind::unchanged: return ValueKind::unchanged;
    case wire::ValueKind::text: return ValueKind::text;
    case wire::ValueKind::binary: return ValueKind::binary;
    }
    return ValueKind::null;
}

} // namespace

void ChangeReader::learn(const Relation &relation) {
    if (relations_.size() <= relation.number) relations_.resize(relation.number + std::size_t{1}, nullptr);
    if (relations_[relation.number] == &relation) return;
    relations_[relation.number] = &relation;
    wire::RowShape shape;
    for (const auto &column : relation.columns) {
        if (column.added != Added::no) continue;
        const auto layout = static_cast<wire::Layout>(column.layout);
        shape.row.add(layout);
        if (column.key) shape.key.add(layout);
    }
    shapes_.adopt(relation.number, std::move(shape));
}

ChangeReader::Read ChangeReader::read(std::string_view payload, wire::Block block, ChangeBatch &batch) {
    switch (wire::kind(payload)) {
    case wire::RecordKind::truncate: return truncate(payload, block, batch);
    case wire::RecordKind::message: {
        const auto source = wire::read_message(payload, block);
        return {MessageChange{source.transactional, Lsn{source.lsn}, source.prefix, source.content}, source.subxid};
    }
    default: return row(payload, block, batch);
    }
}

Tuple ChangeReader::tuple(std::span<const wire::ColumnValue> values, ChangeBatch &batch) const {
    const auto copied = batch.allocate_values(values.size());
    for (std::size_t index = 0; index < values.size(); ++index)
        copied[index] = {kind_of(values[index].kind), values[index].bytes};
    return copied;
}

void ChangeReader::enter_transaction(Lsn commit_lsn, SourceTime commit_time) {
    commit_lsn_ = to_string(commit_lsn);
    commit_time_ = utc_text(commit_time);
}

Value ChangeReader::added_value(const Column &column, wire::RecordKind kind, ChangeBatch &batch) const {
    switch (column.added) {
    case Added::operation: return {ValueKind::text, kind == wire::RecordKind::insert ? "insert" : "update"};
    case Added::commit_time: return {ValueKind::text, batch.copy(commit_time_)};
    case Added::lsn: return {ValueKind::text, batch.copy(commit_lsn_)};
    case Added::constant: return {ValueKind::text, column.constant};
    case Added::no: break;
    }
    return {ValueKind::null, {}};
}

Tuple ChangeReader::new_tuple(const Relation &relation, const wire::RowChange &source, ChangeBatch &batch) const {
    const auto whole = batch.allocate_values(relation.columns.size());
    const auto sent = source.new_values.size();
    for (std::size_t index = 0; index < sent; ++index)
        whole[index] = {kind_of(source.new_values[index].kind), source.new_values[index].bytes};
    for (std::size_t index = sent; index < whole.size(); ++index)
        whole[index] = added_value(relation.columns[index], source.kind, batch);
    return whole;
}

Tuple ChangeReader::old_tuple(const Relation &relation, std::span<const wire::ColumnValue> values,
                              ChangeBatch &batch) const {
    if (values.size() == relation.columns.size()) return tuple(values, batch);
    const auto whole = batch.allocate_values(relation.columns.size()); // null where walbridge fills
    for (std::size_t index = 0; index < values.size(); ++index)
        whole[index] = {kind_of(values[index].kind), values[index].bytes};
    return whole;
}

Tuple ChangeReader::key_tuple(const Relation &relation, std::span<const wire::ColumnValue> values,
                              ChangeBatch &batch) const {
    const auto whole = batch.allocate_values(relation.columns.size());
    for (std::size_t position = 0; position < values.size(); ++position)
        whole[relation.key_columns[position]] = {kind_of(values[position].kind), values[position].bytes};
    return whole;
}

ChangeReader::Read ChangeReader::row(std::string_view payload, wire::Block block, ChangeBatch &batch) {
    const auto source = wire::read_row(payload, block, shapes_, values_, batch.memory());
    const Relation &relation = *relations_[source.relation];
    if (source.kind == wire::RecordKind::unidentified) {
        UnidentifiedChange change;
        change.relation = &relation;
        change.operation = source.operation == 'U' ? RowOperation::update : RowOperation::remove;
        if (!source.new_values.empty()) change.new_row = tuple(source.new_values, batch);
        return {change, source.subxid};
    }
    RowChange change;
    change.relation = &relation;
    switch (source.old_kind) {
    case wire::OldTuple::none: change.old_kind = OldTuple::none; break;
    case wire::OldTuple::key:
        change.old_kind = OldTuple::key;
        change.old_row = key_tuple(relation, source.old_values, batch);
        break;
    case wire::OldTuple::full:
        change.old_kind = OldTuple::full;
        change.old_row = old_tuple(relation, source.old_values, batch);
        break;
    }
    if (source.kind != wire::RecordKind::erase)
        change.new_row = source.new_values.size() == relation.columns.size() ? tuple(source.new_values, batch)
                                                                             : new_tuple(relation, source, batch);
    change.operation = source.kind == wire::RecordKind::insert   ? RowOperation::insert
                       : source.kind == wire::RecordKind::update ? RowOperation::update
                                                                 : RowOperation::remove;
    return {change, source.subxid};
}

ChangeReader::Read ChangeReader::truncate(std::string_view payload, wire::Block block, ChangeBatch &batch) const {
    const auto source = wire::read_truncate(payload, block);
    const auto relations = batch.allocate_relations(source.relations.size());
    for (std::size_t index = 0; index < relations.size(); ++index) {
        static_cast<void>(shapes_.at(source.relations[index])); // throws for a number nobody introduced
        relations[index] = relations_[source.relations[index]];
    }
    return {TruncateChange{relations, source.cascade, source.restart_identity}, source.subxid};
}

} // namespace walbridge
