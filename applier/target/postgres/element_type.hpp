// element_type.hpp: the built-in types whose binary form may stand in a binary array, by OID. The OIDs are fixed in
// pg_type.dat.
#pragma once

#include <cstdint>
#include <string_view>

namespace walbridge::target {

inline constexpr std::uint32_t text_type_oid = 25;

/// pg_type.typname of a type that travels in binary (docs/wire-protocol.md); empty when there is none of that OID.
std::string_view element_type_name(std::uint32_t oid);

} // namespace walbridge::target
