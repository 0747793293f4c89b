// relation_names.cpp: see relation_names.hpp.
#include "pipeline/relation_names.hpp"

#include "config/table_rules.hpp"

#include <algorithm>

namespace walbridge::pipeline {
namespace {

constexpr std::uint32_t text_oid = 25, timestamptz_oid = 1184;

Column added_column(const std::string &name, const std::string &content, const std::string &task,
                    const std::string &database) {
    Column column;
    column.name = name;
    column.type_schema = "pg_catalog";
    column.type_oid = content == "commit_time" ? timestamptz_oid : text_oid;
    column.type_name = content == "commit_time" ? "timestamptz" : "text";
    column.added = content == "operation"     ? Added::operation
                   : content == "commit_time" ? Added::commit_time
                   : content == "lsn"         ? Added::lsn
                                              : Added::constant;
    if (content == "task") column.constant = task;
    if (content == "source") column.constant = database;
    return column;
}

} // namespace

RelationNames::RelationNames(const TaskConfig &config)
    : config_(config), database_(pg::parameter(config.source.endpoint.url, "dbname").value_or("")) {}

bool RelationNames::need_commits(const TaskConfig &config) {
    return std::ranges::any_of(config.objects.added_columns, [](const auto &entry) {
        return std::ranges::any_of(
            entry.second, [](const auto &column) { return column.second == "commit_time" || column.second == "lsn"; });
    });
}

/// The catalog's present state must do: partitions seldom change their parent.
void RelationNames::learn_parents(const Relation &relation) {
    if (config_.names.knows_partition(relation.name)) return;
    if (!source_)
        source_.emplace(config_.source.endpoint, pg::ConnectOptions{config_.application_name("names"), false, {}});
    const auto rows = source_->query(
        "SELECT n.nspname, c.relname FROM pg_catalog.pg_partition_ancestors($1::oid::regclass) WITH ORDINALITY a (oid, "
        "place) JOIN pg_catalog.pg_class c ON c.oid = a.oid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace "
        "WHERE c.oid <> $1::oid ORDER BY a.place",
        {std::to_string(relation.rewrite_of != 0 ? relation.rewrite_of : relation.oid)});
    auto below = relation.name;
    if (rows.rows() == 0) config_.names.learn_partition(below, below);
    for (int row = 0; row < rows.rows(); ++row) {
        const QualifiedName above{rows.text(row, 0), rows.text(row, 1)};
        config_.names.learn_partition(below, above);
        below = above;
    }
}

void RelationNames::add_columns(Relation &relation) const {
    for (const auto &[name, content] : added_columns_of(config_, relation.name))
        if (std::ranges::find(relation.columns, name, &Column::name) == relation.columns.end())
            relation.columns.push_back(added_column(name, content, config_.name, database_));
}

void RelationNames::adapt(Relation &relation) {
    config_.names.learn_table(relation.name);
    if (!shapes_tables(config_)) return;
    learn_parents(relation);
    for (auto &column : relation.columns) column.name = config_.names.column(relation.name, column.name);
    add_columns(relation);
}

} // namespace walbridge::pipeline
