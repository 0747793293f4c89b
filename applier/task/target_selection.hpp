// target_selection.hpp: the task's selection seen from the target: which of its tables and views stand for selected
// ones of the source. Plain data.
#pragma once

#include "config/task_config.hpp"
#include "wire/object_selection.hpp"

namespace walbridge::task {

class TargetSelection {
  public:
    explicit TargetSelection(const TaskConfig &config)
        : names_(config.names), selection_(config.objects.include, config.objects.exclude) {}

    /// `table` is a name of the target.
    [[nodiscard]] bool matches(const QualifiedName &table) const {
        if (const auto source = names_.renamed_to(table); source && selection_.matches(source->schema, source->name))
            return true;
        const auto stays = [&](const std::string &schema) {
            const QualifiedName source{schema, table.name};
            return names_.table(source) == table && selection_.matches(source.schema, source.name);
        };
        if (stays(table.schema)) return true;
        for (const auto &[source, target] : names_.schemas())
            if (target == table.schema && stays(source)) return true;
        return false;
    }

  private:
    const NameMap &names_;
    const wire::ObjectSelection selection_;
};

} // namespace walbridge::task
