// repair.cpp: see repair.hpp.
#include "verify/repair.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::verify {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

std::string literal(const Text &text) { return text ? quote_literal(*text) : "NULL"; }

const source::Column &target_column(const TablePair &table, const std::string &name) {
    return *std::find_if(table.target.columns.begin(), table.target.columns.end(),
                         [&](const auto &column) { return column.name == name; });
}

/// Identity columns take a value only where the row is made.
bool settable(const source::Column &column) { return column.generated == '\0' && column.identity != 'a'; }

std::string by_key(const TablePair &table, const RowDifference &row) {
    std::string text;
    for (const auto &[name, value] : row.key)
        text += fmt::format("{}{} = {}::{}", text.empty() ? "" : " AND ", quote_identifier(name), literal(value),
                            target_column(table, name).type);
    return text;
}

std::string remove(const TablePair &table, const RowDifference &row, const std::vector<Text> &values) {
    const auto from = table.from(Side::target);
    if (!table.key.empty()) return fmt::format("DELETE FROM {} WHERE {};", from, by_key(table, row));
    std::string same;
    for (std::size_t at = 0; at < table.columns.size(); ++at)
        same += fmt::format("{}({})::text COLLATE \"C\" IS NOT DISTINCT FROM {}", same.empty() ? "" : " AND ",
                            table.columns[at].target, literal(values[at]));
    return fmt::format(
        "DELETE FROM {0} WHERE (tableoid, ctid) IN (SELECT tableoid, ctid FROM {0} WHERE {1} LIMIT {2});", from,
        same.empty() ? "true" : same, row.target_rows - row.source_rows);
}

std::string insert(const TablePair &table, const RowDifference &row, const std::vector<Text> &values) {
    std::string names, list;
    for (std::size_t at = 0; at < table.columns.size(); ++at) {
        if (target_column(table, table.columns[at].name).generated != '\0') continue;
        names += (names.empty() ? "" : ", ") + quote_identifier(table.columns[at].name);
        list += (list.empty() ? "" : ", ") + literal(values[at]);
    }
    const auto one = names.empty() ? fmt::format("INSERT INTO {} DEFAULT VALUES;", quote(table.target.name))
                                   : fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({});",
                                                 quote(table.target.name), names, list);
    std::string all = one;
    const auto times = table.key.empty() ? row.source_rows - row.target_rows : 1;
    for (std::uint64_t more = 1; more < times; ++more) all += "\n" + one;
    return all;
}

int rank(RowDifference::Kind kind) {
    switch (kind) {
    case RowDifference::Kind::extra: return 0;
    case RowDifference::Kind::differs: return 1;
    case RowDifference::Kind::missing: break;
    }
    return 2;
}

} // namespace

std::string repair_statement(const TablePair &table, const RowDifference &row, const std::vector<Text> &source,
                             const std::vector<Text> &target) {
    switch (row.kind) {
    case RowDifference::Kind::missing: return source.empty() ? std::string() : insert(table, row, source);
    case RowDifference::Kind::extra: return remove(table, row, target);
    case RowDifference::Kind::differs: break;
    }
    if (source.empty() || target.empty()) return {};
    std::string set;
    for (std::size_t at = 0; at < table.columns.size(); ++at) {
        if (source[at] == target[at]) continue;
        const auto &column = target_column(table, table.columns[at].name);
        if (column.generated != '\0') continue;
        if (!settable(column)) return remove(table, row, target) + "\n" + insert(table, row, source);
        set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", quote_identifier(column.name), literal(source[at]));
    }
    if (set.empty()) return {};
    return fmt::format("UPDATE {} SET {} WHERE {};", table.from(Side::target), set, by_key(table, row));
}

std::string repair_settings() {
    return "SET LOCAL session_replication_role = replica; SET LOCAL search_path = pg_catalog; SET LOCAL "
           "standard_conforming_strings = on; SET LOCAL DateStyle = 'ISO, MDY'; SET LOCAL IntervalStyle = 'postgres'; "
           "SET LOCAL TimeZone = 'UTC'; SET LOCAL lc_monetary = 'C';";
}

std::string guard_statement(const std::string &task, Lsn position) {
    return fmt::format(
        "DO $walbridge$ BEGIN PERFORM 1 FROM walbridge.progress WHERE task = {} AND position = '{}' FOR UPDATE; IF NOT "
        "FOUND THEN RAISE EXCEPTION 'the target has moved on since it was compared' USING HINT = 'Stop the task and "
        "verify again, or use walbridge verify --repair.'; END IF; END $walbridge$;",
        quote_literal(task), to_string(position));
}

std::vector<const RowDifference *> in_order(const std::vector<RowDifference> &rows) {
    std::vector<const RowDifference *> order;
    for (const auto &row : rows) order.push_back(&row);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto *a, const auto *b) { return rank(a->kind) < rank(b->kind); });
    return order;
}

std::string repair_script(const TaskConfig &config, const Result &result) {
    auto script = fmt::format(
        "-- Makes the target of task {} like its source at {}. Run it with psql on the target, as a "
        "role that may\n-- set session_replication_role; while the task is stopped, or it refuses "
        "because the target has moved on.\n\\set ON_ERROR_STOP on\nSET client_encoding = "
        "'UTF8';\nBEGIN;\n{}\n{}\n",
        config.name, to_string(result.position), repair_settings(), guard_statement(config.name, result.position));
    for (const auto &table : result.tables) {
        if (table.equal()) continue;
        if (!table.failed.empty()) {
            script += fmt::format("-- {}: not compared: {}\n", to_string(table.source), table.failed);
            continue;
        }
        script += fmt::format("-- {}\n", describe_pair(table.source, table.target));
        for (const auto *row : in_order(table.rows))
            if (!row->repair.empty()) script += row->repair + "\n";
        if (table.at_least || table.rows.size() >= repaired_at_most)
            script += "-- there are more differing rows: verify again behind this\n";
    }
    for (const auto &sequence : result.sequences)
        if (sequence.source_value)
            script += fmt::format("SELECT pg_catalog.setval({}, {}, {});\n", quote_literal(quote(sequence.target)),
                                  *sequence.source_value, sequence.source_called);
    return script + "COMMIT;\n";
}

} // namespace walbridge::verify
