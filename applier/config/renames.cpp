// renames.cpp: see renames.hpp.
#include "config/renames.hpp"

#include "config/object_name.hpp"

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

} // namespace

QualifiedName parse_table_name(std::string_view text) {
    auto parts = parse_object_name(text);
    if (parts.size() != 2)
        refuse(fmt::format("\"{}\" is not schema.table", text), "For example name = \"public.customer\".");
    return {std::move(parts[0]), std::move(parts[1])};
}

void RenameReader::schema(std::string_view name, std::string_view rename) {
    const auto one = [](std::string_view text) {
        auto parts = parse_object_name(text);
        if (parts.size() != 1)
            refuse(fmt::format("\"{}\" is not the name of a schema", text),
                   "A name with dots stands in double quotes.");
        return std::move(parts[0]);
    };
    const auto source = one(name), target = one(rename);
    check_target_schema(target);
    if (names_.schemas().contains(source))
        refuse(fmt::format("schema {} is renamed twice", source), "Keep one of the entries.");
    const auto [other, first] = schema_of_.emplace(target, source);
    if (!first)
        refuse(fmt::format("schemas {} and {} would both be {} on the target", other->second, source, target),
               "Give each a name of its own; bringing several together is not part of this version.");
    names_.add_schema(source, target);
}

void RenameReader::table(std::string_view name, std::string_view rename) {
    const auto source = parse_table_name(name);
    auto parts = parse_object_name(rename);
    if (parts.size() > 2)
        refuse(fmt::format("\"{}\" is not schema.table", rename), "A name with dots stands in double quotes.");
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

} // namespace walbridge::config
