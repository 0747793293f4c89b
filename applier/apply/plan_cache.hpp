// plan_cache.hpp: the table plans of a session, built when a relation's first change arrives.
#pragma once

#include "target/target.hpp"

#include <memory>
#include <unordered_map>

namespace walbridge::apply {

class PlanCache {
  public:
    explicit PlanCache(target::TargetSession &session) : session_(session) {}

    /// Throws Error(target_shape) when table or columns are missing on the target. The reference lives as long as the
    /// cache.
    const target::TablePlan &plan(const Relation &relation);

  private:
    target::TargetSession &session_;
    std::unordered_map<const Relation *, std::unique_ptr<const target::TablePlan>> plans_;
};

} // namespace walbridge::apply
