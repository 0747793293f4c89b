// reverse_command.hpp: `walbridge reverse`: two-way synchronisation of a running task, and back.
#pragma once

#include "service/commands.hpp"

namespace walbridge::service {

[[nodiscard]] CommandEntry reverse_command();

} // namespace walbridge::service
