// source_types.hpp: types of a source table's columns as far as their values depend on them.
#pragma once

#include "base/postgres/session.hpp"
#include "dialect/mysql/types.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace walbridge::copy::mysql {

/// By column name; domains as their base types. In the caller's transaction on the source. Throws SqlError.
[[nodiscard]] std::map<std::string, dialect::mysql::SourceType> read_source_types(pg::Session &source,
                                                                                  std::uint32_t table_oid);

} // namespace walbridge::copy::mysql
