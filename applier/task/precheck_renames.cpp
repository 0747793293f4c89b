// precheck_renames.cpp: renames of schemas and tables, judged by the source's catalog.
#include "ddl/bodies.hpp"
#include "dialect/postgres.hpp"
#include "schema/closure.hpp"
#include "schema/names.hpp"
#include "task/precheck_checks.hpp"
#include "wire/object_selection.hpp"

#include <fmt/format.h>
#include <set>
#include <unordered_map>
#include <unordered_set>

namespace walbridge::task {
namespace {

const char *const id = "tables.renames";

/// Renames of what is not selected: a typing error, or an entry that was forgotten.
std::vector<std::string> idle_renames(const PrecheckContext &context, pg::Session &source) {
    const auto &names = context.config.names;
    const wire::ObjectSelection selection(context.config.objects.include, context.config.objects.exclude);
    std::unordered_set<QualifiedName> tables;
    std::unordered_set<std::string> filled, existing;
    for (const auto &table : context.selected) {
        tables.insert(table.name);
        filled.insert(table.name.schema);
    }
    const auto schemas = source.query("SELECT nspname FROM pg_catalog.pg_namespace");
    for (int row = 0; row < schemas.rows(); ++row) existing.insert(schemas.text(row, 0));
    std::set<std::string> idle;
    for (const auto &[name, target] : names.given_schemas())
        if (!existing.contains(name))
            idle.insert(fmt::format("schema {} does not exist", name));
        else if (!filled.contains(name) && !schema::covers_schema(selection, name))
            idle.insert(fmt::format("nothing of schema {} is selected", name));
    for (const auto &[name, target] : names.given_tables())
        if (!tables.contains(name))
            idle.insert(fmt::format("table {} {}", to_string(name),
                                    selection.matches(name.schema, name.name) ? "does not exist" : "is not selected"));
    std::vector<QualifiedName> all(tables.begin(), tables.end());
    for (auto &pattern : names.idle_patterns(all)) idle.insert(fmt::format("no selected table matches {}", pattern));
    return {idle.begin(), idle.end()};
}

/// Schemas that would come together under one name.
std::vector<std::string> merged_schemas(const PrecheckContext &context) {
    const auto &names = context.config.names;
    std::unordered_set<std::string> kept; // schemas with something selected that keep their name
    for (const auto &table : context.selected)
        if (!names.schemas().contains(table.name.schema)) kept.insert(table.name.schema);
    std::set<std::string> merged;
    for (const auto &[name, target] : names.schemas())
        if (name != target && kept.contains(target))
            merged.insert(fmt::format("schemas {} and {} would both be {} on the target", name, target, target));
    return {merged.begin(), merged.end()};
}

std::vector<std::string> taken_names(const PrecheckContext &context, const source::ObjectGraph *graph,
                                     const schema::Closure &closure) {
    std::vector<std::string> taken;
    const auto both = [&](const QualifiedName &first, const QualifiedName &second, const QualifiedName &target) {
        taken.push_back(fmt::format("{} and {} would both be {} on the target", to_string(first), to_string(second),
                                    to_string(target)));
    };
    if (graph != nullptr) {
        for (const auto &found :
             schema::collisions(schema::complete_names(context.config.names, *graph), *graph, closure))
            both(found.first, found.second, found.target);
    } else {
        std::unordered_map<QualifiedName, QualifiedName> sources;
        for (const auto &table : context.selected)
            if (const auto [other, first] = sources.emplace(context.there(table), table.name); !first)
                both(other->second, table.name, other->first);
    }
    return taken;
}

/// Routines whose bodies are text: they are created as they are, and would look for the source's names.
std::vector<std::string> routines_with_old_names(const PrecheckContext &context, pg::Session &source,
                                                 const source::ObjectGraph &graph, const schema::Closure &closure) {
    const auto names = schema::complete_names(context.config.names, graph);
    const auto rows = source.query(
        "SELECT p.oid, n.nspname, p.proname, p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON "
        "n.oid "
        "= p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE p.oid >= 16384 AND l.lanname NOT IN "
        "('internal', 'c') AND pg_catalog.to_jsonb(p) ->> 'prosqlbody' IS NULL ORDER BY 2, 3, 1");
    std::vector<std::string> found;
    for (int row = 0; row < rows.rows(); ++row) {
        const auto oid = static_cast<std::uint32_t>(rows.number(row, 0));
        if (!closure.objects.contains({source::catalog_class::proc, oid})) continue;
        if (!ddl::renamed_names_in(rows.get(row, 3), names).empty())
            found.push_back(rows.text(row, 1) + "." + rows.text(row, 2));
    }
    return found;
}

/// Extensions of a renamed schema that the target has elsewhere: CREATE EXTENSION IF NOT EXISTS would leave them there,
/// and nothing would find their functions and types. Statements that mend it.
std::vector<std::string> misplaced_extensions(pg::Session &target, const NameMap &names,
                                              const source::ObjectGraph &graph, const schema::Closure &closure) {
    std::unordered_map<std::string, std::string> schema_of;
    const auto rows = target.query("SELECT e.extname, n.nspname FROM pg_catalog.pg_extension e JOIN "
                                   "pg_catalog.pg_namespace n ON n.oid = e.extnamespace");
    for (int row = 0; row < rows.rows(); ++row) schema_of.emplace(rows.text(row, 0), rows.text(row, 1));
    std::vector<std::string> moves;
    for (const auto &object_id : closure.objects) {
        const auto *extension = object_id.catalog == source::catalog_class::extension ? graph.find(object_id) : nullptr;
        if (extension == nullptr || !names.schemas().contains(extension->schema)) continue;
        const auto there = schema_of.find(extension->name);
        if (there == schema_of.end() || there->second == names.schema(extension->schema)) continue;
        moves.push_back(fmt::format("ALTER EXTENSION {} SET SCHEMA {};",
                                    dialect::postgres::quote_identifier(extension->name),
                                    dialect::postgres::quote_identifier(names.schema(extension->schema))));
    }
    return moves;
}

} // namespace

void check_renames(PrecheckContext &context, pg::Session &source) {
    const auto &names = context.config.names;
    if (names.empty()) return context.ok(id, "every object keeps its name");
    if (!context.catalog_read) return context.skipped(id, "the source's tables could not be read");
    // A task that brings a few tables for another one has its names all the same.
    if (const auto idle = context.config.sync_of.empty() ? idle_renames(context, source) : std::vector<std::string>();
        !idle.empty()) {
        const auto text = fmt::format("renames of what is not replicated: {}", some_of(idle));
        const auto fix = "Correct the names in [[objects.schema]] and [[objects.table]] (letters are compared as they "
                         "are), or remove the entries.";
        // What was dropped while the task ran is no reason to stop it.
        return context.started ? context.warning(id, text, fix) : context.error(id, text, fix);
    }
    auto taken = merged_schemas(context);
    std::vector<std::string> old_names, moves;
    if (context.config.schema_stage) {
        const auto graph = source::read_object_graph(source);
        const auto closure = schema::select_objects(
            graph, wire::ObjectSelection(context.config.objects.include, context.config.objects.exclude));
        if (taken.empty()) taken = taken_names(context, &graph, closure);
        if (context.target) moves = misplaced_extensions(*context.target, names, graph, closure);
        old_names = routines_with_old_names(context, source, graph, closure);
    } else if (taken.empty()) {
        taken = taken_names(context, nullptr, {});
    }
    if (!taken.empty())
        return context.error(id, some_of(taken),
                             "Choose other names; bringing several tables or schemas together is not part of this "
                             "version.");
    if (!moves.empty())
        return context.error(id, "the target has extensions of a renamed schema elsewhere",
                             fmt::format("Run there (where the extension allows it): {}", fmt::join(moves, " ")));
    if (!old_names.empty())
        return context.warning(id,
                               fmt::format("the bodies of {} routines mention renamed names and are created as they "
                                           "are: {}",
                                           old_names.size(), some_of(old_names, 20)),
                               "Change them on the target after the schema stage, where they are used there.");
    context.ok(id, fmt::format("{} schemas and {} tables have other names on the target", names.schemas().size(),
                               names.tables().size()));
}

} // namespace walbridge::task
