// row_sink.hpp: rows of the copy into MySQL and MariaDB: LOAD DATA LOCAL from memory, or INSERT with many rows where
// the server does not allow that.
//
// The rows come as text from the source's COPY. Fields of columns whose text both sides write alike pass through
// unread; the others are converted (dialect/mysql/values.hpp). LOAD DATA LOCAL takes every error for a warning, so a
// chunk only counts without any and with all of its rows.
#pragma once

#include "base/mysql/session.hpp"
#include "config/task_config.hpp"
#include "copy/row_sink.hpp"

#include <memory>

namespace walbridge::copy::mysql {

/// `source` has imported the pass's snapshot; it is used during the call. The other references must outlive the object.
[[nodiscard]] std::unique_ptr<RowTarget> make_row_target(const TaskConfig &config, const SourceTables &tables,
                                                         const Shapes &shapes, pg::Session &source);

} // namespace walbridge::copy::mysql
