// types.cpp: the list of types, and reading their values' forms from the server.
#include "types.hpp"

#include "base/error.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>
#include <set>

namespace walbridge::differential {
namespace {

using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

/// docs/wire-protocol.md, "Tuples".
const std::set<std::uint32_t> binary_types{16,   20,   21,   23,   26, 700, 701, 1700, 2950, 1082, 1083,
                                           1266, 1114, 1184, 1186, 17, 18,  869, 650,  1560, 1562, 3802};

std::deque<Type> all_types() {
    std::deque<Type> types;
    const auto add = [&](const char *sql, std::vector<std::string> inputs, bool key, bool weak,
                         std::vector<std::string> wider = {}, const char *collation = "") {
        Type type;
        type.sql = sql;
        type.collation = collation;
        type.inputs = std::move(inputs);
        type.key = key;
        type.weak_equality = weak;
        type.wider = std::move(wider);
        types.push_back(std::move(type));
    };
    add("pg_catalog.int4", {"1", "2", "3", "4", "5", "6", "-1", "2147483647"}, true, false,
        {"pg_catalog.int8", "pg_catalog.numeric", "pg_catalog.text"});
    add("pg_catalog.int8", {"1", "2", "3", "4", "5", "-9223372036854775808"}, true, false, {"pg_catalog.numeric"});
    add("pg_catalog.int2", {"1", "2", "3", "-32768"}, true, false, {"pg_catalog.int4"});
    add("pg_catalog.text", {"a", "b", "A", "B", "", "a ", "ä", "NULL", "{}", "a,\"b\\", "é\n"}, true, false,
        {"pg_catalog.varchar"});
    add("pg_catalog.text", {"a", "b", "A", "B", "ab", "AB", "Ab"}, true, true, {}, "dom.ci");
    add("pg_catalog.varchar(12)", {"a", "b", "A", "x y", "", "a "}, true, false, {"pg_catalog.text"});
    add("pg_catalog.bpchar(4)", {"a", "b", "A", "ab", ""}, true, true);
    add("pg_catalog.numeric", {"1", "1.0", "1.00", "2", "2.50", "2.5", "NaN", "-3", "1e20"}, true, true);
    add("pg_catalog.numeric(8,2)", {"1", "2", "2.5", "-3.25"}, true, false, {"pg_catalog.numeric"});
    add("pg_catalog.float8", {"0", "-0", "1", "1.5", "NaN", "Infinity", "0.1"}, true, true);
    add("pg_catalog.bool", {"t", "f"}, true, false);
    add("pg_catalog.uuid",
        {"00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002",
         "ffffffff-ffff-ffff-ffff-ffffffffffff"},
        true, false);
    add("pg_catalog.bytea", {"\\x", "\\x00", "\\x00ff", "\\x41"}, true, false);
    add("pg_catalog.date", {"2024-02-29", "2024-03-01", "infinity", "0044-03-15 BC"}, true, false);
    add("pg_catalog.timestamptz", {"2024-02-29 12:00:00+00", "2024-02-29 12:00:00.000001+00", "-infinity"}, true,
        false);
    add("pg_catalog.timestamp", {"2024-02-29 12:00:00", "2024-02-29 13:00:00"}, true, false);
    add("pg_catalog.interval", {"1 day", "24:00:00", "1 mon", "30 days", "-1 sec"}, true, true);
    add("pg_catalog.timetz", {"12:00:00+00", "13:00:00+01"}, true, false);
    add("pg_catalog.time", {"12:00:00", "24:00:00"}, true, false);
    add("pg_catalog.inet", {"10.0.0.1", "10.0.0.0/8", "::1"}, true, false);
    add("pg_catalog.varbit", {"", "1", "10", "0001"}, true, false);
    add("pg_catalog.bit(3)", {"101", "000"}, true, false);
    add("pg_catalog.\"char\"", {"a", "b", ""}, true, false);
    add("pg_catalog.name", {"a", "b", "a long name with spaces"}, true, false);
    add("pg_catalog.oid", {"1", "2", "4294967295"}, true, false);
    add("pg_catalog.jsonb", {"{\"a\": 1.0}", "{\"a\": 1.00}", "[]", "null", "\"x\""}, true, true);
    add("pg_catalog.json", {"{\"a\": 1}", "{\"a\":1}", "null"}, false, false);
    add("pg_catalog.point", {"(1,2)", "(1,2.5)"}, false, false);
    add("pg_catalog._int4", {"{}", "{1,2}", "{1,NULL}", "[0:1]={1,2}", "{{1,2},{3,4}}"}, true, false);
    add("pg_catalog._text", {"{}", "{a,\"b,c\"}", "{NULL,\"NULL\"}", "{\"\"}"}, true, false);
    add("pg_catalog._numeric", {"{1.0}", "{1.00}", "{2,3}"}, true, true);
    add("pg_catalog.int4range", {"empty", "[1,5)", "[5,9)", "(,)"}, true, false);
    add("dom.mood", {"sad", "ok", "happy"}, true, false);
    add("dom.positive", {"1", "2", "3"}, true, false);
    add("dom.small", {"1", "2", "3"}, true, false); // a domain over a domain
    add("dom.label", {"a", "b", "A"}, true, false);
    add("dom.pair", {"(1,a)", "(1,\"b c\")", "(,)"}, false, false);
    add("dom._mood", {"{sad,ok}", "{}"}, true, false);
    return types;
}

/// The type without modifiers.
std::string bare(const std::string &sql) { return sql.substr(0, sql.find('(')); }

} // namespace

const char *Types::setup_sql() {
    return "CREATE SCHEMA dom;"
           "CREATE COLLATION dom.ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);"
           "CREATE TYPE dom.mood AS ENUM ('sad', 'ok', 'happy');"
           "CREATE DOMAIN dom.positive AS int4 CHECK (VALUE > 0);"
           "CREATE DOMAIN dom.small AS dom.positive CHECK (VALUE < 1000);"
           "CREATE DOMAIN dom.label AS text CHECK (length(VALUE) < 100);"
           "CREATE TYPE dom.pair AS (x int4, y text);"
           "CREATE FUNCTION dom.mark() RETURNS trigger LANGUAGE plpgsql AS "
           "$$ BEGIN NEW.marked := COALESCE(NEW.marked, 0) + 1; RETURN NEW; END $$;";
}

Types::Types(pg::Session &session) : types_(all_types()), nulls_not_distinct_(session.server_version() >= 150000) {
    for (auto &type : types_) {
        const auto facts = session.query(
            "WITH RECURSIVE base(oid, typtype, typbasetype) AS ("
            " SELECT oid, typtype, typbasetype FROM pg_type WHERE oid = $1::regtype"
            " UNION ALL SELECT b.oid, b.typtype, b.typbasetype FROM base JOIN pg_type b ON b.oid = base.typbasetype"
            " WHERE base.typtype = 'd')"
            "SELECT t.oid, n.nspname, t.typname,"
            " CASE WHEN t.typcategory = 'A' AND t.typsubscript = 'array_subscript_handler'::regproc THEN 'a' ELSE "
            "t.typtype END,"
            " COALESCE(i.oid, 0), COALESCE(ins.nspname, ''), COALESCE(i.typname, ''), b.oid, b.typsend, b.typoutput "
            "FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace "
            "LEFT JOIN pg_type i ON i.oid = NULLIF(CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END, 0) "
            "LEFT JOIN pg_namespace ins ON ins.oid = i.typnamespace, "
            "(SELECT x.* FROM base JOIN pg_type x ON x.oid = base.oid WHERE x.typtype <> 'd') AS b "
            "WHERE t.oid = $1::regtype",
            {bare(type.sql)});
        type.oid = static_cast<std::uint32_t>(facts.number(0, 0));
        type.schema = facts.text(0, 1);
        type.name = facts.text(0, 2);
        type.kind = facts.get(0, 3).front();
        if (type.kind == 'd' || type.kind == 'a') {
            type.base_oid = static_cast<std::uint32_t>(facts.number(0, 4));
            type.base_schema = facts.text(0, 5);
            type.base_name = facts.text(0, 6);
        }
        type.binary = binary_types.contains(static_cast<std::uint32_t>(facts.number(0, 7)));
        std::string values;
        for (std::size_t index = 0; index < type.inputs.size(); ++index)
            values += fmt::format("{}({}, {}::{})", index == 0 ? "" : ", ", index, quote_literal(type.inputs[index]),
                                  type.sql);
        const auto collate = type.collation.empty() ? std::string() : " COLLATE " + type.collation;
        const bool texts = type.sql.starts_with("pg_catalog.text") || type.sql.starts_with("pg_catalog.varchar");
        const auto pool = session.query(fmt::format(
            "WITH p(i, v) AS (VALUES {}) SELECT format('%s', v), {}, {}, {} FROM p ORDER BY i", values,
            type.binary ? fmt::format("encode({}(v), 'hex')", facts.text(0, 8)) : "''",
            type.key ? fmt::format("(SELECT min(q.i) FROM p AS q WHERE q.v{0} = p.v{0})", collate) : "i",
            texts
                ? fmt::format("(SELECT min(q.i) FROM p AS q WHERE lower(q.v COLLATE \"C\") = lower(p.v COLLATE \"C\"))")
                : "i"));
        for (int row = 0; row < pool.rows(); ++row) {
            PoolValue value;
            value.text = pool.text(row, 0);
            const auto hex = pool.get(row, 1);
            for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
                value.binary += static_cast<char>(std::stoi(std::string(hex.substr(at, 2)), nullptr, 16));
            value.same = static_cast<int>(pool.number(row, 2));
            value.lower = static_cast<int>(pool.number(row, 3));
            type.pool.push_back(std::move(value));
        }
    }
}

const Type &Types::named(const std::string &sql) const {
    for (const auto &type : types_)
        if (type.sql == sql && type.collation.empty()) return type;
    throw Error(ErrorKind::internal, sql, "no such type in the test");
}

} // namespace walbridge::differential
