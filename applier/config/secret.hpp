// secret.hpp: passwords and passphrases from the environment or from a file; never from a command line, never into a
// log.
#pragma once

#include <string>

namespace walbridge::config {

/// The value of environment variable `name`. Throws Error(configuration) that names `key` when it is not set or empty.
[[nodiscard]] std::string secret_from_environment(const std::string &key, const std::string &name);

/// The first line of `path`. Throws Error(configuration) that names `key` when the file cannot be read, is empty, or
/// may be read or written by anybody but its owner (group and others have no rights, as libpq demands of .pgpass).
[[nodiscard]] std::string secret_from_file(const std::string &key, const std::string &path);

} // namespace walbridge::config
