// target_database.hpp: a target database that does not exist: told apart from a server that cannot be reached, with the
// statement that creates it like the source's, and created where the task asks for it [O-16].
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <optional>
#include <string>

namespace walbridge::task {

/// What is known of a target whose database cannot be connected to because there is none of its name.
struct MissingDatabase {
    std::string name;
    std::string role;        ///< ours, quoted
    bool may_create = false; ///< the role may create databases
    std::string statement;   ///< creates it with the source's encoding and locale; without them when the source is down
    pg::Session maintenance; ///< of another database of the same server
};

/// `failure`: what connecting said. nullopt when it does not mention the database (in whichever language: nothing is
/// asked again of a server that does not answer), when the database exists, or when the server cannot be asked through
/// the databases postgres and template1.
[[nodiscard]] std::optional<MissingDatabase> find_missing_database(const TaskConfig &config, const Error &failure);

/// CREATE DATABASE of that name with encoding, locale and provider of the database of `source`, from template0, as a
/// server of `target_version` understands it.
[[nodiscard]] std::string create_database_statement(pg::Session &source, const std::string &name, int target_version);

/// For `run`, when connecting to the target failed: creates the database if it is missing and target.create asks for
/// it. False when it is not missing: the failure was another one. Throws Error(precheck) with the statement when it is
/// missing and not to be created, Error(permission) when the role may not.
bool create_missing_database(const TaskConfig &config, const Error &failure);

} // namespace walbridge::task
