// sequences.cpp: see sequences.hpp.
#include "sequence/sequences.hpp"

#include "dialect/postgres.hpp"
#include "schema/closure.hpp"
#include "schema/names.hpp"
#include "source/object_graph.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace walbridge::sequence {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_literal;

/// Sequences of one statement: each is a lock until its end, and the server's lock table is shared by all sessions.
constexpr std::size_t batch = 200;
/// A sequence may be dropped or renamed between the look at the catalog and the look at its value.
constexpr int attempts = 5;

struct Reading {
    std::optional<Value> value;
    bool there = false, readable = false, writable = false;
};

std::string array_literal(const std::vector<std::string> &words) {
    std::string out = "{";
    for (const auto &word : words) {
        out += out.size() > 1 ? ",\"" : "\"";
        for (const char c : word) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

bool gone(const SqlError &error) {
    return error.sqlstate() == "42P01" || error.sqlstate() == "3F000" || error.sqlstate() == "42501" ||
           error.sqlstate() == "42809";
}

std::vector<Reading> look_up(pg::Session &session, const std::vector<QualifiedName> &names) {
    std::vector<std::string> schemas, relations;
    for (const auto &name : names) {
        schemas.push_back(name.schema);
        relations.push_back(name.name);
    }
    const auto rows = session.query(
        "SELECT i.place, pg_catalog.has_sequence_privilege(c.oid, 'SELECT') AND "
        "pg_catalog.has_schema_privilege(n.oid, 'USAGE'), pg_catalog.has_sequence_privilege(c.oid, 'UPDATE') AND "
        "pg_catalog.has_schema_privilege(n.oid, 'USAGE') FROM ROWS FROM (pg_catalog.unnest($1::text[]), "
        "pg_catalog.unnest($2::text[])) WITH ORDINALITY AS i (schema, name, place) JOIN pg_catalog.pg_namespace n ON "
        "n.nspname = i.schema JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = i.name AND "
        "c.relkind = 'S'",
        {array_literal(schemas), array_literal(relations)});
    std::vector<Reading> readings(names.size());
    for (int row = 0; row < rows.rows(); ++row) {
        auto &reading = readings.at(static_cast<std::size_t>(rows.number(row, 0)) - 1);
        reading = {std::nullopt, true, rows.flag(row, 1), rows.flag(row, 2)};
    }
    return readings;
}

/// pg_sequences and pg_sequence_last_value() say nothing about a sequence that was set and not yet called: each is read
/// itself.
void read_values(pg::Session &session, const std::vector<QualifiedName> &names, std::vector<Reading> &readings) {
    std::vector<std::size_t> readable;
    for (std::size_t place = 0; place < names.size(); ++place)
        if (readings[place].readable) readable.push_back(place);
    for (std::size_t from = 0; from < readable.size(); from += batch) {
        std::string sql;
        for (auto at = from; at < std::min(from + batch, readable.size()); ++at)
            sql += fmt::format("{}SELECT {}, last_value, is_called FROM {}", sql.empty() ? "" : " UNION ALL ",
                               readable[at], quote(names[readable[at]]));
        const auto rows = session.execute(sql);
        for (int row = 0; row < rows.rows(); ++row)
            readings[static_cast<std::size_t>(rows.number(row, 0))].value =
                Value{rows.number(row, 1), rows.flag(row, 2)};
    }
}

std::vector<Reading> read(pg::Session &session, const std::vector<QualifiedName> &names) {
    for (int attempt = 1;; ++attempt) {
        auto readings = look_up(session, names);
        try {
            read_values(session, names, readings);
            return readings;
        } catch (const SqlError &error) {
            if (!gone(error) || attempt == attempts) throw;
        }
    }
}

std::vector<Reading> read_side(pg::Session &session, const std::vector<Sequence> &sequences,
                               QualifiedName Sequence::*side) {
    std::vector<QualifiedName> names;
    names.reserve(sequences.size());
    for (const auto &sequence : sequences) names.push_back(sequence.*side);
    return read(session, names);
}

std::string setval(const QualifiedName &name, const Value &value) {
    return fmt::format("pg_catalog.setval({}, {}, {})", quote_literal(quote(name)), value.last, value.called);
}

/// What keeps the two readings from being compared; empty reason = nothing.
Difference judge(const Sequence &sequence, const Reading &source, const Reading &target) {
    Difference difference{sequence, source.value, target.value, {}, {}};
    if (!source.there)
        difference.reason = "it is missing on the source";
    else if (!source.readable) {
        difference.reason = "the task's role may not read it on the source";
        difference.remedy =
            fmt::format("GRANT SELECT ON SEQUENCE {} to the task's role on the source.", quote(sequence.source));
    } else if (!target.there)
        difference.reason = "it is missing on the target";
    else if (!target.readable) {
        difference.reason = "the task's role may not read it on the target";
        difference.remedy = fmt::format("GRANT SELECT, UPDATE ON SEQUENCE {} to the task's role on the target.",
                                        quote(sequence.target));
    } else if (source.value != target.value) {
        difference.reason = "the values differ";
        difference.remedy = "SELECT " + setval(sequence.target, *source.value) + ";";
    }
    return difference;
}

void refuse(Result &result, Difference difference, std::string reason, std::string remedy) {
    difference.reason = std::move(reason);
    difference.remedy = std::move(remedy);
    result.refused.push_back(std::move(difference));
}

/// One by one: what one of them is refused for is no matter of the others.
void write_singly(pg::Session &target, const std::vector<Difference> &some, Result &result) {
    for (const auto &difference : some) {
        target.execute("SAVEPOINT walbridge_sequence");
        try {
            target.execute("SELECT " + setval(difference.sequence.target, *difference.source));
            ++result.written;
        } catch (const SqlError &error) {
            if (error.recovery() == Recovery::reconnect) throw;
            target.execute("ROLLBACK TO SAVEPOINT walbridge_sequence");
            refuse(result, difference, "the target refuses the value: " + error.reason(),
                   "Give the sequence the source's definition on the target (walbridge schema diff shows it).");
        }
        target.execute("RELEASE SAVEPOINT walbridge_sequence");
    }
}

/// setval() is not undone by a rollback: a batch that fails half way is simply done again.
void write_batch(pg::Session &target, const std::vector<Difference> &some, Result &result) {
    std::string sql;
    for (const auto &difference : some)
        sql += (sql.empty() ? "SELECT " : ", ") + setval(difference.sequence.target, *difference.source);
    target.execute("SAVEPOINT walbridge_sequences");
    try {
        target.execute(sql);
        result.written += some.size();
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        target.execute("ROLLBACK TO SAVEPOINT walbridge_sequences");
        write_singly(target, some, result);
    }
    target.execute("RELEASE SAVEPOINT walbridge_sequences");
}

void write(pg::Session &target, const std::vector<Difference> &all, const Permission &permission, Result &result) {
    target.execute("BEGIN");
    try {
        if (permission && !permission(target)) {
            result.held_back = true;
        } else {
            for (std::size_t from = 0; from < all.size(); from += batch)
                write_batch(target,
                            {all.begin() + static_cast<std::ptrdiff_t>(from),
                             all.begin() + static_cast<std::ptrdiff_t>(std::min(from + batch, all.size()))},
                            result);
        }
        target.execute("COMMIT");
    } catch (...) {
        target.rollback_quietly();
        throw;
    }
}

} // namespace

std::string to_string(const Value &value) {
    return fmt::format("{}{}", value.last, value.called ? "" : " (not yet given out)");
}

std::string describe(const Difference &difference) {
    auto text = describe_pair(difference.sequence.source, difference.sequence.target) + ": " + difference.reason;
    if (difference.source && difference.target)
        text += fmt::format(": {} on the source, {} on the target", to_string(*difference.source),
                            to_string(*difference.target));
    return text;
}

std::vector<Sequence> selected(pg::Session &source, const TaskConfig &config) {
    namespace cls = source::catalog_class;
    const auto graph = source::read_object_graph(source);
    const auto closure =
        schema::select_objects(graph, wire::ObjectSelection(config.objects.include, config.objects.exclude));
    const auto names = schema::complete_names(config.names, graph);
    std::map<QualifiedName, QualifiedName> found;
    for (const auto &id : closure.objects) {
        if (id.catalog != cls::relation) continue;
        const auto *object = graph.find(id);
        if (object == nullptr || object->kind != 'S') continue;
        const QualifiedName name{object->schema, object->name};
        found.emplace(name, names.table(name));
    }
    std::vector<Sequence> sequences;
    for (const auto &[from, to] : found) sequences.push_back({from, to});
    return sequences;
}

std::string catalog_signature(pg::Session &source) {
    // Names and oids of sequences, and of the tables whose columns own them or whose defaults use them.
    return source
        .value(
            "SELECT pg_catalog.md5(pg_catalog.string_agg(pg_catalog.concat_ws(' ', c.oid, n.nspname, c.relname, "
            "d.deptype, d.refobjid, u.adrelid, tn.nspname, t.relname), E'\\n' ORDER BY c.oid, d.refobjid, u.adrelid, "
            "u.adnum)) FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
            "LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid "
            "= c.oid AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass "
            "LEFT JOIN pg_catalog.pg_depend b ON b.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND "
            "b.refobjid = c.oid AND b.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass "
            "LEFT JOIN pg_catalog.pg_attrdef u ON u.oid = b.objid "
            "LEFT JOIN pg_catalog.pg_class t ON t.oid = coalesce(d.refobjid, u.adrelid) "
            "LEFT JOIN pg_catalog.pg_namespace tn ON tn.oid = t.relnamespace "
            "WHERE c.relkind = 'S' AND c.oid >= 16384 AND c.relpersistence <> 't'")
        .value_or("");
}

std::vector<Difference> compare(pg::Session &source, pg::Session &target, const std::vector<Sequence> &sequences) {
    const auto here = read_side(source, sequences, &Sequence::source);
    const auto there = read_side(target, sequences, &Sequence::target);
    std::vector<Difference> differences;
    for (std::size_t place = 0; place < sequences.size(); ++place)
        if (auto difference = judge(sequences[place], here[place], there[place]); !difference.reason.empty())
            differences.push_back(std::move(difference));
    return differences;
}

std::vector<Difference> compare_sequences(pg::Session &source, pg::Session &target, const TaskConfig &config) {
    return compare(source, target, selected(source, config));
}

Result bring(pg::Session &source, pg::Session &target, const std::vector<Sequence> &sequences,
             const Permission &permission) {
    Result result;
    const auto here = read_side(source, sequences, &Sequence::source);
    const auto there = read_side(target, sequences, &Sequence::target);
    std::vector<Difference> behind;
    for (std::size_t place = 0; place < sequences.size(); ++place) {
        if (!here[place].there) continue; // dropped meanwhile
        ++result.selected;
        auto difference = judge(sequences[place], here[place], there[place]);
        if (difference.reason.empty()) continue;
        const auto &name = difference.sequence.target;
        if (here[place].value && !there[place].there)
            result.missing.push_back(std::move(difference));
        else if (!here[place].value || !there[place].value)
            result.refused.push_back(std::move(difference));
        else if (!there[place].writable)
            refuse(result, difference, "the task's role may not set it on the target",
                   fmt::format("GRANT UPDATE ON SEQUENCE {} to the task's role on the target.", quote(name)));
        else
            behind.push_back(std::move(difference));
    }
    if (!behind.empty()) write(target, behind, permission, result);
    return result;
}

Result bring_sequences_exactly(pg::Session &source, pg::Session &target, const TaskConfig &config) {
    const auto sequences = selected(source, config);
    auto result = bring(source, target, sequences);
    const auto named = [&](const Difference &difference) {
        const auto same = [&](const Difference &other) { return other.sequence.source == difference.sequence.source; };
        return std::ranges::any_of(result.missing, same) || std::ranges::any_of(result.refused, same);
    };
    for (auto &difference : compare(source, target, sequences))
        if (!named(difference)) result.refused.push_back(std::move(difference));
    return result;
}

} // namespace walbridge::sequence
