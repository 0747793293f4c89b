// definition_json.cpp: what is read is checked as far as the rest of schema/mysql relies on it: columns that keys and
// constraints name are there, and lists that belong together are of one length.
#include "schema/mysql/definition_json.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace walbridge::schema::mysql {
namespace {

using Json = nlohmann::ordered_json;

// ---- writing

void put(Json &object, const char *name, const std::string &text) {
    if (!text.empty()) object[name] = text;
}
void put(Json &object, const char *name, bool flag) {
    if (flag) object[name] = true;
}
void put(Json &object, const char *name, char letter) {
    if (letter != '\0') object[name] = std::string(1, letter);
}
void put(Json &object, const char *name, std::uint32_t oid) {
    if (oid != 0) object[name] = oid;
}
template <class Item> void put(Json &object, const char *name, const std::vector<Item> &list) {
    if (!list.empty()) object[name] = list;
}

Json json_of(const SourceColumn &column) {
    Json type;
    put(type, "oid", column.type.oid);
    type["name"] = column.type.name;
    put(type, "kind", column.type.kind);
    type["typmod"] = column.type.typmod;
    put(type, "element_oid", column.type.element_oid);
    put(type, "element_name", column.type.element_name);
    put(type, "enum_labels", column.type.enum_labels);
    Json object;
    object["number"] = column.number;
    object["name"] = column.name;
    object["type"] = std::move(type);
    put(object, "type_sql", column.type_sql);
    put(object, "not_null", column.not_null);
    put(object, "identity", column.identity);
    put(object, "generated", column.generated);
    put(object, "expression", column.expression);
    put(object, "comment", column.comment);
    return object;
}

Json json_of(const SourceIndex &index) {
    Json object;
    object["name"] = index.name;
    put(object, "method", index.method);
    put(object, "primary", index.primary);
    put(object, "unique", index.unique);
    put(object, "immediate", index.immediate);
    put(object, "valid", index.valid);
    put(object, "partial", index.partial);
    put(object, "expressions", index.expressions);
    put(object, "exclusion", index.exclusion);
    put(object, "nulls_not_distinct", index.nulls_not_distinct);
    put(object, "replica_identity", index.replica_identity);
    put(object, "columns", index.columns);
    if (std::ranges::find(index.descending, true) != index.descending.end()) object["descending"] = index.descending;
    put(object, "comment", index.comment);
    return object;
}

Json json_of(const SourceConstraint &constraint) {
    Json object;
    object["name"] = constraint.name;
    put(object, "type", constraint.type);
    put(object, "deferrable", constraint.deferrable);
    put(object, "validated", constraint.validated);
    put(object, "columns", constraint.columns);
    put(object, "foreign_table", constraint.foreign_table);
    put(object, "foreign_columns", constraint.foreign_columns);
    if (constraint.type == 'f') {
        put(object, "on_update", constraint.on_update);
        put(object, "on_delete", constraint.on_delete);
        put(object, "match", constraint.match);
    }
    put(object, "sets_some_columns", constraint.sets_some_columns);
    put(object, "expression", constraint.expression);
    put(object, "target_name", constraint.target_name);
    return object;
}

template <class Part> void put_parts(Json &object, const char *name, const std::vector<Part> &parts) {
    if (parts.empty()) return;
    auto &list = object[name] = Json::array();
    for (const auto &part : parts) list.push_back(json_of(part));
}

// ---- reading

[[noreturn]] void refuse(const std::string &where, const std::string &what) {
    throw std::invalid_argument(where + ": " + what);
}

/// The members of one object; `where` says in messages whose they are.
class Members {
  public:
    Members(const Json &object, std::string where) : object_(object), where_(std::move(where)) {
        if (!object.is_object()) refuse(where_, "it is no object");
    }
    [[nodiscard]] const std::string &where() const { return where_; }

    [[nodiscard]] std::string text(const char *name) const {
        const auto *value = find(name);
        if (value == nullptr) return {};
        if (!value->is_string()) wrong(name, "a text");
        return value->get<std::string>();
    }
    [[nodiscard]] std::string name() const {
        auto value = text("name");
        if (value.empty()) refuse(where_, "it has no name");
        return value;
    }
    [[nodiscard]] bool flag(const char *name) const {
        const auto *value = find(name);
        if (value == nullptr) return false;
        if (!value->is_boolean()) wrong(name, "true or false");
        return value->get<bool>();
    }
    [[nodiscard]] char letter(const char *name, char otherwise) const {
        const auto value = text(name);
        if (value.size() > 1) wrong(name, "one letter");
        return value.empty() ? otherwise : value.front();
    }
    template <class Number> [[nodiscard]] Number number(const char *name, Number otherwise) const {
        const auto *value = find(name);
        return value == nullptr ? otherwise : number_of<Number>(name, *value);
    }
    [[nodiscard]] std::vector<int> numbers(const char *name) const {
        std::vector<int> list;
        for (const auto &value : array(name)) list.push_back(number_of<int>(name, value));
        return list;
    }
    [[nodiscard]] std::vector<bool> flags(const char *name) const {
        std::vector<bool> list;
        for (const auto &value : array(name)) {
            if (!value.is_boolean()) wrong(name, "a list of true and false");
            list.push_back(value.get<bool>());
        }
        return list;
    }
    [[nodiscard]] std::vector<std::string> texts(const char *name) const {
        std::vector<std::string> list;
        for (const auto &value : array(name)) {
            if (!value.is_string()) wrong(name, "a list of texts");
            list.push_back(value.get<std::string>());
        }
        return list;
    }
    [[nodiscard]] const Json &array(const char *name) const {
        static const Json none = Json::array();
        const auto *value = find(name);
        if (value == nullptr) return none;
        if (!value->is_array()) wrong(name, "a list");
        return *value;
    }
    [[nodiscard]] Members object(const char *name) const {
        const auto *value = find(name);
        if (value == nullptr) refuse(where_, fmt::format("it has no {}", name));
        return {*value, fmt::format("{}, {}", where_, name)};
    }

  private:
    /// Null for a member that is not there or null.
    [[nodiscard]] const Json *find(const char *name) const {
        const auto found = object_.find(name);
        return found == object_.end() || found->is_null() ? nullptr : &*found;
    }
    [[noreturn]] void wrong(const char *name, const char *expected) const {
        refuse(where_, fmt::format("{} is not {}", name, expected));
    }
    template <class Number> [[nodiscard]] Number number_of(const char *name, const Json &value) const {
        if (!value.is_number_integer()) wrong(name, "a whole number");
        if (value.is_number_unsigned() &&
            value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<Number>::max()))
            wrong(name, "in the range of its kind");
        const auto number = value.get<std::int64_t>();
        if (number < std::int64_t{std::numeric_limits<Number>::min()} ||
            number > std::int64_t{std::numeric_limits<Number>::max()})
            wrong(name, "in the range of its kind");
        return static_cast<Number>(number);
    }

    const Json &object_;
    std::string where_;
};

SourceColumn column_of(const Members &members) {
    SourceColumn column;
    column.name = members.name();
    column.number = members.number<int>("number", 0);
    if (column.number < 1) refuse(members.where(), "column " + column.name + " has no number");
    const auto type = members.object("type");
    column.type.oid = type.number<std::uint32_t>("oid", 0);
    column.type.name = type.text("name");
    column.type.kind = type.letter("kind", 'b');
    column.type.typmod = type.number<std::int32_t>("typmod", -1);
    column.type.element_oid = type.number<std::uint32_t>("element_oid", 0);
    column.type.element_name = type.text("element_name");
    column.type.enum_labels = type.texts("enum_labels");
    column.type_sql = members.text("type_sql");
    column.not_null = members.flag("not_null");
    column.identity = members.letter("identity", '\0');
    column.generated = members.letter("generated", '\0');
    column.expression = members.text("expression");
    column.comment = members.text("comment");
    return column;
}

void require_columns(const SourceTable &table, const std::vector<int> &columns, const std::string &where) {
    for (const int number : columns)
        if (table.column(number) == nullptr) refuse(where, fmt::format("column {} is not in the table", number));
}

SourceIndex index_of(const Members &members, const SourceTable &table) {
    SourceIndex index;
    index.name = members.name();
    index.method = members.text("method");
    index.primary = members.flag("primary");
    index.unique = members.flag("unique");
    index.immediate = members.flag("immediate");
    index.valid = members.flag("valid");
    index.partial = members.flag("partial");
    index.expressions = members.flag("expressions");
    index.exclusion = members.flag("exclusion");
    index.nulls_not_distinct = members.flag("nulls_not_distinct");
    index.replica_identity = members.flag("replica_identity");
    index.columns = members.numbers("columns");
    index.descending = members.flags("descending");
    index.comment = members.text("comment");
    const auto where = fmt::format("{}, index {}", members.where(), index.name);
    if (index.columns.empty()) refuse(where, "it has no columns");
    if (index.descending.size() > index.columns.size()) refuse(where, "descending is longer than columns");
    index.descending.resize(index.columns.size());
    if (!index.expressions) require_columns(table, index.columns, where);
    return index;
}

SourceConstraint constraint_of(const Members &members, const SourceTable &table) {
    SourceConstraint constraint;
    constraint.name = members.name();
    constraint.type = members.letter("type", 'c');
    constraint.deferrable = members.flag("deferrable");
    constraint.validated = members.flag("validated");
    constraint.columns = members.numbers("columns");
    constraint.foreign_table = members.number<std::uint32_t>("foreign_table", 0);
    constraint.foreign_columns = members.numbers("foreign_columns");
    constraint.on_update = members.letter("on_update", 'a');
    constraint.on_delete = members.letter("on_delete", 'a');
    constraint.match = members.letter("match", 's');
    constraint.sets_some_columns = members.flag("sets_some_columns");
    constraint.expression = members.text("expression");
    constraint.target_name = members.text("target_name");
    const auto where = fmt::format("{}, constraint {}", members.where(), constraint.name);
    if (constraint.type != 'c' && constraint.type != 'f') refuse(where, "its type is neither c nor f");
    if (constraint.type == 'f' &&
        (constraint.columns.empty() || constraint.columns.size() != constraint.foreign_columns.size()))
        refuse(where, "columns and foreign_columns do not go together");
    if (constraint.type == 'f') require_columns(table, constraint.columns, where);
    return constraint;
}

SourceTable table_of(const Json &json, std::size_t place, const NameMap &names) {
    const Members outside(json, fmt::format("table {} of the list", place));
    SourceTable table;
    table.oid = outside.number<std::uint32_t>("oid", 0);
    table.name = {outside.text("schema"), outside.name()};
    const Members members(json, "table " + to_string(table.name));
    if (table.name.schema.empty()) refuse(members.where(), "it has no schema");
    table.target = names.table(table.name);
    table.kind = members.letter("kind", 'r');
    table.comment = members.text("comment");
    for (const auto &column : members.array("columns"))
        table.columns.push_back(column_of({column, members.where() + ", column"}));
    std::ranges::sort(table.columns, {}, &SourceColumn::number);
    if (std::ranges::adjacent_find(table.columns, {}, &SourceColumn::number) != table.columns.end())
        refuse(members.where(), "two of its columns have one number");
    for (const auto &index : members.array("indexes"))
        table.indexes.push_back(index_of({index, members.where()}, table));
    std::ranges::stable_sort(table.indexes, std::greater<>(), &SourceIndex::primary);
    for (const auto &constraint : members.array("constraints"))
        table.constraints.push_back(constraint_of({constraint, members.where()}, table));
    return table;
}

} // namespace

std::string to_json(const SourceTable &table) {
    Json object;
    put(object, "oid", table.oid);
    put(object, "schema", table.name.schema);
    put(object, "name", table.name.name);
    put(object, "kind", table.kind);
    put(object, "comment", table.comment);
    put_parts(object, "columns", table.columns);
    put_parts(object, "indexes", table.indexes);
    put_parts(object, "constraints", table.constraints);
    return object.dump();
}

std::vector<SourceTable> tables_from_json(std::string_view array, const NameMap &names) {
    Json json;
    try {
        json = Json::parse(array);
    } catch (const Json::parse_error &error) {
        throw std::invalid_argument(fmt::format("definitions of tables are no JSON: {}", error.what()));
    }
    if (!json.is_array()) throw std::invalid_argument("definitions of tables are no list");
    std::vector<SourceTable> tables;
    for (const auto &table : json) tables.push_back(table_of(table, tables.size() + 1, names));
    return tables;
}

} // namespace walbridge::schema::mysql
