// precheck_tables.cpp: the selected tables: rights, identities, what cannot be carried, and how they stand on the
// target.
#include "config/existing_tables.hpp"
#include "copy/large_objects.hpp"
#include "dialect/postgres.hpp"
#include "schema/closure.hpp"
#include "schema/column_rules.hpp"
#include "schema/pg_dump.hpp"
#include "source/unsupported.hpp"
#include "task/figures.hpp"
#include "task/kept_objects.hpp"
#include "task/precheck_checks.hpp"
#include "task/replica_identity.hpp"
#include "task/state_store.hpp"
#include "wire/object_selection.hpp"

#include <fmt/format.h>
#include <map>
#include <set>

namespace walbridge::task {
namespace {

using dialect::postgres::quote;

const char *const by_oids = "= ANY (pg_catalog.string_to_array($1, ',')::oid[])";

std::string oids_of(const PrecheckContext &context) {
    std::string list;
    for (const auto &table : context.selected) list += (list.empty() ? "" : ",") + std::to_string(table.oid);
    return list;
}

std::vector<std::string> column_of(const pg::Result &rows, int column = 0) {
    std::vector<std::string> out;
    for (int row = 0; row < rows.rows(); ++row) out.push_back(rows.text(row, column));
    return out;
}

std::string statements(const std::vector<std::string> &lines, std::size_t most = 20) {
    std::string out;
    for (std::size_t i = 0; i < std::min(most, lines.size()); ++i) out += (i > 0 ? " " : "") + lines[i] + ";";
    if (lines.size() > most) out += fmt::format(" (and {} more)", lines.size() - most);
    return out;
}

void check_selected(PrecheckContext &context, pg::Session &source) {
    context.selected = selected_tables(
        context.config, source, context.config.full_stage ? source::Unlogged::bring : source::Unlogged::leave_out);
    context.catalog_read = true;
    if (context.selected.empty())
        return context.error(
            "tables.selected", "no table of the source matches objects.include",
            "Widen the patterns; they are schema.table with * and ?, and letters are compared as they are.");
    // The rows of a partitioned table are those of its partitions: one left out would be a hole.
    std::set<std::uint32_t> selected;
    for (const auto &table : context.selected) selected.insert(table.oid);
    std::vector<std::string> holes;
    for (const auto &table : source::read_tables(source))
        if (table.parent_oid != 0 && selected.contains(table.parent_oid) && !selected.contains(table.oid))
            holes.push_back(to_string(table.name));
    if (!holes.empty())
        return context.error("tables.selected",
                             fmt::format("partitions of selected tables are left out: {}", some_of(holes)),
                             "Add them to objects.include, or leave the whole table out.");
    context.ok("tables.selected", fmt::format("{} tables", context.selected.size()));
}

void check_select(PrecheckContext &context, pg::Session &source) {
    const auto closed = column_of(
        source.query(fmt::format("SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c "
                                 "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
                                 "WHERE c.oid {} AND NOT (pg_catalog.has_schema_privilege(n.oid, 'USAGE') AND "
                                 "pg_catalog.has_table_privilege(c.oid, 'SELECT')) ORDER BY 1",
                                 by_oids),
                     {oids_of(context)}));
    if (closed.empty()) return context.ok("tables.select", "all selected tables can be read");
    const auto role = dialect::postgres::quote_identifier(source.value("SELECT current_user").value());
    std::vector<std::string> grants;
    for (const auto &name : closed) grants.push_back(fmt::format("GRANT SELECT ON {} TO {}", name, role));
    context.error("tables.select", fmt::format("{} selected tables cannot be read: {}", closed.size(), some_of(closed)),
                  statements(grants) + " USAGE on their schemas is needed as well.");
}

void check_row_security(PrecheckContext &context, pg::Session &source) {
    const auto hidden =
        column_of(source.query(fmt::format("SELECT c.oid::regclass::text FROM pg_catalog.pg_class c WHERE c.oid {} AND "
                                           "c.relrowsecurity AND pg_catalog.row_security_active(c.oid) ORDER BY 1",
                                           by_oids),
                               {oids_of(context)}));
    if (hidden.empty()) return context.ok("tables.row_security", "no policy hides rows from the role");
    context.error("tables.row_security", fmt::format("policies would hide rows of {}", some_of(hidden)),
                  fmt::format("ALTER ROLE {} BYPASSRLS;",
                              dialect::postgres::quote_identifier(source.value("SELECT current_user").value())));
}

void check_identity(PrecheckContext &context, pg::Session &source) {
    if (!context.config.incremental_stage) return context.ok("tables.identity", "no incremental stage");
    std::vector<std::string> names, fixes, not_owned;
    for (const auto &table : context.selected) {
        if (table.unlogged || identifiable(table)) continue;
        names.push_back(to_string(table.name));
        fixes.push_back(fmt::format("ALTER TABLE {} REPLICA IDENTITY FULL", quote(table.name)));
        if (!source
                 .query("SELECT pg_catalog.pg_has_role(relowner, 'USAGE') FROM pg_catalog.pg_class WHERE oid = $1::oid",
                        {std::to_string(table.oid)})
                 .flag(0, 0))
            not_owned.push_back(to_string(table.name));
    }
    if (names.empty()) return context.ok("tables.identity", "every selected table identifies its rows");
    if (context.config.source.replica_identity == "set") {
        if (!not_owned.empty())
            return context.error(
                "tables.identity",
                fmt::format("the role does not own {} and cannot set their replica identity", some_of(not_owned)),
                statements(fixes));
        return context.ok("tables.identity", fmt::format("REPLICA IDENTITY FULL will be set on {}", some_of(names)));
    }
    context.error("tables.identity",
                  fmt::format("an UPDATE or DELETE does not say which row it changes in {}", some_of(names)),
                  statements(fixes) + " Or set source.replica_identity = \"set\".");
}

void check_deferrable(PrecheckContext &context, pg::Session &source) {
    const auto found = column_of(source.query(
        fmt::format(
            "SELECT pg_catalog.format('%s on %s', c.conname, c.conrelid::regclass) FROM pg_catalog.pg_constraint c "
            "WHERE c.conrelid {} AND c.condeferrable AND c.contype IN ('p', 'u', 'x') ORDER BY 1",
            by_oids),
        {oids_of(context)}));
    if (found.empty()) return context.ok("tables.deferrable", "no deferrable key");
    context.warning("tables.deferrable",
                    fmt::format("deferrable constraints are checked by walbridge itself, row by row and slower: {}",
                                some_of(found)),
                    "ALTER TABLE ... ALTER CONSTRAINT is not possible for keys; create them NOT DEFERRABLE where "
                    "nothing needs it.");
}

void check_unsupported(PrecheckContext &context, pg::Session &source) {
    const wire::ObjectSelection selection(context.config.objects.include, context.config.objects.exclude);
    int named = 0;
    for (const auto &object : source::read_unsupported(source)) {
        if (object.kind == "no-identity" || object.kind == "deferrable-key") continue; // tables.identity
        const auto &in_schema = object.object.schema, &called = object.object.name;
        if (!called.empty() && !selection.matches(in_schema, called)) continue;
        if (called.empty() && !in_schema.empty() && !schema::covers_schema(selection, in_schema) &&
            std::ranges::none_of(context.selected, [&](const auto &table) { return table.name.schema == in_schema; }))
            continue;
        if (object.kind == "inheritance" && selection.matches(object.other.schema, object.other.name)) continue;
        ++named;
        const auto text = in_schema.empty() ? object.reason
                          : called.empty()  ? fmt::format("schema {}: {}", in_schema, object.reason)
                                            : fmt::format("{}: {}", to_string(object.object), object.reason);
        if (object.kind == "hypertable")
            context.error("tables.unsupported", text, object.remedy);
        else if (const auto name = context.config.names.table(object.object);
                 object.kind == "materialized-view" && name != object.object)
            context.warning("tables.unsupported", text,
                            fmt::format("REFRESH MATERIALIZED VIEW {} on the target when needed", quote(name)));
        else
            context.warning("tables.unsupported", text, object.remedy);
    }
    if (named == 0) context.ok("tables.unsupported", "every selected object can be replicated");
}

/// Whether a selected table has a column that can refer to a large object: of type oid, or a domain over it as `lo` is.
bool refers_to_large_objects(PrecheckContext &context, pg::Session &source) {
    return source
        .value(fmt::format("SELECT 1 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
                           "WHERE a.attrelid {} AND a.attnum > 0 AND NOT a.attisdropped AND 26 IN (t.oid, "
                           "t.typbasetype) LIMIT 1",
                           by_oids),
               {oids_of(context)})
        .has_value();
}

std::string listed(const std::vector<std::uint32_t> &oids) {
    std::vector<std::string> texts;
    for (const auto oid : oids) texts.push_back(std::to_string(oid));
    return some_of(texts);
}

/// After the copy: they are not followed, so that only a comparison tells whether somebody changed one.
void compare_large_objects(PrecheckContext &context, pg::Session &source, pg::Session &target) {
    const auto found = copy::compare_large_objects(source, target, context.config);
    if (found.none())
        return context.ok("tables.large_objects", fmt::format("{} are the same on both sides", found.compared));
    std::string text = "changed on the source since they were copied, which is not followed:";
    const auto add = [&](const char *what, const std::vector<std::uint32_t> &oids) {
        if (!oids.empty()) text += fmt::format(" {} {} ({})", oids.size(), what, listed(oids));
    };
    add("differ", found.differing);
    add("are missing on the target", found.missing);
    add("were dropped on the source", found.dropped);
    context.warning(
        "tables.large_objects", text,
        "Carry them over by hand while nobody writes: lo_unlink and lo_from_bytea(oid, data) on the target.");
}

void check_large_objects(PrecheckContext &context, pg::Session &source) {
    const char *const id = "tables.large_objects";
    const auto &mode = context.config.objects.large_objects;
    // Each part of the WHERE is a way to be allowed to read; the setting lifts all checks.
    const auto row = source.query(
        "SELECT count(*), count(*) FILTER (WHERE NOT (pg_catalog.current_setting('lo_compat_privileges')::boolean OR "
        "(SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user) OR pg_catalog.pg_has_role(m.lomowner, "
        "'USAGE') OR EXISTS (SELECT FROM pg_catalog.aclexplode(m.lomacl) a WHERE a.privilege_type = 'SELECT' AND "
        "(a.grantee = 0 OR pg_catalog.pg_has_role(a.grantee, 'USAGE'))))), pg_catalog.min(m.oid) FROM "
        "pg_catalog.pg_largeobject_metadata m");
    const auto count = row.number(0, 0), closed = row.number(0, 1);
    if (context.started && mode == "copy" && context.config.full_stage) {
        if (!context.target) return context.skipped(id, "the target cannot be reached");
        return compare_large_objects(context, source, *context.target);
    }
    if (count == 0) return context.ok(id, "there are none");
    if (mode == "ignore") return context.ok(id, fmt::format("{} stay behind, as the task file asks", count));
    if (mode == "copy") {
        if (!context.config.full_stage)
            return context.warning(id, fmt::format("{} large objects stay behind: there is no full stage", count),
                                   "Add \"full\" to task.stages, or set objects.large_objects = \"ignore\".");
        if (closed > 0)
            return context.error(
                id, fmt::format("{} of {} large objects cannot be read by the role", closed, count),
                fmt::format("SELECT pg_catalog.format('GRANT SELECT ON LARGE OBJECT %s TO %I', oid, {}) FROM "
                            "pg_catalog.pg_largeobject_metadata \\gexec",
                            dialect::postgres::quote_literal(source.value("SELECT current_user").value())));
        return context.warning(
            id,
            fmt::format("{} large objects are copied once; what is changed, created or dropped later is not followed",
                        count),
            "walbridge precheck TASK --only tables.large_objects compares them while the task runs; store them as "
            "bytea to have them followed.");
    }
    if (refers_to_large_objects(context, source))
        return context.error(
            id,
            fmt::format("{} large objects exist and selected tables can refer to them; the stream does not carry them",
                        count),
            "Set objects.large_objects = \"copy\" to copy them once, or \"ignore\" to leave them behind.");
    context.warning(
        id, fmt::format("{} large objects exist and stay behind; no selected table has a column for them", count),
        "Set objects.large_objects = \"copy\" to copy them once, or \"ignore\".");
}

struct Contents {
    std::vector<std::string> filled, locked;
};

/// Which of the tables hold rows. Somebody's lock is not waited for: it only leaves the question open.
Contents contents_of(pg::Session &target, const std::vector<QualifiedName> &tables, std::size_t at_once = 200) {
    Contents found;
    for (std::size_t from = 0; from < tables.size(); from += at_once) {
        const std::vector<QualifiedName> group(
            tables.begin() + static_cast<std::ptrdiff_t>(from),
            tables.begin() + static_cast<std::ptrdiff_t>(std::min(tables.size(), from + at_once)));
        std::string probe;
        for (const auto &table : group)
            probe += fmt::format("{}SELECT {} WHERE EXISTS (SELECT 1 FROM ONLY {})", probe.empty() ? "" : " UNION ALL ",
                                 dialect::postgres::quote_literal(to_string(table)), quote(table));
        try {
            for (auto &name : column_of(target.execute(probe))) found.filled.push_back(std::move(name));
        } catch (const SqlError &error) {
            if (error.sqlstate() != "55P03") throw;
            if (group.size() == 1) {
                found.locked.push_back(to_string(group.front()));
                continue;
            }
            auto singly = contents_of(target, group, 1);
            found.filled.insert(found.filled.end(), singly.filled.begin(), singly.filled.end());
            found.locked.insert(found.locked.end(), singly.locked.begin(), singly.locked.end());
        }
    }
    return found;
}

/// Existing, missing and filled tables of the target, judged by the stages.
void check_target_tables(PrecheckContext &context, pg::Session &target) {
    const auto &config = context.config;
    if (context.started) return context.ok("tables.target", "the task has started: its tables are expected");
    std::vector<std::string> present, missing;
    std::vector<QualifiedName> to_probe;
    const auto kept = config.schema_stage ? kept_tables(target, config.name) : std::set<std::string>{};
    const auto rows = target.query(
        fmt::format("SELECT n.nspname, c.relname, c.relkind = 'r' AND pg_catalog.has_table_privilege(c.oid, 'SELECT') "
                    "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE "
                    "n.nspname IN ({})",
                    context.schema_literals_there()));
    std::map<QualifiedName, bool> there; // whether rows of it can be read
    for (int row = 0; row < rows.rows(); ++row)
        there.emplace(QualifiedName{rows.text(row, 0), rows.text(row, 1)}, rows.flag(row, 2));
    for (const auto &table : context.selected) {
        const auto name = context.there(table);
        const auto found = there.find(name);
        if (found == there.end()) {
            missing.push_back(describe_pair(table.name, name));
            continue;
        }
        const bool ours = kept.contains(to_string(name));
        if (!ours) present.push_back(describe_pair(table.name, name));
        if ((config.schema_stage && !ours) || !config.full_stage || !found->second) continue;
        to_probe.push_back(name);
    }
    if (!config.schema_stage && !missing.empty())
        return context.error("tables.target",
                             fmt::format("{} tables are missing on the target: {}", missing.size(), some_of(missing)),
                             "Create them, or add \"schema\" to task.stages.");
    if (proceeds_with_existing(config))
        return context.ok("tables.target", fmt::format("{} tables exist on the target and are used as they are{}",
                                                       present.size(), missing.empty() ? "" : ", others are created"));
    const auto [filled, locked] = contents_of(target, to_probe);
    if (config.schema_stage && !present.empty())
        return context.error("tables.target",
                             fmt::format("{} tables exist on the target already: {}", present.size(), some_of(present)),
                             "Drop them, leave them out with objects.exclude, leave \"schema\" out of task.stages, or "
                             "go on with them by objects.existing = \"proceed\".");
    if (!filled.empty())
        return context.error(
            "tables.target",
            fmt::format("{} tables on the target hold rows already: {}", filled.size(), some_of(filled)),
            fmt::format("TRUNCATE {}; or go on with them by objects.existing = \"proceed\".", some_of(filled, 20)));
    if (!locked.empty())
        return context.warning(
            "tables.target",
            fmt::format("somebody holds a lock on {}: whether they are empty cannot be seen", some_of(locked)),
            "Let the other session end; the copy waits for the lock as well.");
    context.ok("tables.target", config.schema_stage
                                    ? (kept.empty() ? "no selected table exists on the target yet"
                                                    : "the tables of the task's earlier life are empty and used again")
                                    : fmt::format("{} tables are ready", present.size()));
}

void check_columns(PrecheckContext &context, pg::Session &target) {
    if (context.config.schema_stage && !context.started)
        return context.ok("tables.columns", "the schema stage creates them");
    if (proceeds_with_existing(context.config))
        return context.ok("tables.columns", "columns that both sides have are replicated (tables.existing)");
    std::vector<std::string> missing;
    const auto rules = schema::column_rules(context.config);
    const auto rows = target.query(
        fmt::format("SELECT n.nspname, c.relname, a.attname FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c "
                    "ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN "
                    "({}) AND c.relkind NOT IN ('i', 'I', 'S', 'c') AND a.attnum > 0 AND NOT a.attisdropped",
                    context.schema_literals_there()));
    std::map<QualifiedName, std::set<std::string>> columns;
    for (int row = 0; row < rows.rows(); ++row)
        columns[{rows.text(row, 0), rows.text(row, 1)}].insert(rows.text(row, 2));
    for (const auto &table : context.selected) {
        const auto name = context.there(table);
        const auto there = columns.find(name);
        if (there == columns.end()) continue; // tables.target
        for (const auto &column : table.columns) {
            const auto wanted = rules.empty() ? std::optional(column.name) : rules.on_target(table.name, column.name);
            if (wanted && column.generated == '\0' && !there->second.contains(*wanted))
                missing.push_back(to_string(name) + "." + *wanted);
        }
    }
    if (missing.empty()) return context.ok("tables.columns", "the target has every column");
    context.error("tables.columns", fmt::format("columns are missing on the target: {}", some_of(missing)),
                  "ALTER TABLE ... ADD COLUMN on the target, with the source's type.");
}

/// The selected tables, by their names on the target, as a list of (schema, name) literals.
std::string names_of(const PrecheckContext &context) {
    std::string names;
    for (const auto &table : context.selected) {
        const auto name = context.there(table);
        names += fmt::format("{}({}, {})", names.empty() ? "" : ", ", dialect::postgres::quote_literal(name.schema),
                             dialect::postgres::quote_literal(name.name));
    }
    return names;
}

void check_rights(PrecheckContext &context, pg::Session &target) {
    if (context.selected.empty()) return context.ok("target.rights", "no table is selected");
    const auto rows = target.execute(
        fmt::format("SELECT pg_catalog.format('%I.%I', n.nspname, c.relname), pg_catalog.has_schema_privilege(n.oid, "
                    "'USAGE') AND pg_catalog.has_table_privilege(c.oid, 'SELECT') AND "
                    "pg_catalog.has_table_privilege(c.oid, 'INSERT') AND pg_catalog.has_table_privilege(c.oid, "
                    "'UPDATE') AND pg_catalog.has_table_privilege(c.oid, 'DELETE') AND "
                    "pg_catalog.has_table_privilege(c.oid, 'TRUNCATE'), c.relrowsecurity AND "
                    "pg_catalog.row_security_active(c.oid) FROM pg_catalog.pg_class c "
                    "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND "
                    "(n.nspname, c.relname) IN ({}) ORDER BY 1",
                    names_of(context)));
    std::vector<std::string> closed, hidden;
    for (int row = 0; row < rows.rows(); ++row) {
        if (!rows.flag(row, 1)) closed.push_back(rows.text(row, 0));
        if (rows.flag(row, 2)) hidden.push_back(rows.text(row, 0));
    }
    const auto role = dialect::postgres::quote_identifier(target.value("SELECT current_user").value());
    if (!hidden.empty())
        return context.error("target.rights", fmt::format("policies apply to the role in {}", some_of(hidden)),
                             fmt::format("ALTER ROLE {} BYPASSRLS;", role));
    if (!closed.empty())
        return context.error(
            "target.rights", fmt::format("the role may not write {}", some_of(closed)),
            fmt::format(
                "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON {} TO {}; USAGE on their schemas is needed as well.",
                some_of(closed, 20), role));
    context.ok("target.rights",
               rows.rows() == 0 ? "no selected table exists on the target yet" : "the role may write the tables");
}

void check_triggers(PrecheckContext &context, pg::Session &target) {
    const auto names = names_of(context);
    if (names.empty()) return context.ok("target.triggers", "no table is selected");
    const auto firing = column_of(
        target.execute(fmt::format("SELECT pg_catalog.format('%I on %s', t.tgname, t.tgrelid::regclass) FROM "
                                   "pg_catalog.pg_trigger t JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid "
                                   "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE t.tgenabled IN "
                                   "('A', 'R') AND NOT t.tgisinternal AND (n.nspname, c.relname) IN ({}) ORDER BY 1",
                                   names)));
    if (firing.empty()) return context.ok("target.triggers", "no trigger fires in our sessions");
    context.warning(
        "target.triggers",
        fmt::format("triggers that are ENABLE ALWAYS or REPLICA fire for replicated rows: {}", some_of(firing)),
        "ALTER TABLE ... ENABLE TRIGGER (origin only) where the source's trigger has done the work already.");
}

void check_space(PrecheckContext &context, pg::Session &) {
    if (!context.config.full_stage || context.started) return context.ok("target.space", "nothing is copied");
    if (!context.source) return context.skipped("target.space", "the source cannot be reached");
    const auto needed =
        context.source->value(fmt::format("SELECT coalesce(sum(pg_catalog.pg_total_relation_size(c.oid)), 0)::bigint "
                                          "FROM pg_catalog.pg_class c WHERE c.oid {}",
                                          by_oids),
                              {oids_of(context)});
    context.ok("target.space", fmt::format("tables and indexes take {} on the source; make sure that the target's disk "
                                           "has as much and room for WAL (SQL cannot see it)",
                                           human_bytes(std::stod(needed.value_or("0")))));
}

void check_pg_dump(PrecheckContext &context) {
    if (!context.config.schema_stage) return context.ok("tools.pg_dump", "no schema stage");
    if (!context.source) return context.skipped("tools.pg_dump", "the source cannot be reached");
    try {
        const auto program =
            schema::choose_dump_program(schema::installed_dump_programs(), context.source->server_version());
        context.ok("tools.pg_dump", fmt::format("{} (version {})", program.path, program.major));
    } catch (const Error &failure) {
        context.error("tools.pg_dump", failure.reason(), failure.remedy());
    }
}

} // namespace

void check_tables(PrecheckContext &context) {
    static constexpr NamedCheck on_source[] = {{"tables.selected", check_selected},
                                               {"tables.select", check_select},
                                               {"tables.row_security", check_row_security},
                                               {"tables.identity", check_identity},
                                               {"tables.deferrable", check_deferrable},
                                               {"tables.unsupported", check_unsupported},
                                               {"tables.large_objects", check_large_objects},
                                               {"tables.renames", check_renames},
                                               {"tables.rules", check_rules}};
    for (const auto &[id, check] : on_source)
        context.run(id, context.source, [&, check = check](pg::Session &session) { check(context, session); });
    static constexpr NamedCheck on_target[] = {{"tables.target", check_target_tables},
                                               {"tables.columns", check_columns},
                                               {"target.rights", check_rights},
                                               {"target.triggers", check_triggers},
                                               {"target.space", check_space}};
    for (const auto &[id, check] : on_target) {
        if (!context.catalog_read)
            context.skipped(id, "the source's tables could not be read");
        else
            context.run(id, context.target, [&, check = check](pg::Session &session) { check(context, session); });
    }
    check_pg_dump(context);
}

} // namespace walbridge::task
