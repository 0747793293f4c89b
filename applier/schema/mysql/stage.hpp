// stage.hpp: creates the objects of walbridge.schema_item on MySQL and MariaDB, before and after the data.
//
// DDL commits by itself there, so an item and its done flag cannot: an item is marked as begun before its statement
// runs. Where a killed stage goes on, what a begun item wanted to create and what is there already is its own: before
// it was begun nothing of the name was there. Both servers' DDL is atomic, so there are no halves.
#pragma once

#include "base/mysql/session.hpp"
#include "base/sql/fence.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "schema/stage.hpp"

#include <vector>

namespace walbridge::schema::mysql {

class Stage {
  public:
    /// References must outlive the object.
    Stage(const TaskConfig &config, sql::Fence fence, const StopToken &stop, StageEvents events)
        : config_(config), fence_(std::move(fence)), stop_(stop), events_(std::move(events)) {}

    /// Databases and tables. Throws Error(target_shape) when a table exists already, Error(schema_stage) when a
    /// statement fails. False: a stop was requested.
    bool run_before_data();
    /// Indexes side by side, one table by one worker; then foreign keys, then the rest. False: a stop was requested.
    bool run_after_data();

  private:
    bool run_section(Section section, const std::string &what);
    bool run_side_by_side(const std::vector<Item> &items, const std::string &what);
    void run_item(my::Session &session, const Item &item);

    const TaskConfig &config_;
    const sql::Fence fence_;
    const StopToken &stop_;
    const StageEvents events_;
};

} // namespace walbridge::schema::mysql
