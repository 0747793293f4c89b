// mysql_target.hpp: what a task file means when its target is MySQL or MariaDB.
#pragma once

#include "config/task_config.hpp"

#include <functional>
#include <set>
#include <string>

namespace walbridge::config {

/// Refuses a key: its path, the reason, the remedy. Does not return.
using Refuse = std::function<void(const std::string &path, const std::string &reason, const std::string &remedy)>;

/// Checks the target's URL and puts the passphrase of its key into it. True when the password stands in it.
bool read_mysql_url(pg::Endpoint &endpoint, const std::string &passphrase, const Refuse &refuse);

/// Refuses what such a target cannot have, sets the defaults that differ for it and maps the schema `public` to the
/// URL's database. `given`: the keys that the file has.
void suit_mysql_target(TaskConfig &task, const Refuse &refuse);

} // namespace walbridge::config
