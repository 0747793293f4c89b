// batches.hpp: one stream, cut into batches in several ways.
#pragma once

#include "change/batch.hpp"
#include "random.hpp"
#include "source.hpp"

#include <vector>

namespace walbridge::differential {

enum class Cut {
    transactions, ///< one transaction per batch
    whole,        ///< everything in one batch
    pieces,       ///< anywhere, also inside transactions and before a commit
};

[[nodiscard]] std::vector<ChangeBatch> cut(const SentStream &stream, Cut how, Random &random);

} // namespace walbridge::differential
