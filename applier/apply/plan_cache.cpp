// plan_cache.cpp: describing target tables on first use.
#include "apply/plan_cache.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "config/existing_tables.hpp"
#include "target/mysql/value_policy.hpp"

#include <fmt/format.h>
#include <mutex>
#include <set>
#include <utility>

namespace walbridge::apply {
namespace {

/// True for the first time in the process: every session makes plans of its own.
bool first_word_of(const QualifiedName &table, const std::vector<std::string> &left_out) {
    static std::mutex mutex;
    static std::set<std::pair<QualifiedName, std::vector<std::string>>> told;
    const std::lock_guard lock(mutex);
    return told.emplace(table, left_out).second;
}

} // namespace

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
    const auto lacking = proceeds_with_existing(config_) ? target::Lacking::leave_out : target::Lacking::refuse;
    auto plan = std::make_unique<const target::TablePlan>(
        target::make_table_plan(relation, std::move(*table), config_.names, lacking));
    if (!plan->left_out.empty() && first_word_of(relation.name, plan->left_out))
        log::warning("the target's table takes a part of the columns",
                     {{"table", config_.names.describe(relation.name)},
                      {"left_out", fmt::format("{}", fmt::join(plan->left_out, ", "))}});
    log::debug("table plan", {{"plan", target::describe(*plan)}});
    return *plans_.emplace(&relation, std::move(plan)).first->second;
}

void PlanCache::clear() {
    for (auto &[relation, plan] : plans_) retired_.push_back(std::move(plan));
    plans_.clear();
}

} // namespace walbridge::apply
