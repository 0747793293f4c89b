// ddl_target.cpp: executing, staging, recording. What counts as done already is judged in ddl_recognition.cpp.
#include "target/postgres/ddl_target.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "target/postgres/catalog.hpp"
#include "target/postgres/user_code.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace walbridge::target {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using dialect::postgres::quote_list;

/// Settings of the source's session that change what a statement means. Where tables lie is the target's own matter, as
/// in the schema stage.
const std::set<std::string> adopted{"TimeZone",
                                    "DateStyle",
                                    "IntervalStyle",
                                    "standard_conforming_strings",
                                    "xmloption",
                                    "backslash_quote",
                                    "transform_null_equals",
                                    "array_nulls",
                                    "default_table_access_method",
                                    "default_toast_compression"};

/// Plans of the apply session are pinned to index access; whole tables are read here.
const std::vector<std::pair<std::string, std::string>> for_whole_tables{
    {"enable_seqscan", "on"},         {"enable_bitmapscan", "on"}, {"enable_hashjoin", "on"},
    {"enable_mergejoin", "on"},       {"enable_material", "on"},   {"row_security", "on"},
    {"check_function_bodies", "off"}, {"plan_cache_mode", "auto"}};

using Settings = std::vector<std::pair<std::string, std::string>>;

Settings settings_for(const DdlCommands &commands) {
    auto settings = for_whole_tables;
    settings.emplace_back("search_path", commands.search_path);
    for (const auto &[name, value] : commands.settings)
        if (adopted.contains(name)) settings.emplace_back(name, value);
    return settings;
}

/// set_config() for all of them in one statement.
void apply_settings(pg::Session &session, const Settings &settings, bool local) {
    std::string sql;
    std::vector<pg::Parameter> parameters;
    for (const auto &[name, value] : settings) {
        sql += fmt::format("{} pg_catalog.set_config(${}, ${}, {})", sql.empty() ? "SELECT" : ",",
                           parameters.size() + 1, parameters.size() + 2, local);
        parameters.emplace_back(name);
        parameters.emplace_back(value);
    }
    session.query(sql, parameters);
}

Settings current_values(pg::Session &session, const Settings &of) {
    std::string sql;
    std::vector<pg::Parameter> parameters;
    for (const auto &[name, value] : of) {
        parameters.emplace_back(name);
        sql += fmt::format("{} pg_catalog.current_setting(${}, true)", sql.empty() ? "SELECT" : ",", parameters.size());
    }
    const auto row = session.query(sql, parameters);
    Settings values;
    for (std::size_t index = 0; index < of.size(); ++index)
        if (!row.null(0, static_cast<int>(index)))
            values.emplace_back(of[index].first, row.text(0, static_cast<int>(index)));
    return values;
}

DdlFailure failure_of(const SqlError &error) {
    const auto &fields = error.fields();
    return {fields.sqlstate, fields.message,   fields.detail,
            fields.hint,     fields.statement, error.remedy() == fields.hint ? std::string() : error.remedy()};
}

std::string array_literal(const std::vector<std::string> &items) {
    std::string out = "{";
    for (const auto &item : items) {
        out += out.size() > 1 ? ",\"" : "\"";
        for (const char c : item) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

pg::Parameter optional(const std::string &text) { return text.empty() ? pg::Parameter{} : pg::Parameter{text}; }

} // namespace

/// Inside a savepoint of the caller: settings, role, commands, and everything back.
void PostgresDdlTarget::run_as(const DdlCommands &commands) {
    auto settings = settings_for(commands);
    const auto before = current_values(session_, settings);
    // A setting that this server's version does not know cannot matter to it.
    std::erase_if(settings, [&](const auto &setting) {
        return std::ranges::none_of(before, [&](const auto &known) { return known.first == setting.first; });
    });
    apply_settings(session_, settings, true);
    role_.enter(commands.role);
    // One command per exchange, and never two in one text.
    for (const auto &command : commands.commands) session_.query(command);
    role_.leave();
    apply_settings(session_, before, true);
}

std::optional<DdlFailure> PostgresDdlTarget::execute(const DdlCommands &commands) {
    if (const auto objection = role_.objection(commands.role, commands.evaluates_expressions))
        return DdlFailure{{}, objection->reason, {}, {}, {}, objection->remedy};
    begin_();
    session_.execute("SAVEPOINT walbridge_ddl");
    try {
        run_as(commands);
    } catch (const SqlError &error) {
        role_.abandoned();
        if (error.recovery() != Recovery::stop) throw;
        session_.execute("ROLLBACK TO SAVEPOINT walbridge_ddl; RELEASE SAVEPOINT walbridge_ddl");
        return failure_of(error);
    }
    session_.execute("RELEASE SAVEPOINT walbridge_ddl");
    changed_();
    return std::nullopt;
}

std::optional<DdlFailure> PostgresDdlTarget::execute_alone(const DdlCommands &commands,
                                                           const std::optional<QualifiedName> &made) {
    if (made) {
        const auto valid =
            session_.value("SELECT i.indisvalid FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON "
                           "c.oid = i.indexrelid JOIN pg_catalog.pg_namespace n ON n.oid = "
                           "c.relnamespace WHERE n.nspname = $1 AND c.relname = $2",
                           {made->schema, made->name});
        if (valid == "t") {
            log::info("the index is there already, from before a restart or by hand", {{"index", to_string(*made)}});
            return std::nullopt;
        }
        if (valid) {
            log::info("an unfinished index is dropped and built again", {{"index", to_string(*made)}});
            session_.execute("DROP INDEX " + quote(*made));
        }
    }
    auto settings = settings_for(commands);
    settings.emplace_back("lock_timeout", "0"); // it waits for every older transaction of the target
    const auto before = current_values(session_, settings);
    std::optional<DdlFailure> failure;
    bool entered = false;
    try {
        apply_settings(session_, settings, false);
        role_.enter_session(commands.role);
        entered = true;
        for (const auto &command : commands.commands) session_.query(command);
    } catch (const SqlError &error) {
        if (error.recovery() != Recovery::stop) throw; // the session is not used again
        failure = failure_of(error);
    }
    if (entered) role_.leave_session();
    apply_settings(session_, before, false);
    changed_();
    if (failure && made && relation_exists(*made)) session_.execute("DROP INDEX IF EXISTS " + quote(*made));
    return failure;
}

bool PostgresDdlTarget::any(const std::string &sql, const std::vector<pg::Parameter> &parameters) {
    begin_();
    return session_.query(sql, parameters).rows() > 0;
}

bool PostgresDdlTarget::relation_exists(const QualifiedName &name) {
    return any("SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
               "n.nspname = $1 AND c.relname = $2",
               {name.schema, name.name});
}

bool PostgresDdlTarget::type_exists(const QualifiedName &name) {
    return any("SELECT FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace WHERE "
               "n.nspname = $1 AND t.typname = $2",
               {name.schema, name.name});
}

bool PostgresDdlTarget::routine_exists(const QualifiedName &name) {
    return any("SELECT FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace WHERE "
               "n.nspname = $1 AND p.proname = $2",
               {name.schema, name.name});
}

bool PostgresDdlTarget::schema_exists(const std::string &name) {
    return any("SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1", {name});
}

QualifiedName PostgresDdlTarget::create_staging(std::uint32_t source_oid, const QualifiedName &table) {
    begin_();
    const auto name = fmt::format("walbridge_rewrite_{}", source_oid);
    session_.execute(fmt::format(
        "DROP TABLE IF EXISTS pg_temp.{0}; CREATE TEMPORARY TABLE {0} (LIKE {1}) ON COMMIT DROP", name, quote(table)));
    const auto schema = session_.value("SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON "
                                       "n.oid = c.relnamespace WHERE c.oid = $1::pg_catalog.regclass",
                                       {"pg_temp." + name});
    // The rows of a table that runs code of its owner pass through columns of the same types.
    const auto oid = session_.value("SELECT $1::pg_catalog.regclass::pg_catalog.oid", {quote(table)});
    if (const auto owner = acting_owner(session_, role_, static_cast<std::uint32_t>(std::stoul(oid.value_or("0"))));
        !owner.empty())
        session_.execute(fmt::format("ALTER TABLE pg_temp.{} OWNER TO {}", name, quote_identifier(owner)));
    return {schema.value_or("pg_temp"), name};
}

void PostgresDdlTarget::merge_staging(const QualifiedName &staging, const QualifiedName &table,
                                      const std::vector<std::string> &columns, const std::vector<std::string> &match) {
    begin_();
    const auto described = read_table(session_, table);
    if (!described) return; // dropped later in the same transaction
    const auto sent = [&](const std::string &name) { return std::ranges::find(columns, name) != columns.end(); };
    std::vector<std::string> written;
    bool further = false;
    for (const auto &column : described->columns) {
        if (column.generated) continue;
        if (sent(column.name))
            written.push_back(column.name);
        else
            further = true;
    }
    const auto key = std::ranges::find_if(described->keys, [&](const TargetKey &candidate) {
        return candidate.immediate && candidate.usable && std::ranges::all_of(candidate.columns, [&](const auto &name) {
                   return std::ranges::find(match, name) != match.end() && sent(name);
               });
    });
    const auto from = quote(staging), to = quote(table);
    const auto insert = fmt::format("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {} s", to,
                                    quote_list(written), quote_list(written), from);
    const auto owner = acting_owner(session_, role_, described->oid);
    if (!owner.empty()) {
        session_.execute("SET CONSTRAINTS ALL IMMEDIATE");
        role_.enter_owner(owner);
    }
    // Foreign tables and views have no ONLY of their own; a partition or a plain table is meant here.
    if (key == described->keys.end()) {
        session_.execute("DELETE FROM ONLY " + to);
        session_.execute(insert);
    } else {
        std::string matched;
        for (std::size_t at = 0; at < key->columns.size(); ++at)
            matched += fmt::format("{}t.{} {} s.{}", at == 0 ? "" : " AND ", quote_identifier(key->columns[at]),
                                   key->operators[at], quote_identifier(key->columns[at]));
        if (further) { // the target's own columns keep their values
            std::string set;
            for (const auto &name : written)
                if (std::ranges::find(key->columns, name) == key->columns.end())
                    set += fmt::format("{}{} = s.{}", set.empty() ? "" : ", ", quote_identifier(name),
                                       quote_identifier(name));
            if (!set.empty())
                session_.execute(fmt::format("UPDATE ONLY {} t SET {} FROM {} s WHERE {}", to, set, from, matched));
            session_.execute(fmt::format("{} WHERE NOT EXISTS (SELECT FROM ONLY {} t WHERE {})", insert, to, matched));
        } else {
            session_.execute(fmt::format("DELETE FROM ONLY {} t USING {} s WHERE {}", to, from, matched));
            session_.execute(insert);
        }
    }
    if (!owner.empty()) role_.leave_owner();
    session_.execute("DROP TABLE " + from);
    changed_();
}

/// An empty fingerprint fits no table: the load plans it anew under its own snapshot.
void PostgresDdlTarget::request_copy(std::uint32_t source_oid, const QualifiedName &source_name) {
    begin_();
    const auto oid = std::to_string(source_oid);
    session_.query("DELETE FROM walbridge.table_sync WHERE task = $1 AND source_oid = $2::oid", {config_.name, oid});
    session_.query("INSERT INTO walbridge.table_sync (task, source_oid, schema_name, table_name, chunk, chunk_kind, "
                   "fingerprint) VALUES ($1, $2::oid, $3, $4, 0, 'whole', '')",
                   {config_.name, oid, source_name.schema, source_name.name});
    session_.query("UPDATE walbridge.task SET phase = 'load' WHERE task = $1", {config_.name});
}

std::string PostgresDdlTarget::record(const DdlRecord &record) {
    begin_();
    const auto id = session_.value(
        "INSERT INTO walbridge.ddl_statement (task, commit_lsn, number, change, state, tag, object_class, statement, "
        "role, search_path, commands, error, reason, message) VALUES ($1, $2::pg_lsn, $3::bigint, $4::bigint, $5, $6, "
        "$7, "
        "$8, $9, $10, $11::text[], $12, $13, $14) ON CONFLICT (task, commit_lsn, number, change) DO UPDATE SET state = "
        "excluded.state, object_class = excluded.object_class, commands = excluded.commands, error = excluded.error, "
        "reason = excluded.reason, at = pg_catalog.now() RETURNING id",
        {config_.name, to_string(record.commit_lsn), std::to_string(record.number), std::to_string(record.change),
         name_of(record.state), optional(record.tag), optional(record.object_class), optional(record.text),
         optional(record.role), optional(record.search_path), array_literal(record.commands), optional(record.error),
         optional(record.reason), optional(record.message)});
    return id.value_or("");
}

std::optional<std::string> PostgresDdlTarget::recorded_state(Lsn commit_lsn, std::uint64_t number,
                                                             std::uint64_t change) {
    return session_.value(
        "SELECT state FROM walbridge.ddl_statement WHERE task = $1 AND commit_lsn = $2::pg_lsn AND number "
        "= $3::bigint AND change = $4::bigint",
        {config_.name, to_string(commit_lsn), std::to_string(number), std::to_string(change)});
}

} // namespace walbridge::target
