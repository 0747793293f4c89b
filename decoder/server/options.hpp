// options.hpp: the plugin options, parsed once at start. Whatever is not understood is refused by name, with what would
// be accepted.
#pragma once

#include "server/guard.hpp"
#include "wire/object_selection.hpp"
#include "wire/protocol.hpp"
#include "wire/table_rules.hpp"

#include <cstdint>
#include <string>
#include <vector>

extern "C" {
#include "nodes/pg_list.h"
}

namespace walbridge {

enum class Format { binary, json };
enum class OriginMode { any, local, all_but };

struct Options {
    Format format = Format::json;
    wire::ObjectSelection selection;
    wire::TableRules rules; ///< rows, columns and operations, by table
    OriginMode origin = OriginMode::any;
    std::vector<std::string> excluded_origins; ///< wildcard patterns, UTF-8; only with all_but
    std::uint64_t counter = 0;                 ///< number of the last transaction that the client has
    bool binary_values = true;
    wire::Compression compression = wire::Compression::none;
    bool messages = true;
    bool rewrites = false; ///< the rows that ALTER TABLE writes anew
    bool streaming = false;
    bool two_phase = false;
    // format=json only
    bool include_xids = false;
    bool include_lsns = false;
    bool include_timestamps = false;
};

/// Reads the option list of START_REPLICATION or of the SQL functions. Raises a server error on anything unknown.
Options parse_options(const List *elements);

} // namespace walbridge
