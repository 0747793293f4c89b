// checksum.hpp: the tallies that make a lost, repeated or damaged change visible. Both ends use this code on the same
// bytes: the payloads of change records, as sent (docs/wire-protocol.md, "Counter, change count, checksum").
#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "wire/crc32c.hpp"
#include "wire/records.hpp"

namespace walbridge::wire {

// Number of changes and CRC-32C of their payloads: of a transaction, of a stream block or of one subtransaction.
struct Tally {
    std::uint64_t changes = 0;
    std::uint32_t checksum = 0;

    void add(std::string_view payload) {
        checksum = extend_crc(checksum, payload);
        ++changes;
    }
    friend bool operator==(const Tally &, const Tally &) = default;
};

// What is left of a streamed transaction, by subtransaction, so that a stream_abort can take its part away again.
class StreamLedger {
  public:
    // The tally of one subtransaction, created on first use. The reference holds until abort() of that subtransaction.
    Tally &of(Xid subxid) { return tallies_[subxid]; }
    bool knows(Xid subxid) const { return tallies_.count(subxid) != 0; }
    void abort(Xid subxid) { tallies_.erase(subxid); }
    // Sum of counts and the checksum over all surviving subtransactions.
    Tally total() const;

  private:
    std::map<Xid, Tally> tallies_;
};

} // namespace walbridge::wire
