// names.cpp: see names.hpp.
#include "schema/names.hpp"

#include "ddl/rename.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace walbridge::schema {
namespace {

namespace cls = source::catalog_class;

bool word_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' ||
           static_cast<unsigned char>(c) >= 0x80;
}

/// The identifier at `at` of the catalog's own text (so there is nothing to fold), which is moved behind it; empty
/// where none begins.
std::string identifier(std::string_view text, std::size_t &at) {
    std::string name;
    if (at < text.size() && text[at] == '"') {
        for (++at; at < text.size(); ++at) {
            if (text[at] == '"') {
                if (at + 1 == text.size() || text[at + 1] != '"') break;
                ++at;
            }
            name += text[at];
        }
        at = std::min(at + 1, text.size());
        return name;
    }
    while (at < text.size() && word_byte(text[at])) name += text[at++];
    return name;
}

/// schema.name[...] with both parts quoted and mapped; text that is not qualified (built-in types) as it is.
std::string qualified_on_target(const std::string &text, const NameMap &names) {
    std::size_t at = 0;
    QualifiedName name;
    name.schema = identifier(text, at);
    if (name.schema.empty() || at >= text.size() || text[at] != '.') return text;
    ++at;
    name.name = identifier(text, at);
    if (name.name.empty()) return text;
    return dialect::postgres::quote(names.table(name)) + text.substr(at);
}

} // namespace

source::Column column_on_target(source::Column column, const NameMap &names) {
    column.type = qualified_on_target(column.type, names);
    column.collation = qualified_on_target(column.collation, names);
    if (!names.empty() && !column.default_sql.empty()) {
        constexpr std::string_view select = "SELECT ";
        const auto before = std::string(select) + column.default_sql;
        auto after = ddl::rename_statement(before, names);
        if (after == before) return column;
        while (!after.empty() && (after.back() == ';' || after.back() == '\n')) after.pop_back();
        column.default_sql = after.substr(select.size());
    }
    return column;
}

NameMap complete_names(const NameMap &names, const source::ObjectGraph &graph) {
    auto complete = names;
    if (names.tables().empty()) return complete;
    std::map<std::uint32_t, std::string> moved; // table to its schema on the target
    for (const auto &[id, object] : graph.objects) {
        if (id.catalog != cls::relation) continue;
        const auto entry = names.tables().find({object.schema, object.name});
        if (entry != names.tables().end() && entry->second.schema != names.schema(object.schema))
            moved.emplace(id.oid, entry->second.schema);
    }
    for (const auto &[id, object] : graph.objects) {
        const bool index = id.catalog == cls::relation && (object.kind == 'i' || object.kind == 'I');
        if (const auto table = index ? moved.find(object.on_table) : moved.end(); table != moved.end())
            complete.add_table({object.schema, object.name}, {table->second, object.name});
    }
    for (const auto &[oid, schema] : moved) {
        const auto dependents = graph.needed_by.find({cls::relation, oid});
        if (dependents == graph.needed_by.end()) continue;
        for (const auto &dependent : dependents->second) {
            const auto *object = graph.find(dependent.object);
            if (object == nullptr || object->id.catalog != cls::relation || object->kind != 'S') continue;
            if (dependent.type != 'a' && dependent.type != 'i') continue; // owned, or of an identity column
            const QualifiedName name{object->schema, object->name};
            if (!names.tables().contains(name)) complete.add_table(name, {schema, object->name});
        }
    }
    return complete;
}

std::vector<NameCollision> collisions(const NameMap &names, const source::ObjectGraph &graph, const Closure &closure) {
    std::vector<NameCollision> found;
    std::map<QualifiedName, QualifiedName> relations, types; // target to source
    const auto add = [&](std::map<QualifiedName, QualifiedName> &taken, const QualifiedName &source) {
        const auto target = names.table(source);
        const auto [other, first] = taken.emplace(target, source);
        const NameCollision one{other->second, source, target};
        if (!first && other->second != source && std::ranges::find(found, one) == found.end()) found.push_back(one);
    };
    for (const auto &id : closure.objects) {
        const auto *object = graph.find(id);
        if (object == nullptr) continue;
        const QualifiedName name{object->schema, object->name};
        if (id.catalog == cls::relation) add(relations, name);
        // Relations with rows have a type of their name; types with a relation are those.
        const bool row_type =
            id.catalog == cls::relation && std::string_view("rpvmfc").find(object->kind) != std::string_view::npos;
        if (row_type || (id.catalog == cls::type && object->on_table == 0)) add(types, name);
    }
    return found;
}

std::vector<std::string> target_schemas(const NameMap &names) {
    std::set<std::string> schemas;
    for (const auto &[source, target] : names.schemas()) schemas.insert(target);
    for (const auto &[source, target] : names.tables()) schemas.insert(target.schema);
    return {schemas.begin(), schemas.end()};
}

} // namespace walbridge::schema
