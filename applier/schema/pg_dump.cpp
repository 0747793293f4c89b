// pg_dump.cpp: the child process: its environment, its two pipes, its end.
#include "schema/pg_dump.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"
#include "schema/connection_environment.hpp"
#include "schema/dump_watch.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <poll.h>
#include <set>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace walbridge::schema {
namespace {

/// Attempts of one that gives way, and the time between them.
constexpr int most_attempts = 60;
constexpr std::chrono::seconds pause_after_way{1};

struct Output {
    std::string out, err;
    int status = 0;
};

class Pipe {
  public:
    Pipe() {
        if (pipe2(ends_.data(), O_CLOEXEC) != 0) throw Error(ErrorKind::resource, "pg_dump", "cannot open a pipe");
    }
    Pipe(const Pipe &) = delete;
    Pipe &operator=(const Pipe &) = delete;
    ~Pipe() {
        close_end(0);
        close_end(1);
    }
    [[nodiscard]] int reader() const { return ends_[0]; }
    [[nodiscard]] int writer() const { return ends_[1]; }
    void close_end(std::size_t end) {
        if (ends_[end] >= 0) close(ends_[end]);
        ends_[end] = -1;
    }

  private:
    std::array<int, 2> ends_{-1, -1};
};

std::vector<char *> pointers(std::vector<std::string> &strings) {
    std::vector<char *> list;
    for (auto &text : strings) list.push_back(text.data());
    list.push_back(nullptr);
    return list;
}

/// Appends what is readable; false at the end.
bool drain(Pipe &pipe, std::string &text) {
    std::array<char, 65536> buffer{};
    const auto count = read(pipe.reader(), buffer.data(), buffer.size());
    if (count > 0) text.append(buffer.data(), static_cast<std::size_t>(count));
    if (count > 0 || (count < 0 && errno == EINTR)) return true;
    pipe.close_end(0);
    return false;
}

/// `watch` looks at what the program does on its server from time to time.
Output run(const std::string &path, std::vector<std::string> arguments, std::vector<std::string> environment,
           const StopToken *stop, DumpWatch *watch = nullptr) {
    Pipe out, err;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.writer(), 1);
    posix_spawn_file_actions_adddup2(&actions, err.writer(), 2);
    pid_t child = 0;
    const auto argv = pointers(arguments), envp = pointers(environment);
    const int refused = posix_spawn(&child, path.c_str(), &actions, nullptr, argv.data(), envp.data());
    posix_spawn_file_actions_destroy(&actions);
    if (refused != 0) throw Error(ErrorKind::schema_stage, path, fmt::format("cannot be started (error {})", refused));
    out.close_end(1);
    err.close_end(1);
    Output output;
    bool stopped = false;
    while (out.reader() >= 0 || err.reader() >= 0) {
        std::array<pollfd, 2> waiting{pollfd{out.reader(), POLLIN, 0}, pollfd{err.reader(), POLLIN, 0}};
        // It stays silent while it waits for a lock, and says what it does next to that every few milliseconds.
        if (poll(waiting.data(), waiting.size(), 200) == 0 && watch != nullptr) watch->look();
        if (waiting[0].revents != 0) drain(out, output.out);
        if (waiting[1].revents != 0) drain(err, output.err);
        if (!stopped && stop != nullptr && stop->requested()) {
            kill(child, SIGTERM);
            stopped = true;
        }
    }
    while (waitpid(child, &output.status, 0) < 0 && errno == EINTR) {
    }
    if (stopped) throw Error(ErrorKind::task_state, "pg_dump", "a stop was requested");
    return output;
}

/// pg_dump's complaints without the progress lines of --verbose.
std::string complaints(const std::string &err) {
    std::string text;
    std::size_t at = 0;
    while (at < err.size()) {
        const auto end = std::min(err.find('\n', at), err.size());
        const auto line = std::string_view(err).substr(at, end - at);
        at = end + 1;
        const bool matters =
            line.find("error:") != std::string_view::npos || line.find("detail:") != std::string_view::npos ||
            line.find("hint:") != std::string_view::npos || line.find("ERROR:") != std::string_view::npos;
        if (!matters || text.size() > 2000) continue;
        if (!text.empty()) text += "; ";
        text += line;
    }
    return text.empty() ? err.substr(err.size() > 500 ? err.size() - 500 : 0) : text;
}

std::vector<std::string> arguments_of(const DumpProgram &program, const DumpRequest &request,
                                      const std::string &dbname) {
    std::vector<std::string> arguments{
        program.path,           "--format=plain",         "--verbose",         "--encoding=UTF8",
        "--no-password",        "--no-tablespaces",       "--no-publications", "--no-subscriptions",
        "--no-security-labels", "--lock-wait-timeout=60s"};
    if (!request.snapshot.empty()) arguments.push_back("--snapshot=" + request.snapshot);
    if (request.before_data) arguments.emplace_back("--section=pre-data");
    if (request.after_data) arguments.emplace_back("--section=post-data");
    if (!request.owners) arguments.emplace_back("--no-owner");
    if (!request.grants) arguments.emplace_back("--no-privileges");
    for (const auto &table : request.only) arguments.push_back("--table=" + dialect::postgres::quote(table));
    for (const auto &table : request.exclude) arguments.push_back("--exclude-table=" + dialect::postgres::quote(table));
    if (!dbname.empty()) arguments.push_back("--dbname=" + dbname);
    return arguments;
}

} // namespace

std::optional<int> dump_version(std::string_view output) {
    constexpr std::string_view before = "(PostgreSQL) ";
    const auto found = output.find(before);
    if (!output.starts_with("pg_dump") || found == std::string_view::npos) return std::nullopt;
    int major = 0;
    const auto *begin = output.data() + found + before.size();
    if (std::from_chars(begin, output.data() + output.size(), major).ec != std::errc{}) return std::nullopt;
    return major;
}

std::vector<DumpProgram> installed_dump_programs() {
    namespace fs = std::filesystem;
    std::vector<fs::path> folders;
    const char *path = std::getenv("PATH"); // NOLINT(concurrency-mt-unsafe): nobody changes the environment
    for (std::string_view rest = path != nullptr ? path : ""; !rest.empty();) {
        const auto end = std::min(rest.find(':'), rest.size());
        if (end > 0) folders.emplace_back(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::error_code ignored;
    for (const auto &entry : fs::directory_iterator("/usr/lib/postgresql", ignored))
        folders.push_back(entry.path() / "bin");
    for (const auto &entry : fs::directory_iterator("/usr", ignored))
        if (entry.path().filename().string().starts_with("pgsql-")) folders.push_back(entry.path() / "bin");
    std::vector<DumpProgram> programs;
    std::set<fs::path> seen;
    for (const auto &folder : folders) {
        const auto program = folder / "pg_dump";
        if (access(program.c_str(), X_OK) != 0 || !seen.insert(program).second) continue;
        std::vector<std::string> environment{"LC_ALL=C",
                                             std::string("PATH=") + (path != nullptr ? path : "/usr/bin:/bin")};
        const auto output = run(program, {program, "--version"}, environment, nullptr);
        if (const auto major = dump_version(output.out)) programs.push_back({program, *major});
    }
    return programs;
}

DumpProgram choose_dump_program(const std::vector<DumpProgram> &programs, int server_version) {
    const auto newest = std::max_element(programs.begin(), programs.end(),
                                         [](const auto &a, const auto &b) { return a.major < b.major; });
    const int needed = server_version / 10000;
    if (newest != programs.end() && newest->major >= needed) return *newest;
    std::string found;
    for (const auto &program : programs)
        found += fmt::format("{}{} ({})", found.empty() ? "" : ", ", program.path, program.major);
    throw Error(ErrorKind::schema_stage, "pg_dump",
                fmt::format("the source is PostgreSQL {}, which needs pg_dump {} or newer; found: {}", needed, needed,
                            found.empty() ? "none" : found),
                fmt::format("Install postgresql-client-{} here.", needed));
}

std::string run_pg_dump(const DumpProgram &program, const pg::Endpoint &source, const DumpRequest &request,
                        const StopToken &stop) {
    const auto connection = client_connection(source, request.application_name,
                                              "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0");
    Output output;
    for (int attempt = 1;; ++attempt) {
        DumpWatch watch(source, request.application_name);
        output =
            run(program.path, arguments_of(program, request, connection.dbname), connection.environment, &stop, &watch);
        if (!watch.gave_way()) break;
        log::info("pg_dump gave way to a session that waited for it", {{"attempt", attempt}});
        if (attempt == most_attempts)
            throw Error(ErrorKind::connection, "pg_dump",
                        fmt::format("its locks on the source were in somebody's way {} times", attempt),
                        "Let the statements that alter the source's objects come to their end.");
        if (stop.wait_for(pause_after_way)) throw Error(ErrorKind::task_state, "pg_dump", "a stop was requested");
    }
    if (!WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0) {
        const auto why = complaints(output.err);
        if (why.find("lock timeout") != std::string::npos)
            throw Error(ErrorKind::connection, "pg_dump", "a lock on the source cannot be had: " + why,
                        "End the session that holds it.");
        const bool right = why.find("permission denied") != std::string::npos;
        throw Error(
            right ? ErrorKind::permission : ErrorKind::schema_stage, "pg_dump",
            "it could not read the source's definitions: " + why,
            right ? "GRANT USAGE on the schemas and SELECT on all selected tables to the task's role on the source."
                  : "Mend what pg_dump complains about, then start the task again.");
    }
    return std::move(output.out);
}

} // namespace walbridge::schema
