// support.cpp: the test server's databases.
#include "support.hpp"

#include "dialect/mysql/types.hpp"
#include "target/mysql/progress.hpp"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace walbridge::testing {

std::string server_url() {
    const char *url = std::getenv("WALBRIDGE_MYSQL_URL"); // NOLINT(concurrency-mt-unsafe)
    if (url == nullptr) throw std::runtime_error("WALBRIDGE_MYSQL_URL is not set: use tests/mysql_target/run");
    return url;
}

std::string state_sql() {
    std::ifstream file(WALBRIDGE_TARGET_STATE);
    std::ostringstream text;
    text << file.rdbuf();
    if (!file || text.str().empty()) throw std::runtime_error("cannot read " WALBRIDGE_TARGET_STATE);
    return text.str();
}

my::Session connect(const std::string &url) { return {{"target", url, {}}, {"test", {}}}; }

Fixture::Fixture() : admin(connect()) {
    admin.execute(
        "DROP DATABASE IF EXISTS t; DROP DATABASE IF EXISTS walbridge; CREATE DATABASE t CHARACTER SET utf8mb4;"
        "USE t");
    admin.execute(state_sql());
    config.name = "test";
    config.target.kind = admin.mariadb() ? "mariadb" : "mysql";
    config.target.endpoint.url = my::with_database(server_url(), "t");
    target::mysql::create_progress(admin, config.name, Lsn{1});
}

std::string Fixture::rows(const std::string &query) {
    const auto result = admin.query(query);
    std::string text;
    for (int row = 0; row < result.rows(); ++row) {
        if (row != 0) text += '\n';
        for (int column = 0; column < result.columns(); ++column) {
            if (column != 0) text += '|';
            text += result.null(row, column) ? "NULL" : result.text(row, column);
        }
    }
    return text;
}

target::CommitLedger &Fixture::take_over() {
    return ledger_.emplace(target::mysql::take_over(admin, config.name).value());
}

std::unique_ptr<target::MysqlApplySession> Fixture::open(int number) {
    if (!ledger_) take_over();
    return std::make_unique<target::MysqlApplySession>(config, *ledger_, number);
}

Source::Source(const std::string &table, const std::string &columns, int keys, ReplicaIdentity identity) {
    relation.name = {"t", table};
    relation.identity = identity;
    relation.oid = static_cast<std::uint32_t>(std::hash<std::string>{}(table));
    std::istringstream from(columns);
    for (std::string name, type; from >> name >> type;) {
        if (type.ends_with(',')) type.pop_back();
        const auto known = dialect::mysql::built_in(type);
        Column column;
        column.name = name;
        column.type_oid = known.oid;
        column.type_schema = "pg_catalog";
        column.type_name = type;
        column.type_kind = known.kind;
        column.base_type_oid = known.element_oid;
        column.base_type_name = known.element_name;
        const auto index = static_cast<std::uint32_t>(relation.columns.size());
        column.key = identity == ReplicaIdentity::full || static_cast<int>(index) < keys;
        if (column.key && identity != ReplicaIdentity::nothing) relation.key_columns.push_back(index);
        relation.columns.push_back(std::move(column));
    }
}

Tuple Source::tuple(const std::vector<Cell> &row) {
    auto &values = tuples.emplace_back();
    for (const auto &cell : row) {
        if (!cell)
            values.push_back({ValueKind::null, {}});
        else if (*cell == unchanged)
            values.push_back({ValueKind::unchanged, {}});
        else
            values.push_back({ValueKind::text, texts.emplace_back(*cell)});
    }
    return values;
}

RowChange Source::insert(std::vector<Cell> row) {
    return {&relation, RowOperation::insert, OldTuple::none, {}, tuple(row)};
}

RowChange Source::update(std::vector<Cell> row, std::optional<std::vector<Cell>> old_row) {
    RowChange change{&relation, RowOperation::update, OldTuple::none, {}, tuple(row)};
    if (!old_row) return change;
    change.old_kind = relation.identity == ReplicaIdentity::full ? OldTuple::full : OldTuple::key;
    change.old_row = tuple(*old_row);
    return change;
}

RowChange Source::remove(std::vector<Cell> old_row) {
    const auto kind = relation.identity == ReplicaIdentity::full ? OldTuple::full : OldTuple::key;
    return {&relation, RowOperation::remove, kind, tuple(old_row), {}};
}

} // namespace walbridge::testing
