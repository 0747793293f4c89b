// runner.cpp: running and comparing.
#include "runner.hpp"

#include "base/error.hpp"
#include "target/postgres/catalog.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <sstream>

namespace walbridge::differential {
namespace {

std::string difference(const Result &expected, const Result &got) {
    if (expected.stop != got.stop) return "stopped otherwise";
    if (expected.tables != got.tables) return "other rows";
    if (expected.conflicts != got.conflicts) return "another conflict log";
    if (expected.progress != got.progress) return "another position";
    if (expected.sequences != got.sequences) return "other sequences";
    return {};
}

bool deviates(const Case &made) { // rows that the target may refuse
    return made.injected || !made.must_equal_source();
}

bool predictable(const Case &made) {
    return made.must_equal_source() && std::none_of(made.schema->tables.begin(), made.schema->tables.end(),
                                                    [](const TableSpec &table) { return table.marked_by_trigger; });
}

/// Rows of such a table are set as a whole by every change: the target's row is the source's afterwards, whatever it
/// was.
bool set_as_a_whole(const TableSpec &table) {
    if (table.extra_column || table.marked_by_trigger || table.stricter_target) return false;
    if (std::ranges::any_of(table.columns, [](const ColumnSpec &column) { return column.toasted; })) return false;
    const bool key_of_target = std::ranges::any_of(table.keys, [&](const KeySpec &key) {
        return key.on_target && std::ranges::all_of(key.columns, [&](int column) {
                   return table.columns[static_cast<std::size_t>(column)].not_null;
               });
    });
    // Under FULL a row that is found by a key keeps what deviated in the columns that did not change.
    return !key_of_target || std::ranges::none_of(table.identity, [](ReplicaIdentity identity) {
        return identity == ReplicaIdentity::full;
    });
}

/// Under these policies the source wins: every row that it touched is on the target in the end.
bool source_wins(const Case &made) {
    return made.policies.policy == ConflictPolicy::overwrite && made.policies.update_missing == "insert";
}

std::vector<std::string> lines_of(const std::string &text) {
    std::vector<std::string> lines;
    std::istringstream from(text);
    for (std::string line; std::getline(from, line);) lines.push_back(line);
    return lines;
}

/// The source's rows at the end that its changes have written.
DatabaseRows touched_rows(const Case &made, const SentStream &stream) {
    DatabaseRows rows(stream.states.back().size());
    for (std::size_t table = 0; table < rows.size(); ++table) {
        if (!set_as_a_whole(made.schema->tables[table])) continue;
        std::set<int> touched;
        for (const auto &transaction : made.transactions)
            for (const auto &step : transaction.steps)
                if (step.table == static_cast<int>(table) &&
                    (step.kind == Step::Kind::insert || step.kind == Step::Kind::update))
                    touched.insert(step.row);
        for (const auto &row : stream.states.back()[table])
            if (touched.contains(row.id)) rows[table].push_back(row);
    }
    return rows;
}

} // namespace

Runner::Runner(const std::string &server_url, const std::string &prefix, const std::vector<std::string> &only) {
    for (const auto &kind : all_ways()) {
        if (!columns_.empty() && !only.empty() && std::find(only.begin(), only.end(), kind.name) == only.end())
            continue;
        auto &column = columns_.emplace_back();
        column.kind = &kind;
        const auto name = fmt::format("{}_{}", prefix, columns_.size());
        column.database = std::make_unique<Database>(server_url, name);
        TaskConfig config;
        config.name = name; // replication origins belong to the whole server: each session needs its own
        config.target.endpoint.url = column.database->url();
        column.way = kind.make(std::move(config));
    }
    source_ = std::make_unique<Database>(server_url, prefix + "_source");
}

void Runner::create(const Schema &schema, Coverage *coverage) {
    for (auto &column : columns_) {
        column.way->forget();
        column.database->create(schema);
    }
    source_->create(schema);
    if (coverage == nullptr) return;
    coverage->add(schema.binary ? "binary form" : "text form");
    for (const auto &table : schema.tables) {
        for (const auto &relation : *table.relations) {
            auto described = target::read_table(source_->session(), relation.name);
            const auto plan = target::make_table_plan(relation, std::move(*described));
            static constexpr const char *lookups[] = {"unique key", "key", "full row", "none"};
            coverage->add(fmt::format("lookup {}", lookups[static_cast<int>(plan.lookup)]));
            coverage->add(!plan.bulk_eligible()    ? "not eligible for bulk"
                          : plan.extra_unique_keys ? "bulk: runs of operations"
                                                   : "bulk: collapsed per key");
            for (const auto index : plan.key)
                if (table.columns[plan.columns[index].source].type->sql == "dom.small")
                    coverage->add("domain over a domain as a key");
        }
        const auto mark = [&](bool there, const char *what) {
            if (there) coverage->add(what);
        };
        mark(table.extra_column, "target column of its own");
        mark(!std::is_sorted(table.target_order.begin(), table.target_order.end()), "other column order");
        mark(table.dropped_column, "dropped column");
        mark(table.partitioned, "partitioned target");
        mark(table.marked_by_trigger, "trigger that fires");
        for (const auto &column : table.columns) {
            mark(column.doubled.has_value(), "generated column");
            mark(column.identity != 0, "identity column");
            mark(column.target_type.ends_with("dom.ci"), "weaker equality on the target");
            mark(!column.target_type.starts_with(column.type->sql), "other type on the target");
        }
        for (const auto &key : table.keys) {
            mark(key.where_not_null.has_value(), "partial unique index");
            mark(key.lower, "unique index on an expression");
            mark(key.nulls_not_distinct, "nulls not distinct");
            mark(key.kind == KeySpec::Kind::exclusion, "exclusion constraint");
            mark(key.deferrable, "deferrable constraint");
        }
    }
}

Seen Runner::apply(Column &column, const Case &made, const Work &work, Lsn first_lsn) {
    column.database->put(*made.schema, made.target, deviates(made));
    Seen seen{column.kind->name, {}, {}};
    const auto stop = column.way->apply(work);
    seen.result = column.database->read(*made.schema, first_lsn);
    seen.result.stop = stop;
    seen.counters = column.way->counters();
    return seen;
}

Verdict Runner::run(const Case &made, Coverage *coverage, bool thorough) {
    std::vector<Lsn> lsns;
    for (std::size_t number = 0; number < made.transactions.size(); ++number) lsns.push_back(Lsn{next_lsn_ += 16});
    const auto stream = replay(*made.schema, made.source, made.transactions, lsns, counter_);
    if (!stream) throw Error(ErrorKind::internal, "case", "no source could have done this");
    counter_ += made.transactions.size();

    Work work{made.schema, &*stream, made.filter(lsns), made.policies, made.seed};
    Random random(made.seed);
    std::vector<Seen> seen;
    for (auto &column : columns_) {
        if (!random.chance(column.kind->percent) && !thorough) continue;
        work.seed = random.next();
        seen.push_back(apply(column, made, work, lsns.front()));
        const auto problem = difference(seen.front().result, seen.back().result);
        if (!problem.empty()) return {fmt::format("{}: {}", seen.back().way, problem), seen.front(), seen.back()};
    }
    if (coverage != nullptr) cover(made, *stream, seen, *coverage);
    if (stream->unidentified) return {};
    if (source_wins(made) && made.copied.empty() && !seen.front().result.stop) {
        if (coverage != nullptr) coverage->add("the source won");
        source_->put(*made.schema, touched_rows(made, *stream), false);
        Seen expected{"the source's rows, of those that it touched", source_->read(*made.schema, lsns.front()), {}};
        for (std::size_t table = 0; table < made.schema->tables.size(); ++table) {
            const auto there = lines_of(seen.front().result.tables[table]);
            for (const auto &row : lines_of(expected.result.tables[table]))
                if (std::ranges::find(there, row) == there.end())
                    return {"the source's row is not on the target: " + row, expected, seen.front()};
        }
    }
    if (!predictable(made)) return {};

    source_->put(*made.schema, stream->states.back(), false);
    Seen expected{"the source", source_->read(*made.schema, lsns.front()), {}};
    expected.result.progress = seen.front().result.progress; // only rows are expected of a source, and no conflicts
    expected.result.sequences = seen.front().result.sequences;
    const auto problem = difference(expected.result, seen.front().result);
    if (!problem.empty()) return {"the source differs from all ways: " + problem, expected, seen.front()};
    return {};
}

void Runner::cover(const Case &made, const SentStream &stream, const std::vector<Seen> &seen, Coverage &coverage) {
    static constexpr const char *policies[] = {"fail", "ignore", "overwrite"};
    coverage.add(fmt::format("policy {}", policies[static_cast<int>(made.policies.policy)]));
    coverage.add("update_missing " + made.policies.update_missing);
    coverage.add("delete_missing " + made.policies.delete_missing);
    for (const auto &kind : columns_.front().database->conflict_kinds()) coverage.add("conflict " + kind);

    const auto &reference = seen.front().result;
    if (reference.stop) {
        coverage.add("stop " + reference.stop->kind);
        if (reference.stop->reason.starts_with("constraint ")) coverage.add("stop without a record");
        if (reference.progress != "none") coverage.add("stop after a committed transaction");
    }
    const bool smooth = reference.conflicts.empty() && !reference.stop;
    bool bulk = false;
    for (const auto &one : seen) {
        if (one.counters.fallbacks > 0)
            coverage.add(smooth ? "fallback without a conflict" : "fallback with a conflict");
        else if (one.counters.bulk_batches > 0) {
            coverage.add("bulk batch without fallback");
            bulk = true;
        }
    }
    if (predictable(made) && !stream.unidentified) {
        coverage.add("compared with the source");
        if (bulk) coverage.add("compared with the source, bulk without fallback");
    }

    std::set<const Relation *> relations;
    std::set<std::pair<int, int>> rows;
    for (const auto &transaction : made.transactions)
        for (const auto &step : transaction.steps)
            if ((step.kind == Step::Kind::insert || step.kind == Step::Kind::update ||
                 step.kind == Step::Kind::remove) &&
                !rows.emplace(step.table, step.row).second)
                coverage.add("row hit more than once");
    for (const auto &transaction : stream.transactions)
        for (const auto &change : transaction.changes) {
            coverage.add("changes");
            if (std::holds_alternative<TruncateChange>(change)) coverage.add("truncate");
            const auto *row = std::get_if<RowChange>(&change);
            if (row == nullptr) continue;
            relations.insert(row->relation);
            if (row->old_kind == OldTuple::full) coverage.add("old row in full");
            for (const auto &value : row->new_row) {
                if (value.kind == ValueKind::unchanged) coverage.add("unchanged value");
                if (value.kind == ValueKind::null) coverage.add("null in a row");
            }
            if (row->operation == RowOperation::update && row->old_kind == OldTuple::key) coverage.add("key change");
        }
    for (const auto &table : made.schema->tables)
        if (relations.contains(&(*table.relations)[0]) && relations.contains(&(*table.relations)[1]))
            coverage.add("another descriptor in one stream");
    // A key that changed its form alone.
    for (std::size_t number = 0; number < made.transactions.size(); ++number)
        for (const auto &step : made.transactions[number].steps) {
            if (step.kind != Step::Kind::update) continue;
            const auto &table = made.schema->tables[static_cast<std::size_t>(step.table)];
            for (const auto &before : stream.states[number][static_cast<std::size_t>(step.table)])
                for (const auto &[column, value] : step.set) {
                    const auto old = before.values[static_cast<std::size_t>(column)];
                    if (before.id != step.row || old == value || old == null_value || value == null_value) continue;
                    const auto &pool = table.columns[static_cast<std::size_t>(column)].type->pool;
                    if (pool[static_cast<std::size_t>(old)].same == pool[static_cast<std::size_t>(value)].same &&
                        (*table.relations)[0].columns[static_cast<std::size_t>(column)].key)
                        coverage.add("same key in another form");
                }
        }
}

} // namespace walbridge::differential
