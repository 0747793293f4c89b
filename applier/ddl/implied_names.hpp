// implied_names.hpp: names that the server makes up from the table's name (orders_pkey, orders_id_seq,
// orders_total_check). A table that is called differently on the target would get others, which later statements would
// not find; so they are spelled out.
#pragma once

#include "change/ddl_statement.hpp"

#include <string>
#include <vector>

namespace pg_query {
class Node;
}

namespace walbridge::ddl {

/// Commands for the sequences of serial columns, around the statement.
struct ImpliedNames {
    std::vector<std::string> before, after;
};

/// `statement` has its names on the target already; `source` and `target` are those of its table, which differ.
[[nodiscard]] ImpliedNames spell_out_names(pg_query::Node &statement, const DdlStatement &captured,
                                           const QualifiedName &source, const QualifiedName &target);

/// The server's way of making a name up: both parts are cut so that it fits into 63 bytes.
[[nodiscard]] std::string made_up_name(std::string first, std::string second, const std::string &label);

} // namespace walbridge::ddl
