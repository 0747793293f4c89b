// renames.cpp: see renames.hpp.
#include "config/renames.hpp"

#include "config/object_name.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::config {
namespace {

[[noreturn]] void refuse(std::string reason, std::string remedy) {
    throw Error(ErrorKind::configuration, {}, std::move(reason), std::move(remedy));
}

void check_target_schema(const std::string &name) {
    if (name.starts_with("pg_") || name == "information_schema" || name == "walbridge")
        refuse(fmt::format("the schema {} of the target is not for replicated objects", name),
               "Choose another schema.");
}

void check_captures(std::string_view name, std::string_view rename, int given, int wanted) {
    if (wanted > given)
        refuse(fmt::format("\"{}\" asks for ${}, and \"{}\" has {} of * and ?", rename, wanted, name, given),
               "$1 stands for what the first * or ? matched, $0 for the whole name, $$ for a dollar.");
}

} // namespace

std::vector<NamePattern> parse_table_pattern(std::string_view text) {
    auto parts = parse_name_pattern(text);
    if (parts.size() != 2)
        refuse(fmt::format("\"{}\" is not schema.table", text),
               "For example name = \"public.customer\", or \"public.*\" for several tables.");
    return parts;
}

QualifiedName parse_table_name(std::string_view text) {
    auto parts = parse_object_name(text);
    if (parts.size() != 2)
        refuse(fmt::format("\"{}\" is not schema.table", text), "For example name = \"public.customer\".");
    return {std::move(parts[0]), std::move(parts[1])};
}

void RenameReader::schema(std::string_view name, std::string_view rename) {
    const auto one = [](auto parts, std::string_view text) {
        if (parts.size() != 1)
            refuse(fmt::format("\"{}\" is not the name of a schema", text),
                   "A name with dots stands in double quotes.");
        return std::move(parts[0]);
    };
    const auto pattern = one(parse_name_pattern(name), name);
    const auto target = one(parse_object_name(rename), rename);
    check_target_schema(target);
    if (!pattern.exact()) {
        check_captures(name, rename, captures_of(pattern), highest_capture(target));
        names_.add_schemas(pattern, target);
        return;
    }
    const auto &source = pattern.text;
    if (names_.schemas().contains(source))
        refuse(fmt::format("schema {} is renamed twice", source), "Keep one of the entries.");
    const auto [other, first] = schema_of_.emplace(target, source);
    if (!first)
        refuse(fmt::format("schemas {} and {} would both be {} on the target", other->second, source, target),
               "Give each a name of its own; bringing several together is not part of this version.");
    names_.add_schema(source, target);
}

void RenameReader::table(std::string_view name, std::string_view rename) {
    const auto pattern = parse_table_pattern(name);
    auto parts = parse_object_name(rename);
    if (parts.size() > 2)
        refuse(fmt::format("\"{}\" is not schema.table", rename), "A name with dots stands in double quotes.");
    if (!pattern[0].exact() || !pattern[1].exact()) {
        if (parts.size() == 2) check_target_schema(parts[0]);
        const auto wanted = std::max(highest_capture(parts.front()), highest_capture(parts.back()));
        check_captures(name, rename, captures_of(pattern[0]) + captures_of(pattern[1]), wanted);
        names_.add_tables(pattern[0], pattern[1], parts.size() == 2 ? parts[0] : std::string(), parts.back());
        return;
    }
    const QualifiedName source{pattern[0].text, pattern[1].text};
    const auto target =
        parts.size() == 2 ? QualifiedName{parts[0], parts[1]} : QualifiedName{names_.schema(source.schema), parts[0]};
    check_target_schema(target.schema);
    if (names_.tables().contains(source))
        refuse(fmt::format("table {} is renamed twice", to_string(source)), "Keep one of the entries.");
    const auto [other, first] = table_of_.emplace(target, source);
    if (!first)
        refuse(fmt::format("tables {} and {} would both be {} on the target", to_string(other->second),
                           to_string(source), to_string(target)),
               "Give each a name of its own; bringing several together is not part of this version.");
    names_.add_table(source, target);
}

void RenameReader::column(const std::vector<NamePattern> &table, const std::string &name, const std::string &rename) {
    if (rename.empty() || rename.size() > 63)
        refuse(fmt::format("\"{}\" is no name for a column", rename), "Write a name of 1 to 63 bytes.");
    const NamePattern column{name, false};
    check_captures(name, rename, captures_of(column), column.exact() ? 0 : highest_capture(rename));
    names_.add_columns(table.at(0), table.at(1), column, rename);
}

} // namespace walbridge::config
