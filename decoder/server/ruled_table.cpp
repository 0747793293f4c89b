// ruled_table.cpp: names and columns, from the catalogs and the rule.
#include "server/ruled_table.hpp"

#include "server/compat.hpp"
#include "server/text_encoding.hpp"

#include <algorithm>

extern "C" {
#include "catalog/partition.h"
#include "mb/pg_wchar.h"
#include "utils/lsyscache.h"
}

namespace walbridge {

std::vector<Oid> partitioned_above(Relation table) {
    std::vector<Oid> above;
    if (!table->rd_rel->relispartition) return above;
    const List *const found = call([&] { return get_partition_ancestors(RelationGetRelid(table)); });
    const int count = found != nullptr ? found->length : 0;
    for (int i = 0; i < count; ++i) above.push_back(call([&] { return list_nth_oid(found, i); }));
    return above;
}

std::vector<wire::TableName> names_for_rules(Relation table, const std::vector<Oid> &above) {
    std::vector<wire::TableName> names;
    const auto add = [&](Oid schema, const char *name) {
        const char *schema_name = call([&] { return get_namespace_name(schema); });
        if (schema_name != nullptr && name != nullptr) names.emplace_back(to_utf8(schema_name), to_utf8(name));
    };
    add(RelationGetNamespace(table), RelationGetRelationName(table));
    for (const Oid oid : above)
        add(call([&] { return get_rel_namespace(oid); }), call([&] { return get_rel_name(oid); }));
    return names;
}

std::vector<RuledColumn> ruled_columns(TupleDesc columns, const wire::TableRule &rule) {
    const auto part_of = [](const auto &parts, const std::string &name) -> const std::string * {
        if (!parts) return nullptr;
        const auto found = parts->find(name);
        return found != parts->end() ? &found->second : nullptr;
    };
    std::vector<RuledColumn> travelling;
    std::vector<std::string> own;
    for (int i = 0; i < columns->natts; ++i) {
        const Form_pg_attribute attribute = TupleDescAttr(columns, i);
        if (attribute->attisdropped) continue;
        own.push_back(to_utf8(NameStr(attribute->attname)));
        const std::string &name = own.back();
        RuledColumn column{attribute->attnum, name, part_of(rule.columns, name), part_of(rule.types, name)};
        // A virtual generated column holds no value that could travel; an expression gives it one.
        if (column.expression == nullptr && (compat::is_virtual(attribute) || !rule.takes(name))) continue;
        travelling.push_back(std::move(column));
    }
    if (!rule.columns) return travelling;
    for (const auto &[name, expression] : *rule.columns)
        if (std::find(own.begin(), own.end(), name) == own.end())
            travelling.push_back(RuledColumn{0, name, &expression, part_of(rule.types, name)});
    return travelling;
}

std::string to_server(const std::string &utf8) {
    const char *text = utf8.c_str();
    const int size = static_cast<int>(utf8.size());
    return call([&] { return pg_any_to_server(text, size, PG_UTF8); });
}

} // namespace walbridge
