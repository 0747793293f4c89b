// row_merge.cpp: see row_merge.hpp.
#include "copy/mysql/row_merge.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "dialect/mysql/quote.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace walbridge::copy::mysql {
namespace {

using dialect::mysql::quote;
using dialect::mysql::quote_identifier;
using dialect::mysql::quote_literal;

std::string list_of(const std::vector<std::string> &columns) {
    std::string list;
    for (const auto &column : columns) list += (list.empty() ? "" : ", ") + quote_identifier(column);
    return list;
}

} // namespace

RowMerge::RowMerge(my::Session &session, QualifiedName table, std::vector<std::string> columns)
    : session_(session), table_(std::move(table)), staging_{table_.schema, "walbridge_merge"},
      columns_(std::move(columns)) {
    session_.execute("DROP TEMPORARY TABLE IF EXISTS " + quote(staging_));
    try {
        session_.execute(fmt::format("CREATE TEMPORARY TABLE {} ENGINE = InnoDB SELECT {} FROM {} LIMIT 0",
                                     quote(staging_), list_of(columns_), quote(table_)));
    } catch (const SqlError &error) {
        if (error.sqlstate() != "42000" && error.sqlstate() != "42501") throw;
        throw Error(ErrorKind::permission, "table " + to_string(table_),
                    "rows that meet others on the target go through a temporary table: " + error.reason(),
                    fmt::format("GRANT CREATE TEMPORARY TABLES ON {}.* TO the task's user on the target.",
                                quote_identifier(table_.schema)));
    }
}

RowMerge::~RowMerge() {
    try {
        session_.execute("DROP TEMPORARY TABLE IF EXISTS " + quote(staging_));
    } catch (const std::exception &error) { // the session is closed with it
        log::debug("a temporary table is left to its session", {{"reason", error.what()}});
    }
}

std::vector<std::string> RowMerge::read_keys() {
    const auto rows = session_.query(fmt::format(
        "SELECT INDEX_NAME, COLUMN_NAME, SUB_PART FROM information_schema.STATISTICS WHERE NON_UNIQUE = 0 AND "
        "TABLE_SCHEMA = {} AND TABLE_NAME = {} ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX",
        quote_literal(table_.schema), quote_literal(table_.name)));
    std::vector<std::string> conditions;
    std::string index, condition;
    bool covered = false;
    const auto close = [&] {
        if (covered && !condition.empty()) conditions.push_back(condition);
    };
    for (int row = 0; row < rows.rows(); ++row) {
        if (row == 0 || rows.get(row, 0) != index) {
            close();
            index = rows.text(row, 0);
            condition.clear();
            covered = true;
        }
        const auto column = rows.text(row, 1);
        if (rows.null(row, 1) || std::ranges::find(columns_, column) == columns_.end()) {
            covered = false;
            continue;
        }
        // Whole names: a DELETE from several tables looks for aliases in the session's database, and there is none.
        const auto there = quote(table_) + "." + quote_identifier(column),
                   here = quote(staging_) + "." + quote_identifier(column);
        condition += condition.empty() ? "" : " AND ";
        condition += rows.null(row, 2) ? fmt::format("{} = {}", there, here)
                                       : fmt::format("LEFT({}, {}) = LEFT({}, {})", there, rows.text(row, 2), here,
                                                     rows.text(row, 2));
    }
    close();
    return conditions;
}

RowMerge::Merged RowMerge::finish(std::uint64_t staged, bool overwrite) {
    Merged merged;
    for (const auto &meeting : read_keys()) {
        const auto outcome =
            session_.execute(fmt::format("DELETE FROM {} USING {} JOIN {} ON {}", quote(overwrite ? table_ : staging_),
                                         quote(table_), quote(staging_), meeting));
        (overwrite ? merged.overwritten : merged.kept) += static_cast<std::uint64_t>(outcome.affected);
    }
    const auto list = list_of(columns_);
    const auto outcome = session_.execute(
        fmt::format("INSERT INTO {} ({}) SELECT {} FROM {}", quote(table_), list, list, quote(staging_)));
    const auto wanted = static_cast<long long>(staged - merged.kept);
    if (outcome.affected == wanted && outcome.warnings == 0) return merged;
    throw Error(ErrorKind::copy_stage, "table " + to_string(table_),
                fmt::format("{} rows were to be inserted, {} arrived, with {} warnings", wanted, outcome.affected,
                            outcome.warnings),
                "Look for triggers on the table.");
}

} // namespace walbridge::copy::mysql
