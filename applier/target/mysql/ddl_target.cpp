// ddl_target.cpp: executing and recording DDL on MySQL and MariaDB.
#include "target/mysql/ddl_target.hpp"

#include "base/error.hpp"
#include "base/sql/fence.hpp"
#include "dialect/mysql/quote.hpp"

#include <nlohmann/json.hpp>
#include <regex>
#include <utility>

namespace walbridge::target {
namespace {

using Json = nlohmann::json;

sql::Parameter given(const std::string &text) { return text.empty() ? sql::Parameter{} : sql::Parameter{text}; }

[[noreturn]] void never_called() {
    throw Error(ErrorKind::internal, "DDL on the target", "MySQL executes DDL outside of transactions");
}

Json as_json(const std::vector<CommittingCommand> &commands) {
    auto list = Json::array();
    for (const auto &command : commands) {
        auto tables = Json::array();
        for (const auto &table : command.tables) tables.push_back({table.schema, table.name});
        list.push_back({{"sql", command.sql}, {"tables", tables}});
    }
    return list;
}

std::vector<CommittingCommand> commands_of(const std::string &json) {
    std::vector<CommittingCommand> commands;
    for (const auto &entry : Json::parse(json)) {
        auto &command = commands.emplace_back();
        command.sql = entry.at("sql").get<std::string>();
        for (const auto &table : entry.at("tables"))
            command.tables.push_back({table.at(0).get<std::string>(), table.at(1).get<std::string>()});
    }
    return commands;
}

/// The counter moves with every row, the definition does not.
std::string without_counter(const std::string &definition) {
    static const std::regex counter(R"( AUTO_INCREMENT=[0-9]+)");
    return std::regex_replace(definition, counter, "");
}

} // namespace

std::optional<DdlFailure> MysqlDdlTarget::execute(const DdlCommands &) { never_called(); }

std::optional<DdlFailure> MysqlDdlTarget::execute_alone(const DdlCommands &, const std::optional<QualifiedName> &) {
    never_called();
}

std::optional<DdlFailure> MysqlDdlTarget::execute_committing(const std::vector<CommittingCommand> &commands,
                                                             const BegunTransaction &at) {
    hooks_.settle();
    auto pending = load_pending(at).value_or(Pending{commands, 0, std::nullopt});
    store_begun(at, pending);
    hooks_.commit();
    std::optional<DdlFailure> failure;
    for (; pending.step < pending.commands.size(); ++pending.step) {
        const auto &command = pending.commands[pending.step];
        auto now = definitions_of(command.tables);
        if (pending.before && *std::exchange(pending.before, std::nullopt) != now) continue; // it was executed
        pending.before = std::move(now);
        note_step(pending);
        pending.before.reset();
        try {
            session_.execute(command.sql);
        } catch (const SqlError &error) {
            if (error.recovery() != Recovery::stop) throw;
            note_step(pending); // refused, so not executed, whatever happens to the table until it is tried again
            const auto &fields = error.fields();
            failure = DdlFailure{fields.sqlstate, fields.message, {}, {}, command.sql, error.remedy()};
            break;
        }
    }
    hooks_.changed();
    hooks_.begin();
    if (!failure) store_begun({at.commit_lsn, at.changes + 1}, {});
    return failure;
}

std::optional<MysqlDdlTarget::Pending> MysqlDdlTarget::load_pending(const BegunTransaction &at) {
    const auto rows = session_.ask("SELECT commands, step, tables_before FROM walbridge.begun_transaction WHERE task = "
                                   "$1 AND commit_lsn = $2 AND `changes` = $3 AND commands IS NOT NULL",
                                   {config_.name, to_string(at.commit_lsn), std::to_string(at.changes)});
    if (rows.rows() == 0) return std::nullopt;
    return Pending{commands_of(rows.text(0, 0)), static_cast<std::size_t>(rows.number(0, 1)), rows.cell(0, 2)};
}

/// In the open transaction.
void MysqlDdlTarget::store_begun(const BegunTransaction &at, const Pending &pending) {
    hooks_.settle();
    session_.ask("REPLACE INTO walbridge.begun_transaction (task, commit_lsn, `changes`, commands, step, "
                 "tables_before) VALUES ($1, $2, $3, $4, $5, $6)",
                 {config_.name, to_string(at.commit_lsn), std::to_string(at.changes),
                  pending.commands.empty() ? sql::Parameter{} : as_json(pending.commands).dump(),
                  std::to_string(pending.step), pending.before});
    ledger_.begun(at);
}

/// In a transaction of its own.
void MysqlDdlTarget::note_step(const Pending &pending) {
    sql::Fence(config_.name, ledger_.current().epoch).around(session_, [&] {
        session_.ask("UPDATE walbridge.begun_transaction SET step = $1, tables_before = $2 WHERE task = $3",
                     {std::to_string(pending.step), pending.before, config_.name});
    });
}

std::string MysqlDdlTarget::definitions_of(const std::vector<QualifiedName> &tables) {
    auto list = Json::array();
    for (const auto &table : tables) {
        if (!relation_exists(table)) {
            list.push_back(nullptr);
            continue;
        }
        const auto shown = session_.query("SHOW CREATE TABLE " + dialect::mysql::quote(table));
        list.push_back(shown.rows() == 0 ? Json(nullptr) : Json(without_counter(shown.text(0, 1))));
    }
    return list.dump();
}

std::map<std::uint32_t, std::string> MysqlDdlTarget::table_definitions() {
    hooks_.settle();
    const auto rows =
        session_.ask("SELECT source_oid, definition FROM walbridge.table_definition WHERE task = $1", {config_.name});
    std::map<std::uint32_t, std::string> definitions;
    for (int row = 0; row < rows.rows(); ++row)
        definitions.emplace(static_cast<std::uint32_t>(rows.number(row, 0)), rows.text(row, 1));
    return definitions;
}

void store_table_definition(sql::Session &session, const std::string &task, std::uint32_t source_oid,
                            const std::string &definition) {
    session.ask("REPLACE INTO walbridge.table_definition (task, source_oid, definition) VALUES ($1, $2, $3)",
                {task, std::to_string(source_oid), definition});
}

void MysqlDdlTarget::store_table_definition(std::uint32_t source_oid, const std::string &definition) {
    hooks_.settle();
    target::store_table_definition(session_, config_.name, source_oid, definition);
}

void MysqlDdlTarget::forget_table_definition(std::uint32_t source_oid) {
    hooks_.settle();
    session_.ask("DELETE FROM walbridge.table_definition WHERE task = $1 AND source_oid = $2",
                 {config_.name, std::to_string(source_oid)});
}

bool MysqlDdlTarget::already_so(const DdlStatement &, const DdlCommands &, const DdlFailure &) { return false; }

bool MysqlDdlTarget::any(const std::string &query, const std::vector<sql::Parameter> &parameters) {
    hooks_.settle();
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

QualifiedName MysqlDdlTarget::create_staging(std::uint32_t, const QualifiedName &) { never_called(); }

void MysqlDdlTarget::merge_staging(const QualifiedName &, const QualifiedName &, const std::vector<std::string> &,
                                   const std::vector<std::string> &) {
    never_called();
}

/// An empty fingerprint fits no table: the load plans it anew under its own snapshot.
void MysqlDdlTarget::request_copy(std::uint32_t source_oid, const QualifiedName &source_name) {
    hooks_.settle();
    const auto oid = std::to_string(source_oid);
    session_.ask("DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2", {config_.name, oid});
    session_.ask("INSERT INTO walbridge.table_sync (task, source_oid, schema_name, table_name, chunk, chunk_kind, "
                 "fingerprint) VALUES ($1, $2, $3, $4, 0, 'whole', '')",
                 {config_.name, oid, source_name.schema, source_name.name});
    session_.ask("UPDATE walbridge.task SET phase = 'load' WHERE task = $1", {config_.name});
}

std::string MysqlDdlTarget::record(const DdlRecord &record) {
    hooks_.settle();
    session_.ask("INSERT INTO walbridge.ddl_statement (task, commit_lsn, `number`, `change`, state, tag, object_class, "
                 "statement, `role`, search_path, commands, error, reason, message) VALUES ($1, $2, $3, $4, $5, $6, "
                 "$7, $8, $9, $10, $11, $12, $13, $14) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), state = "
                 "VALUES(state), object_class = VALUES(object_class), commands = VALUES(commands), error = "
                 "VALUES(error), reason = VALUES(reason), at = NOW(6)",
                 {config_.name, to_string(record.commit_lsn), std::to_string(record.number),
                  std::to_string(record.change), name_of(record.state), given(record.tag), given(record.object_class),
                  given(record.text), given(record.role), given(record.search_path), Json(record.commands).dump(),
                  given(record.error), given(record.reason), given(record.message)});
    return session_.value("SELECT LAST_INSERT_ID()").value_or("");
}

std::optional<std::string> MysqlDdlTarget::recorded_state(Lsn commit_lsn, std::uint64_t number, std::uint64_t change) {
    hooks_.settle();
    const auto rows =
        session_.ask("SELECT state FROM walbridge.ddl_statement WHERE task = $1 AND commit_lsn = $2 AND "
                     "`number` = $3 AND `change` = $4",
                     {config_.name, to_string(commit_lsn), std::to_string(number), std::to_string(change)});
    return rows.rows() == 0 ? std::nullopt : rows.cell(0, 0);
}

} // namespace walbridge::target
