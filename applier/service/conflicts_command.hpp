// conflicts_command.hpp: `walbridge conflicts` and `walbridge explain`: the words of the command line and what they
// ask.
#pragma once

#include "service/commands.hpp"

namespace walbridge::service {

[[nodiscard]] CommandEntry conflicts_command();
[[nodiscard]] CommandEntry explain_command();

} // namespace walbridge::service
