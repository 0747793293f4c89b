// sequences.hpp: whether the target's sequences stand where the source's do.
#pragma once

#include "verify/verify.hpp"

#include <vector>

namespace walbridge::verify {

struct SequenceCheck {
    std::uint64_t compared = 0;
    std::vector<SequenceDifference> differences;
};

/// Sequences know no snapshots. Behind a fence they have to be equal; while the task brings them along every few
/// seconds, the target's state has to be one that the source had since the check began, within a few such intervals.
[[nodiscard]] SequenceCheck compare_sequences(const TaskConfig &config, Stillness stillness, const StopToken &stop);

} // namespace walbridge::verify
