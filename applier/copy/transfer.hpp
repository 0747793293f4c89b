// transfer.hpp: the two COPY statements that carry a chunk, and which form its values travel in. Pure functions.
#pragma once

#include "copy/chunk.hpp"
#include "source/catalog.hpp"

#include <cstdint>
#include <string>

namespace walbridge::copy {

/// True for built-in types whose binary form means the same on every server: no local oids, no dependence on settings.
[[nodiscard]] bool portable_in_binary(std::uint32_t type_oid, std::uint32_t element_oid);

struct Transfer {
    std::string out; ///< for the source
    std::string in;  ///< for the target
    bool binary = false;
};

/// Columns are matched by name; generated ones are left out. Binary when every column has the same portable type on
/// both sides. Throws Error(target_shape) when the target lacks a column or generates it.
[[nodiscard]] Transfer make_transfer(const source::Table &source, const source::Table &target, const Chunk &chunk,
                                     const std::string &key_column);

/// The condition that selects the chunk's rows; empty for a whole table.
[[nodiscard]] std::string condition(const Chunk &chunk, const std::string &key_column);

} // namespace walbridge::copy
