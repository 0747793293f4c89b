// commands.cpp: the rows of the table of commands.
#include "service/commands.hpp"

#include "alert/alerter.hpp"
#include "base/error.hpp"
#include "service/conflicts_command.hpp"
#include "service/objects_command.hpp"
#include "service/reverse_command.hpp"
#include "service/run_command.hpp"
#include "service/switchover_command.hpp"
#include "service/verify_command.hpp"
#include "task/conflict_inbox.hpp"
#include "task/ddl_statements.hpp"
#include "task/operator_commands.hpp"
#include "task/plan.hpp"
#include "task/precheck.hpp"
#include "task/schema_diff.hpp"
#include "task/state_store.hpp"
#include "task/throttle_settings.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>

namespace walbridge::service {
namespace {

int say(const std::string &text) {
    fmt::print("{}", text);
    return 0;
}

int run_precheck(const TaskConfig &config, const CommandLine &line) {
    if (line.values && config.target.kind == "postgresql")
        throw Error(ErrorKind::usage, "--values", "a PostgreSQL target holds every value of the source",
                    "Leave the option out.");
    const auto report = task::precheck(config, line.only, line.values);
    say(line.json ? task::precheck_json(config, report) : task::precheck_table(report));
    return report.failed() ? static_cast<int>(ErrorKind::precheck) : 0;
}

int run_plan(const TaskConfig &config, const CommandLine &line) {
    const auto plan = task::make_plan(config, line.sample.value_or(std::chrono::seconds(5)));
    return say(line.json ? task::plan_json(config, plan) : task::plan_text(config, plan, line.statements));
}

int run_schema_diff(const TaskConfig &config, const CommandLine &line) {
    const auto diff = task::schema_diff(config, line.json);
    say(diff.text);
    return diff.equal ? 0 : static_cast<int>(ErrorKind::schema_differs);
}

int run_control(const TaskConfig &config, const CommandLine &line) {
    return say(task::control(config, line.command, line.timeout.value_or(std::chrono::seconds(60))));
}

int run_resume(const TaskConfig &config, const CommandLine &line) {
    if (line.skip) say(task::skip_stopping_conflict(config));
    return run_control(config, line);
}

int run_reset(const TaskConfig &config, const CommandLine &line) {
    confirm(line, line.truncate
                      ? fmt::format("Remove slot and state of task {} and EMPTY its tables on the target?", config.name)
                      : fmt::format("Remove slot and state of task {}?", config.name));
    return say(task::reset(config, line.truncate));
}

int run_release(const TaskConfig &config, const CommandLine &line) {
    confirm(line, fmt::format("Remove slot, origin and state of task {} for good?", config.name));
    const auto result = task::release(config);
    say(result.text);
    return result.complete ? 0 : static_cast<int>(ErrorKind::connection);
}

int run_ddl(const TaskConfig &config, const CommandLine &line) {
    if (line.action == "list") return say(task::list_ddl(config, line.json));
    if (line.action == "show") return say(task::show_ddl(config, line.id, line.json));
    if (line.action == "retry") return say(task::retry_ddl(config, line.id));
    return say(task::dismiss_ddl(config, line.id));
}

int run_throttle(const TaskConfig &config, const CommandLine &line) {
    if (line.action == "set") return say(task::set_throttle(config, line.words));
    if (line.action == "reset") return say(task::reset_throttle(config, line.words));
    return say(task::show_throttle(config, line.json));
}

int run_alert_test(const TaskConfig &config, const CommandLine &) {
    const auto outcomes = alert::send_test(config, task::holder_name());
    if (outcomes.empty())
        throw Error(ErrorKind::configuration, "section alert", "neither alert.webhook nor alert.command is set",
                    "Set one of them in the task file.");
    bool delivered = true;
    for (const auto &[name, outcome] : outcomes) {
        say(fmt::format("{}: {}{}\n", name, outcome.delivered ? "delivered, " : "NOT delivered: ", outcome.detail));
        delivered = delivered && outcome.delivered;
    }
    return delivered ? 0 : static_cast<int>(ErrorKind::connection);
}

std::vector<CommandEntry> build() {
    return {
        {"run",
         "copy and follow until stopped",
         "Runs the task's stages from where the stored state says: a new task is prechecked and copied, a task that "
         "was killed goes on.\n"
         "SIGTERM or Ctrl-C stops cleanly; the slot is kept.\n\n"
         "  walbridge run orders.toml\n"
         "  walbridge run orders.toml --log-format json --log-level debug",
         {},
         [](const TaskConfig &config, const CommandLine &) { return run_task(config); }},
        {"precheck",
         "what is missing on both sides, with the fix for each",
         "Checks both servers and the selected tables. Exit code 4 when something is an error.\n"
         "Warnings can be acknowledged in the task file: [precheck] acknowledge = [\"source.transactions\"].\n\n"
         "  walbridge precheck orders.toml\n"
         "  walbridge precheck orders.toml --only source.plugin --only tables.identity\n"
         "  walbridge precheck orders.toml --json\n\n"
         "For a MySQL or MariaDB target --values lists how faithfully each column is held, and reads every selected "
         "table\nfor values that do not fit: as much work as copying it.",
         {"json", "only", "values"},
         run_precheck},
        {"plan",
         "what run would do and how long it may take; changes nothing",
         "Shows settings, tables, the statements of both sides and a forecast of copy, indexes, catching up and "
         "retained WAL.\n"
         "Rates are sampled for --sample seconds (default 5): rows travel into a temporary table of the target and are "
         "rolled back.\n\n"
         "  walbridge plan orders.toml\n"
         "  walbridge plan orders.toml --sample 30 --json\n"
         "  walbridge plan orders.toml --statements",
         {"json", "sample", "statements"},
         run_plan},
        {"status",
         "stage, progress, positions, lag, retained WAL",
         "Shows what the running process reports, or what was stored when none runs, with its age.\n\n"
         "  walbridge status orders.toml\n"
         "  walbridge status orders.toml --json",
         {"json"},
         [](const TaskConfig &config, const CommandLine &line) { return say(task::status(config, line.json)); }},
        {"alert",
         "test: send a test alert by webhook and command and say what happened",
         "Sends one alert with the event \"test\" by each way that the section [alert] names, once, and says how it "
         "went. Exit code 10 when\none did not arrive. Needs neither server.\n\n"
         "  walbridge alert test orders.toml",
         {},
         run_alert_test,
         {"test"}},
        {"ddl",
         "DDL of the source that needs a decision: list, show, retry, dismiss",
         "Statements that the target refused, that could not be followed, or whose message was refused.\n"
         "retry executes one that was skipped; dismiss lets the task go on without one it stopped at.\n\n"
         "  walbridge ddl list orders.toml\n"
         "  walbridge ddl show orders.toml 12\n"
         "  walbridge ddl retry orders.toml 12\n"
         "  walbridge ddl dismiss orders.toml 12",
         {"json"},
         run_ddl,
         {"list", "show", "retry", "dismiss"},
         {"show", "retry", "dismiss"}},
        objects_command(),
        resync_command(),
        conflicts_command(),
        explain_command(),
        {"pause",
         "apply nothing; connection and slot are kept",
         "The process stays connected and applies nothing until walbridge resume. The pause holds over restarts.\n"
         "--timeout: how long to wait for the answer (default 60s).\n\n"
         "  walbridge pause orders.toml",
         {"timeout"},
         run_control},
        {"resume",
         "apply again after a pause",
         "Ends a pause. --skip: of a task that stopped at a conflict, the change that stopped it is passed over "
         "(walbridge conflicts resolve\nID --skip); start it again with walbridge run.\n\n"
         "  walbridge resume orders.toml\n"
         "  walbridge resume orders.toml --skip && walbridge run orders.toml",
         {"timeout", "skip"},
         run_resume},
        {"stop",
         "end the process; the slot is kept",
         "Ends the process wherever it runs, as SIGTERM would. walbridge run goes on later.\n--timeout: how long to "
         "wait for the end (default 60s).\n\n"
         "  walbridge stop orders.toml --timeout 5min",
         {"timeout"},
         run_control},
        {"reset",
         "start over: remove slot and stored state",
         "Removes the slot on the source and what is stored on the target, so that walbridge run starts a new task. "
         "Data stays, except with\n"
         "--truncate, which empties the copied tables on the target. Asks before it does; --yes answers.\n\n"
         "  walbridge reset orders.toml\n"
         "  walbridge reset orders.toml --truncate --yes",
         {"truncate", "yes"},
         run_reset},
        {"release",
         "the end of a task: nothing of it stays but the data",
         "Removes slot, origin, changed replica identities and stored state. With one side down it does the other and "
         "prints the SQL to run;\n"
         "the exit code is then 10.\n\n"
         "  walbridge release orders.toml --yes",
         {"yes"},
         run_release},
        {"schema",
         "diff: how the target's definitions differ, as the DDL to run",
         "Compares the definitions of the selected objects on both sides as they are now and prints the statements "
         "that "
         "make the target's\n"
         "like the source's: a script for psql. Exit code 48 when they differ, 0 when they are equal. While the target "
         "is "
         "behind, DDL under\n"
         "way shows as a difference.\n\n"
         "  walbridge schema diff orders.toml\n"
         "  walbridge schema diff orders.toml --json",
         {"json"},
         run_schema_diff,
         {"diff"}},
        verify_command(),
        {"switchover",
         "move the application to the target: gates, fence, proof, way back",
         "Proves what can be proven first, then closes the source, waits until the target holds everything, sets "
         "sequences, refreshes\n"
         "materialized views, verifies, prepares the task of the way back and gives the target free. The first thing "
         "that is not proven ends\n"
         "it with exit code 52, and what it had done is undone. Asks before it does; --yes answers.\n"
         "--dry-run: the gates and the statements, nothing else. --wait-quiet: wait for others' sessions instead of "
         "ending them.\n"
         "--accept GATE: go through a gate that refuses. --verify changed|count|full|none. --no-reverse, "
         "--reverse-name NAME.\n"
         "--undo: take back what a killed switchover left.\n\n"
         "  walbridge switchover orders.toml --dry-run\n"
         "  walbridge switchover orders.toml --yes\n"
         "  walbridge switchover orders.toml --undo",
         {"json", "yes", "dry-run", "wait-quiet", "no-reverse", "undo", "accept", "reverse-name", "verify"},
         run_switchover},
        {"switchback",
         "the same the other way, after a switchover",
         "Takes the task that was switched over and moves the application back with the task of the way back, which "
         "has to run. The old\n"
         "source is opened again.\n\n"
         "  walbridge switchback orders.toml --dry-run\n"
         "  walbridge switchback orders.toml --yes",
         {"json", "yes", "dry-run", "wait-quiet", "no-reverse", "undo", "accept", "reverse-name", "verify"},
         run_switchback},
        reverse_command(),
        {"throttle",
         "limits per second, changed while the task runs: show, set, reset",
         "Limits on the copy (queries, rows and bytes read from the source) and on applying (changes and bytes). They "
         "take effect at once,\n"
         "win over the task file's section [throttle], and hold over restarts until reset, of single limits or of "
         "all. 0 = no limit.\n\n"
         "  walbridge throttle show orders.toml\n"
         "  walbridge throttle set orders.toml copy_rows=50000 apply_bytes=5MB\n"
         "  walbridge throttle set orders.toml copy_rows=0\n"
         "  walbridge throttle reset orders.toml copy_rows\n"
         "  walbridge throttle reset orders.toml",
         {"json"},
         run_throttle,
         {"show", "set", "reset"},
         {},
         {"set", "reset"}},
        {"wait",
         "until all that is committed now is durable on the target",
         "Returns 0 when everything committed on the source before the call is durable on the target, 51 when "
         "--timeout is over, and the\n"
         "task's own exit code when it fails meanwhile. Without --timeout it waits as long as it takes.\n\n"
         "  walbridge wait orders.toml --timeout 30s",
         {"timeout"},
         [](const TaskConfig &config, const CommandLine &line) {
             task::wait_until_durable(config, line.timeout);
             return 0;
         }},
    };
}

} // namespace

const std::vector<CommandEntry> &commands() {
    static const auto entries = build();
    return entries;
}

const CommandEntry *find_command(std::string_view name) {
    const auto found = std::ranges::find(commands(), name, &CommandEntry::name);
    return found == commands().end() ? nullptr : &*found;
}

} // namespace walbridge::service
