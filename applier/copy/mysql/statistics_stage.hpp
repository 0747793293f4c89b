// statistics_stage.hpp: copy/statistics_stage.hpp for MySQL and MariaDB.
#pragma once

#include "copy/pass.hpp"

namespace walbridge::copy::mysql {

/// Runs ANALYZE TABLE over the load's tables, with copy.analyze. It is cheap and may be repeated: nothing is stored
/// about it. What the user may not analyze is named in the log. False: a stop was requested.
bool gather_statistics(const LoadContext &context);

} // namespace walbridge::copy::mysql
