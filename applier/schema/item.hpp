// item.hpp: one object the schema stage creates: a statement with its place in the order; a row of
// walbridge.schema_item.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace walbridge::schema {

enum class Section {
    before_data, ///< everything tables need, and the tables
    index, ///< indexes, primary and unique keys, exclusion constraints; then their attachment to partitioned parents
    foreign_key,
    after_data, ///< triggers, rules, policies, comments on all of these; materialized views are refreshed last
    statistics, ///< ANALYZE of what was copied
};

struct Item {
    int number = 0; ///< order within the task
    Section section = Section::before_data;
    std::string type;                 ///< pg_dump's word: TABLE, INDEX, FK CONSTRAINT, ...
    std::string name;                 ///< for people: schema.name, as on the target
    std::optional<std::string> table; ///< schema.table the item belongs to, unquoted as in the target's catalog
    std::string statement;
    bool done = false;
};

[[nodiscard]] std::string_view name_of(Section section);
[[nodiscard]] std::optional<Section> section(std::string_view name);

} // namespace walbridge::schema
