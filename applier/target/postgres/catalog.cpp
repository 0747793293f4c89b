// catalog.cpp: catalog queries about one target table.
#include "target/postgres/catalog.hpp"

#include <charconv>
#include <set>

namespace walbridge::target {
namespace {

constexpr auto table_query = R"(
SELECT c.oid, c.relkind,
       EXISTS (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgenabled IN ('A', 'R')),
       EXISTS (SELECT FROM pg_catalog.pg_rewrite r WHERE r.ev_class = c.oid AND r.ev_type <> '1' AND r.ev_enabled IN ('A', 'R')),
       pg_catalog.row_security_active(c.oid),
       EXISTS (SELECT FROM pg_catalog.pg_constraint x WHERE x.conrelid = c.oid AND x.contype = 'x')
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
)";

// The base type of a domain over a domain is followed down to the end.
constexpr auto column_query = R"(
SELECT a.attname, tn.nspname, t.typname, t.oid,
       (WITH RECURSIVE base(oid, typtype, typbasetype) AS (
            SELECT t.oid, t.typtype, t.typbasetype
            UNION ALL
            SELECT b.oid, b.typtype, b.typbasetype FROM base JOIN pg_catalog.pg_type b ON b.oid = base.typbasetype WHERE base.typtype = 'd')
        SELECT oid FROM base WHERE typtype <> 'd'),
       a.attnotnull, a.attgenerated <> '', a.attidentity = 'a',
       EXISTS (SELECT FROM pg_catalog.pg_cast x WHERE x.castsource = 25 AND x.casttarget = t.oid AND x.castmethod = 'f' AND t.oid >= 16384),
       co.collisdeterministic IS NOT FALSE,
       EXISTS (SELECT FROM pg_catalog.pg_opclass oc JOIN pg_catalog.pg_am am ON am.oid = oc.opcmethod
               WHERE am.amname = 'btree' AND oc.opcdefault AND oc.opcintype = t.oid AND t.oid < 16384) OR t.oid = 1043,
       CASE WHEN a.attcollation <> 100 THEN con.nspname || '.' || co.collname END
FROM pg_catalog.pg_attribute a
JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
JOIN pg_catalog.pg_namespace tn ON tn.oid = t.typnamespace
LEFT JOIN pg_catalog.pg_collation co ON co.oid = a.attcollation
LEFT JOIN pg_catalog.pg_namespace con ON con.oid = co.collnamespace
WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
)";

constexpr auto key_query = R"(
SELECT ic.relname, i.indisprimary, i.indimmediate,
       i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL,
       COALESCE((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false),
       COALESCE(a.attname, ''), k.position,
       COALESCE((SELECT 'OPERATOR(' || pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || ')'
                 FROM pg_catalog.pg_opclass oc
                 JOIN pg_catalog.pg_amop m ON m.amopfamily = oc.opcfamily AND m.amopstrategy = 3
                                          AND m.amoplefttype = oc.opcintype AND m.amoprighttype = oc.opcintype
                 JOIN pg_catalog.pg_operator o ON o.oid = m.amopopr
                 JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                 WHERE oc.oid = i.indclass[k.position]), '=')
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
CROSS JOIN LATERAL pg_catalog.generate_series(0, i.indnkeyatts - 1) AS k(position)
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[k.position] AND a.attnum > 0
WHERE i.indrelid = $1::oid AND i.indisunique
ORDER BY i.indisprimary DESC, i.indexrelid, k.position
)";

constexpr auto unenforced_query = R"(
SELECT c.conname, a.attname,
       CASE WHEN c.contype = 'x'
            THEN (SELECT 'OPERATOR(' || pg_catalog.quote_ident(n.nspname) || '.' || o.oprname || ')'
                  FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
                  WHERE o.oid = c.conexclop[k.position])
            ELSE '=' END
FROM pg_catalog.pg_constraint c
CROSS JOIN LATERAL pg_catalog.unnest(c.conkey) WITH ORDINALITY AS k(attnum, position)
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum
WHERE c.conrelid = $1::oid AND ((c.contype IN ('p', 'u') AND c.condeferrable) OR (c.contype = 'x' AND c.condeferrable))
ORDER BY c.oid, k.position
)";

/// Types whose `=` holds for values of one text form only.
const std::set<std::uint32_t> &types_of_exact_equality() {
    static const std::set<std::uint32_t> oids{16 /*bool*/,
                                              17 /*bytea*/,
                                              18 /*"char"*/,
                                              19 /*name*/,
                                              20,
                                              21,
                                              23 /*integers*/,
                                              25 /*text*/,
                                              26 /*oid*/,
                                              1043 /*varchar*/,
                                              1082 /*date*/,
                                              1083 /*time*/,
                                              1114,
                                              1184 /*timestamps*/,
                                              2950 /*uuid*/,
                                              1560 /*bit*/,
                                              1562 /*varbit*/};
    return oids;
}

std::uint32_t oid_of(const pg::Result &result, int row, int column) {
    return static_cast<std::uint32_t>(result.number(row, column));
}

void read_columns(pg::Session &session, const std::string &oid, TargetTable &table) {
    const auto rows = session.query(column_query, {oid});
    for (int row = 0; row < rows.rows(); ++row) {
        TargetColumn column;
        column.name = rows.text(row, 0);
        column.type_schema = rows.text(row, 1);
        column.type_name = rows.text(row, 2);
        column.type_oid = oid_of(rows, row, 3);
        column.base_type_oid = oid_of(rows, row, 4);
        column.not_null = rows.flag(row, 5);
        column.generated = rows.flag(row, 6);
        column.identity_always = rows.flag(row, 7);
        column.cast_function_from_text = rows.flag(row, 8);
        column.exact_equality = rows.flag(row, 9) && types_of_exact_equality().contains(column.base_type_oid);
        column.has_equality = rows.flag(row, 10);
        column.collation = rows.text(row, 11);
        table.columns.push_back(std::move(column));
    }
}

void read_keys(pg::Session &session, const std::string &oid, TargetTable &table) {
    const auto rows = session.query(key_query, {oid});
    for (int row = 0; row < rows.rows(); ++row) {
        if (rows.number(row, 6) == 0) {
            TargetKey key;
            key.name = rows.text(row, 0);
            key.primary = rows.flag(row, 1);
            key.immediate = rows.flag(row, 2);
            key.usable = rows.flag(row, 3);
            key.nulls_not_distinct = rows.flag(row, 4);
            table.keys.push_back(std::move(key));
        }
        table.keys.back().columns.push_back(rows.text(row, 5));
        table.keys.back().operators.push_back(rows.text(row, 7));
    }
}

void read_unenforced(pg::Session &session, const std::string &oid, TargetTable &table) {
    const auto rows = session.query(unenforced_query, {oid});
    for (int row = 0; row < rows.rows(); ++row) {
        if (table.unenforced.empty() || table.unenforced.back().name != rows.get(row, 0))
            table.unenforced.push_back({rows.text(row, 0), {}, {}});
        table.unenforced.back().columns.push_back(rows.text(row, 1));
        table.unenforced.back().operators.push_back(rows.text(row, 2));
    }
}

} // namespace

std::optional<TargetTable> read_table(pg::Session &session, const QualifiedName &name) {
    const auto found = session.query(table_query, {name.schema, name.name});
    if (found.rows() == 0) return std::nullopt;
    TargetTable table;
    table.name = name;
    table.oid = oid_of(found, 0, 0);
    table.kind = found.get(0, 1).front();
    table.firing_triggers = found.flag(0, 2);
    table.rules = found.flag(0, 3);
    table.row_security = found.flag(0, 4);
    table.exclusion_constraints = found.flag(0, 5);
    const auto oid = found.text(0, 0);
    read_columns(session, oid, table);
    read_keys(session, oid, table);
    read_unenforced(session, oid, table);
    return table;
}

} // namespace walbridge::target
