// user_code.cpp: the expressions of a table are read as the catalog stores them, for the functions and types in them:
// dependencies say nothing about built-in functions, and query_to_xml in a CHECK runs any SQL.
#include "target/postgres/user_code.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>

namespace walbridge::target {
namespace {

/// Most tables have nothing that could run anything.
constexpr auto may_run_code = R"(
SELECT EXISTS (SELECT FROM pg_catalog.pg_constraint c WHERE c.conrelid = $1::oid AND c.conbin IS NOT NULL)
    OR EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_opclass o ON o.oid = ANY (i.indclass::oid[])
               WHERE i.indrelid = $1::oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL OR o.oid >= 16384))
    OR EXISTS (SELECT FROM pg_catalog.pg_attribute a
               WHERE a.attrelid = $1::oid AND a.attnum > 0 AND (a.attgenerated <> '' OR a.atttypid >= 16384))
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = $1::oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R'))
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite w WHERE w.ev_class = $1::oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = $1::oid AND (c.relispartition OR c.relkind = 'p'))
)";

/// Operators are looked at for btree and hash (403, 405), which find rows by equality; those of other methods only
/// answer queries.
constexpr auto runs_code = R"(
WITH RECURSIVE
relations(oid) AS (
    SELECT $1::oid
    UNION SELECT relid FROM pg_catalog.pg_partition_tree($1::oid::regclass)
    UNION SELECT relid FROM pg_catalog.pg_partition_ancestors($1::oid::regclass)),
expressions(tree) AS (
    SELECT c.conbin::text FROM pg_catalog.pg_constraint c JOIN relations r ON c.conrelid = r.oid WHERE c.conbin IS NOT NULL
    UNION ALL SELECT pg_catalog.concat(i.indexprs::text, i.indpred::text) FROM pg_catalog.pg_index i JOIN relations r ON i.indrelid = r.oid
              WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL
    UNION ALL SELECT p.partexprs::text FROM pg_catalog.pg_partitioned_table p JOIN relations r ON p.partrelid = r.oid WHERE p.partexprs IS NOT NULL
    UNION ALL SELECT d.adbin::text FROM pg_catalog.pg_attrdef d JOIN relations r ON d.adrelid = r.oid
              JOIN pg_catalog.pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum WHERE a.attgenerated <> ''),
types(oid) AS (
    SELECT a.atttypid FROM pg_catalog.pg_attribute a JOIN relations r ON a.attrelid = r.oid WHERE a.attnum > 0 AND a.atttypid >= 16384
    UNION SELECT m[1]::oid FROM expressions, pg_catalog.regexp_matches(tree, ':[a-z_]*type[a-z]* (\d+)', 'g') m WHERE m[1]::bigint >= 16384
    UNION SELECT part.oid FROM types JOIN pg_catalog.pg_type t ON t.oid = types.oid CROSS JOIN LATERAL (
        SELECT t.typelem UNION ALL SELECT t.typbasetype
        UNION ALL SELECT a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND t.typrelid <> 0 AND a.attnum > 0
        UNION ALL SELECT g.rngsubtype FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid
        UNION ALL SELECT m[1]::oid FROM pg_catalog.pg_constraint c, pg_catalog.regexp_matches(c.conbin::text, ':[a-z_]*type[a-z]* (\d+)', 'g') m
                  WHERE c.contypid = t.oid) AS part(oid)
    WHERE part.oid >= 16384),
functions(oid) AS (
    SELECT m[1]::oid FROM (SELECT tree FROM expressions
                           UNION ALL SELECT c.conbin::text FROM pg_catalog.pg_constraint c JOIN types t ON c.contypid = t.oid) AS e,
           pg_catalog.regexp_matches(tree, ':(?:op)?funcid (\d+)', 'g') m
    UNION ALL SELECT pg_catalog.unnest(ARRAY[g.rngsubdiff, g.rngcanonical]::oid[]) FROM pg_catalog.pg_range g JOIN types t ON g.rngtypid = t.oid
    UNION ALL SELECT c.castfunc FROM pg_catalog.pg_cast c JOIN types t ON t.oid IN (c.castsource, c.casttarget)
    UNION ALL SELECT support.oid
              FROM relations r JOIN pg_catalog.pg_index i ON i.indrelid = r.oid
              CROSS JOIN LATERAL pg_catalog.unnest(i.indclass::oid[]) AS class(oid)
              JOIN pg_catalog.pg_opclass oc ON oc.oid = class.oid AND oc.oid >= 16384
              CROSS JOIN LATERAL (SELECT p.amproc::oid FROM pg_catalog.pg_amproc p WHERE p.amprocfamily = oc.opcfamily
                                  UNION ALL SELECT o.oprcode::oid FROM pg_catalog.pg_amop p JOIN pg_catalog.pg_operator o ON o.oid = p.amopopr
                                            WHERE p.amopfamily = oc.opcfamily AND oc.opcmethod IN (403, 405)) AS support(oid))
SELECT EXISTS (SELECT FROM functions f JOIN pg_catalog.pg_proc p ON p.oid = f.oid
               WHERE NOT (p.prolang IN (12, 13) AND p.provolatile = 'i'
                          OR p.oid < 16384 AND (p.provolatile <> 'v' AND p.proname !~ '_to_xml|^pg_input_'
                                                OR p.proname IN ('nextval', 'random', 'gen_random_uuid', 'clock_timestamp', 'timeofday'))))
    OR EXISTS (SELECT FROM pg_catalog.pg_trigger t JOIN relations r ON t.tgrelid = r.oid WHERE NOT t.tgisinternal AND t.tgenabled IN ('A', 'R'))
    OR EXISTS (SELECT FROM pg_catalog.pg_rewrite w JOIN relations r ON w.ev_class = r.oid
               WHERE w.rulename = '_RETURN' OR w.ev_enabled IN ('A', 'R'))
)";

constexpr auto owner = R"(
SELECT c.oid::pg_catalog.regclass::text, r.rolname, r.rolsuper OR r.rolname = current_user,
       c.relrowsecurity AND c.relforcerowsecurity AND NOT r.rolsuper AND NOT r.rolbypassrls
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner WHERE c.oid = $1::oid
)";

constexpr auto others = R"(
SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_roles r ON r.oid = c.relowner
WHERE c.oid = ANY ($1::oid[]) AND NOT r.rolsuper AND r.rolname <> current_user
)";

} // namespace

TableOwner read_owner(pg::Session &session, std::uint32_t table) {
    const auto row = session.query(owner, {std::to_string(table)});
    if (row.rows() == 0) return {.table = {}, .name = {}, .trusted = true};
    return {row.text(0, 0), row.text(0, 1), row.flag(0, 2), row.flag(0, 3)};
}

std::set<std::uint32_t> tables_of_others(pg::Session &session, const std::vector<std::uint32_t> &tables) {
    const auto rows = session.query(others, {fmt::format("{{{}}}", fmt::join(tables, ","))});
    std::set<std::uint32_t> found;
    for (int row = 0; row < rows.rows(); ++row) found.insert(static_cast<std::uint32_t>(rows.number(row, 0)));
    return found;
}

bool runs_user_code(pg::Session &session, std::uint32_t table) {
    const auto oid = std::to_string(table);
    return session.query(may_run_code, {oid}).flag(0, 0) && session.query(runs_code, {oid}).flag(0, 0);
}

std::string acting_owner(pg::Session &session, ActingRole &role, std::uint32_t table) {
    const auto owner = read_owner(session, table);
    if (owner.trusted || !runs_user_code(session, table)) return {};
    if (!role.confines()) {
        log::warning("rows of this table run code of its owner, with the rights of walbridge's role",
                     {{"table", owner.table},
                      {"owner", owner.name},
                      {"remedy", "CREATE EXTENSION walbridge; in the target database, then restart the task."}});
        return {};
    }
    if (owner.policies_apply)
        throw Error(ErrorKind::target_shape, owner.table,
                    fmt::format("writing it runs code of its owner {}, so it is written as that role, which policies "
                                "apply to (FORCE ROW LEVEL SECURITY)",
                                owner.name),
                    fmt::format("Run on the target: ALTER ROLE {} BYPASSRLS; or ALTER TABLE {} NO FORCE ROW LEVEL "
                                "SECURITY;",
                                dialect::postgres::quote_identifier(owner.name), owner.table));
    return owner.name;
}

} // namespace walbridge::target
