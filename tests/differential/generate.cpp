// generate.cpp: random clients. Keys are few, so that the same rows are hit again and again; what the source would
// refuse is thrown away and tried again.
#include "generate.hpp"

#include <algorithm>

namespace walbridge::differential {
namespace {

/// A table whose copy may have been split by key. Not one with a column of the target's own: a row that moves from one
/// part to another is deleted here and inserted there, and nobody knows that column of it any more.
bool split_by_key(const TableSpec &table) {
    if (table.extra_column || table.keys.size() > 1) return false; // as copy::chunk_key()
    for (const auto &relation : *table.relations)
        if (relation.key_columns.size() != 1 || relation.identity == ReplicaIdentity::full) return false;
    const auto key = table.relations->front().key_columns.front();
    if ((*table.relations)[1].key_columns.front() != key) return false;
    if (std::any_of(table.columns.begin(), table.columns.end(),
                    [](const ColumnSpec &column) { return column.toasted; }))
        return false;
    const auto &type = table.columns[key].type->sql;
    return table.columns[key].target_type == type && (type == "pg_catalog.int4" || type == "pg_catalog.int8");
}

class Generator {
  public:
    Generator(const Schema &schema, std::uint64_t seed, Notes &notes)
        : schema_(schema), random_(seed), notes_(notes), rows_(schema.tables.size()) {
        made_.seed = random_.next();
        made_.schema = &schema;
    }

    Case make() {
        policies();
        mood();
        source_rows();
        transactions();
        const bool splittable = std::any_of(schema_.tables.begin(), schema_.tables.end(), split_by_key);
        if (random_.chance(splittable ? 25 : 8)) copied();
        made_.target = target_before(made_);
        // Most conflicts are few, or nothing behind the first one would be seen under "fail".
        if (random_.chance(55)) inject(random_.chance(70) ? 1 : random_.between(2, 8));
        return std::move(made_);
    }

  private:
    void policies() {
        static const std::vector<ConflictPolicy> policies{ConflictPolicy::fail, ConflictPolicy::ignore,
                                                          ConflictPolicy::overwrite};
        static const std::vector<std::string> update_missing{"insert", "ignore", "fail"};
        static const std::vector<std::string> delete_missing{"ignore", "fail"};
        made_.policies.policy = random_.pick(policies);
        made_.policies.update_missing = random_.pick(update_missing);
        made_.policies.delete_missing = random_.pick(delete_missing);
    }

    void mood() {
        inserts_ = random_.between(1, 10);
        updates_ = random_.between(1, 10);
        removes_ = random_.between(0, 8);
        key_changes_ = random_.chance(40) ? random_.between(10, 60) : 0;
        nulls_ = random_.chance(50) ? random_.between(5, 40) : 0;
    }

    int random_value(const ColumnSpec &column) {
        if (column.doubled || (!column.not_null && random_.chance(nulls_))) return null_value;
        return random_.pick(column.domain);
    }

    Step insert(int table) {
        Step step;
        step.table = table;
        step.row = next_row_++;
        for (const auto &column : schema_.tables[static_cast<std::size_t>(table)].columns)
            step.values.push_back(random_value(column));
        return step;
    }

    bool try_step(DatabaseRows &rows, const Step &step) {
        auto copy = rows;
        if (!perform(schema_, copy, step)) return false;
        rows = std::move(copy);
        return true;
    }

    void source_rows() {
        for (int table = 0; table < static_cast<int>(schema_.tables.size()); ++table) {
            const int wanted = random_.between(0, 7);
            for (int at = 0; at < wanted; ++at) {
                auto copy = rows_;
                if (perform(schema_, copy, insert(table)) && consistent(schema_, copy)) rows_ = std::move(copy);
            }
            for (auto &row : rows_[static_cast<std::size_t>(table)])
                if (random_.chance(50)) row.own = "own " + std::to_string(row.id);
        }
        made_.source = rows_;
    }

    const SourceRow *random_row(const DatabaseRows &rows, int table) {
        const auto &there = rows[static_cast<std::size_t>(table)];
        return there.empty() ? nullptr : &there[random_.below(there.size())];
    }

    static bool is_key(const TableSpec &table, int column, int version) {
        return (*table.relations)[static_cast<std::size_t>(version)].columns[static_cast<std::size_t>(column)].key;
    }

    Step update(int table, const SourceRow &row, int version) {
        const auto &spec = schema_.tables[static_cast<std::size_t>(table)];
        const bool full = (*spec.relations)[static_cast<std::size_t>(version)].identity == ReplicaIdentity::full;
        Step step;
        step.kind = Step::Kind::update;
        step.table = table;
        step.row = row.id;
        const bool change_key = random_.chance(key_changes_);
        for (int column = 0; column < static_cast<int>(spec.columns.size()); ++column) {
            const auto &one = spec.columns[static_cast<std::size_t>(column)];
            if (one.doubled) continue;
            const bool key = !full && is_key(spec, column, version);
            if (!random_.chance(key ? (change_key ? 70 : 0) : 35)) continue;
            step.set[column] = random_value(one);
        }
        return step;
    }

    /// Two rows trade the values of a key, by way of a third value where the constraint is checked at once.
    bool swap(DatabaseRows &rows, int table, int version, SourceTransaction &transaction) {
        const auto &spec = schema_.tables[static_cast<std::size_t>(table)];
        const auto &there = rows[static_cast<std::size_t>(table)];
        std::vector<const KeySpec *> keys;
        for (const auto &key : spec.keys)
            if (key.on_source) keys.push_back(&key);
        if (keys.empty() || there.size() < 2 || !spec.identifies(version)) return false;
        const auto &key = *random_.pick(keys);
        const auto left = random_.below(there.size());
        const auto right = (left + 1 + random_.below(there.size() - 1)) % there.size();
        const auto step = [&](const SourceRow &row, const SourceRow &values) {
            Step made;
            made.kind = Step::Kind::update;
            made.table = table;
            made.row = row.id;
            for (const auto column : key.columns) made.set[column] = values.values[static_cast<std::size_t>(column)];
            return made;
        };
        std::vector<Step> steps{step(there[left], there[right]), step(there[right], there[left])};
        if (!key.deferrable) {
            auto aside = there[left];
            for (const auto column : key.columns)
                aside.values[static_cast<std::size_t>(column)] =
                    random_value(spec.columns[static_cast<std::size_t>(column)]);
            steps.insert(steps.begin(), step(there[left], aside));
            std::swap(steps[1], steps[2]);
        }
        auto copy = rows;
        for (const auto &one : steps)
            if (!perform(schema_, copy, one)) return false;
        rows = std::move(copy);
        transaction.steps.insert(transaction.steps.end(), steps.begin(), steps.end());
        notes_.emplace_back(key.deferrable ? "swapped deferrable keys" : "swapped keys");
        return true;
    }

    void truncate(DatabaseRows &rows, SourceTransaction &transaction) {
        Step step;
        step.kind = Step::Kind::truncate;
        step.restart_identity = random_.chance(50);
        for (int table = 0; table < static_cast<int>(schema_.tables.size()); ++table)
            if (step.tables.empty() || random_.chance(50)) step.tables.push_back(table);
        if (try_step(rows, step)) transaction.steps.push_back(step);
    }

    void random_step(DatabaseRows &rows, SourceTransaction &transaction) {
        const auto table = static_cast<int>(random_.below(schema_.tables.size()));
        const auto &spec = schema_.tables[static_cast<std::size_t>(table)];
        if (random_.chance(2)) return truncate(rows, transaction);
        if (random_.chance(2)) {
            transaction.steps.emplace_back().kind = Step::Kind::message;
            return;
        }
        if (random_.chance(key_changes_ / 3) && swap(rows, table, transaction.version, transaction)) return;
        for (int attempt = 0; attempt < 6; ++attempt) {
            Step step;
            const int what = random_.between(1, inserts_ + updates_ + removes_);
            // Without an identity the first change of a row ends everything: seldom wanted.
            const bool insert_only = !spec.identifies(transaction.version) && !random_.chance(2);
            const auto *row = random_row(rows, table);
            if (what <= inserts_ || insert_only || row == nullptr) {
                step = insert(table);
            } else if (what <= inserts_ + updates_) {
                step = update(table, *row, transaction.version);
            } else {
                step.kind = Step::Kind::remove;
                step.table = table;
                step.row = row->id;
            }
            if (!try_step(rows, step)) continue;
            transaction.steps.push_back(std::move(step));
            return;
        }
    }

    void transactions() {
        const int count = random_.chance(80) ? random_.between(1, 6) : random_.between(7, 16);
        const int altered = random_.chance(25) ? random_.between(0, count) : count;
        for (int number = 0; number < count; ++number) {
            SourceTransaction transaction;
            transaction.version = number >= altered ? 1 : 0;
            const int steps = random_.chance(70) ? random_.between(1, 5) : random_.between(0, 14);
            auto rows = rows_;
            for (int step = 0; step < steps; ++step) random_step(rows, transaction);
            if (!consistent(schema_, rows)) {
                // What a deferred constraint refuses is rolled back; the last steps are most often to blame.
                while (!transaction.steps.empty()) {
                    transaction.steps.pop_back();
                    rows = rows_;
                    bool done = true;
                    for (const auto &step : transaction.steps) done = done && perform(schema_, rows, step);
                    if (done && consistent(schema_, rows)) break;
                }
            }
            rows_ = std::move(rows);
            made_.transactions.push_back(std::move(transaction));
        }
    }

    void copied() {
        for (int table = 0; table < static_cast<int>(schema_.tables.size()); ++table) {
            if (!random_.chance(70)) continue;
            const auto after = [&] { return random_.below(made_.transactions.size() + 1); };
            if (split_by_key(schema_.tables[static_cast<std::size_t>(table)]) && random_.chance(70)) {
                const auto between = random_.between(0, 5);
                made_.copied.push_back({table, std::nullopt, between, after()});
                made_.copied.push_back({table, between, std::nullopt, after()});
                notes_.emplace_back("copied in chunks");
            } else {
                made_.copied.push_back({table, std::nullopt, std::nullopt, after()});
                notes_.emplace_back("copied under a later snapshot");
            }
        }
    }

    /// A row with the values of a unique key that a change is going to write; an update's sooner than an insert's.
    std::optional<SourceRow> in_the_way(int table) {
        const auto &spec = schema_.tables[static_cast<std::size_t>(table)];
        std::vector<std::pair<const Step *, const KeySpec *>> inserts, updates;
        for (const auto &transaction : made_.transactions)
            for (const auto &step : transaction.steps)
                for (const auto &key : spec.keys) {
                    if (step.table != table || !key.on_target) continue;
                    if (step.kind == Step::Kind::insert) inserts.emplace_back(&step, &key);
                    if (std::any_of(key.columns.begin(), key.columns.end(),
                                    [&](int column) { return step.set.contains(column); }))
                        updates.emplace_back(&step, &key);
                }
        const auto &from = updates.empty() || (random_.chance(25) && !inserts.empty()) ? inserts : updates;
        if (from.empty()) return std::nullopt;
        const auto [step, key] = random_.pick(from);
        for (int attempt = 0; attempt < 12; ++attempt) {
            const auto made = insert(table);
            SourceRow row{made.row, made.values, "in the way"};
            for (const auto column : key->columns) {
                auto &value = row.values[static_cast<std::size_t>(column)];
                if (step->kind == Step::Kind::insert) value = step->values[static_cast<std::size_t>(column)];
                if (const auto set = step->set.find(column); set != step->set.end()) value = set->second;
            }
            const auto refused = [&](const SourceRow &other) {
                return std::any_of(spec.keys.begin(), spec.keys.end(),
                                   [&](const KeySpec &one) { return one.on_target && collide(spec, one, row, other); });
            };
            const auto &there = made_.target[static_cast<std::size_t>(table)];
            if (std::none_of(there.begin(), there.end(), refused)) return row;
        }
        return std::nullopt;
    }

    void inject(int count) {
        made_.injected = true;
        for (int at = 0; at < count; ++at) {
            const auto table = random_.below(schema_.tables.size());
            const auto &spec = schema_.tables[table];
            auto &rows = made_.target[table];
            const bool one_per_key = spec.found_without_key();
            if (one_per_key && rows.empty()) continue;
            switch (one_per_key    ? random_.between(2, 4)
                    : rows.empty() ? random_.between(-2, 0)
                                   : random_.between(-2, 5)) {
            case -3:
            case -2:
            case -1: { // a row in the way of a change
                if (auto row = in_the_way(static_cast<int>(table))) rows.push_back(std::move(*row));
                break;
            }
            case 0:
            case 1: { // a row too many
                auto step = insert(static_cast<int>(table));
                rows.push_back({step.row, step.values, "extra"});
                break;
            }
            case 2:
            case 3: rows.erase(rows.begin() + static_cast<std::ptrdiff_t>(random_.below(rows.size()))); break;
            case 4: { // other values
                auto &row = rows[random_.below(rows.size())];
                const auto column = random_.below(spec.columns.size());
                if (one_per_key &&
                    (is_key(spec, static_cast<int>(column), 0) || is_key(spec, static_cast<int>(column), 1)))
                    break;
                row.values[column] = random_value(spec.columns[column]);
                break;
            }
            default: { // a row twice, where the target lets it
                auto row = random_.pick(rows);
                row.own = "twice";
                rows.push_back(row);
            }
            }
        }
    }

    const Schema &schema_;
    Random random_;
    Notes &notes_;
    DatabaseRows rows_;
    Case made_;
    int next_row_ = 1;
    int inserts_ = 1, updates_ = 1, removes_ = 1, key_changes_ = 0, nulls_ = 0;
};

} // namespace

bool Case::must_equal_source() const {
    if (injected) return false;
    return std::none_of(schema->tables.begin(), schema->tables.end(),
                        [](const TableSpec &table) { return table.stricter_target; });
}

apply::SyncFilter Case::filter(const std::vector<Lsn> &commit_lsns) const {
    apply::SyncFilter filter;
    for (const auto &part : copied) {
        apply::SyncChunk chunk;
        chunk.low = part.low.value_or(chunk.low);
        chunk.high = part.high;
        // A change belongs to the copy iff its commit_lsn is below.
        chunk.sync_lsn = part.after < commit_lsns.size() ? commit_lsns[part.after] : Lsn{commit_lsns.back().value + 8};
        filter.add(schema->tables[static_cast<std::size_t>(part.table)].relations->front().oid, chunk);
    }
    return filter;
}

DatabaseRows target_before(const Case &made) {
    if (made.copied.empty()) return made.source;
    std::vector<Lsn> lsns;
    for (std::size_t number = 0; number < made.transactions.size(); ++number) lsns.push_back(Lsn{number * 16 + 16});
    const auto stream = replay(*made.schema, made.source, made.transactions, lsns, 1);
    if (!stream) return made.source;
    DatabaseRows rows(made.source.size());
    for (std::size_t after = 0; after < stream->states.size(); ++after)
        for (std::size_t table = 0; table < rows.size(); ++table)
            for (const auto &row : stream->states[after][table])
                if (made.copied_after(static_cast<int>(table), row) == after) rows[table].push_back(row);
    return rows;
}

Case random_case(const Schema &schema, std::uint64_t seed, Notes &notes) {
    return Generator(schema, seed, notes).make();
}

std::size_t Case::copied_after(int table, const SourceRow &row) const {
    const auto &spec = schema->tables[static_cast<std::size_t>(table)];
    for (const auto &part : copied) {
        if (part.table != table) continue;
        if (!part.low && !part.high) return part.after;
        const auto key = std::stoll(*text_of(spec, row, spec.relations->front().key_columns.front()));
        if ((!part.low || key >= *part.low) && (!part.high || key < *part.high)) return part.after;
    }
    return 0;
}

} // namespace walbridge::differential
