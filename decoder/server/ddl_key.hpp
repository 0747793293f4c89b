// ddl_key.hpp: the key that DDL messages are sealed with: table walbridge.capture_key, the row with the highest id.
//
// It is read by a scan of the table itself, not by a query: no privilege of the running user, no row policy, no
// search_path and no function has a part in it.
#pragma once

#include "server/guard.hpp"

namespace walbridge {

struct CaptureKey {
    uint64 id = 0; ///< 0: there is none
    const char *bytes = nullptr;
    int length = 0;
};

/// Server call, may raise. In the current memory context.
CaptureKey read_capture_key();

/// walbridge.random_key(): 32 bytes from the server's strong random source.
Datum random_key();

} // namespace walbridge
