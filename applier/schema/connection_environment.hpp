// connection_environment.hpp: a connection as environment variables for a client program, so that no password appears
// in `ps`.
#pragma once

#include "base/postgres/session.hpp"

#include <string>
#include <vector>

namespace walbridge::schema {

struct ClientConnection {
    std::vector<std::string> environment; ///< NAME=value, complete, for the child
    std::string dbname;                   ///< for --dbname: what has no variable, never a secret; may be empty
};

/// `options` are server settings for PGOPTIONS ("-c name=value ..."), added to those of the connection string.
[[nodiscard]] ClientConnection client_connection(const pg::Endpoint &endpoint, const std::string &application_name,
                                                 const std::string &options);

} // namespace walbridge::schema
