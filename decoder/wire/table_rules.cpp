// table_rules.cpp: looking rules up, and their JSON.
#include "wire/table_rules.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace walbridge::wire {

namespace {

using Json = nlohmann::ordered_json;

bool any_matches(const std::vector<std::string> &patterns, std::string_view column) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](const std::string &pattern) { return wildcard_match(pattern, column); });
}

template <class Part> void take_missing(std::optional<Part> &part, const std::optional<Part> &from) {
    if (!part.has_value()) part = from;
}

void take_missing(TableRule &rule, const TableRule &from) {
    take_missing(rule.where, from.where);
    take_missing(rule.include_columns, from.include_columns);
    take_missing(rule.exclude_columns, from.exclude_columns);
    take_missing(rule.columns, from.columns);
    take_missing(rule.types, from.types);
    take_missing(rule.operations, from.operations);
}

Json operations_to_json(const Operations &operations) {
    Json words = Json::array();
    if (operations.insert) words.push_back("insert");
    if (operations.update) words.push_back("update");
    if (operations.erase) words.push_back("delete");
    if (operations.truncate) words.push_back("truncate");
    return words;
}

Operations operations_of(const std::vector<std::string> &words) {
    Operations operations{false, false, false, false};
    for (const std::string &word : words) {
        if (word == "insert")
            operations.insert = true;
        else if (word == "update")
            operations.update = true;
        else if (word == "delete")
            operations.erase = true;
        else if (word == "truncate")
            operations.truncate = true;
        else
            throw PatternError("unknown operation \"" + word + "\": insert, update, delete, truncate are known");
    }
    return operations;
}

Json rule_to_json(const TableRule &rule) {
    Json json = Json::object();
    if (rule.where) json["where"] = *rule.where;
    if (rule.include_columns) json["include_columns"] = *rule.include_columns;
    if (rule.exclude_columns) json["exclude_columns"] = *rule.exclude_columns;
    if (rule.columns) json["columns"] = *rule.columns;
    if (rule.types) json["types"] = *rule.types;
    if (rule.operations) json["operations"] = operations_to_json(*rule.operations);
    return json;
}

using Texts = std::vector<std::string>;
using TextMap = std::map<std::string, std::string>;

void read_part(const std::string &key, const Json &value, TableRule &rule) {
    if (key == "where")
        rule.where = value.get<std::string>();
    else if (key == "include_columns")
        rule.include_columns = value.get<Texts>();
    else if (key == "exclude_columns")
        rule.exclude_columns = value.get<Texts>();
    else if (key == "columns")
        rule.columns = value.get<TextMap>();
    else if (key == "types")
        rule.types = value.get<TextMap>();
    else if (key == "operations")
        rule.operations = operations_of(value.get<Texts>());
    else
        throw PatternError("unknown key \"" + key +
                           "\": table, where, include_columns, exclude_columns, columns, types, operations are known");
}

} // namespace

bool TableRule::takes(std::string_view column) const {
    if (columns && columns->find(std::string(column)) != columns->end()) return true;
    return (!include_columns || any_matches(*include_columns, column)) &&
           (!exclude_columns || !any_matches(*exclude_columns, column));
}

void TableRules::add(const std::string &pattern, TableRule rule) {
    entries_.push_back(Entry{pattern, ObjectPattern(pattern), std::move(rule)});
}

TableRule TableRules::of(std::span<const TableName> names) const {
    TableRule rule;
    for (const TableName &name : names)
        for (const Entry &entry : entries_)
            if (entry.pattern.matches(name.first, name.second)) take_missing(rule, entry.rule);
    return rule;
}

TableRule TableRules::of(std::string_view schema, std::string_view table) const {
    const TableName name{std::string(schema), std::string(table)};
    return of(std::span(&name, 1));
}

TableRules parse_rules(std::string_view json) {
    TableRules rules;
    std::size_t number = 0;
    try {
        const Json entries = Json::parse(json);
        if (!entries.is_array()) throw PatternError("not a list of entries");
        for (const Json &entry : entries) {
            ++number;
            TableRule rule;
            std::string table;
            for (const auto &[key, value] : entry.get<std::map<std::string, Json>>()) {
                if (key == "table")
                    table = value.get<std::string>();
                else
                    read_part(key, value, rule);
            }
            rules.add(table, std::move(rule));
        }
    } catch (const Json::exception &error) {
        throw PatternError((number == 0 ? "" : "entry " + std::to_string(number) + ": ") + error.what());
    } catch (const PatternError &error) {
        throw PatternError((number == 0 ? "" : "entry " + std::to_string(number) + ": ") + error.what());
    }
    return rules;
}

std::string to_json(const TableRules &rules) {
    Json entries = Json::array();
    for (const TableRules::Entry &entry : rules.entries_) {
        Json json = Json::object();
        json["table"] = entry.text;
        json.update(rule_to_json(entry.rule));
        entries.push_back(std::move(json));
    }
    return entries.dump();
}

std::string to_json(const TableRule &rule) { return rule_to_json(rule).dump(); }

} // namespace walbridge::wire
