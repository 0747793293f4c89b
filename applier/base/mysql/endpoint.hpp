// endpoint.hpp: where a MySQL or MariaDB server is and how to reach it: the connection URL. Pure functions, no I/O.
//
//     mysql://user:password@host:3306/database?ssl-mode=verify_identity&ssl-ca=/etc/ca.pem
//
// Every part may be percent-encoded. docs/configuration.md lists the parameters.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace walbridge::my {

/// How to reach a server. Secrets in `url` are never shown.
struct Endpoint {
    std::string role;     ///< "target": names the server in errors
    std::string url;      ///< mysql://... (mariadb://... is the same)
    std::string password; ///< overrides the one in `url`
};

enum class SslMode {
    disabled,
    preferred,       ///< encrypted where the server can; nothing is verified unless `ssl-ca` is given
    required,        ///< encrypted; nothing is verified unless `ssl-ca` is given
    verify_ca,       ///< the server's certificate is signed by `ssl-ca`
    verify_identity, ///< and names the host
};

/// A parsed URL.
struct Address {
    std::string user, password, host = "localhost", database;
    unsigned port = 3306;
    std::string socket; ///< path of a Unix socket; wins over host and port
    SslMode ssl_mode = SslMode::preferred;
    std::string ssl_ca, ssl_cert, ssl_key; ///< files in PEM
    std::string ssl_key_passphrase;
    std::chrono::seconds connect_timeout{10};
    std::chrono::seconds read_timeout{0}, write_timeout{0}; ///< 0 = none: keepalive ends what is dead
};

/// Throws Error(configuration) that names what is wrong with the URL, without showing secrets of it.
[[nodiscard]] Address parse(const std::string &url);

/// Whether the URL has one of the schemes of this file: mysql, mariadb.
[[nodiscard]] bool is_url(std::string_view url);

/// The URL as it may be shown: without passwords and passphrases.
[[nodiscard]] std::string redact(const std::string &url);

/// `host:port/database`, or `socket/database`, for messages.
[[nodiscard]] std::string describe(const std::string &url);

/// The URL with the passphrase of the client's key (ssl-key-passphrase).
[[nodiscard]] std::string with_key_passphrase(const std::string &url, const std::string &passphrase);

/// The URL with another database; empty = none.
[[nodiscard]] std::string with_database(const std::string &url, const std::string &database);

} // namespace walbridge::my
