// kept_objects.cpp: SQL over walbridge.kept_object and the new plan's items.
#include "task/kept_objects.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "task/state_store.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

/// The replica identity belongs to the source's stream: a table that only differs in it is the same table here.
std::string definition_of(const char *alias) {
    return fmt::format(
        R"(pg_catalog.regexp_replace({}.statement, '\s*ALTER TABLE [^;]* REPLICA IDENTITY [^;]*;', '', 'g'))", alias);
}

std::string exists_here(const char *name) {
    return fmt::format(
        "EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname || '.' || c.relname = {})",
        name);
}

void drop_changed_tables(sql::Session &target, const std::string &task) {
    const auto changed = target.ask(
        fmt::format("SELECT DISTINCT n.nspname, c.relname FROM walbridge.schema_item i JOIN walbridge.kept_object k ON "
                    "k.task = i.task "
                    "AND k.object_type = i.object_type AND k.object_name = i.object_name JOIN pg_catalog.pg_class c ON "
                    "c.relkind IN ('r', 'p') "
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname || '.' || c.relname = "
                    "i.object_name "
                    "WHERE i.task = $1 AND i.object_type = 'TABLE' AND NOT EXISTS (SELECT 1 FROM walbridge.kept_object "
                    "same WHERE same.task = i.task "
                    "AND same.object_type = i.object_type AND same.object_name = i.object_name AND {} = {})",
                    definition_of("same"), definition_of("i")),
        {task});
    for (int row = 0; row < changed.rows(); ++row) {
        const auto name = dialect::postgres::quote({changed.text(row, 0), changed.text(row, 1)});
        target.ask("SAVEPOINT changed_table");
        try {
            if (target.ask_value(fmt::format("SELECT 1 FROM {} LIMIT 1", name))) continue;
            target.ask(fmt::format("DROP TABLE {}", name));
            log::info("dropped an empty table of an earlier life of the task: the source defines it otherwise now",
                      {{"table", name}});
        } catch (const SqlError &error) {
            if (error.recovery() != Recovery::stop) throw;
            target.ask("ROLLBACK TO SAVEPOINT changed_table"); // the schema stage will name it
        }
    }
}

} // namespace

void keep_created_objects(sql::Session &target, const std::string &task) {
    // Data is not an object: sequences are set and materialized views filled again.
    target.ask("INSERT INTO walbridge.kept_object (task, object_type, object_name, table_name, statement) "
               "SELECT task, object_type, object_name, table_name, statement FROM walbridge.schema_item i WHERE task "
               "= $1 AND done "
               "AND object_type NOT IN ('SEQUENCE SET', 'MATERIALIZED VIEW DATA', 'STATISTICS DATA') AND NOT EXISTS "
               "(SELECT 1 FROM "
               "walbridge.kept_object k "
               "WHERE k.task = i.task AND k.object_type = i.object_type AND k.object_name = i.object_name AND "
               "k.statement = i.statement)",
               {task});
}

std::set<std::string> kept_tables(sql::Session &target, const std::string &task) {
    std::set<std::string> names;
    if (!state_installed(target)) return names;
    const auto rows = target.ask(
        {"SELECT DISTINCT k.object_name FROM walbridge.kept_object k JOIN pg_catalog.pg_class c ON c.relkind IN ('r', "
         "'p') JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname || '.' || c.relname = "
         "k.object_name WHERE k.task = $1 AND k.object_type = 'TABLE'",
         "SELECT DISTINCT k.object_name FROM walbridge.kept_object k JOIN information_schema.tables t ON "
         "concat(t.table_schema, '.', t.table_name) = k.object_name WHERE k.task = $1 AND k.object_type = 'TABLE'"},
        {task});
    for (int row = 0; row < rows.rows(); ++row) names.insert(rows.text(row, 0));
    return names;
}

void adopt_kept_objects(sql::Session &target, const std::string &task) {
    if (kept_tables(target, task).empty()) { // somebody cleaned up: everything is created again
        target.ask("DELETE FROM walbridge.kept_object WHERE task = $1", {task});
        return;
    }
    if (target.dialect() == sql::Dialect::mysql) { // definitions are compared where they are made (schema/mysql)
        target.ask("DELETE FROM walbridge.kept_object WHERE task = $1", {task});
        return;
    }
    drop_changed_tables(target, task);
    const auto adopted = target.ask(
        fmt::format("UPDATE walbridge.schema_item i SET done = true FROM walbridge.kept_object k WHERE i.task = $1 AND "
                    "k.task = i.task AND NOT i.done "
                    "AND k.object_type = i.object_type AND k.object_name = i.object_name AND {} = {} "
                    "AND (i.object_type NOT IN ('TABLE', 'SEQUENCE', 'VIEW', 'MATERIALIZED VIEW') OR {}) AND "
                    "(i.table_name IS NULL OR {})",
                    definition_of("k"), definition_of("i"), exists_here("i.object_name"), exists_here("i.table_name")),
        {task});
    log::info("objects of an earlier life of the task are still there and are used again",
              {{"objects", adopted.affected()}});
}

} // namespace walbridge::task
