// plan.cpp: catalog, definitions, log.
#include "schema/mysql/plan.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <iterator>

namespace walbridge::schema::mysql {
namespace {

std::vector<SourceTable> selected_tables(const TaskConfig &config, pg::Session &source) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    return read_source_tables(source, selection, config.names);
}

void refuse(const Definitions &definitions) {
    if (definitions.errors.empty()) return;
    const auto &first = definitions.errors.front();
    throw Error(
        ErrorKind::schema_stage, first.object, first.reason,
        "Rename it on the source, give the table another name with rename in [[objects.table]], or leave it out "
        "of the task. walbridge precheck lists all of them.");
}

} // namespace

Definitions read_definitions(const TaskConfig &config, pg::Session &source, const DefinitionOptions &options) {
    auto definitions = make_definitions(selected_tables(config, source), options);
    auto others = read_other_objects(source, wire::ObjectSelection(config.objects.include, config.objects.exclude));
    std::ranges::move(others, std::back_inserter(definitions.left_out));
    return definitions;
}

std::vector<Item> plan_schema(const TaskConfig &config, pg::Session &source, const DefinitionOptions &options) {
    auto definitions = read_definitions(config, source, options);
    refuse(definitions);
    for (const auto &left : definitions.left_out)
        log::warning("left out on the target", {{"object", left.object}, {"reason", left.reason}});
    return std::move(definitions.items);
}

} // namespace walbridge::schema::mysql
