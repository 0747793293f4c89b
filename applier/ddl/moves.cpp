// moves.cpp: a table that leaves the selection is renamed on the target all the same, because the next statement of the
// transaction may need its name (t -> old, new -> t).
#include "ddl/moves.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>

namespace walbridge::ddl {

namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using pg_query::Node;

bool moves_a_relation(const Node &statement, const Subject &subject) {
    if (subject.kind != NameKind::relation) return false;
    if (statement.has_alter_object_schema_stmt()) return true;
    switch (statement.rename_stmt().rename_type()) {
    case pg_query::OBJECT_TABLE:
    case pg_query::OBJECT_VIEW:
    case pg_query::OBJECT_MATVIEW:
    case pg_query::OBJECT_SEQUENCE:
    case pg_query::OBJECT_INDEX: return true;
    default: return false;
    }
}

Move refused(std::string reason, std::string remedy) {
    Move move;
    move.verdict = Move::Verdict::refused;
    move.reason = std::move(reason);
    move.remedy = std::move(remedy);
    return move;
}

Move filtered(std::string reason) {
    Move move;
    move.verdict = Move::Verdict::filtered;
    move.reason = std::move(reason);
    return move;
}

std::vector<std::string> move_commands(const QualifiedName &from, const QualifiedName &to, Resolver &resolver) {
    std::vector<std::string> commands;
    const auto rename = [&](const QualifiedName &at) {
        commands.push_back("ALTER TABLE " + quote(at) + " RENAME TO " + quote_identifier(to.name));
    };
    const auto set_schema = [&](const QualifiedName &at) {
        commands.push_back("ALTER TABLE " + quote(at) + " SET SCHEMA " + quote_identifier(to.schema));
    };
    if (from.schema == to.schema) {
        if (from.name != to.name) rename(from);
    } else if (from.name == to.name) {
        set_schema(from);
    } else if (resolver.exists(NameKind::relation, {to.schema, from.name})) {
        rename(from);
        set_schema({from.schema, to.name});
    } else {
        set_schema(from);
        rename({to.schema, from.name});
    }
    return commands;
}

Move move_table(const QualifiedName &before, const QualifiedName &after, Resolver &resolver, const Selection &selection,
                const NameMap &names) {
    const bool was = selection.table(before);
    const bool is = selection.table(after);
    if (!was && !is) return filtered(to_string(before) + " is not selected");
    Move move;
    move.from = before;
    move.to = after;
    if (!was) {
        move.verdict = Move::Verdict::replaced;
        move.entered_selection = true;
        return move;
    }
    const QualifiedName from = names.table(before);
    const QualifiedName to = names.table(after);
    if (const auto source = names.renamed_to(to); source && *source != after && *source != before)
        return refused(to_string(after) + " would be called " + to_string(to) + " on the target, which is what " +
                           to_string(*source) + " is renamed to",
                       "Give " + to_string(after) + " a name of its own with objects.table.rename.");
    if (!is) {
        move.left_selection = true;
        if (resolver.exists(NameKind::relation, to) || !resolver.exists(NameKind::schema, {to.schema, {}})) {
            move.verdict = Move::Verdict::replaced; // it stays under its name, and is not followed any more
            return move;
        }
    }
    if (from == before && to == after) {
        move.verdict = Move::Verdict::ordinary;
        return move;
    }
    move.verdict = Move::Verdict::replaced;
    move.commands = move_commands(from, to, resolver);
    return move;
}

/// Views, sequences, indexes.
Move move_relation(const Subject &subject, const QualifiedName &before, const QualifiedName &after, Resolver &resolver,
                   const Selection &selection, const NameMap &names) {
    const auto owner = resolver.table_of(after);
    const bool was = owner ? selection.table(*owner) : selection.subject(subject, before, resolver);
    const bool is = owner ? selection.table(*owner) : before.schema == after.schema ? was : selection.member(after);
    if (!was && !is) return filtered(to_string(before) + " is not selected");
    if (!was)
        return refused(to_string(after) + " comes from outside of the selection",
                       "Create it on the target, then dismiss the statement.");
    QualifiedName from = resolver.on_target(NameKind::relation, before);
    if (owner) from = {names.table(*owner).schema, before.name};
    QualifiedName to = names.tables().contains(after)  ? names.table(after)
                       : before.schema == after.schema ? QualifiedName{from.schema, after.name}
                                                       : QualifiedName{names.schema(after.schema), after.name};
    Move move;
    move.from = before;
    move.to = after;
    if (!is && !resolver.exists(NameKind::schema, {to.schema, {}}))
        return refused(to_string(before) + " moves to schema " + after.schema + ", which is not on the target",
                       "Drop or move it on the target by hand, then dismiss the statement.");
    move.left_selection = !is;
    if (from == before && to == after) {
        move.verdict = Move::Verdict::ordinary;
        return move;
    }
    move.verdict = Move::Verdict::replaced;
    move.commands = move_commands(from, to, resolver);
    return move;
}

Move rename_schema(const std::string &before, const std::string &after, const Selection &selection,
                   const NameMap &names) {
    const bool was = selection.schema(before);
    const bool is = selection.schema(after);
    if (was != is || (!was && (selection.touches(before) || selection.touches(after))))
        return refused("renaming schema " + before + " to " + after + " moves tables into or out of the selection",
                       "Change the selection of the task, or give the schema its name back on the source.");
    if (!was) return filtered("schema " + before + " is not selected");
    for (const auto &[table, renamed] : names.tables())
        if (table.schema == before || table.schema == after)
            return refused("schema " + before + " is renamed to " + after + ", and the task renames its table " +
                               to_string(table),
                           "Rename the schema on the target by hand, adapt objects.table.rename, then dismiss it.");
    Move move;
    if (names.schema(before) == before && names.schema(after) == after) {
        move.verdict = Move::Verdict::ordinary;
        return move;
    }
    for (const auto &[source, renamed] : names.schemas())
        if (source != after && source != before && renamed == names.schema(after))
            return refused("schema " + after + " would be called " + renamed + " on the target, like " + source,
                           "Give the schema a name of its own in the task.");
    move.verdict = Move::Verdict::replaced;
    if (names.schema(before) != names.schema(after))
        move.commands.push_back("ALTER SCHEMA " + quote_identifier(names.schema(before)) + " RENAME TO " +
                                quote_identifier(names.schema(after)));
    return move;
}

/// Types, functions, collations ... that change their schema.
Move move_member(Node &statement, const QualifiedName &before, Resolver &resolver, const Selection &selection,
                 const NameMap &names) {
    auto &move_statement = *statement.mutable_alter_object_schema_stmt();
    const std::string after = move_statement.newschema();
    const bool was = selection.schema(before.schema);
    const bool is = selection.schema(after);
    if (!was && !is) return filtered(to_string(before) + " is not selected");
    if (!was)
        return refused(after + "." + before.name + " comes from outside of the selection",
                       "Create it on the target, then dismiss the statement.");
    const std::string schema = names.schema(after);
    if (!is && !resolver.exists(NameKind::schema, {schema, {}}))
        return refused(to_string(before) + " moves to schema " + after + ", which is not on the target",
                       "Drop or move it on the target by hand, then dismiss the statement.");
    Move move;
    move.verdict = Move::Verdict::ordinary;
    move.left_selection = !is;
    move.changed = schema != after;
    move_statement.set_newschema(schema);
    return move;
}

} // namespace

Move judge_move(Node &statement, const Subjects &subjects, const std::optional<QualifiedName> &captured_before,
                Resolver &resolver, const Selection &selection, const NameMap &names) {
    if (!statement.has_rename_stmt() && !statement.has_alter_object_schema_stmt()) return {};
    const Subject &subject = subjects.all.front();
    if (subject.kind == NameKind::schema && statement.has_rename_stmt())
        return rename_schema(subject.place->get().schema, statement.rename_stmt().newname(), selection, names);
    auto before = resolver.subject(subject);
    if (!moves_a_relation(statement, subject)) {
        if (!statement.has_alter_object_schema_stmt()) return {};
        if (before) return move_member(statement, *before, resolver, selection, names);
        // An extension: it stands outside of schemas, the new one is mapped.
        Move move;
        move.verdict = Move::Verdict::ordinary;
        auto &extension = *statement.mutable_alter_object_schema_stmt();
        move.changed = names.schema(extension.newschema()) != extension.newschema();
        extension.set_newschema(names.schema(extension.newschema()));
        return move;
    }
    if (captured_before) before = captured_before;
    if (!before) return {};
    const QualifiedName after = statement.has_rename_stmt()
                                    ? QualifiedName{before->schema, statement.rename_stmt().newname()}
                                    : QualifiedName{statement.alter_object_schema_stmt().newschema(), before->name};
    const std::string type = resolver.captured_type(after);
    const bool is_table =
        type.empty() ? subject.named == pg_query::OBJECT_TABLE : type == "table" || type == "partitioned table";
    return is_table ? move_table(*before, after, resolver, selection, names)
                    : move_relation(subject, *before, after, resolver, selection, names);
}

} // namespace walbridge::ddl
