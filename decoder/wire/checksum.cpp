// checksum.cpp: the combination rule for streamed transactions.
#include "wire/checksum.hpp"

namespace walbridge::wire {

Tally StreamLedger::total() const {
    Tally total;
    for (const auto &[subxid, tally] : tallies_) {
        if (tally.changes == 0) continue;
        const std::uint32_t words[4] = {subxid, static_cast<std::uint32_t>(tally.changes),
                                        static_cast<std::uint32_t>(tally.changes >> 32), tally.checksum};
        char entry[16];
        for (int i = 0; i < 16; ++i) entry[i] = static_cast<char>(words[i / 4] >> (8 * (i % 4)));
        total.checksum = extend_crc(total.checksum, {entry, sizeof entry});
        total.changes += tally.changes;
    }
    return total;
}

} // namespace walbridge::wire
