// plan_cache.hpp: the table plans of a session, built when a relation's first change arrives. The one place where a
// relation of the stream becomes a table of the target: what it is called there is decided here.
#pragma once

#include "config/task_config.hpp"
#include "target/target.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

namespace walbridge::apply {

class PlanCache {
  public:
    /// The references must outlive the cache.
    PlanCache(target::TargetSession &session, const TaskConfig &config) : session_(session), config_(config) {}

    /// Throws Error(target_shape) when table or columns are missing on the target. The reference lives as long as the
    /// cache.
    const target::TablePlan &plan(const Relation &relation);

    /// Where rows go that ALTER TABLE made of a table's (Relation::rewrite_of); nullopt = nowhere.
    using Staging = std::function<std::optional<QualifiedName>(const Relation &)>;
    void stage_with(Staging staging) { staging_ = std::move(staging); }
    /// Rows of this relation have no place on the target.
    [[nodiscard]] bool homeless(const Relation &relation) const {
        return relation.rewrite_of != 0 && !(staging_ && staging_(relation));
    }

    /// Tables of the target may have changed: plans are made anew. The old ones live until forget_retired().
    void clear();
    void forget_retired() { retired_.clear(); }

  private:
    target::TargetSession &session_;
    const TaskConfig &config_;
    Staging staging_;
    std::unordered_map<const Relation *, std::unique_ptr<const target::TablePlan>> plans_;
    std::vector<std::unique_ptr<const target::TablePlan>> retired_; ///< rows of the open transaction may refer to them
};

} // namespace walbridge::apply
