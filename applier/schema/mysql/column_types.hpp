// column_types.hpp: the types of a table's columns together: keys share 3,072 bytes and a row's columns 65,535. Pure.
#pragma once

#include "schema/mysql/source_tables.hpp"

#include <cstddef>
#include <functional>
#include <vector>

namespace walbridge::schema::mysql {

/// The policy of a column for values that do not fit, by the source's names.
using UnfitPolicy = std::function<dialect::mysql::Unfit(const QualifiedName &table, const std::string &column)>;

/// The most columns that an index may have.
inline constexpr std::size_t most_key_parts = 16;

/// The target can have the index as it is: all of its columns whole, unique where it is unique.
[[nodiscard]] bool is_whole_key(const SourceIndex &index);

/// What each size gets of `room`: all of it, or as much as the larger ones have in common.
[[nodiscard]] std::vector<std::size_t> share_out(const std::vector<std::size_t> &sizes, std::size_t room);

/// Types in the order of the table's columns. `more_keys`: sets of columns that are indexed beside the table's own
/// unique indexes: those of its foreign keys.
[[nodiscard]] std::vector<dialect::mysql::MappedType> choose_types(const SourceTable &table,
                                                                   dialect::mysql::Flavour flavour,
                                                                   const std::vector<std::vector<int>> &more_keys,
                                                                   const UnfitPolicy &policy);

} // namespace walbridge::schema::mysql
