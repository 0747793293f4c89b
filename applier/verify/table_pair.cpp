// table_pair.cpp: see table_pair.hpp.
#include "verify/table_pair.hpp"

#include "base/log.hpp"
#include "config/existing_tables.hpp"
#include "dialect/postgres.hpp"
#include "schema/column_rules.hpp"
#include "source/common_columns.hpp"
#include "source/shape.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <set>

namespace walbridge::verify {
namespace {

using dialect::postgres::quote;

/// Types whose order is the same on every server: integers, uuid, dates and timestamps.
constexpr std::array<std::uint32_t, 7> ordered{20, 21, 23, 1082, 1114, 1184, 2950};

class Tables {
  public:
    explicit Tables(std::vector<source::Table> tables) : tables_(std::move(tables)) {
        for (const auto &table : tables_) {
            by_oid_[table.oid] = &table;
            by_name_[table.name] = &table;
        }
    }
    [[nodiscard]] const std::vector<source::Table> &all() const { return tables_; }
    [[nodiscard]] const source::Table *find(const QualifiedName &name) const {
        const auto found = by_name_.find(name);
        return found == by_name_.end() ? nullptr : found->second;
    }
    /// The topmost partitioned table of a partition; the table itself when it is none.
    [[nodiscard]] const source::Table &root(const source::Table &table) const {
        const auto *at = &table;
        while (at->parent_oid != 0 && !at->inherits && by_oid_.contains(at->parent_oid))
            at = by_oid_.at(at->parent_oid);
        return *at;
    }
    [[nodiscard]] std::vector<const source::Table *> leaves(const source::Table &root) const {
        std::vector<const source::Table *> found;
        for (const auto &table : tables_)
            if (table.kind == 'r' && &this->root(table) == &root) found.push_back(&table);
        return found;
    }
    [[nodiscard]] std::uint64_t bytes(const source::Table &table) const {
        if (table.kind == 'r') return table.bytes;
        std::uint64_t sum = 0;
        for (const auto *leaf : leaves(table)) sum += leaf->bytes;
        return sum;
    }

  private:
    std::vector<source::Table> tables_;
    std::map<std::uint32_t, const source::Table *> by_oid_;
    std::map<QualifiedName, const source::Table *> by_name_;
};

bool usable(const source::Index &index, const source::Table &table) {
    if (!index.unique || !index.immediate || !index.valid || index.partial || index.expressions) return false;
    return std::all_of(index.columns.begin(), index.columns.end(), [&](int number) {
        const auto *column = table.column(number);
        return column != nullptr && column->not_null;
    });
}

/// The index whose columns name a row: the replica identity, the primary key, or any unique one over NOT NULL columns.
const source::Index *key_index(const source::Table &table) {
    if (const auto *identity = source::identity_index(table); identity != nullptr && usable(*identity, table))
        return identity;
    const source::Index *best = nullptr;
    for (const auto &index : table.indexes)
        if (usable(index, table) && (best == nullptr || index.primary)) best = &index;
    return best;
}

/// Ranges of a key are read through its index: where rows do not lie in its order, one scan is cheaper than many.
bool rows_lie_in_order(pg::Session &session, const source::Table &table, const std::string &column) {
    const auto correlation = session.value("SELECT correlation FROM pg_catalog.pg_stats WHERE schemaname = $1 AND "
                                           "tablename = $2 AND attname = $3",
                                           {table.name.schema, table.name.name, column});
    return correlation && std::abs(std::strtod(correlation->c_str(), nullptr)) > 0.9;
}

class Pairing {
  public:
    Pairing(const TaskConfig &config, const std::vector<QualifiedName> &only, SnapshotPair &snapshots)
        : config_(config), only_(only), snapshots_(snapshots), source_(source::read_tables(snapshots.source())),
          target_(source::read_tables(snapshots.target())), selection_(config.objects.include, config.objects.exclude),
          shaper_(config, snapshots.source()) {
        source::learn_partitions(config.names, source_.all());
    }

    std::vector<TablePair> all(bool strict) {
        std::vector<TablePair> pairs;
        std::set<const source::Table *> roots; // compared as a whole
        for (const auto &table : source_.all()) {
            if (table.kind != 'r' || !selection_.matches(table.name.schema, table.name.name)) continue;
            const auto &root = source_.root(table);
            if (!wanted(table) && !wanted(root)) continue;
            if (&root == &table || same_leaves(root))
                pairs.push_back(pair(table));
            else if (roots.insert(&root).second)
                pairs.push_back(pair(root));
        }
        for (const auto &name : only_)
            if (strict && (source_.find(name) == nullptr || !selection_.matches(name.schema, name.name)))
                throw Error(ErrorKind::usage, to_string(name), "the task has no such table",
                            "Give the source's name as schema.table.");
        return pairs;
    }

  private:
    bool wanted(const source::Table &table) const {
        return only_.empty() || std::find(only_.begin(), only_.end(), table.name) != only_.end();
    }

    /// Whether both sides have the same partitions, so that each can be compared alone.
    bool same_leaves(const source::Table &root) const {
        const auto *there = target_.find(config_.names.table(root.name));
        if (there == nullptr || there->kind != 'p') return false;
        const auto theirs = target_.leaves(*there);
        const auto ours = source_.leaves(root);
        std::set<QualifiedName> names;
        for (const auto *leaf : theirs) names.insert(leaf->name);
        return ours.size() == theirs.size() && std::all_of(ours.begin(), ours.end(), [&](const auto *leaf) {
                   return names.contains(config_.names.table(leaf->name)) &&
                          selection_.matches(leaf->name.schema, leaf->name.name);
               });
    }

    TablePair pair(const source::Table &table) {
        TablePair pair;
        pair.source = table;
        pair.target.name = config_.names.table(table.name);
        pair.source_bytes = source_.bytes(table);
        const auto *there = target_.find(pair.target.name);
        if (there == nullptr) {
            pair.failed = "the target has no such table";
            return pair;
        }
        pair.target = *there;
        pair.target_bytes = target_.bytes(*there);
        source::Shape shape;
        try {
            shape = shaper_.shape(table);
            if (proceeds_with_existing(config_)) keep_common(table, *there, shape, pair);
            take_shape(shape, table, pair);
            pair.columns = pair_columns(pair.source, pair.target);
        } catch (const Error &error) {
            if (dynamic_cast<const SqlError *>(&error) != nullptr) throw;
            pair.failed = error.reason();
            return pair;
        }
        take_key(shape, table, *there, pair);
        return pair;
    }

    /// Of a table that was there before the task, the columns that both sides have.
    void keep_common(const source::Table &table, const source::Table &there, source::Shape &shape,
                     TablePair &pair) const {
        const auto common = source::common_columns(shape, there);
        pair.left_out = common.left_out;
        pair.only_there = common.only_there;
        // What the source computes and the target does not have, or computes its own way.
        for (const auto &column : table.columns)
            if (column.generated != '\0' && there_is_no(config_.names.column(table.name, column.name), there))
                pair.left_out.push_back(column.name);
        shape = source::without(std::move(shape), pair.left_out);
    }

    /// The source's side becomes what travels of the table.
    static void take_shape(const source::Shape &shape, const source::Table &table, TablePair &pair) {
        if (shape.plain()) return;
        std::string list;
        auto without_added = shape;
        without_added.added.clear(); // nothing of the source stands against them
        pair.source = schema::reshaped(table, without_added);
        for (const auto &shaped : shape.columns)
            list +=
                (list.empty() ? "" : ", ") + shaped.sql + " AS " + dialect::postgres::quote_identifier(shaped.target);
        pair.source_rows =
            fmt::format("(SELECT {} FROM {}{}{}) AS rows_that_travel", list, table.kind == 'p' ? "" : "ONLY ",
                        quote(table.name), shape.where.empty() ? "" : " WHERE " + shape.where);
    }

    void take_key(const source::Shape &shape, const source::Table &table, const source::Table &there, TablePair &pair) {
        const auto *index = key_index(table);
        if (index == nullptr) return;
        bool computed = false;
        for (const auto number : index->columns)
            for (std::size_t at = 0; at < shape.columns.size(); ++at)
                if (const auto &shaped = shape.columns[at]; shaped.own != nullptr && shaped.own->number == number) {
                    if (pair.key.empty()) pair.first_key = shaped.name;
                    pair.key.push_back(at);
                    computed = computed || shaped.computed;
                }
        // Without all of its columns it is no key; what an expression makes of one may be the same for several rows.
        if (computed || pair.key.size() != index->columns.size()) return pair.key.clear();
        const auto &first = pair.columns[pair.key.front()];
        pair.by_ranges = std::find(ordered.begin(), ordered.end(), first.type) != ordered.end() &&
                         first.source == first.target &&
                         rows_lie_in_order(snapshots_.source(), table, pair.first_key) &&
                         rows_lie_in_order(snapshots_.target(), there, first.name);
    }

    static bool there_is_no(const std::string &column, const source::Table &there) {
        return std::ranges::find(there.columns, column, &source::Column::name) == there.columns.end();
    }

    const TaskConfig &config_;
    const std::vector<QualifiedName> &only_;
    SnapshotPair &snapshots_;
    const Tables source_, target_;
    const wire::ObjectSelection selection_;
    source::Shaper shaper_;
};

} // namespace

std::vector<ColumnPair> TablePair::key_columns() const {
    std::vector<ColumnPair> found;
    for (const auto at : key) found.push_back(columns[at]);
    return found;
}

std::string TablePair::from(Side side) const {
    return side == Side::source && !source_rows.empty() ? source_rows : relation(side);
}

std::string TablePair::relation(Side side) const {
    const auto &table = side == Side::source ? source : target;
    return (table.kind == 'p' ? "" : "ONLY ") + quote(table.name);
}

std::string TablePair::fingerprint() const {
    return fmt::format("{} {} {} {}{}", source.oid, source::fingerprint(source), target.oid,
                       source::fingerprint(target), source_rows);
}

std::string TablePair::shape() const {
    auto a = source, b = target;
    a.filenode = b.filenode = 0;
    return fmt::format("{} {} {} {}{}", source.oid, source::fingerprint(a), target.oid, source::fingerprint(b),
                       source_rows);
}

std::vector<TablePair> pair_tables(const TaskConfig &config, const std::vector<QualifiedName> &only,
                                   SnapshotPair &snapshots, bool strict) {
    return Pairing(config, only, snapshots).all(strict);
}

DigestForm common_form(SnapshotPair &snapshots) {
    const auto encoding = [](pg::Session &session) {
        return session.value("SELECT pg_catalog.current_setting('server_encoding')").value_or("");
    };
    if (encoding(snapshots.source()) != encoding(snapshots.target())) return DigestForm::portable;
    return snapshots.source().value(probe_sql()) == snapshots.target().value(probe_sql()) ? DigestForm::hashed
                                                                                          : DigestForm::portable;
}

} // namespace walbridge::verify
