// failure.hpp: what an error number of MySQL, MariaDB or their client library means in the terms of base/error.hpp, and
// what a version string says. Pure functions; the rows are a table-driven test.
#pragma once

#include "base/error.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace walbridge::my {

enum class Flavour { mysql, mariadb };

struct ServerVersion {
    Flavour flavour = Flavour::mysql;
    int number = 0; ///< 101106 is 10.11.6, 80036 is 8.0.36
};

/// Of what the server calls its version: "10.11.6-MariaDB-0+deb12u1", "5.5.5-10.11.6-MariaDB", "8.0.36", "9.7.0-log".
[[nodiscard]] ServerVersion parse_version(std::string_view text);

/// An error as the server or the client library gives it.
struct Failure {
    unsigned number = 0;
    std::string sqlstate, message;
};

/// The SQLSTATE by which recovery_for() gives the right answer and callers tell kinds of errors apart: PostgreSQL's
/// code for the same, where there is one; else the server's own. MySQL's own are too coarse: HY000 is everything from
/// "disk full" to "wrong value".
[[nodiscard]] std::string sqlstate_of(const Failure &failure);

/// The same error as the rest of the applier reads it. `connected`: false while connecting.
[[nodiscard]] SqlError error_of(const Failure &failure, const std::string &object, std::string_view statement,
                                bool connected = true);

/// The key that a duplicate entry (1062) names: "PRIMARY"; MySQL 8.0.19 and newer put "table." before it.
[[nodiscard]] std::string duplicate_key(std::string_view message);

} // namespace walbridge::my
