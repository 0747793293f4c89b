// row_sink.hpp: rows of the copy into PostgreSQL, by COPY.
#pragma once

#include "config/task_config.hpp"
#include "copy/row_sink.hpp"

#include <memory>

namespace walbridge::copy::postgres {

/// `target` lists the tables that are there now. References must outlive the object.
[[nodiscard]] std::unique_ptr<RowTarget> make_row_target(const TaskConfig &config, const SourceTables &tables,
                                                         const Shapes &shapes, pg::Session &target);

} // namespace walbridge::copy::postgres
