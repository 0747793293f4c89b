// verify_command.cpp: finds out how the two sides can be aligned, and puts the two comparisons together.
#include "task/verify_command.hpp"

#include "schema/compare/report.hpp"
#include "task/schema_diff.hpp"
#include "task/state_store.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::task {
namespace {

verify::Stillness stillness(const TaskConfig &config, bool still) {
    pg::Session target(config.target.endpoint,
                       {.application_name = config.application_name("verify"), .replication = false, .settings = {}});
    install_state(target); // of an older walbridge
    if (still) return verify::Stillness::fenced;
    return lock_holder(target, config.name) ? verify::Stillness::process : verify::Stillness::stopped;
}

} // namespace

VerifyAnswer verify_task(const TaskConfig &config, VerifyRequest request, const StopToken &stop) {
    VerifyAnswer answer;
    if (request.options.stillness == verify::Stillness::process)
        request.options.stillness = stillness(config, request.still);
    answer.result = verify::compare(config, request.options, stop);
    const bool only_some = !request.options.tables.empty();
    std::vector<schema::compare::Difference> definitions;
    if ((request.definitions && !only_some) || request.options.mode == verify::Mode::schema)
        definitions = schema_differences(config, stop);
    answer.definitions_differ = static_cast<std::size_t>(schema::compare::objects_in(definitions));
    if (request.json) {
        auto json = nlohmann::ordered_json::parse(verify::as_json(config, request.options, answer.result));
        json["equal"] = answer.equal();
        json["definitions"] =
            nlohmann::ordered_json::parse(schema::compare::as_json(config.name, definitions), nullptr, false);
        answer.text = json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        return answer;
    }
    answer.text = verify::as_text(config, request.options, answer.result);
    if (!definitions.empty())
        answer.text += fmt::format("\n{} objects have other definitions on the target; run there what makes them like "
                                   "the source's:\n{}",
                                   answer.definitions_differ, schema::compare::as_script(definitions));
    else if (request.options.mode == verify::Mode::schema)
        answer.text += "The selected objects have the same definitions on both sides.\n";
    return answer;
}

} // namespace walbridge::task
