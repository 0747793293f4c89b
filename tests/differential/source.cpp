// source.cpp: performing steps on rows in memory, and writing them down as the plugin sends them.
#include "source.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::differential {
namespace {

const PoolValue &pool_value(const ColumnSpec &column, int value) {
    return column.type->pool[static_cast<std::size_t>(value)];
}

bool is_null(const TableSpec &table, const SourceRow &row, int column) {
    const auto &spec = table.columns[static_cast<std::size_t>(column)];
    const auto from = static_cast<std::size_t>(spec.doubled.value_or(column));
    return row.values[from] == null_value;
}

SourceRow *find(TableRows &rows, int id) {
    const auto found = std::find_if(rows.begin(), rows.end(), [&](const SourceRow &row) { return row.id == id; });
    return found == rows.end() ? nullptr : &*found;
}

bool accepted(const TableSpec &table, const TableRows &rows, const SourceRow &row) {
    for (std::size_t column = 0; column < table.columns.size(); ++column)
        if (table.columns[column].not_null && is_null(table, row, static_cast<int>(column))) return false;
    for (const auto &key : table.keys) {
        if (!key.on_source || key.deferrable) continue;
        for (const auto &other : rows)
            if (other.id != row.id && collide(table, key, other, row)) return false;
    }
    return true;
}

/// Writes transactions down as changes.
class Sender {
  public:
    Sender(const Schema &schema, SentStream &stream) : schema_(schema), stream_(stream) {}

    void send(const Step &step, const DatabaseRows &before, const DatabaseRows &after, int version,
              std::vector<Change> &changes) {
        if (step.kind == Step::Kind::message) {
            changes.emplace_back(MessageChange{true, Lsn{1}, "test", "content"});
            return;
        }
        if (step.kind == Step::Kind::truncate) {
            auto &relations = stream_.lists.emplace_back();
            for (const auto table : step.tables) relations.push_back(&relation(table, version));
            changes.emplace_back(TruncateChange{relations, false, step.restart_identity});
            return;
        }
        const auto &table = schema_.tables[static_cast<std::size_t>(step.table)];
        const auto &relation = this->relation(step.table, version);
        const auto *old_row = row_of(before, step), *new_row = row_of(after, step);
        if (step.kind != Step::Kind::insert && !table.identifies(version)) {
            stream_.unidentified = true;
            UnidentifiedChange change;
            change.relation = &relation;
            change.operation = step.kind == Step::Kind::update ? RowOperation::update : RowOperation::remove;
            if (new_row != nullptr) change.new_row = whole(table, *new_row);
            changes.emplace_back(change);
            return;
        }
        RowChange change;
        change.relation = &relation;
        if (step.kind == Step::Kind::insert) {
            change.new_row = whole(table, *new_row);
        } else if (step.kind == Step::Kind::remove) {
            change.operation = RowOperation::remove;
            old(table, relation, *old_row, change);
        } else {
            change.operation = RowOperation::update;
            change.new_row = updated(table, *new_row, step);
            if (relation.identity == ReplicaIdentity::full || logs_old_key(table, relation, *old_row, step))
                old(table, relation, *old_row, change);
        }
        changes.emplace_back(change);
    }

  private:
    [[nodiscard]] const Relation &relation(int table, int version) const {
        return (*schema_.tables[static_cast<std::size_t>(table)].relations)[static_cast<std::size_t>(version)];
    }

    static const SourceRow *row_of(const DatabaseRows &rows, const Step &step) {
        for (const auto &row : rows[static_cast<std::size_t>(step.table)])
            if (row.id == step.row) return &row;
        return nullptr;
    }

    Value value(const TableSpec &table, const SourceRow &row, std::size_t column) {
        const auto &spec = table.columns[column];
        if (is_null(table, row, static_cast<int>(column))) return {};
        if (!spec.doubled) {
            const auto &pooled = pool_value(spec, row.values[column]);
            if (schema_.binary && spec.type->binary) return {ValueKind::binary, pooled.binary};
            return {ValueKind::text, pooled.text};
        }
        auto text = text_of(table, row, column).value();
        if (!schema_.binary) return {ValueKind::text, stream_.texts.emplace_back(std::move(text))};
        const auto number = static_cast<std::uint64_t>(std::stoll(text));
        std::string bytes;
        for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(number >> shift);
        return {ValueKind::binary, stream_.texts.emplace_back(std::move(bytes))};
    }

    Tuple whole(const TableSpec &table, const SourceRow &row) {
        auto &tuple = stream_.tuples.emplace_back();
        for (std::size_t column = 0; column < table.columns.size(); ++column)
            tuple.push_back(value(table, row, column));
        return tuple;
    }

    static bool out_of_line(const ColumnSpec &column, int value) { return column.toasted && value % 2 == 1; }

    /// The new row of an update: values that are stored out of line and that the statement did not set do not travel.
    Tuple updated(const TableSpec &table, const SourceRow &row, const Step &step) {
        auto &tuple = stream_.tuples.emplace_back();
        for (std::size_t column = 0; column < table.columns.size(); ++column) {
            if (!step.set.contains(static_cast<int>(column)) && out_of_line(table.columns[column], row.values[column]))
                tuple.push_back({ValueKind::unchanged, {}});
            else
                tuple.push_back(value(table, row, column));
        }
        return tuple;
    }

    /// The server logs the old key when its bytes change, and when part of it is stored out of line.
    static bool logs_old_key(const TableSpec &table, const Relation &relation, const SourceRow &old_row,
                             const Step &step) {
        return std::any_of(relation.key_columns.begin(), relation.key_columns.end(), [&](std::uint32_t column) {
            const auto old_value = old_row.values[column];
            const auto set = step.set.find(static_cast<int>(column));
            return out_of_line(table.columns[column], old_value) || (set != step.set.end() && set->second != old_value);
        });
    }

    void old(const TableSpec &table, const Relation &relation, const SourceRow &row, RowChange &change) {
        if (relation.identity == ReplicaIdentity::full) {
            change.old_kind = OldTuple::full;
            change.old_row = whole(table, row);
            return;
        }
        change.old_kind = OldTuple::key;
        auto &tuple = stream_.tuples.emplace_back(table.columns.size());
        for (const auto column : relation.key_columns) tuple[column] = value(table, row, column);
        change.old_row = tuple;
    }

    const Schema &schema_;
    SentStream &stream_;
};

} // namespace

std::optional<std::string> text_of(const TableSpec &table, const SourceRow &row, std::size_t column) {
    const auto &spec = table.columns[column];
    if (is_null(table, row, static_cast<int>(column))) return std::nullopt;
    if (!spec.doubled) return pool_value(spec, row.values[column]).text;
    const auto base = static_cast<std::size_t>(*spec.doubled);
    return std::to_string(2 * std::stoll(pool_value(table.columns[base], row.values[base]).text));
}

bool collide(const TableSpec &table, const KeySpec &key, const SourceRow &left, const SourceRow &right) {
    if (key.where_not_null && (is_null(table, left, *key.where_not_null) || is_null(table, right, *key.where_not_null)))
        return false;
    return std::all_of(key.columns.begin(), key.columns.end(), [&](int column) {
        const auto &spec = table.columns[static_cast<std::size_t>(column)];
        const auto left_value = left.values[static_cast<std::size_t>(column)];
        const auto right_value = right.values[static_cast<std::size_t>(column)];
        if (left_value == null_value || right_value == null_value)
            return key.nulls_not_distinct && left_value == right_value;
        const auto &left_pooled = pool_value(spec, left_value), &right_pooled = pool_value(spec, right_value);
        return key.lower ? left_pooled.lower == right_pooled.lower : left_pooled.same == right_pooled.same;
    });
}

bool perform(const Schema &schema, DatabaseRows &rows, const Step &step) {
    if (step.kind == Step::Kind::message) return true;
    if (step.kind == Step::Kind::truncate) {
        for (const auto table : step.tables) rows[static_cast<std::size_t>(table)].clear();
        return true;
    }
    const auto &table = schema.tables[static_cast<std::size_t>(step.table)];
    auto &there = rows[static_cast<std::size_t>(step.table)];
    auto *row = find(there, step.row);
    switch (step.kind) {
    case Step::Kind::insert: {
        SourceRow fresh{step.row, step.values, "default"};
        if (row != nullptr || !accepted(table, there, fresh)) return false;
        there.push_back(std::move(fresh));
        return true;
    }
    case Step::Kind::update: {
        if (row == nullptr) return false;
        auto changed = *row;
        for (const auto &[column, value] : step.set) changed.values[static_cast<std::size_t>(column)] = value;
        if (!accepted(table, there, changed)) return false;
        *row = std::move(changed);
        return true;
    }
    case Step::Kind::remove:
        if (row == nullptr) return false;
        there.erase(there.begin() + (row - there.data()));
        return true;
    default: return false;
    }
}

bool consistent(const Schema &schema, const DatabaseRows &rows) {
    for (std::size_t number = 0; number < schema.tables.size(); ++number) {
        const auto &table = schema.tables[number];
        for (const auto &key : table.keys) {
            if (!key.on_source || !key.deferrable) continue;
            for (std::size_t left = 0; left < rows[number].size(); ++left)
                for (std::size_t right = left + 1; right < rows[number].size(); ++right)
                    if (collide(table, key, rows[number][left], rows[number][right])) return false;
        }
    }
    return true;
}

std::optional<SentStream> replay(const Schema &schema, const DatabaseRows &initial,
                                 const std::vector<SourceTransaction> &transactions,
                                 const std::vector<Lsn> &commit_lsns, std::uint64_t first_counter) {
    SentStream stream;
    Sender sender(schema, stream);
    auto rows = initial;
    stream.states.push_back(rows);
    for (std::size_t number = 0; number < transactions.size(); ++number) {
        const auto &transaction = transactions[number];
        auto &sent = stream.transactions.emplace_back();
        const auto lsn = commit_lsns[number];
        const auto time = static_cast<SourceTime>(lsn.value) * 1000;
        const auto xid = 1000 + static_cast<std::uint32_t>(number);
        sent.begin = {xid, xid, lsn, time, {}};
        sent.commit = {lsn, Lsn{lsn.value + 8}, time, first_counter + number};
        for (const auto &step : transaction.steps) {
            const auto before = rows;
            if (!perform(schema, rows, step)) return std::nullopt;
            sender.send(step, before, rows, transaction.version, sent.changes);
        }
        if (!consistent(schema, rows)) return std::nullopt;
        stream.states.push_back(rows);
    }
    return stream;
}

} // namespace walbridge::differential
