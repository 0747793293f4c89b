// chunk_copier.hpp: streams the rows of chunks from COPYs on the source into COPYs on the target.
// One thread drives both sessions. All statements of a side go out in one message, so that small tables cost no round
// trips on the source and one on the target. Rows pass through unread; small ones share messages, large ones go on in
// pieces, so that at most one row is held here (libpq holds it once more).
#pragma once

#include "base/postgres/session.hpp"
#include "base/throttle.hpp"
#include "change/name_map.hpp"
#include "copy/transfer.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace walbridge::copy {

struct Counts {
    std::uint64_t rows = 0, bytes = 0;       ///< that the source sent
    std::uint64_t kept = 0, overwritten = 0; ///< where the target held rows: as in Chunk
};

/// Thrown out of a copy when a stop was requested or another worker failed.
struct Stopped {};
/// Thrown out of a copy that is held while others wait for its locks on the source: it begins anew when the hold ends.
struct LetGo {};

struct CopyWatch {
    std::function<bool()> stopping; ///< asked between rows
    /// Rows and bytes sent since the last call, of the transfer with this place.
    std::function<void(std::size_t, std::int64_t, std::int64_t)> more;
    Throttle &throttle; ///< limits rows and bytes: while it waits, neither side is read from or written to
};

/// One COPY on each side.
struct Leg {
    Transfer transfer;
    std::string table; ///< for people
    std::uint32_t target_oid = 0;
};

/// Both sessions are in a transaction. Returns when the target has taken all rows. Throws SqlError of either side,
/// Error(copy_stage) when the counts of both sides differ, Stopped, LetGo. After an exception both transactions must be
/// rolled back: the source's COPY has been cancelled.
std::vector<Counts> stream_rows(pg::Session &source, pg::Session &target, const std::vector<Leg> &legs,
                                const CopyWatch &watch);

/// What a refusal of the source or the target means to an operator. `table` is the source's name. Rethrows transient
/// errors as they are.
[[noreturn]] void explain_source_error(const SqlError &error, const QualifiedName &table);
[[noreturn]] void explain_target_error(const SqlError &error, const QualifiedName &table, const NameMap &names);

} // namespace walbridge::copy
