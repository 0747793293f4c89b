// schema_diff.cpp: reads both sides, one after the other, and compares them.
#include "task/schema_diff.hpp"

#include "schema/compare/names.hpp"
#include "schema/compare/read.hpp"
#include "schema/compare/report.hpp"

#include <fmt/format.h>

namespace walbridge::task {

std::vector<schema::compare::Difference> schema_differences(const TaskConfig &config, const StopToken &stop) {
    using namespace schema::compare;
    const auto source = read_definitions({.config = config, .endpoint = config.source.endpoint}, stop);
    std::set<Key> also;
    for (const auto &object : source.objects)
        if (!object.part_of_table) also.insert(object.key);
    const auto target = read_definitions(
        {.config = config, .endpoint = config.target.endpoint, .target = true, .also = std::move(also)}, stop);
    // What was rewritten for other names or roles is written by another hand.
    const bool rewritten = !config.names.empty() || !config.roles.empty();
    return compare(source, rewritten ? alike(target, source) : target);
}

SchemaDiff schema_diff(const TaskConfig &config, bool json) {
    const StopToken stop;
    const auto found = schema_differences(config, stop);
    SchemaDiff diff;
    diff.equal = found.empty();
    if (json)
        diff.text = schema::compare::as_json(config.name, found);
    else if (diff.equal)
        diff.text = "-- the selected objects have the same definitions on both sides\n";
    else
        diff.text = fmt::format("-- {} objects differ: run on the target what makes it like the source\n",
                                schema::compare::objects_in(found)) +
                    schema::compare::as_script(found);
    return diff;
}

} // namespace walbridge::task
