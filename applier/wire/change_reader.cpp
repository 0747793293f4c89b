// change_reader.cpp: values, tuples and kinds of change from their records.
#include "wire/change_reader.hpp"

namespace walbridge {
namespace {

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
        change.old_row = tuple(source.old_values, batch);
        break;
    }
    if (source.kind != wire::RecordKind::erase) change.new_row = tuple(source.new_values, batch);
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
