// commit_position.hpp: what the target stores with the commit of a source transaction.
#pragma once

#include "change/batch.hpp"
#include "target/target.hpp"

namespace walbridge::apply {

/// Of a piece with which its transaction ends.
[[nodiscard]] inline target::CommitPosition commit_position(const TransactionPiece &piece) {
    return {piece.commit->end_lsn, piece.commit->counter, piece.commit->commit_time};
}

} // namespace walbridge::apply
