// plan_cache.cpp: describing target tables on first use.
#include "apply/plan_cache.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "target/mysql/value_policy.hpp"

namespace walbridge::apply {

const target::TablePlan &PlanCache::plan(const Relation &relation) {
    if (const auto found = plans_.find(&relation); found != plans_.end()) return *found->second;
    const auto staging = relation.rewrite_of != 0 && staging_ ? staging_(relation) : std::nullopt;
    auto table = session_.describe(staging.value_or(config_.names.table(relation.name)));
    if (!table)
        throw Error(ErrorKind::target_shape, "table " + config_.names.describe(relation.name),
                    "changes arrived for this table of the source, but the target has no such table",
                    "Create it on the target (pg_dump --schema-only --table of the source) and resume, or leave it out "
                    "with objects.exclude.");
    if (table->mysql)
        for (auto &column : table->columns)
            column.unfit = target::mysql::value_policy(config_, relation.name, column.name);
    auto plan =
        std::make_unique<const target::TablePlan>(target::make_table_plan(relation, std::move(*table), config_.names));
    log::debug("table plan", {{"plan", target::describe(*plan)}});
    return *plans_.emplace(&relation, std::move(plan)).first->second;
}

void PlanCache::clear() {
    for (auto &[relation, plan] : plans_) retired_.push_back(std::move(plan));
    plans_.clear();
}

} // namespace walbridge::apply
