// objects_command.hpp: `walbridge objects` and `walbridge resync`.
#pragma once

#include "service/commands.hpp"

namespace walbridge::service {

[[nodiscard]] CommandEntry objects_command();
[[nodiscard]] CommandEntry resync_command();

} // namespace walbridge::service
