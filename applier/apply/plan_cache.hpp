// plan_cache.hpp: the table plans of a session, built when a relation's first change arrives. The one place where a
// relation of the stream becomes a table of the target: what it is called there is decided here.
#pragma once

#include "change/name_map.hpp"
#include "target/target.hpp"

#include <memory>
#include <unordered_map>

namespace walbridge::apply {

class PlanCache {
  public:
    /// The references must outlive the cache.
    PlanCache(target::TargetSession &session, const NameMap &names) : session_(session), names_(names) {}

    /// Throws Error(target_shape) when table or columns are missing on the target. The reference lives as long as the
    /// cache.
    const target::TablePlan &plan(const Relation &relation);

  private:
    target::TargetSession &session_;
    const NameMap &names_;
    std::unordered_map<const Relation *, std::unique_ptr<const target::TablePlan>> plans_;
};

} // namespace walbridge::apply
