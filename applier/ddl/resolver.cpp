// resolver.cpp: lookups along the search_path. pg_catalog comes first unless the path says otherwise, as in the server.
#include "ddl/resolver.hpp"

#include "ddl/identifiers.hpp"

#include <algorithm>
#include <set>

namespace walbridge::ddl {

namespace {

/// The name in an identity such as public."my f"(integer), without schema and arguments.
std::string name_in_identity(const std::string &identity) {
    const auto parts = split_identifiers(std::string_view(identity).substr(0, identity.find('(')), '.');
    return parts && !parts->empty() ? parts->back() : std::string();
}

bool is_catalog_of(NameKind kind, const std::string &class_name) {
    switch (kind) {
    case NameKind::relation: return class_name == "pg_class" || class_name == "pg_type";
    case NameKind::type: return class_name == "pg_type" || class_name == "pg_class";
    case NameKind::routine: return class_name == "pg_proc";
    case NameKind::schema: return class_name == "pg_namespace";
    case NameKind::other: return class_name != "pg_class" && class_name != "pg_type" && class_name != "pg_proc";
    }
    return false;
}

} // namespace

Resolver::Resolver(const DdlStatement &statement, const Rules &rules, TargetNames &target)
    : statement_(statement), before_(statement.before), names_(*rules.names), target_(target) {
    const auto setting = statement.settings.find("search_path");
    const std::string text = setting == statement.settings.end() ? "\"$user\", public" : setting->second;
    const auto role = rules.roles.names.find(statement.role);
    bool differs = role != rules.roles.names.end() && role->second != statement.role;
    std::vector<std::string> mapped;
    for (std::string schema : split_identifiers(text, ',').value_or(std::vector<std::string>{})) {
        if (schema == "pg_temp" || schema.starts_with("pg_temp_")) {
            differs = true;
            continue;
        }
        if (schema == "$user") schema = statement.role;
        if (schema.empty()) continue;
        path_.push_back(schema);
        mapped.push_back(names_.schema(schema));
        differs = differs || mapped.back() != schema;
    }
    // "$user" is spelled out as soon as anything differs: the role on the target may have another name.
    search_path_ = differs ? join_identifiers(mapped, ", ") : text;
}

bool Resolver::exists(NameKind kind, const QualifiedName &name) {
    switch (kind) {
    case NameKind::relation: return target_.relation_exists(name);
    case NameKind::type: return target_.type_exists(name);
    case NameKind::routine: return target_.routine_exists(name);
    case NameKind::schema: return target_.schema_exists(name.schema);
    case NameKind::other: return false;
    }
    return false;
}

std::string Resolver::creation_schema() {
    for (const std::string &schema : path_)
        if (schema != "pg_catalog" && target_.schema_exists(names_.schema(schema))) return schema;
    return path_.empty() ? std::string() : path_.back();
}

std::optional<std::string> Resolver::captured_schema(const Subject &subject, const std::string &name) const {
    std::vector<std::string> schemas;
    const auto has_name = [&](const auto &object) {
        return object.name == name || (object.name.empty() && name_in_identity(object.identity) == name);
    };
    if (before_ && before_->name == name) schemas.push_back(before_->schema);
    for (const DdlObject &object : statement_.objects) {
        if (moved_ && !before_) break; // they carry the schema after the move
        // An index, a trigger, a policy: the statement names its table.
        if (subject.kind == NameKind::relation && object.table_name == name) schemas.push_back(object.table_schema);
        if (is_catalog_of(subject.kind, object.class_name) && has_name(object)) schemas.push_back(object.schema);
    }
    for (const DdlDropped &object : statement_.dropped) {
        if (subject.kind == NameKind::relation && object.address_names.size() == 3 && object.address_names[1] == name)
            schemas.push_back(object.address_names[0]); // a trigger, a policy, a rule: schema, table, name
        else if (object.original && is_catalog_of(subject.kind, object.class_name) &&
                 (has_name(object) || (object.address_names.size() == 2 && object.address_names[1] == name)))
            schemas.push_back(object.schema);
    }
    // DROP TABLE a.t, t: both are called t.
    for (const std::string &schema : path_)
        if (std::find(schemas.begin(), schemas.end(), schema) != schemas.end()) return schema;
    if (schemas.empty() || schemas.front().empty()) return std::nullopt;
    return schemas.front();
}

void Resolver::before_move(const std::string &new_name) {
    moved_ = true;
    if (before_) return;
    // Objects that are not relations: the capture names them as they are called now.
    for (const DdlObject &object : statement_.objects) {
        const std::string name = object.name.empty() ? name_in_identity(object.identity) : object.name;
        if (!new_name.empty() && name == new_name && object.table_name.empty()) {
            renamed_in_ = object.schema;
            return;
        }
    }
}

std::optional<QualifiedName> Resolver::subject(const Subject &subject) {
    if (!subject.place) return std::nullopt;
    const QualifiedName written = subject.place->get();
    if (subject.kind == NameKind::schema || !written.schema.empty()) return written;
    if (const auto schema = captured_schema(subject, written.name); schema && !schema->empty())
        return QualifiedName{*schema, written.name};
    if (renamed_in_ && subject.kind != NameKind::schema) return QualifiedName{*renamed_in_, written.name};
    if (subject.creates) {
        const std::string schema = creation_schema();
        if (schema.empty()) return std::nullopt;
        return QualifiedName{schema, written.name};
    }
    return reference(subject.kind, written);
}

bool Resolver::given(const QualifiedName &target) const { return names_.renamed_to(target).has_value(); }

bool Resolver::taken_by_another(const QualifiedName &source, const QualifiedName &target) const {
    return !names_.has_entry(source) && given(target);
}

std::optional<QualifiedName> Resolver::reference(NameKind kind, const QualifiedName &written) {
    if (!written.schema.empty() || kind == NameKind::schema) return written;
    // The statement's own objects exist by now on the source, and not yet on the target.
    for (const DdlObject &object : statement_.objects)
        if (!moved_ && object.name == written.name && is_catalog_of(kind, object.class_name) &&
            std::find(path_.begin(), path_.end(), object.schema) != path_.end())
            return QualifiedName{object.schema, object.name};
    if (std::find(path_.begin(), path_.end(), "pg_catalog") == path_.end() &&
        exists(kind, {"pg_catalog", written.name}))
        return QualifiedName{"pg_catalog", written.name};
    for (const std::string &schema : path_) {
        const QualifiedName source{schema, written.name};
        const QualifiedName mapped = on_target(kind, source);
        if (!taken_by_another(source, mapped) && exists(kind, mapped)) return source;
    }
    return std::nullopt;
}

std::optional<QualifiedName> Resolver::table_of(const QualifiedName &object) const {
    for (const DdlObject &captured : statement_.objects)
        if (captured.schema == object.schema && captured.name == object.name && !captured.table_name.empty())
            return QualifiedName{captured.table_schema, captured.table_name};
    return owners_ ? owners_(object) : std::nullopt;
}

std::string Resolver::captured_type(const QualifiedName &relation) const {
    for (const DdlObject &object : statement_.objects)
        if (object.class_name == "pg_class" && object.schema == relation.schema && object.name == relation.name &&
            object.sub == 0)
            return object.type;
    return {};
}

QualifiedName Resolver::on_target(NameKind kind, const QualifiedName &source) {
    if (kind == NameKind::schema) return {names_.schema(source.schema), {}};
    if (kind != NameKind::relation && kind != NameKind::type) return {names_.schema(source.schema), source.name};
    if (names_.has_entry(source)) return names_.table(source);
    if (const auto table = table_of(source)) return {names_.table(*table).schema, source.name};
    QualifiedName plain{names_.schema(source.schema), source.name};
    if (names_.tables().empty() || exists(kind, plain)) return plain;
    // An index or a sequence follows its table into another schema.
    std::set<std::string> elsewhere;
    for (const auto &[table, renamed] : names_.tables())
        if (table.schema == source.schema && renamed.schema != plain.schema) elsewhere.insert(renamed.schema);
    std::erase_if(elsewhere, [&](const std::string &schema) {
        return !exists(kind, {schema, source.name}) || given({schema, source.name});
    });
    return elsewhere.size() == 1 ? QualifiedName{*elsewhere.begin(), source.name} : plain;
}

bool Resolver::found_unqualified(const Subject &subject, const QualifiedName &source) {
    const QualifiedName wanted = on_target(subject.kind, source);
    if (wanted.name != source.name) return false;
    for (const std::string &schema : path_) {
        const QualifiedName there{names_.schema(schema), source.name};
        if (subject.kind == NameKind::other || subject.creates) {
            if (schema != "pg_catalog" && target_.schema_exists(there.schema)) return there.schema == wanted.schema;
        } else if (exists(subject.kind, there)) {
            return there == wanted;
        }
    }
    return true; // not there at all: the target says so
}

} // namespace walbridge::ddl
