// announcement.hpp: what the applier of one direction tells that of the other, as logical messages in the target's WAL.
#pragma once

#include <string_view>

namespace walbridge {

/// A row was deleted on the source at a time: a JSON object {"task", "schema", "table", "time": microseconds since
/// 2000, "key": {column: value}}, names as on the database that holds the message. A version of the row that is older
/// and had travelled the way back meanwhile must go there, too (docs/conflicts.md).
inline constexpr std::string_view deleted_prefix = "walbridge.deleted";

} // namespace walbridge
