// materialized_views.hpp: refreshing the target's materialized views: their rows are not in the WAL, so at a switchover
// they are as old as the last refresh there [O-20].
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <string>
#include <vector>

namespace walbridge::task {

struct RefreshReport {
    struct Failure {
        std::string view; ///< schema.name
        std::string reason;
        std::string statement; ///< to run again when the reason is mended
    };
    std::vector<std::string> refreshed; ///< in the order it was done
    std::vector<std::string> left;      ///< WITH NO DATA: nobody can read them on either side
    std::vector<Failure> failed;
};

/// Refreshes the selected materialized views that are populated on either side, those that others are made of first
/// (also through plain views). One that fails is listed, and so are those made of it; the others go on. Each is a
/// transaction of its own: call it outside of one. The views are locked against readers while they are refreshed; the
/// role must own them, or may have the right MAINTAIN from version 17 on. A view that reads others through the body of
/// a function shows no dependency: its place in the order is by name. Throws SqlError when the connection breaks.
[[nodiscard]] RefreshReport refresh_materialized_views(pg::Session &source, pg::Session &target,
                                                       const TaskConfig &config);

} // namespace walbridge::task
