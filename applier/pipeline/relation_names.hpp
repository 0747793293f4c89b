// relation_names.hpp: relations of the stream as the task wants them: names of columns on the target, and the columns
// that walbridge fills itself. What stands behind the decoder knows no others.
#pragma once

#include "change/relation.hpp"
#include "config/task_config.hpp"

#include <optional>

namespace walbridge::pipeline {

/// One per stream, used on the decoder's thread.
class RelationNames {
  public:
    /// `config` must outlive the object.
    explicit RelationNames(const TaskConfig &config);
    /// Opens a session on the source when a partition is met that nobody knows yet.
    void adapt(Relation &relation);

    /// Columns that are known only when a transaction commits: then none may be received in parts.
    [[nodiscard]] static bool need_commits(const TaskConfig &config);

  private:
    void learn_parents(const Relation &relation);
    void add_columns(Relation &relation) const;

    const TaskConfig &config_;
    const std::string database_; ///< of the source
    std::optional<pg::Session> source_;
};

} // namespace walbridge::pipeline
