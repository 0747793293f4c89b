// stream_callbacks.hpp: callbacks for transactions that are sent while they run (in blocks) and for two-phase commit.
// PostgreSQL 14 and newer only.
#pragma once

#include "server/compat.hpp"

namespace walbridge {

/// Adds these callbacks to the table; nothing before PostgreSQL 14.
void add_stream_callbacks(OutputPluginCallbacks *callbacks);

} // namespace walbridge
