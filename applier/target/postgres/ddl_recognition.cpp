// ddl_recognition.cpp: what a refused statement would have done may be so already: by hand, or by a copy that was taken
// after it. Equality is proven by the server itself: what stands in the way is dropped inside a savepoint, the
// statement is executed, both definitions are compared, and all of it is rolled back.
#include "target/postgres/ddl_target.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <regex>
#include <set>

namespace walbridge::target {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

const std::set<std::string> there_already{"42P07" /*table*/,  "42710" /*object*/, "42723" /*function*/,
                                          "42P06" /*schema*/, "42701" /*column*/, "23505" /*a catalog's unique key*/};
const std::set<std::string> not_there{"42P01" /*table*/, "42704" /*object*/, "42883" /*function*/, "42703" /*column*/,
                                      "3F000" /*schema*/};

/// Columns by name (their order is the target's own), constraints, indexes and the partition's place.
constexpr auto table_definition = R"(
SELECT pg_catalog.concat_ws(E'\n',
    (SELECT pg_catalog.concat_ws(' ', c.relkind, pg_catalog.pg_get_partkeydef(c.oid), pg_catalog.pg_get_expr(c.relpartbound, c.oid), c.reloptions)
     FROM pg_catalog.pg_class c WHERE c.oid = r.oid),
    (SELECT pg_catalog.string_agg(pg_catalog.concat_ws(' ', a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
                                  a.attidentity, a.attgenerated, a.attcollation, pg_catalog.pg_get_expr(d.adbin, d.adrelid)), E'\n' ORDER BY a.attname)
     FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
    (SELECT pg_catalog.string_agg(x.conname || ' ' || pg_catalog.pg_get_constraintdef(x.oid), E'\n' ORDER BY x.conname)
     FROM pg_catalog.pg_constraint x WHERE x.conrelid = r.oid),
    (SELECT pg_catalog.string_agg(pg_catalog.pg_get_indexdef(i.indexrelid) || ' ' || i.indisvalid, E'\n' ORDER BY i.indexrelid::pg_catalog.regclass::text)
     FROM pg_catalog.pg_index i WHERE i.indrelid = r.oid),
    (SELECT pg_catalog.string_agg(h.inhparent::pg_catalog.regclass::text, ',' ORDER BY h.inhseqno) FROM pg_catalog.pg_inherits h WHERE h.inhrelid = r.oid))
FROM (SELECT {}::pg_catalog.regclass::oid AS oid) r)";

constexpr auto type_definition = R"(
SELECT pg_catalog.concat_ws(E'\n', t.typtype, pg_catalog.format_type(t.typbasetype, t.typtypmod), t.typnotnull, t.typdefault,
    (SELECT pg_catalog.string_agg(e.enumlabel, ',' ORDER BY e.enumsortorder) FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid),
    (SELECT pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod), ',' ORDER BY a.attnum)
     FROM pg_catalog.pg_attribute a WHERE a.attrelid = t.typrelid AND NOT a.attisdropped),
    (SELECT pg_catalog.string_agg(x.conname || ' ' || pg_catalog.pg_get_constraintdef(x.oid), ',' ORDER BY x.conname)
     FROM pg_catalog.pg_constraint x WHERE x.contypid = t.oid),
    (SELECT pg_catalog.format_type(g.rngsubtype, NULL) FROM pg_catalog.pg_range g WHERE g.rngtypid = t.oid))
FROM pg_catalog.pg_type t WHERE t.oid = {}::pg_catalog.regtype)";

/// The names that the server puts in quotes, in whatever language its message is.
std::vector<std::string> quoted_names(const std::string &message) {
    static const std::regex quoted("\"([^\"]+)\"");
    std::vector<std::string> names;
    for (auto at = std::sregex_iterator(message.begin(), message.end(), quoted); at != std::sregex_iterator(); ++at)
        names.push_back((*at)[1]);
    return names;
}

bool begins(const std::string &text, std::string_view with) { return text.starts_with(with); }

} // namespace

bool PostgresDdlTarget::already_so(const DdlStatement &statement, const DdlCommands &commands,
                                   const DdlFailure &failure) {
    begin_();
    if (not_there.contains(failure.sqlstate)) return dropped_are_gone(statement);
    if (!there_already.contains(failure.sqlstate)) return false;
    if (statement.tag == "CREATE SCHEMA" || statement.tag == "CREATE EXTENSION") return commands.commands.size() == 1;
    const auto redos = redoable(statement, failure);
    return !redos.empty() &&
           std::ranges::all_of(redos, [&](const Redo &redo) { return same_when_redone(redo, commands); });
}

/// Everything that the statement itself named is missing here as well. (What fell with it by cascade is looked at by
/// nobody: it would stand in the way of later statements, which says so.)
bool PostgresDdlTarget::dropped_are_gone(const DdlStatement &statement) {
    const bool drops = begins(statement.tag, "DROP ") || begins(statement.tag, "ALTER ");
    bool named = false;
    if (!drops) return false;
    for (const auto &object : statement.dropped) {
        if (!object.original || object.address_names.empty()) continue;
        named = true;
        std::string names, arguments;
        for (const auto &name : object.address_names) names += (names.empty() ? "" : ", ") + quote_literal(name);
        for (const auto &argument : object.address_args)
            arguments += (arguments.empty() ? "" : ", ") + quote_literal(argument);
        session_.execute("SAVEPOINT walbridge_look");
        bool gone = false;
        try {
            session_.execute(
                fmt::format("SELECT pg_catalog.pg_get_object_address({}, ARRAY[{}]::text[], ARRAY[{}]::text[])",
                            quote_literal(object.type), names, arguments));
        } catch (const SqlError &error) {
            if (error.recovery() != Recovery::stop) throw;
            gone = true;
        }
        session_.execute("ROLLBACK TO SAVEPOINT walbridge_look; RELEASE SAVEPOINT walbridge_look");
        if (!gone) return false;
    }
    return named;
}

/// What to drop, and how to read its definition, so that the statement can show what it would make. Empty: no way is
/// known, so equality cannot be proven.
std::vector<PostgresDdlTarget::Redo> PostgresDdlTarget::redoable(const DdlStatement &statement,
                                                                 const DdlFailure &failure) {
    std::vector<Redo> redos;
    const auto table = [](const std::string &identity) {
        return fmt::format(table_definition, quote_literal(identity));
    };
    if (statement.tag == "ALTER TABLE") {
        if (failure.sqlstate != "42701" || statement.objects.size() != 1 || statement.objects[0].type != "table")
            return {};
        // Of the names in the message the one that is a column.
        const auto &identity = statement.objects[0].identity;
        for (const auto &name : quoted_names(failure.message))
            if (any("SELECT FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass($1) AND attname = $2 "
                    "AND "
                    "NOT attisdropped",
                    {identity, name}))
                return {{fmt::format("ALTER TABLE {} DROP COLUMN {} CASCADE", identity, quote_identifier(name)),
                         table(identity)}};
        return {};
    }
    if (!begins(statement.tag, "CREATE ")) return {};
    for (const auto &object : statement.objects) {
        if (object.tag != statement.tag) continue;
        const auto literal = quote_literal(object.identity);
        const auto drop = fmt::format("DROP {} {} CASCADE", object.type, object.identity);
        if (object.type == "table")
            redos.push_back({drop, table(object.identity)});
        else if (object.type == "index")
            redos.push_back({drop, fmt::format("SELECT pg_catalog.pg_get_indexdef({}::pg_catalog.regclass)", literal)});
        else if (object.type == "view" || object.type == "materialized view")
            redos.push_back({drop, fmt::format("SELECT pg_catalog.pg_get_viewdef({}::pg_catalog.regclass)", literal)});
        else if (object.type == "sequence")
            redos.push_back(
                {drop, fmt::format("SELECT s::text FROM (SELECT seqtypid, seqstart, seqincrement, seqmax, seqmin, "
                                   "seqcache, seqcycle FROM pg_catalog.pg_sequence WHERE seqrelid = "
                                   "{}::pg_catalog.regclass) s",
                                   literal)});
        else if (object.type == "type" || object.type == "domain")
            redos.push_back({drop, fmt::format(type_definition, literal)});
        else if (object.type == "function" || object.type == "procedure")
            redos.push_back(
                {drop, fmt::format("SELECT pg_catalog.pg_get_functiondef({}::pg_catalog.regprocedure)", literal)});
        else
            return {};
    }
    return redos;
}

bool PostgresDdlTarget::same_when_redone(const Redo &redo, const DdlCommands &commands) {
    session_.execute("SAVEPOINT walbridge_redo");
    std::optional<std::string> there, made;
    try {
        there = session_.value(redo.describe);
        session_.execute(redo.drop);
        run_as(commands);
        made = session_.value(redo.describe);
    } catch (const SqlError &error) {
        role_.abandoned();
        if (error.recovery() != Recovery::stop) throw;
        log::debug("an object that is there already could not be compared", {{"reason", error.reason()}});
        there.reset();
    }
    session_.execute("ROLLBACK TO SAVEPOINT walbridge_redo; RELEASE SAVEPOINT walbridge_redo");
    return there && there == made;
}

} // namespace walbridge::target
