// verify_command.cpp: the options of `walbridge verify`.
#include "service/verify_command.hpp"

#include "base/error.hpp"
#include "config/renames.hpp"
#include "config/value_text.hpp"
#include "service/signal_listener.hpp"
#include "task/verify_command.hpp"

#include <cstdio>
#include <fmt/format.h>

namespace walbridge::service {
namespace {

int run(const TaskConfig &config, const CommandLine &line) {
    task::VerifyRequest request;
    auto &options = request.options;
    if (line.percent) options.mode = verify::Mode::sample;
    if (line.mode) {
        const auto mode = verify::parse_mode(*line.mode);
        if (!mode)
            throw Error(ErrorKind::usage, "--mode", fmt::format("\"{}\" is not a mode", *line.mode),
                        "Use full, count, sample, changed or schema.");
        options.mode = *mode;
    }
    if (line.percent) options.sample_percent = *line.percent;
    for (const auto &name : line.tables) {
        try {
            options.tables.push_back(config::parse_table_name(name));
        } catch (const Error &error) {
            throw Error(ErrorKind::usage, "--table", error.reason(), error.remedy());
        }
    }
    if (line.range_size) {
        const auto bytes = config::parse_size(*line.range_size);
        if (!bytes || *bytes == 0)
            throw Error(ErrorKind::usage, "--range-size", fmt::format("\"{}\" is not a size", *line.range_size),
                        "Write it with a unit: --range-size 64MB.");
        options.range_bytes = *bytes;
    }
    if (line.timeout) options.patience = *line.timeout;
    options.resume = line.resume;
    options.guarded = true;
    request.still = line.still;
    request.json = line.json;
    request.repair = line.repair;
    request.repair_script = line.repair_script;
    if (line.repair && !line.yes)
        throw Error(ErrorKind::usage, "--repair", "it changes rows of the target", "Give --yes with it.");
    if ((line.repair || !line.repair_script.empty()) && options.mode == verify::Mode::count)
        throw Error(ErrorKind::usage, "--repair", "counting rows does not say which ones differ",
                    "Use another --mode.");
    StopToken stop;
    const SignalListener listener(stop);
    const auto answer = task::verify_task(config, std::move(request), stop);
    fmt::print("{}", answer.text);
    return answer.equal() ? 0 : static_cast<int>(ErrorKind::data_differs);
}

} // namespace

CommandEntry verify_command() {
    return {
        "verify",
        "whether both sides hold the same: rows, sequences, definitions",
        "Compares the selected tables row by row at one point of the source's history, while the task goes on. Apply "
        "stands still for\n"
        "milliseconds at the beginning. Differing rows are named by key and column. Exit code 49 when anything "
        "differs.\n"
        "--mode: full (default), count, sample, changed (rows changed since their table was found equal), schema.\n"
        "--sample: percent of the rows. --table: only this one (may be given again). --resume: go on with a run that "
        "was stopped.\n"
        "--repair-script FILE: SQL that makes the target like the source. --repair --yes: do it now, while the task "
        "runs.\n"
        "--still: nothing moves, you vouch for it (no process and no slot to prove it).\n"
        "--timeout: how long the target may need to catch up first (default 5min).\n\n"
        "  walbridge verify orders.toml\n"
        "  walbridge verify orders.toml --sample 5 --json\n"
        "  walbridge verify orders.toml --table public.customer",
        {"json", "mode", "sample", "table", "range-size", "resume", "still", "timeout", "repair", "repair-script",
         "yes"},
        run};
}

} // namespace walbridge::service
