// crc32c.hpp: CRC-32C (Castagnoli), the checksum of change records. Processors compute this one in hardware, which on a
// bulk load takes a tenth of the plugin's time off; every machine without such instructions gets the same numbers from
// tables.
#pragma once

#include <cstdint>
#include <string_view>

namespace walbridge::wire {

// Continues a CRC-32C over more bytes; the CRC of nothing is 0.
std::uint32_t extend_crc(std::uint32_t crc, std::string_view bytes);

// The same by tables, whatever the processor can do: the reference for tests.
std::uint32_t extend_crc_by_table(std::uint32_t crc, std::string_view bytes);

} // namespace walbridge::wire
