// neighbours.cpp: see neighbours.hpp.
#include "target/postgres/neighbours.hpp"

namespace walbridge::target {

DatabaseId identify(pg::Session &session) {
    const auto row = session.query("SELECT s.system_identifier, d.oid::bigint FROM pg_catalog.pg_control_system() s, "
                                   "pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()");
    return {row.text(0, 0), static_cast<std::uint32_t>(row.number(0, 1))};
}

Neighbours neighbours_from(pg::Session &session, const DatabaseId &source) {
    Neighbours found;
    const auto readable = session.query(
        "SELECT c.oid IS NULL OR (pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE') AND "
        "pg_catalog.has_table_privilege(c.oid, 'SELECT')), c.oid IS NOT NULL FROM (VALUES (1)) one (x) LEFT JOIN "
        "(pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'walbridge') "
        "ON c.relname = 'task' AND c.relkind = 'r'");
    found.readable = readable.flag(0, 0);
    if (!found.readable || !readable.flag(0, 1)) return found;
    // An older state lacks the columns at the end.
    const auto rows = session.query(
        "SELECT t.task, t.state, coalesce(t.source_database, ''), coalesce(pg_catalog.to_jsonb(t) ->> 'reverse_of', "
        "''), coalesce(pg_catalog.to_jsonb(t) ->> 'objects', '') FROM walbridge.task t WHERE t.source_system = $1 AND "
        "t.source_database_oid = $2::oid AND t.state NOT IN ('switched-over', 'released', 'completed') AND "
        "pg_catalog.to_jsonb(t) ->> 'sync_of' IS NULL ORDER BY 1",
        {source.system, std::to_string(source.oid)});
    for (int row = 0; row < rows.rows(); ++row)
        found.tasks.push_back(
            {rows.text(row, 0), rows.text(row, 1), rows.text(row, 2), rows.text(row, 3), rows.text(row, 4)});
    return found;
}

void note_way_back(pg::Session &target, const std::string &task, const std::string &way_back) {
    target.query("UPDATE walbridge.task SET reverse_task = $2 WHERE task = $1 AND reverse_task IS NULL",
                 {task, way_back});
}

std::string task_of_origin(std::string_view origin) {
    constexpr std::string_view prefix = "walbridge_";
    if (!origin.starts_with(prefix)) return {};
    origin.remove_prefix(prefix.size());
    return std::string(origin.substr(0, origin.find(':')));
}

} // namespace walbridge::target
