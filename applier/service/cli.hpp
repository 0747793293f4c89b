// cli.hpp: the command line: what was asked for, checked, before anything is read or connected.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::service {

/// A command line that was understood.
struct CommandLine {
    std::string command; ///< "run", "precheck", ...; "help", "version", "help-config" for the texts
    std::string topic;   ///< help: the command it is about; empty = all
    std::string task_file;
    std::string action;             ///< of commands that have several: ddl list
    std::string id;                 ///< what the action is about
    std::vector<std::string> words; ///< what else the action is given
    bool json = false;
    bool statements = false; ///< plan: each in full
    bool values = false;     ///< precheck: reads the tables
    bool truncate = false;
    bool yes = false;
    bool wait = false;   ///< objects, resync: until it is done
    bool still = false;  ///< verify: the operator vouches that nothing moves
    bool repair = false; ///< verify
    bool resume = false; ///< verify: go on with an unfinished run
    std::string repair_script;
    std::optional<std::string> mode, range_size;
    std::optional<double> percent; ///< verify: --sample
    std::vector<std::string> tables;
    std::vector<std::string> only;                                              ///< precheck: ids
    std::optional<std::chrono::milliseconds> timeout;                           ///< wait, pause, resume, stop
    std::optional<std::chrono::milliseconds> sample;                            ///< plan: how long it measures
    bool remove = false;                                                        ///< reverse
    bool dry_run = false, wait_quiet = false, no_reverse = false, undo = false; ///< switchover, switchback
    std::vector<std::string> accept;                                            ///< switchover: ids of gates
    std::string reverse_name, verify;                                           ///< switchover
    /// conflicts: which ones, and what becomes of them
    bool open = false, all = false, skip = false, overwrite = false, replay = false, force = false;
    std::vector<std::string> kinds;
    std::string since;
    std::optional<int> limit;
    std::optional<std::string> edit;
    std::optional<std::string> log_level, log_format;
};

/// Throws Error(usage) that names the option or command, with the nearest known one.
[[nodiscard]] CommandLine parse_command_line(const std::vector<std::string> &arguments);

/// The help text, of one command or of all.
[[nodiscard]] std::string help(const std::string &topic);

/// Parses, loads the task file, runs the command; returns the exit code. Errors go to standard error as error, reason,
/// remedy.
int run_command_line(const std::vector<std::string> &arguments);

} // namespace walbridge::service
