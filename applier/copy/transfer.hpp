// transfer.hpp: the two COPY statements that carry a chunk, and which form its values travel in. Pure functions.
#pragma once

#include "copy/chunk.hpp"
#include "source/catalog.hpp"
#include "source/shape.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace walbridge::copy {

/// True for built-in types whose binary form means the same on every server: no local oids, no dependence on settings.
[[nodiscard]] bool portable_in_binary(std::uint32_t type_oid, std::uint32_t element_oid);

struct Transfer {
    std::string out; ///< for the source
    std::string in;  ///< for the target
    bool binary = false;
};

/// What a transfer carries. `added`: values of the columns that walbridge fills itself, as SQL, by their names on the
/// target.
struct Cargo {
    const source::Table &source;
    const source::Shape &shape;
    const source::Table &target;
    std::map<std::string, std::string> added{};
};

/// Columns are matched by name; generated ones are left out. Binary when every column has the same portable type on
/// both sides. Throws Error(target_shape) when the target lacks a column or generates it.
[[nodiscard]] Transfer make_transfer(const Cargo &cargo, const Chunk &chunk, const std::string &key_column);

/// `FROM ONLY table WHERE ...`: the rows of the chunk that travel.
[[nodiscard]] std::string rows_of(const source::Table &source, const source::Shape &shape, const Chunk &chunk,
                                  const std::string &key_column);

/// The condition that selects the chunk's rows; empty for a whole table.
[[nodiscard]] std::string condition(const Chunk &chunk, const std::string &key_column);

} // namespace walbridge::copy
