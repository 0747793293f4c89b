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

/// Applies all of `changes` inside the session's open transaction. False: something deviated, and the transaction
/// stands where it stood before; the exact path takes over. Throws only what a retry or an operator must see.
[[nodiscard]] bool apply_in_bulk(target::TargetSession &session, std::span<const PlannedChange> changes);

} // namespace walbridge::apply
