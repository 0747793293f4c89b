// range_comparer.cpp: see range_comparer.hpp.
#include "verify/range_comparer.hpp"

#include "base/log.hpp"
#include "change/packed_key.hpp"
#include "dialect/postgres.hpp"
#include "verify/repair.hpp"
#include "verify/row_differ.hpp"

#include <algorithm>
#include <bit>
#include <fmt/format.h>
#include <map>
#include <poll.h>

namespace walbridge::verify {
namespace {

using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

/// Rows that one statement may bring, and rows that are told apart one by one in a range at all.
constexpr std::size_t shown_at_most = 65536; ///< bytes of a value
constexpr std::uint64_t fetched_at_a_time = 300'000, fetched_at_most = 5'000'000;

std::string packed(const pg::Result &rows, int row, int first, int count) {
    std::string key;
    for (int column = 0; column < count; ++column) pack_key_part(key, rows.get(row, first + column));
    return key;
}

Text text_at(const pg::Result &rows, int row, int column) {
    if (rows.null(row, column)) return std::nullopt;
    return rows.text(row, column);
}

/// As it is shown.
Text cut(Text text) {
    if (text && text->size() > shown_at_most)
        *text = fmt::format("{}... ({} bytes)", text->substr(0, 200), text->size());
    return text;
}

std::string joined(const std::vector<std::string> &conditions) {
    std::string text;
    for (const auto &one : conditions)
        if (!one.empty()) text += (text.empty() ? " WHERE " : " AND ") + one;
    return text;
}

const source::Column &column_of(const source::Table &table, const std::string &name) {
    return *std::find_if(table.columns.begin(), table.columns.end(), [&](const auto &c) { return c.name == name; });
}

} // namespace

/// FROM and WHERE of each side, digests of rows and of keys.
struct RangeComparer::Scan {
    struct One {
        std::string from, where, digest;
        std::vector<std::string> keys; ///< as text
        std::string sampled;           ///< condition on `d`, of samples of tables without a key
    };
    One source, target;
};

RangeComparer::RangeComparer(const TaskConfig &config, const Options &options, DigestForm form,
                             const SnapshotPair &snapshots, const StopToken &stop)
    : options_(options), form_(form), snapshots_(snapshots), stop_(stop),
      source_(config.source.endpoint, session_options(config, "verify")),
      target_(config.target.endpoint, session_options(config, "verify")) {
    // Compiling expressions costs more than it brings for scans of seconds; others need the processors too.
    for (auto *session : {&source_, &target_})
        session->execute("SET jit = off; SET max_parallel_workers_per_gather = 0; SET lock_timeout = '30s'");
}

/// A transaction under the snapshots that holds the tables still.
void RangeComparer::open(const TablePair &table) {
    const auto begin = [](pg::Session &session, const std::string &snapshot, const std::string &from) {
        session.rollback_quietly();
        session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        session.execute("SET TRANSACTION SNAPSHOT " + quote_literal(snapshot));
        try {
            session.execute(fmt::format("LOCK TABLE {} IN ACCESS SHARE MODE", from));
        } catch (const SqlError &error) {
            if (error.sqlstate() == "42P01" || error.sqlstate() == "3F000")
                throw OutOfDate{"it was dropped or renamed"};
            throw;
        }
    };
    begin(source_, snapshots_.source_name(), table.relation(Side::source));
    begin(target_, snapshots_.target_name(), table.relation(Side::target));
    check(table);
}

/// A table that was rewritten or truncated after the snapshot looks empty under it; with the lock it stays as it is.
void RangeComparer::check(const TablePair &table) {
    const auto look = [](pg::Session &session, const source::Table &of, const char *where) {
        const auto wrong = session.value(
            of.kind == 'p' ? "SELECT count(*) FROM pg_catalog.pg_partition_tree($1::oid::regclass) t LEFT JOIN "
                             "pg_catalog.pg_class c ON c.oid = t.relid WHERE c.oid IS NULL OR (c.relkind = 'r' AND "
                             "c.relfilenode IS DISTINCT FROM pg_catalog.pg_relation_filenode(t.relid))"
                           : "SELECT count(*) FILTER (WHERE c.relfilenode IS DISTINCT FROM "
                             "pg_catalog.pg_relation_filenode(c.oid)) + (count(*) = 0)::int FROM pg_catalog.pg_class c "
                             "WHERE c.oid = $1::oid",
            {std::to_string(of.oid)});
        // Another table may bear the name by now.
        const auto named = session.value("SELECT pg_catalog.to_regclass($1)::oid", {dialect::postgres::quote(of.name)});
        if (wrong != "0" || named != std::to_string(of.oid))
            throw OutOfDate{fmt::format("it was rewritten, truncated or renamed on the {}", where)};
    };
    look(source_, table.source, "source");
    look(target_, table.target, "target");
}

void RangeComparer::close() {
    source_.execute("COMMIT");
    target_.execute("COMMIT");
}

/// Both sides work at the same time.
RangeComparer::Both RangeComparer::ask(const std::string &source, const std::string &target) {
    const auto send = [](pg::Session &session, const std::string &sql) {
        if (PQsendQuery(session.raw(), sql.c_str()) == 0) session.raise(nullptr, sql);
    };
    const auto receive = [&](pg::Session &session, const std::string &sql) {
        while (PQisBusy(session.raw()) != 0) {
            if (stop_.requested()) {
                source_.cancel();
                target_.cancel();
                throw Error(ErrorKind::task_state, "verification", "it was stopped",
                            "walbridge verify --resume goes on with what is left.");
            }
            pollfd waiting{PQsocket(session.raw()), POLLIN, 0};
            poll(&waiting, 1, 200);
            if (PQconsumeInput(session.raw()) == 0) session.raise(nullptr, sql);
        }
        pg::Result result(PQgetResult(session.raw()));
        while (PGresult *more = PQgetResult(session.raw())) PQclear(more);
        if (PQresultStatus(result.raw()) == PGRES_TUPLES_OK) return result;
        try {
            session.raise(result.raw(), sql);
        } catch (const SqlError &error) { // the snapshot shows a column that is gone
            if (error.sqlstate() == "42703" || error.sqlstate() == "42P01") throw OutOfDate{error.reason()};
            throw;
        }
    };
    send(source_, source);
    try {
        send(target_, target);
    } catch (...) {
        source_.cancel();
        throw;
    }
    try {
        auto first = receive(source_, source);
        return {std::move(first), receive(target_, target)};
    } catch (...) { // neither is left with an answer that nobody reads
        for (auto *session : {&source_, &target_}) {
            session->cancel();
            while (PGresult *more = PQgetResult(session->raw())) PQclear(more);
        }
        throw;
    }
}

RangeResult RangeComparer::compare(const TablePair &table, const Range &range) {
    open(table);
    const auto keys = table.key_columns();
    const auto scan_of = [&](Side side) {
        Scan::One one;
        one.from = table.from(side);
        one.digest = digest_sql(table.columns, side, form_);
        std::vector<std::string> conditions{condition(table, range, side)};
        if (options_.mode == Mode::sample) {
            const auto share = static_cast<int>(options_.sample_percent * 655.36);
            if (keys.empty())
                one.sampled = fmt::format("(d & 65535) < {}", share);
            else
                conditions.push_back(fmt::format("({} & 65535) < {}", digest_sql(keys, side, form_), share));
        }
        one.where = joined(conditions);
        for (const auto &key : keys)
            one.keys.push_back(fmt::format("({})::text", side == Side::source ? key.source : key.target));
        return one;
    };
    auto result = compare(table, {scan_of(Side::source), scan_of(Side::target)});
    close();
    return result;
}

RangeResult RangeComparer::compare_keys(const TablePair &table, const std::vector<std::vector<std::string>> &keys) {
    open(table);
    const auto columns = table.key_columns();
    const auto scan_of = [&](Side side) {
        Scan::One one;
        one.from = table.from(side);
        one.digest = digest_sql(table.columns, side, form_);
        std::string names, rows;
        for (const auto &key : columns) {
            names += (names.empty() ? "" : ", ") + quote_identifier(key.name);
            one.keys.push_back(fmt::format("({})::text", side == Side::source ? key.source : key.target));
        }
        std::string arrays;
        for (std::size_t column = 0; column < columns.size(); ++column) {
            std::string values;
            for (const auto &key : keys) values += (values.empty() ? "" : ",") + quote_literal(key[column]);
            const auto &type = column_of(side == Side::source ? table.source : table.target, columns[column].name).type;
            arrays += fmt::format("{}pg_catalog.unnest(ARRAY[{}]::{}[])", arrays.empty() ? "" : ", ", values, type);
        }
        one.where = fmt::format(" WHERE ({}) IN (SELECT * FROM ROWS FROM ({}) k)", names, arrays);
        return one;
    };
    auto result = compare(table, {scan_of(Side::source), scan_of(Side::target)});
    close();
    return result;
}

RangeResult RangeComparer::compare(const TablePair &table, const Scan &scan) {
    RangeResult result;
    const auto sums = [&](const Scan::One &one) {
        if (options_.mode == Mode::count) return fmt::format("SELECT count(*), '' FROM {}{}", one.from, one.where);
        if (one.sampled.empty())
            return fmt::format("SELECT count(*), coalesce(sum({})::text, '0') FROM {}{}", one.digest, one.from,
                               one.where);
        return fmt::format("SELECT count(*), coalesce(sum(d)::text, '0') FROM (SELECT {} AS d FROM {}{} OFFSET 0) q "
                           "WHERE {}",
                           one.digest, one.from, one.where, one.sampled);
    };
    const auto both = ask(sums(scan.source), sums(scan.target));
    result.source_rows = static_cast<std::uint64_t>(both.source.number(0, 0));
    result.target_rows = static_cast<std::uint64_t>(both.target.number(0, 0));
    if (result.source_rows == result.target_rows && both.source.get(0, 1) == both.target.get(0, 1)) return result;
    if (options_.mode == Mode::count) {
        result.missing = result.source_rows > result.target_rows ? result.source_rows - result.target_rows : 0;
        result.extra = result.target_rows > result.source_rows ? result.target_rows - result.source_rows : 0;
        result.at_least = true;
        return result;
    }
    find_rows(table, scan, result);
    return result;
}

/// Sums per bucket say where to look; the rows there, which ones it is.
void RangeComparer::find_rows(const TablePair &table, const Scan &scan, RangeResult &result) {
    const auto rows = std::max(result.source_rows, result.target_rows);
    const auto buckets = std::clamp<std::uint64_t>(std::bit_ceil(rows / 500 + 1), 16, 65536);
    const auto per_bucket = [&](const Scan::One &one) {
        return fmt::format(
            "SELECT d & {}, count(*), sum(d)::text FROM (SELECT {} AS d FROM {}{} OFFSET 0) q{} GROUP BY 1",
            buckets - 1, one.digest, one.from, one.where, one.sampled.empty() ? "" : " WHERE " + one.sampled);
    };
    struct Sum {
        std::uint64_t rows = 0;
        std::string source, target;
    };
    std::map<long long, Sum> sums;
    {
        const auto both = ask(per_bucket(scan.source), per_bucket(scan.target));
        for (int row = 0; row < both.source.rows(); ++row) {
            auto &sum = sums[both.source.number(row, 0)];
            sum.rows += static_cast<std::uint64_t>(both.source.number(row, 1));
            sum.source = both.source.text(row, 1) + " " + both.source.text(row, 2);
        }
        for (int row = 0; row < both.target.rows(); ++row) {
            auto &sum = sums[both.target.number(row, 0)];
            sum.rows += static_cast<std::uint64_t>(both.target.number(row, 1));
            sum.target = both.target.text(row, 1) + " " + both.target.text(row, 2);
        }
    }
    std::erase_if(sums, [](const auto &sum) { return sum.second.source == sum.second.target; });

    RowDiffer differ;
    std::uint64_t fetched = 0;
    const auto keyed = !table.key.empty();
    for (auto at = sums.begin(); at != sums.end();) {
        if (fetched > fetched_at_most) {
            result.at_least = true;
            break;
        }
        std::string chosen;
        std::uint64_t together = 0;
        for (; at != sums.end() && (together == 0 || together + at->second.rows <= fetched_at_a_time); ++at) {
            chosen += fmt::format("{}{}", chosen.empty() ? "" : ",", at->first);
            together += at->second.rows;
        }
        fetched += together;
        const auto in_them = [&](const Scan::One &one) {
            std::string names, outer;
            for (std::size_t key = 0; key < one.keys.size(); ++key) {
                names += fmt::format(", {} AS k{}", one.keys[key], key);
                outer += fmt::format(", k{}", key);
            }
            return fmt::format("SELECT d, {}{} FROM (SELECT {} AS d{} FROM {}{} OFFSET 0) q WHERE d & {} = ANY "
                               "('{{{}}}'::bigint[]){}{}",
                               keyed ? "1" : "count(*)", outer, one.digest, names, one.from, one.where, buckets - 1,
                               chosen, one.sampled.empty() ? "" : " AND " + one.sampled, keyed ? "" : " GROUP BY d");
        };
        const auto both = ask(in_them(scan.source), in_them(scan.target));
        const auto count = static_cast<int>(table.key.size());
        const auto key = [&](const pg::Result &rows_of, int row) {
            return keyed ? packed(rows_of, row, 2, count) : std::string(rows_of.get(row, 0));
        };
        for (int row = 0; row < both.source.rows(); ++row)
            differ.add_source(key(both.source, row), both.source.number(row, 0),
                              static_cast<std::uint64_t>(both.source.number(row, 1)));
        for (int row = 0; row < both.target.rows(); ++row)
            differ.add_target(key(both.target, row), both.target.number(row, 0),
                              static_cast<std::uint64_t>(both.target.number(row, 1)));
    }

    for (const auto &difference : differ.differences()) {
        const auto both = std::min(difference.source_rows, difference.target_rows);
        result.differing += both;
        result.missing += difference.source_rows - both;
        result.extra += difference.target_rows - both;
        if (result.rows.size() >= (options_.repair ? repaired_at_most : options_.listed)) continue;
        RowDifference row;
        row.kind = both != 0                     ? RowDifference::Kind::differs
                   : difference.source_rows != 0 ? RowDifference::Kind::missing
                                                 : RowDifference::Kind::extra;
        row.source_rows = difference.source_rows;
        row.target_rows = difference.target_rows;
        if (keyed) {
            const auto values = unpack_key(difference.key);
            for (std::size_t at = 0; at < values.size(); ++at)
                row.key.emplace_back(table.columns[table.key[at]].name, values[at]);
        }
        const auto first = [](const std::vector<std::int64_t> &digests) {
            return digests.empty() ? std::nullopt : std::optional(digests.front());
        };
        show(table, scan, row, first(difference.source), first(difference.target));
        result.rows.push_back(std::move(row));
    }
}

/// The columns that differ, or the whole row of a table without a key.
void RangeComparer::show(const TablePair &table, const Scan &scan, RowDifference &row,
                         const std::optional<std::int64_t> &source_digest,
                         const std::optional<std::int64_t> &target_digest) {
    const auto select = [&](const Scan::One &one, Side side, std::int64_t digest) {
        std::string list;
        for (const auto &column : table.columns) {
            const auto &value = side == Side::source ? column.source : column.target;
            list += list.empty() ? "" : ", ";
            if (options_.repair)
                list += value + "::text";
            else
                list +=
                    fmt::format("CASE WHEN pg_catalog.octet_length({0}::text) > {1} THEN pg_catalog.left({0}::text, "
                                "200) || '... (' || pg_catalog.octet_length({0}::text) || ' bytes, md5 ' || "
                                "pg_catalog.md5({0}::text) || ')' ELSE {0}::text END",
                                value, shown_at_most);
        }
        std::string conditions = one.where.empty() ? " WHERE " : one.where + " AND ";
        const auto &of = side == Side::source ? table.source : table.target;
        for (const auto &[name, value] : row.key)
            conditions += fmt::format("{} = {}::{} AND ", quote_identifier(name), quote_literal(value.value_or("")),
                                      column_of(of, name).type);
        return fmt::format("SELECT {} FROM {}{}{} = {} LIMIT 1", list, one.from, conditions, one.digest, digest);
    };
    const std::string nothing = "SELECT 1 WHERE false";
    const auto both = ask(source_digest ? select(scan.source, Side::source, *source_digest) : nothing,
                          target_digest ? select(scan.target, Side::target, *target_digest) : nothing);
    const auto count = table.columns.size();
    if (options_.repair) {
        const auto values = [&](const pg::Result &rows) {
            std::vector<Text> list;
            for (std::size_t at = 0; at < count && rows.rows() != 0; ++at)
                list.push_back(text_at(rows, 0, static_cast<int>(at)));
            return list;
        };
        row.repair = repair_statement(table, row, values(both.source), values(both.target));
    }
    if (row.key.empty()) {
        const auto &there = both.source.rows() != 0 ? both.source : both.target;
        for (std::size_t at = 0; at < count && there.rows() != 0; ++at)
            row.key.emplace_back(table.columns[at].name, cut(text_at(there, 0, static_cast<int>(at))));
        return;
    }
    if (both.source.rows() == 0 || both.target.rows() == 0) return;
    for (std::size_t at = 0; at < count; ++at) {
        auto ours = text_at(both.source, 0, static_cast<int>(at)),
             theirs = text_at(both.target, 0, static_cast<int>(at));
        if (ours != theirs)
            row.columns.push_back({table.columns[at].name, cut(std::move(ours)), cut(std::move(theirs))});
    }
}

} // namespace walbridge::verify
