// bulk_applier.hpp: the optimistic path: a run of changes as few statements, proven by their row counts.
#pragma once

#include "apply/net_effect.hpp"
#include "target/target.hpp"

#include <span>
#include <vector>

namespace walbridge::apply {

/// A change that is to be applied, with its plan and its place; truncates carry the plans of the tables they empty.
struct PlannedChange {
    const Change *change = nullptr;
    const target::TablePlan *plan = nullptr;          ///< row changes
    std::vector<const target::TablePlan *> truncated; ///< truncates
};

/// Applies all of `changes` in a transaction that has just begun, and commits it, in one exchange with the server: the
/// shortest way for a live transaction. False: something deviated, and nothing of it is left.
[[nodiscard]] bool apply_and_commit(target::TargetSession &session, std::span<const PlannedChange> changes,
                                    const target::CommitPosition &position);

/// True when apply_and_commit() can serve the changes and is worth it.
[[nodiscard]] bool fits_one_exchange(std::span<const PlannedChange> changes);

/// Applies all of `changes` inside the session's open transaction. False: something deviated, and the transaction
/// stands where it stood before; the exact path takes over. Throws only what a retry or an operator must see.
[[nodiscard]] bool apply_in_bulk(target::TargetSession &session, std::span<const PlannedChange> changes);

} // namespace walbridge::apply
