// mapping.cpp: a table in FROM that gets another name keeps the old one as its alias, so that columns still find it.
#include "ddl/mapping.hpp"

namespace walbridge::ddl {

namespace {

bool is_system(const QualifiedName &name) {
    return name.schema == "pg_catalog" || name.schema == "information_schema" || name.schema == "pg_toast";
}

std::optional<std::string> unselected(const Reference &reference, const QualifiedName &source, Resolver &resolver,
                                      const Selection &selection) {
    if (reference.kind != NameKind::relation || selection.everything()) return std::nullopt;
    if (selection.table(source)) return std::nullopt;
    const std::string what = "it refers to " + to_string(source) + ", which is not selected";
    if (reference.use == Reference::Use::foreign_key || reference.use == Reference::Use::parent) return what;
    if (resolver.exists(NameKind::relation, resolver.on_target(NameKind::relation, source))) return std::nullopt;
    return what + " and does not exist on the target";
}

/// table.column where no query is around it: the statement's own table.
bool map_column(const ColumnUse &use, const std::optional<QualifiedName> &own, Resolver &resolver) {
    Nodes &fields = *use.column->mutable_fields();
    const bool star = fields[fields.size() - 1].has_a_star();
    const auto parts = strings(fields);
    const std::size_t names = parts.size() + (star ? 1 : 0);
    if (names == 3) {
        if (use.table != nullptr && use.table->has_alias()) {
            fields.DeleteSubrange(0, 1);
            return true;
        }
        const QualifiedName source{parts[0], parts[1]};
        const QualifiedName target = resolver.on_target(NameKind::relation, source);
        if (target == source || (use.of_query && use.table == nullptr)) return false;
        fields[0] = string_node(target.schema);
        fields[1] = string_node(target.name);
        return true;
    }
    if (names != 2 || use.of_query || !own || parts[0] != own->name) return false;
    const QualifiedName target = resolver.on_target(NameKind::relation, *own);
    if (target.name == own->name) return false;
    fields[0] = string_node(target.name);
    return true;
}

} // namespace

MappingOutcome map_subjects(Subjects &subjects, Resolver &resolver) {
    MappingOutcome outcome;
    for (Subject &subject : subjects.all) {
        if (!subject.place) continue;
        const QualifiedName written = subject.place->get();
        const auto source = resolver.subject(subject);
        if (!source) continue;
        const QualifiedName target = resolver.on_target(subject.kind, *source);
        if (target == written) continue;
        if (written.schema.empty() && subject.kind != NameKind::schema) {
            outcome.qualified = true;
            if (!resolver.found_unqualified(subject, *source)) outcome.necessary = true;
        } else {
            outcome.necessary = true;
        }
        subject.place->set(target);
    }
    return outcome;
}

MappingOutcome map_references(References &references, const Subjects &subjects, Resolver &resolver,
                              const Selection &selection, const NameMap &names) {
    MappingOutcome outcome;
    if (names.empty() && selection.everything()) return outcome;
    std::optional<QualifiedName> own;
    if (!subjects.all.empty() && subjects.all.front().place && subjects.all.front().kind == NameKind::relation)
        own = resolver.subject(subjects.all.front());
    for (Reference &reference : references.names) {
        const QualifiedName written = reference.place.get();
        if (is_system(written)) continue;
        if (reference.kind == NameKind::schema) {
            const QualifiedName target = resolver.on_target(NameKind::schema, written);
            outcome.necessary = outcome.necessary || target != written;
            reference.place.set(target);
            continue;
        }
        if (reference.kind == NameKind::routine || reference.kind == NameKind::other) {
            if (written.schema.empty()) continue; // found along the mapped search_path
            const QualifiedName target = resolver.on_target(reference.kind, written);
            outcome.necessary = outcome.necessary || target != written;
            reference.place.set(target);
            continue;
        }
        if (written.schema.empty() && names.tables().empty() &&
            (selection.everything() || reference.kind == NameKind::type))
            continue;
        const auto source = resolver.reference(reference.kind, written);
        if (!source || is_system(*source)) continue;
        if (auto reason = unselected(reference, *source, resolver, selection)) {
            outcome.refused = std::move(reason);
            return outcome;
        }
        const QualifiedName target = resolver.on_target(reference.kind, *source);
        if (written.schema.empty() && target.name == written.name && !names.tables().contains(*source)) continue;
        if (target == written) continue;
        if (pg_query::RangeVar *range = reference.place.range(); range != nullptr &&
                                                                 reference.use == Reference::Use::query &&
                                                                 target.name != written.name && !range->has_alias())
            range->mutable_alias()->set_aliasname(written.name);
        reference.place.set(target);
        outcome.necessary = true;
    }
    for (const ColumnUse &use : references.columns)
        if (map_column(use, own, resolver)) outcome.necessary = true;
    return outcome;
}

} // namespace walbridge::ddl
