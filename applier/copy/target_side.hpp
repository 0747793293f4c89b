// target_side.hpp: the parts of the initial load that differ between kinds of targets, chosen by the task's.
#pragma once

#include "copy/pass.hpp"
#include "copy/reconcile.hpp"
#include "copy/row_sink.hpp"
#include "schema/item.hpp"
#include "schema/stage.hpp"
#include "source/snapshot.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace walbridge::copy {

/// A session for what a pass does besides copying. What it commits survives a crash of the target.
[[nodiscard]] std::unique_ptr<sql::Session> open_load_session(const TaskConfig &config);

/// Makes everything durable that was committed on the target before, in whichever session.
void flush_commits(sql::Session &target, const TaskConfig &config, const sql::Fence &fence);

/// What the target's side of a load has to know of the source's definitions.
struct DefinitionPlan {
    std::vector<schema::Item> items; ///< for the schema stage to create; empty without one
    /// For targets that follow DDL by definitions: the tables as JSON, by OID (schema/mysql/definition_json.hpp).
    std::map<std::uint32_t, std::string> followed;
};
/// As the source's snapshot shows it. `source` has imported `snapshot`.
[[nodiscard]] DefinitionPlan plan_definitions(const TaskConfig &config, pg::Session &source,
                                              const std::string &snapshot, const StopToken &stop);
/// Through the caller's open transaction.
void store_followed_definitions(sql::Session &target, const std::string &task,
                                const std::map<std::uint32_t, std::string> &definitions);

/// The schema stage of the target's kind. False of its methods: a stop was requested.
class DefinitionStage {
  public:
    DefinitionStage() = default;
    DefinitionStage(const DefinitionStage &) = delete;
    DefinitionStage &operator=(const DefinitionStage &) = delete;
    virtual ~DefinitionStage() = default;
    virtual bool run_before_data() = 0;
    virtual bool run_after_data() = 0;
};
/// References must outlive the object.
[[nodiscard]] std::unique_ptr<DefinitionStage> make_definition_stage(const TaskConfig &config, const sql::Fence &fence,
                                                                     const StopToken &stop, schema::StageEvents events);

/// Where a pass's rows go. `source` has imported the pass's snapshot, `target` is what open_load_session() gave; both
/// are used during the call. The other references must outlive the object.
[[nodiscard]] std::unique_ptr<RowTarget> make_row_target(const TaskConfig &config, const SourceTables &tables,
                                                         const Shapes &shapes, pg::Session &source,
                                                         sql::Session &target);

/// Brings the plan of a load that goes on under a younger snapshot in line with the source as that shows it
/// (copy/reconcile.hpp).
[[nodiscard]] Reconciled reconcile_target(const LoadContext &context, pg::Session &source,
                                          const source::ExportedSnapshot &snapshot, const SourceTables &tables,
                                          sql::Session &target, const std::vector<Chunk> &chunks);

} // namespace walbridge::copy
