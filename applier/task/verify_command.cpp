// verify_command.cpp: finds out how the two sides can be aligned, and puts the two comparisons together.
#include "task/verify_command.hpp"

#include "schema/compare/report.hpp"
#include "task/schema_diff.hpp"
#include "task/state_store.hpp"
#include "verify/repair.hpp"
#include "verify/repairer.hpp"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <fstream>
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

void write_script(const std::string &path, const std::string &text) {
    std::ofstream file(path);
    file << text;
    file.close();
    if (!file)
        throw Error(ErrorKind::resource, path, fmt::format("the script could not be written: {}", std::strerror(errno)),
                    "Name a file that can be written.");
}

std::string repair_text(const verify::Repaired &repaired) {
    auto text = fmt::format("Repaired: {} rows and {} sequences; apply stood still for {:.0f} ms. Verify again to see "
                            "that both sides are equal.\n",
                            repaired.rows, repaired.sequences, repaired.held_seconds * 1000);
    for (const auto &left : repaired.left) text += "  not repaired: " + left + "\n";
    return text;
}

} // namespace

VerifyAnswer verify_task(const TaskConfig &config, VerifyRequest request, const StopToken &stop) {
    VerifyAnswer answer;
    if (request.options.stillness == verify::Stillness::process)
        request.options.stillness = stillness(config, request.still);
    request.options.repair = request.repair || !request.repair_script.empty();
    answer.result = verify::compare(config, request.options, stop);
    if (!request.repair_script.empty())
        write_script(request.repair_script, verify::repair_script(config, answer.result));
    std::string repaired;
    if (request.repair && !answer.result.equal())
        repaired = repair_text(verify::repair(config, request.options, answer.result, stop));
    const bool only_some = !request.options.tables.empty();
    std::vector<schema::compare::Difference> definitions;
    if ((request.definitions && !only_some) || request.options.mode == verify::Mode::schema)
        definitions = schema_differences(config, stop);
    answer.definitions_differ = static_cast<std::size_t>(schema::compare::objects_in(definitions));
    if (request.json) {
        auto json = nlohmann::ordered_json::parse(verify::as_json(config, request.options, answer.result));
        json["equal"] = answer.equal();
        if (!repaired.empty()) json["repaired"] = repaired;
        json["definitions"] =
            nlohmann::ordered_json::parse(schema::compare::as_json(config.name, definitions), nullptr, false);
        answer.text = json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
        return answer;
    }
    answer.text = verify::as_text(config, request.options, answer.result) + repaired;
    if (!definitions.empty())
        answer.text += fmt::format("\n{} objects have other definitions on the target; run there what makes them like "
                                   "the source's:\n{}",
                                   answer.definitions_differ, schema::compare::as_script(definitions));
    else if (request.options.mode == verify::Mode::schema)
        answer.text += "The selected objects have the same definitions on both sides.\n";
    return answer;
}

} // namespace walbridge::task
