// stage.hpp: creates the objects of walbridge.schema_item on the target, before and after the data.
// Each item and its done flag commit together, so a stage that was killed goes on with what is missing. Small items
// share transactions; when one of them fails they are done again one by one, so that the error names the very object.
#pragma once

#include "base/retry_board.hpp"
#include "base/sql/fence.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "schema/batch.hpp"

#include <functional>
#include <string>
#include <vector>

namespace walbridge::schema {

/// What the stage tells about itself; called from its threads.
struct StageEvents {
    std::function<void(Section, int items)> enter;
    std::function<void()> item_done;
    RetryBoard *retries = nullptr; ///< where retries are shown
};

class Stage {
  public:
    /// The references must outlive the object.
    Stage(const TaskConfig &config, sql::Fence fence, const StopToken &stop, StageEvents events)
        : config_(config), fence_(std::move(fence)), stop_(stop), events_(std::move(events)) {}

    /// Everything that tables need, and the tables. Throws Error(target_shape) when a table exists already,
    /// Error(schema_stage) when a statement fails. False: a stop was requested.
    bool run_before_data();

    /// Indexes and keys side by side, attachments of partition indexes, foreign keys, then the rest; materialized views
    /// are refreshed last. False: a stop was requested.
    bool run_after_data();

  private:
    bool run_section(Section section, const std::string &what, const std::function<bool(const Item &)> &wanted);
    bool run_wave(const Wave &wave, const std::string &what);
    /// With `later` by several sessions, and items of a batch that failed go there; without it in order, and a batch
    /// that failed is done again item by item. False: a stop was requested.
    bool run_batches(const std::vector<Batch> &batches, const std::string &what, std::vector<Item> *later);
    /// One transaction: what of the items is open, and their done flags.
    void run_items(pg::Session &session, const std::vector<Item> &items);

    const TaskConfig &config_;
    const sql::Fence fence_;
    const StopToken &stop_;
    const StageEvents events_;
};

} // namespace walbridge::schema
