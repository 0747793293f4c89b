// repairer.cpp: see repairer.hpp.
#include "verify/repairer.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "target/postgres/origins.hpp"
#include "verify/range_comparer.hpp"
#include "verify/repair.hpp"
#include "verify/result_json.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::verify {
namespace {

/// Rows that are repaired while apply is held once.
constexpr std::size_t rows_at_a_time = 500;

std::string row_json(const std::vector<std::pair<std::string, Text>> &values) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto &[name, value] : values) json[name] = value ? nlohmann::ordered_json(*value) : nullptr;
    return as_stored(json);
}

const char *kind_of(RowDifference::Kind kind) {
    switch (kind) {
    case RowDifference::Kind::missing: return "verify_missing";
    case RowDifference::Kind::extra: return "verify_extra";
    case RowDifference::Kind::differs: break;
    }
    return "verify_differs";
}

/// Applies what still differs; runs while apply is held.
class Batch {
  public:
    Batch(const TaskConfig &config, const Options &options, const StopToken &stop)
        : config_(config), options_(options), stop_(stop),
          target_(config.target.endpoint, session_options(config, "verify")) {
        options_.repair = true;
        options_.mode = Mode::full;
        target_.execute("SET synchronous_commit = on; SET lock_timeout = '5s'");
        carry_origin();
    }

    std::uint64_t run(SnapshotPair &snapshots, const QualifiedName &name,
                      const std::vector<std::vector<std::string>> &keys) {
        auto tables = pair_tables(config_, {name}, snapshots, false);
        if (tables.size() != 1 || !tables.front().failed.empty()) throw OutOfDate{"it cannot be compared any more"};
        const auto &table = tables.front();
        const auto form = common_form(snapshots);
        RangeComparer comparer(config_, options_, form, snapshots, stop_);
        const auto found = table.key.empty() ? comparer.compare(table, Range{}) : comparer.compare_keys(table, keys);
        if (found.rows.empty()) return 0;
        try {
            return write(table, found.rows, snapshots.position());
        } catch (...) {
            target_.rollback_quietly();
            throw;
        }
    }

  private:
    /// A task that follows the target and leaves out what this one applied leaves out its repairs, too.
    void carry_origin() {
        try {
            target::carry_origin(target_, config_.origin_name() + ":repair");
        } catch (const SqlError &error) {
            if (error.sqlstate() == "55006") // object_in_use
                throw Error(ErrorKind::task_state, fmt::format("task {}", config_.name),
                            "another verification repairs its target right now", "Wait for that one to end.");
            if (error.sqlstate() != "53400") throw; // configuration_limit_exceeded: more than the setting allows
            log::warning("repairs carry no replication origin", {{"reason", error.reason()}});
        }
    }

    std::uint64_t write(const TablePair &table, const std::vector<RowDifference> &rows, Lsn position) {
        target_.execute("BEGIN");
        target_.execute(repair_settings());
        if (position.valid()) target_.execute(guard_statement(config_.name, position));
        std::uint64_t number = 0;
        for (const auto *row : in_order(rows)) {
            if (row->repair.empty()) continue;
            target_.execute(row->repair);
            record(table, *row, position);
            ++number;
        }
        target_.execute("COMMIT");
        return number;
    }

    void record(const TablePair &table, const RowDifference &row, Lsn position) {
        std::vector<std::pair<std::string, Text>> ours, theirs;
        for (const auto &column : row.columns) {
            ours.emplace_back(column.name, column.source);
            theirs.emplace_back(column.name, column.target);
        }
        const bool whole = row.columns.empty();
        const auto &source_row = whole && row.kind == RowDifference::Kind::missing ? row.key : ours;
        const auto &target_row = whole && row.kind == RowDifference::Kind::extra ? row.key : theirs;
        // Numbers of changes are positive, these are not: below all that stand there for the position.
        target_.query(
            "INSERT INTO walbridge.conflict (task, kind, policy, outcome, schema_name, table_name, commit_lsn, "
            "change, key, source_row, target_row) SELECT $1, $2, 'repair', $3, $4, $5, $6::pg_lsn, "
            "least(coalesce(min(change), 0), 0) - 1, $7::jsonb, $8::jsonb, $9::jsonb FROM walbridge.conflict "
            "WHERE task = $1 AND commit_lsn = $6::pg_lsn",
            {config_.name, kind_of(row.kind), "repaired", table.source.name.schema, table.source.name.name,
             to_string(position), row_json(row.key), row_json(source_row), row_json(target_row)});
    }

    const TaskConfig &config_;
    Options options_;
    const StopToken &stop_;
    pg::Session target_;
};

} // namespace

Repaired repair(const TaskConfig &config, const Options &options, const Result &result, const StopToken &stop) {
    Repaired repaired;
    Batch batch(config, options, stop);
    for (const auto &table : result.tables) {
        if (table.equal()) continue;
        if (!table.failed.empty()) {
            repaired.left.push_back(fmt::format("{}: {}", to_string(table.source), table.failed));
            continue;
        }
        const bool keyed = table.how != "as a multiset" && table.how != "sample, as a multiset";
        for (std::size_t first = 0; first < table.rows.size(); first += rows_at_a_time) {
            std::vector<std::vector<std::string>> keys;
            for (std::size_t at = first; keyed && at < std::min(first + rows_at_a_time, table.rows.size()); ++at) {
                std::vector<std::string> key;
                for (const auto &[name, value] : table.rows[at].key) key.push_back(value.value_or(""));
                keys.push_back(std::move(key));
            }
            try {
                const SnapshotPair held(
                    config, options.stillness, options.patience, stop, std::nullopt,
                    [&](SnapshotPair &snapshots) { repaired.rows += batch.run(snapshots, table.source, keys); });
                repaired.held_seconds += held.held_seconds();
            } catch (const OutOfDate &reason) {
                repaired.left.push_back(fmt::format("{}: {}", to_string(table.source), reason.reason));
            } catch (const SqlError &error) {
                if (error.recovery() == Recovery::reconnect) throw;
                repaired.left.push_back(fmt::format("{}: {}", to_string(table.source), error.reason()));
            }
            if (!keyed) break;
        }
        if (table.at_least || table.missing + table.extra + table.differing > table.rows.size())
            if (keyed)
                repaired.left.push_back(fmt::format("{}: only the first {} rows; verify again", to_string(table.source),
                                                    table.rows.size()));
    }
    pg::Session target(config.target.endpoint, session_options(config, "verify"));
    for (const auto &sequence : result.sequences) {
        const auto name = describe_pair(sequence.source, sequence.target);
        if (!sequence.source_value || sequence.on_target.empty()) {
            repaired.left.push_back(fmt::format("sequence {}: it is not on both sides", name));
            continue;
        }
        target.query("SELECT pg_catalog.setval($1::regclass, $2::bigint, $3::boolean)",
                     {dialect::postgres::quote(sequence.target), std::to_string(*sequence.source_value),
                      sequence.source_called ? "true" : "false"});
        ++repaired.sequences;
    }
    return repaired;
}

} // namespace walbridge::verify
