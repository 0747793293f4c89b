// name_place.cpp: reading and writing names; a catalog (database) in front of a name is dropped when it is written.
#include "ddl/name_place.hpp"

#include "ddl/identifiers.hpp"

namespace walbridge::ddl {

std::vector<std::string> strings(const Nodes &list) {
    std::vector<std::string> parts;
    for (const auto &node : list)
        if (node.has_string()) parts.push_back(node.string().sval());
    return parts;
}

pg_query::Node string_node(std::string text) {
    pg_query::Node node;
    node.mutable_string()->set_sval(std::move(text));
    return node;
}

QualifiedName NamePlace::get() const {
    if (const auto *range = std::get_if<pg_query::RangeVar *>(&place_))
        return {(*range)->schemaname(), (*range)->relname()};
    if (const auto *schema = std::get_if<Schema>(&place_)) return {*schema->name, {}};
    std::vector<std::string> parts;
    if (const auto *list = std::get_if<List>(&place_)) {
        parts = strings(*list->list);
        if (static_cast<int>(parts.size()) <= list->tail + list->head) return {};
        parts.resize(parts.size() - static_cast<std::size_t>(list->tail));
        parts.erase(parts.begin(), parts.begin() + list->head);
    } else {
        parts = split_identifiers(*std::get<Literal>(place_).text, '.').value_or(std::vector<std::string>{});
    }
    if (parts.empty()) return {};
    return {parts.size() > 1 ? parts[parts.size() - 2] : std::string(), parts.back()};
}

void NamePlace::set(const QualifiedName &name) {
    if (get() == name) return;
    if (auto *range = std::get_if<pg_query::RangeVar *>(&place_)) {
        (*range)->clear_catalogname();
        (*range)->set_schemaname(name.schema);
        (*range)->set_relname(name.name);
    } else if (auto *schema = std::get_if<Schema>(&place_)) {
        *schema->name = name.schema;
    } else if (auto *literal = std::get_if<Literal>(&place_)) {
        *literal->text =
            name.schema.empty() ? join_identifiers({name.name}, ".") : join_identifiers({name.schema, name.name}, ".");
    } else {
        const List &list = std::get<List>(place_);
        Nodes changed;
        for (int i = 0; i < list.head; ++i) *changed.Add() = list.list->Get(i);
        if (!name.schema.empty()) *changed.Add() = string_node(name.schema);
        *changed.Add() = string_node(name.name);
        for (int i = list.list->size() - list.tail; i < list.list->size(); ++i) *changed.Add() = list.list->Get(i);
        list.list->Swap(&changed);
    }
}

const void *NamePlace::address() const {
    if (const auto *range = std::get_if<pg_query::RangeVar *>(&place_)) return *range;
    if (const auto *schema = std::get_if<Schema>(&place_)) return schema->name;
    if (const auto *literal = std::get_if<Literal>(&place_)) return literal->text;
    return std::get<List>(place_).list;
}

pg_query::RangeVar *NamePlace::range() const {
    const auto *range = std::get_if<pg_query::RangeVar *>(&place_);
    return range == nullptr ? nullptr : *range;
}

} // namespace walbridge::ddl
