// plan.cpp: catalog, definitions, log.
#include "schema/mysql/plan.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "schema/mysql/constraint_names.hpp"

#include <algorithm>
#include <iterator>

namespace walbridge::schema::mysql {

std::vector<SourceTable> read_selected_tables(const TaskConfig &config, pg::Session &source) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    auto tables = read_source_tables(source, selection, config.names);
    settle_names({}, tables);
    return tables;
}

Definitions read_definitions(const TaskConfig &config, pg::Session &source, const std::vector<SourceTable> &tables,
                             const DefinitionOptions &options) {
    auto definitions = make_definitions(tables, options);
    auto others = read_other_objects(source, wire::ObjectSelection(config.objects.include, config.objects.exclude));
    std::ranges::move(others, std::back_inserter(definitions.left_out));
    return definitions;
}

void refuse_errors(const Definitions &definitions) {
    if (definitions.errors.empty()) return;
    const auto &first = definitions.errors.front();
    throw Error(
        ErrorKind::schema_stage, first.object, first.reason,
        "Rename it on the source, give the table another name with rename in [[objects.table]], or leave it out "
        "of the task. walbridge precheck lists all of them.");
}

std::vector<Item> plan_schema(const TaskConfig &config, pg::Session &source, const std::vector<SourceTable> &tables,
                              const DefinitionOptions &options) {
    auto definitions = read_definitions(config, source, tables, options);
    refuse_errors(definitions);
    for (const auto &left : definitions.left_out)
        log::warning("left out on the target", {{"object", left.object}, {"reason", left.reason}});
    return std::move(definitions.items);
}

} // namespace walbridge::schema::mysql
