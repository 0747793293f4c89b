// secret.cpp: reading secrets, with the permission check before the first byte is read.
#include "config/secret.hpp"

#include "base/error.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace walbridge::config {
namespace {

struct File {
    int descriptor;
    ~File() {
        if (descriptor >= 0) close(descriptor);
    }
};

} // namespace

std::string secret_from_environment(const std::string &key, const std::string &name) {
    // Read once while the task file is loaded, before any thread exists.
    const char *value = std::getenv(name.c_str()); // NOLINT(concurrency-mt-unsafe)
    if (value == nullptr || *value == '\0')
        throw Error(ErrorKind::configuration, key, fmt::format("environment variable {} is not set", name),
                    fmt::format("Export {} before starting walbridge, or use a password_file.", name));
    return value;
}

std::string secret_from_file(const std::string &key, const std::string &path) {
    const File file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status {};
    if (file.descriptor < 0 || fstat(file.descriptor, &status) != 0)
        throw Error(ErrorKind::configuration, key,
                    fmt::format("cannot read {}: {}", path, std::error_code(errno, std::generic_category()).message()),
                    "Give the path of a file that the role running walbridge can read.");
    if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
        throw Error(ErrorKind::configuration, key, fmt::format("{} is not a file", path), "Give the path of a file.");
    if (S_ISREG(status.st_mode) && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
        throw Error(ErrorKind::configuration, key, fmt::format("{} may be read by others than its owner", path),
                    fmt::format("chmod 600 {}", path));
    std::string content;
    std::array<char, 4096> buffer{};
    for (;;) {
        const auto count = read(file.descriptor, buffer.data(), buffer.size());
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0 || content.size() > 65536) break;
        content.append(buffer.data(), static_cast<std::size_t>(count));
    }
    content.resize(std::min(content.size(), content.find('\n')));
    if (content.ends_with('\r')) content.pop_back();
    if (content.empty())
        throw Error(ErrorKind::configuration, key, fmt::format("the first line of {} is empty", path),
                    "Write the secret into its first line.");
    return content;
}

} // namespace walbridge::config
