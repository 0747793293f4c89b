// capture_keys.cpp: IDENTIFY_SYSTEM, the database's OID, walbridge.capture_key.
#include "pipeline/capture_keys.hpp"

#include "base/log.hpp"

namespace walbridge::pipeline {
namespace {

std::string bytes_of(std::string_view hex) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
    std::string bytes;
    for (std::size_t at = 0; at + 1 < hex.size(); at += 2)
        bytes += static_cast<char>(digit(hex[at]) * 16 + digit(hex[at + 1]));
    return bytes;
}

DdlKeys read_keys(const TaskConfig &config) {
    // A policy keeps the keys from roles that merely read all data; our sessions else refuse to read under one.
    pg::Session source(config.source.endpoint, {config.application_name("keys"), false, {{"row_security", "on"}}});
    DdlKeys keys;
    try {
        const auto rows = source.query("SELECT id, pg_catalog.encode(key, 'hex') FROM walbridge.capture_key");
        for (int row = 0; row < rows.rows(); ++row)
            keys.emplace(static_cast<std::uint64_t>(rows.number(row, 0)), bytes_of(rows.get(row, 1)));
    } catch (const SqlError &error) {
        if (error.recovery() != Recovery::stop) throw;
        log::warning(
            "the source's DDL cannot be followed: the keys of its capture cannot be read",
            {{"reason", error.reason()},
             {"remedy", "CREATE EXTENSION walbridge; on the source, and GRANT walbridge_capture to the role of "
                        "source.url; or set ddl.classes = \"none\""}});
    }
    return keys;
}

} // namespace

DdlVerifier make_ddl_verifier(const TaskConfig &config, pg::Session &replication) {
    const auto system = replication.execute("IDENTIFY_SYSTEM");
    const auto database =
        replication.execute("SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()");
    return {system.text(0, 0), static_cast<std::uint32_t>(database.number(0, 0)),
            [&config] { return read_keys(config); }};
}

} // namespace walbridge::pipeline
