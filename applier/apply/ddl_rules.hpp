// ddl_rules.hpp: what the task file says about DDL, in the form the ddl room asks for.
#pragma once

#include "config/task_config.hpp"
#include "ddl/decision.hpp"

namespace walbridge::apply {

/// Owns what its rules point to, but for the task file's own: stays where it was made.
class DdlRules {
  public:
    explicit DdlRules(const TaskConfig &config);
    DdlRules(const DdlRules &) = delete;
    DdlRules &operator=(const DdlRules &) = delete;

    [[nodiscard]] const ddl::Rules &rules() const { return rules_; }
    [[nodiscard]] const wire::ObjectSelection &selection() const { return selection_; }
    [[nodiscard]] const NameMap &names() const { return *rules_.names; }

    /// The statement with its objects under the target's names, for questions to the target's catalog.
    [[nodiscard]] DdlStatement in_target_names(DdlStatement statement) const;

  private:
    wire::ObjectSelection selection_;
    ddl::Rules rules_;
};

} // namespace walbridge::apply
