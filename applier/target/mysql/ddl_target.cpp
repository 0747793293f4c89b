// ddl_target.cpp: executing and recording DDL on MySQL and MariaDB.
#include "target/mysql/ddl_target.hpp"

#include "base/error.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::target {
namespace {

sql::Parameter given(const std::string &text) { return text.empty() ? sql::Parameter{} : sql::Parameter{text}; }

Error no_rewrites(const QualifiedName &table) {
    return {ErrorKind::ddl, "table " + to_string(table),
            "the source rewrote the table's rows, which a MySQL target cannot take over",
            "Make the same change on the target by hand and copy the table again: walbridge reset."};
}

} // namespace

std::optional<DdlFailure> MysqlDdlTarget::execute(const DdlCommands &commands) {
    DdlFailure failure;
    failure.message = "MySQL executes DDL outside of transactions, and this statement is not translated for it";
    failure.command = commands.commands.empty() ? std::string() : commands.commands.front();
    failure.remedy = "Make the same change on the target by hand, then dismiss the statement: walbridge ddl dismiss.";
    return failure;
}

std::optional<DdlFailure> MysqlDdlTarget::execute_alone(const DdlCommands &commands,
                                                        const std::optional<QualifiedName> &) {
    settle_();
    for (const auto &command : commands.commands) {
        try {
            session_.execute(command);
        } catch (const SqlError &error) {
            if (error.recovery() != Recovery::stop) throw;
            changed_(); // those before it stand
            const auto &fields = error.fields();
            return DdlFailure{fields.sqlstate, fields.message, {}, {}, command, error.remedy()};
        }
    }
    changed_();
    return std::nullopt;
}

bool MysqlDdlTarget::already_so(const DdlStatement &, const DdlCommands &, const DdlFailure &) { return false; }

bool MysqlDdlTarget::any(const std::string &query, const std::vector<sql::Parameter> &parameters) {
    settle_();
    return session_.ask(query, parameters).rows() != 0;
}

bool MysqlDdlTarget::relation_exists(const QualifiedName &name) {
    return any("SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = $1 AND TABLE_NAME = $2",
               {name.schema, name.name});
}

bool MysqlDdlTarget::type_exists(const QualifiedName &) { return false; }

bool MysqlDdlTarget::routine_exists(const QualifiedName &name) {
    return any("SELECT 1 FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = $1 AND ROUTINE_NAME = $2",
               {name.schema, name.name});
}

bool MysqlDdlTarget::schema_exists(const std::string &name) {
    return any("SELECT 1 FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = $1", {name});
}

QualifiedName MysqlDdlTarget::create_staging(std::uint32_t, const QualifiedName &table) { throw no_rewrites(table); }

void MysqlDdlTarget::merge_staging(const QualifiedName &, const QualifiedName &table, const std::vector<std::string> &,
                                   const std::vector<std::string> &) {
    throw no_rewrites(table);
}

/// An empty fingerprint fits no table: the load plans it anew under its own snapshot.
void MysqlDdlTarget::request_copy(std::uint32_t source_oid, const QualifiedName &source_name) {
    settle_();
    const auto oid = std::to_string(source_oid);
    session_.ask("DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2", {config_.name, oid});
    session_.ask("INSERT INTO walbridge.table_sync (task, source_oid, schema_name, table_name, chunk, chunk_kind, "
                 "fingerprint) VALUES ($1, $2, $3, $4, 0, 'whole', '')",
                 {config_.name, oid, source_name.schema, source_name.name});
    session_.ask("UPDATE walbridge.task SET phase = 'load' WHERE task = $1", {config_.name});
}

std::string MysqlDdlTarget::record(const DdlRecord &record) {
    settle_();
    session_.ask("INSERT INTO walbridge.ddl_statement (task, commit_lsn, `number`, `change`, state, tag, object_class, "
                 "statement, `role`, search_path, commands, error, reason, message) VALUES ($1, $2, $3, $4, $5, $6, "
                 "$7, $8, $9, $10, $11, $12, $13, $14) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), state = "
                 "VALUES(state), object_class = VALUES(object_class), commands = VALUES(commands), error = "
                 "VALUES(error), reason = VALUES(reason), at = NOW(6)",
                 {config_.name, to_string(record.commit_lsn), std::to_string(record.number),
                  std::to_string(record.change), name_of(record.state), given(record.tag), given(record.object_class),
                  given(record.text), given(record.role), given(record.search_path),
                  nlohmann::json(record.commands).dump(), given(record.error), given(record.reason),
                  given(record.message)});
    return session_.value("SELECT LAST_INSERT_ID()").value_or("");
}

std::optional<std::string> MysqlDdlTarget::recorded_state(Lsn commit_lsn, std::uint64_t number, std::uint64_t change) {
    settle_();
    const auto rows =
        session_.ask("SELECT state FROM walbridge.ddl_statement WHERE task = $1 AND commit_lsn = $2 AND "
                     "`number` = $3 AND `change` = $4",
                     {config_.name, to_string(commit_lsn), std::to_string(number), std::to_string(change)});
    return rows.rows() == 0 ? std::nullopt : rows.cell(0, 0);
}

} // namespace walbridge::target
