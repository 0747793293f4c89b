// ruled_table.hpp: what a rule makes of a table: by which names it is looked up, and which columns travel.
#pragma once

#include "server/guard.hpp"
#include "wire/table_rules.hpp"

#include <string>
#include <string_view>
#include <vector>

extern "C" {
#include "access/tupdesc.h"
#include "utils/rel.h"
}

namespace walbridge {

/// The partitioned tables that a table is a partition of, the nearest first.
std::vector<Oid> partitioned_above(Relation table);

/// Names by which rules are looked up, UTF-8: the table's own, then those of the partitioned tables above it.
std::vector<wire::TableName> names_for_rules(Relation table, const std::vector<Oid> &above);

/// A column that travels.
struct RuledColumn {
    int attribute = 0;                       ///< its number in the table, 0 for one that the rule adds
    std::string name;                        ///< UTF-8
    const std::string *expression = nullptr; ///< null: its own value; in the rule
    const std::string *type = nullptr;       ///< asked for by the rule
};

/// Columns in the order in which they are sent: the table's own, then those that the rule adds. Points into the rule.
std::vector<RuledColumn> ruled_columns(TupleDesc columns, const wire::TableRule &rule);

/// From the encoding of rules to the server's.
std::string to_server(const std::string &utf8);

} // namespace walbridge
