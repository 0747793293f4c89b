// definitions.hpp: the definitions of the source's tables as MySQL and MariaDB write them. A pure function.
//   before the data  databases, tables with their primary key, generated columns, checks and comments
//   index            one ALTER TABLE per table for all other indexes: one scan builds them all
//   foreign key      one ALTER TABLE per foreign key; the session must have foreign_key_checks = 0, as the data is
//   checked already
// Sequences become AUTO_INCREMENT where a key begins with the column. A partitioned table is not created: its
// partitions are tables of their own, as the changes name them. What has no counterpart is listed with its reason.
#pragma once

#include "schema/item.hpp"
#include "schema/mysql/table_form.hpp"

#include <cstdint>
#include <map>
#include <vector>

namespace walbridge::schema::mysql {

struct Definitions {
    std::vector<Item> items;       ///< numbered from 1
    std::vector<LeftOut> left_out; ///< what the target lacks afterwards, or has otherwise
    std::vector<LeftOut> errors;   ///< what keeps the schema stage from beginning: names that the target cannot have
    /// By the table's oid on the source, in the order of its columns; of every table that holds rows, errors or not.
    std::map<std::uint32_t, std::vector<dialect::mysql::MappedType>> types;
};

[[nodiscard]] Definitions make_definitions(const std::vector<SourceTable> &tables, const DefinitionOptions &options);

} // namespace walbridge::schema::mysql
