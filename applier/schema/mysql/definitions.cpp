// definitions.cpp: items from the tables' forms.
#include "schema/mysql/definitions.hpp"

#include <fmt/format.h>
#include <set>

namespace walbridge::schema::mysql {

Definitions make_definitions(const std::vector<SourceTable> &tables, const DefinitionOptions &options) {
    auto forms = make_forms(tables, options);
    Definitions made;
    made.left_out = std::move(forms.left_out);
    made.errors = std::move(forms.errors);
    made.types = std::move(forms.types);
    if (!made.errors.empty()) return made;
    const auto add = [&](Section section, const char *type, std::string name, std::optional<std::string> table,
                         std::string statement) {
        made.items.push_back({static_cast<int>(made.items.size()) + 1, section, type, std::move(name), std::move(table),
                              std::move(statement), false});
    };
    std::set<std::string> databases;
    for (const auto &table : forms.tables) databases.insert(table.target.schema);
    for (const auto &database : databases)
        add(Section::before_data, "DATABASE", database, std::nullopt, create_database(database, options.flavour));
    for (const auto &table : forms.tables)
        add(Section::before_data, "TABLE", to_string(table.target), to_string(table.target),
            create_table(table, options.flavour));
    for (const auto &table : forms.tables) {
        std::vector<std::string> names;
        for (const auto &key : table.keys)
            if (!key.in_table) names.push_back(key.source_name);
        if (auto statement = add_keys(table); !statement.empty())
            add(Section::index, "INDEX", fmt::format("{} {}", to_string(table.target), fmt::join(names, ", ")),
                to_string(table.target), std::move(statement));
    }
    for (const auto &table : forms.tables)
        for (const auto &key : table.foreign_keys)
            add(Section::foreign_key, "FK CONSTRAINT", to_string(table.target) + " " + key.name,
                to_string(table.target), add_foreign_key(table, key));
    return made;
}

} // namespace walbridge::schema::mysql
