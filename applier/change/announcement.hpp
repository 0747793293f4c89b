// announcement.hpp: what the applier of one direction tells that of the other, as logical messages in the target's WAL.
#pragma once

#include <string_view>

namespace walbridge {

/// Versions of a row are outdated that were committed before a time: a JSON object {"task", "schema", "table", "time":
/// microseconds since 2000, "key": {column: value}}, names as on the database that holds the message. A version that a
/// change of the source beat had travelled the way back, or is about to: where the source has deleted the row since, it
/// comes to life again, and must go (docs/conflicts.md).
inline constexpr std::string_view outdated_prefix = "walbridge.outdated";

} // namespace walbridge
