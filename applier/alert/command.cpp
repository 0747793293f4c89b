// command.cpp: posix_spawn with a clean environment and pipes; one thread feeds, reads and waits.
#include "alert/command.hpp"

#include "alert/pipe_signal.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <string_view>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace walbridge::alert {
namespace {

constexpr std::size_t kept_output = 500;

class Descriptor {
  public:
    explicit Descriptor(int number = -1) : number_(number) {}
    ~Descriptor() { reset(); }
    Descriptor(const Descriptor &) = delete;
    Descriptor &operator=(const Descriptor &) = delete;
    [[nodiscard]] int get() const { return number_; }
    void reset(int number = -1) {
        if (number_ >= 0) close(number_);
        number_ = number;
    }

  private:
    int number_;
};

bool make_pipe(Descriptor &read_end, Descriptor &write_end) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    read_end.reset(ends[0]);
    write_end.reset(ends[1]);
    return true;
}

/// What of our environment is passed on: nothing that could be a secret.
bool harmless(std::string_view entry) {
    const auto name = entry.substr(0, entry.find('='));
    for (const auto *known : {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR"})
        if (name == known) return true;
    return name.starts_with("LC_");
}

struct Attributes {
    posix_spawnattr_t value{};
    posix_spawn_file_actions_t files{};
    Attributes() {
        posix_spawnattr_init(&value);
        posix_spawn_file_actions_init(&files);
    }
    ~Attributes() {
        posix_spawnattr_destroy(&value);
        posix_spawn_file_actions_destroy(&files);
    }
    Attributes(const Attributes &) = delete;
    Attributes &operator=(const Attributes &) = delete;
};

/// The process id, or minus the error number.
pid_t spawn(const std::string &command, int input, int output) {
    Attributes attributes;
    // A group of its own to be ended as a whole, and the signals that our threads block or ignore as they usually are.
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    for (const int signal : {SIGPIPE, SIGTERM, SIGINT}) sigaddset(&usual, signal);
    posix_spawnattr_setpgroup(&attributes.value, 0);
    posix_spawnattr_setsigmask(&attributes.value, &none);
    posix_spawnattr_setsigdefault(&attributes.value, &usual);
    posix_spawnattr_setflags(&attributes.value, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawn_file_actions_adddup2(&attributes.files, input, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&attributes.files, output, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&attributes.files, output, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&attributes.files, STDERR_FILENO + 1);

    std::string shell = "/bin/sh", option = "-c", text = command;
    std::array<char *, 4> arguments{shell.data(), option.data(), text.data(), nullptr};
    std::vector<char *> environment;
    for (char **entry = environ; *entry != nullptr; ++entry)
        if (harmless(*entry)) environment.push_back(*entry);
    environment.push_back(nullptr);
    pid_t child = 0;
    const int error =
        posix_spawn(&child, shell.c_str(), &attributes.files, &attributes.value, arguments.data(), environment.data());
    return error == 0 ? child : -error;
}

std::string last_words(const std::string &output) {
    std::string text;
    for (const char c : output) text += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    while (!text.empty() && text.back() == ' ') text.pop_back();
    return text.empty() ? "" : ": " + text;
}

} // namespace

Command::Command(std::string command, std::chrono::milliseconds limit) : command_(std::move(command)), limit_(limit) {}

Outcome Command::carry(const std::string &json) noexcept {
    try {
        if (aborted_) return {false, "given up"};
        const PipeSignalHeld held;
        Descriptor input_read, input_write, output_read, output_write;
        if (!make_pipe(input_read, input_write) || !make_pipe(output_read, output_write))
            return {false, std::error_code(errno, std::generic_category()).message()};
        const pid_t child = spawn(command_, input_read.get(), output_write.get());
        input_read.reset();
        output_write.reset();
        if (child < 0) return {false, std::error_code(-child, std::generic_category()).message()};
        fcntl(input_write.get(), F_SETFL, O_NONBLOCK);
        fcntl(output_read.get(), F_SETFL, O_NONBLOCK);

        const auto until = std::chrono::steady_clock::now() + limit_;
        std::string output;
        std::size_t fed = 0;
        int status = 0;
        bool ended = false, killed = false;
        while (!ended) {
            std::array<pollfd, 2> waiting{pollfd{output_read.get(), POLLIN, 0}, pollfd{input_write.get(), POLLOUT, 0}};
            poll(waiting.data(), input_write.get() >= 0 ? 2 : 1, 50);
            if (input_write.get() >= 0) {
                const auto written = write(input_write.get(), json.data() + fed, json.size() - fed);
                if (written > 0) fed += static_cast<std::size_t>(written);
                // A command that reads nothing is fine: it may only want to know that there is something.
                if (fed == json.size() || (written < 0 && errno != EAGAIN && errno != EINTR)) input_write.reset();
            }
            std::array<char, 4096> buffer{};
            for (ssize_t got = 0; output_read.get() >= 0;) {
                got = read(output_read.get(), buffer.data(), buffer.size());
                if (got > 0 && output.size() < kept_output)
                    output.append(buffer.data(), std::min(static_cast<std::size_t>(got), kept_output - output.size()));
                if (got == 0) output_read.reset(); // poll ignores what is closed and waits its 50 ms
                if (got <= 0) break;
            }
            ended = waitpid(child, &status, WNOHANG) == child;
            if (!ended && !killed && (aborted_ || std::chrono::steady_clock::now() >= until)) {
                kill(-child, SIGKILL);
                killed = true;
            }
        }
        if (killed) return {false, aborted_ ? "given up" : fmt::format("ended after {} s", limit_.count() / 1000)};
        if (WIFSIGNALED(status)) return {false, fmt::format("ended by signal {}", WTERMSIG(status))};
        const int code = WEXITSTATUS(status);
        return {code == 0, fmt::format("exit code {}{}", code, code == 0 ? "" : last_words(output))};
    } catch (const std::exception &error) {
        return {false, error.what()};
    }
}

} // namespace walbridge::alert
