// name_map.cpp: see name_map.hpp.
#include "change/name_map.hpp"

#include <algorithm>
#include <mutex>

namespace walbridge {
namespace {

/// Schemas of the server, which no pattern means.
bool of_the_server(const std::string &schema) {
    return schema.starts_with("pg_") || schema == "information_schema" || schema == "walbridge";
}

/// For given(): what stands outside of double quotes is a pattern.
std::string shown(const NamePattern &pattern) { return pattern.exact() ? '"' + pattern.text + '"' : pattern.text; }

} // namespace

NameMap::NameMap(const NameMap &other) : rules_(other.rules_) {
    const std::shared_lock lock(other.mutex_);
    known_ = other.known_;
}

NameMap &NameMap::operator=(const NameMap &other) {
    if (this == &other) return *this;
    const NameMap copy(other);
    const std::unique_lock lock(mutex_);
    rules_ = copy.rules_;
    known_ = copy.known_;
    return *this;
}

void NameMap::add_schema(std::string source, std::string target) {
    const std::unique_lock lock(mutex_);
    rules_.exact_schemas.insert_or_assign(source, target);
    known_.schemas.insert_or_assign(std::move(source), std::move(target));
}

void NameMap::add_table(QualifiedName source, QualifiedName target) {
    const std::unique_lock lock(mutex_);
    rules_.exact_tables.insert_or_assign(source, target);
    know(std::move(source), std::move(target));
}

void NameMap::add_schemas(NamePattern source, std::string target) {
    rules_.schemas.push_back({std::move(source), std::move(target)});
}

void NameMap::add_tables(NamePattern schema, NamePattern table, std::string target_schema, std::string target_table) {
    rules_.tables.push_back({std::move(schema), std::move(table), std::move(target_schema), std::move(target_table)});
}

void NameMap::add_columns(NamePattern schema, NamePattern table, NamePattern column, std::string target) {
    rules_.columns.push_back({std::move(schema), std::move(table), std::move(column), std::move(target)});
}

std::string NameMap::in_letters(std::string name) const {
    for (char &c : name) {
        if (rules_.letters == Letters::lower && c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
        if (rules_.letters == Letters::upper && c >= 'a' && c <= 'z') c = static_cast<char>(c - ('a' - 'A'));
    }
    return name;
}

void NameMap::know(QualifiedName source, QualifiedName target) const {
    known_.sources.insert_or_assign(target, source);
    known_.tables.insert_or_assign(std::move(source), std::move(target));
}

void NameMap::find_schema(const std::string &source) const {
    if (known_.schemas.contains(source) || of_the_server(source)) return;
    for (const auto &rule : rules_.schemas)
        if (const auto captures = rule.source.match(source)) {
            known_.schemas.emplace(source, expand(rule.target, *captures, source));
            return;
        }
    if (auto name = in_letters(source); name != source) known_.schemas.emplace(source, std::move(name));
}

void NameMap::learn_schema(const std::string &source) const {
    if (!learns()) return;
    const std::unique_lock lock(mutex_);
    find_schema(source);
}

void NameMap::learn_table(const QualifiedName &source) const {
    if (!learns() || of_the_server(source.schema)) return;
    const std::unique_lock lock(mutex_);
    find_schema(source.schema);
    if (known_.tables.contains(source)) return;
    const auto schema = known_schema(source.schema);
    QualifiedName target{schema, in_letters(source.name)};
    for (const auto &rule : rules_.tables) {
        auto captures = rule.schema.match(source.schema);
        const auto more = captures ? rule.table.match(source.name) : std::nullopt;
        if (!more) continue;
        captures->insert(captures->end(), more->begin(), more->end());
        target = {rule.target_schema.empty() ? schema : expand(rule.target_schema, *captures, source.schema),
                  expand(rule.target_table, *captures, source.name)};
        break;
    }
    if (target != QualifiedName{schema, source.name}) know(source, std::move(target));
}

std::string NameMap::known_schema(const std::string &source) const {
    const auto found = known_.schemas.find(source);
    return found == known_.schemas.end() ? source : found->second;
}

QualifiedName NameMap::known_table(const QualifiedName &source) const {
    const auto found = known_.tables.find(source);
    return found == known_.tables.end() ? QualifiedName{known_schema(source.schema), source.name} : found->second;
}

std::string NameMap::schema(const std::string &source) const {
    const std::shared_lock lock(mutex_);
    return known_schema(source);
}

QualifiedName NameMap::table(const QualifiedName &source) const {
    const std::shared_lock lock(mutex_);
    return known_table(source);
}

std::optional<std::string> NameMap::column_rule(const QualifiedName &table, const std::string &column) const {
    for (const bool exactly : {true, false}) // an exact name wins over patterns
        for (const auto &rule : rules_.columns) {
            if (rule.column.exact() != exactly || !rule.schema.match(table.schema) || !rule.table.match(table.name))
                continue;
            if (const auto captures = rule.column.match(column))
                return exactly ? rule.target : expand(rule.target, *captures, column);
        }
    return std::nullopt;
}

std::string NameMap::column(const QualifiedName &table, const std::string &column) const {
    if (!renames_columns()) return column;
    if (rules_.columns.empty()) return in_letters(column);
    for (const auto &name : with_parents(table))
        if (auto found = column_rule(name, column)) return *std::move(found);
    return in_letters(column);
}

std::vector<QualifiedName> NameMap::with_parents(const QualifiedName &table) const {
    const std::shared_lock lock(mutex_);
    std::vector<QualifiedName> names{table};
    for (;;) {
        const auto above = known_.partition_of.find(names.back());
        if (above == known_.partition_of.end() || above->second == names.back()) return names;
        names.push_back(above->second);
    }
}

void NameMap::learn_partition(const QualifiedName &partition, const QualifiedName &of) const {
    const std::unique_lock lock(mutex_);
    known_.partition_of.insert_or_assign(partition, of);
}

bool NameMap::knows_partition(const QualifiedName &table) const {
    const std::shared_lock lock(mutex_);
    return known_.partition_of.contains(table);
}

std::optional<QualifiedName> NameMap::renamed_to(const QualifiedName &target) const {
    const std::shared_lock lock(mutex_);
    const auto found = known_.sources.find(target);
    return found == known_.sources.end() ? std::nullopt : std::optional(found->second);
}

bool NameMap::has_entry(const QualifiedName &source) const {
    const std::shared_lock lock(mutex_);
    return known_.tables.contains(source);
}

std::string NameMap::describe(const QualifiedName &source) const { return describe_pair(source, table(source)); }

bool NameMap::empty() const {
    if (learns() || renames_columns()) return false;
    const std::shared_lock lock(mutex_);
    return known_.schemas.empty() && known_.tables.empty();
}

bool NameMap::renames_columns_of(const QualifiedName &table) const {
    if (rules_.letters != Letters::as_source) return true;
    for (const auto &name : with_parents(table))
        if (std::ranges::any_of(rules_.columns, [&](const auto &rule) {
                return rule.schema.match(name.schema) && rule.table.match(name.name);
            }))
            return true;
    return false;
}

std::vector<std::string> NameMap::idle_patterns(const std::vector<QualifiedName> &tables) const {
    std::vector<std::string> idle;
    const auto none = [&](auto matches) { return std::ranges::none_of(tables, matches); };
    for (const auto &rule : rules_.schemas)
        if (none([&](const auto &table) { return rule.source.match(table.schema).has_value(); }))
            idle.push_back(shown(rule.source) + ".*");
    const auto table_pattern = [&](const auto &rule) {
        if (none([&](const auto &table) { return rule.schema.match(table.schema) && rule.table.match(table.name); }))
            idle.push_back(shown(rule.schema) + "." + shown(rule.table));
    };
    for (const auto &rule : rules_.tables) table_pattern(rule);
    for (const auto &rule : rules_.columns) table_pattern(rule);
    return idle;
}

std::vector<std::string>
NameMap::idle_columns(const std::vector<std::pair<QualifiedName, std::vector<std::string>>> &tables) const {
    std::vector<std::string> idle;
    for (const auto &rule : rules_.columns) {
        bool concerns = false, found = false;
        for (const auto &[table, columns] : tables) {
            if (found) break;
            if (std::ranges::none_of(with_parents(table), [&](const QualifiedName &name) {
                    return rule.schema.match(name.schema) && rule.table.match(name.name);
                }))
                continue;
            concerns = true;
            found =
                std::ranges::any_of(columns, [&](const auto &column) { return rule.column.match(column).has_value(); });
        }
        if (concerns && !found)
            idle.push_back(shown(rule.column) + " of " + shown(rule.schema) + "." + shown(rule.table));
    }
    return idle;
}

std::vector<std::string> NameMap::given() const {
    std::vector<std::string> lines;
    const auto quoted = [](const std::string &name) { return '"' + name + '"'; };
    for (const auto &[source, target] : rules_.exact_schemas)
        lines.push_back(quoted(source) + ".* -> " + quoted(target) + ".*");
    for (const auto &[source, target] : rules_.exact_tables)
        lines.push_back(quoted(source.schema) + "." + quoted(source.name) + " -> " + quoted(target.schema) + "." +
                        quoted(target.name));
    std::ranges::sort(lines);
    for (const auto &rule : rules_.schemas) lines.push_back(shown(rule.source) + ".* -> " + rule.target + ".*");
    for (const auto &rule : rules_.tables)
        lines.push_back(shown(rule.schema) + "." + shown(rule.table) + " -> " + rule.target_schema + "." +
                        rule.target_table);
    for (const auto &rule : rules_.columns)
        lines.push_back(shown(rule.schema) + "." + shown(rule.table) + "." + shown(rule.column) + " -> " + rule.target);
    if (rules_.letters != Letters::as_source)
        lines.emplace_back(rules_.letters == Letters::lower ? "letters: lower" : "letters: upper");
    return lines;
}

} // namespace walbridge
