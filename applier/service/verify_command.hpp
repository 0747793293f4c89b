// verify_command.hpp: `walbridge verify`: its row in the table of commands.
#pragma once

#include "service/commands.hpp"

namespace walbridge::service {

[[nodiscard]] CommandEntry verify_command();

} // namespace walbridge::service
