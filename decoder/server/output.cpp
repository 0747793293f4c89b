// output.cpp: numbers of relation descriptors.
#include "server/output.hpp"

namespace walbridge {

wire::RelationNumber Output::announce(const RelationPlan &plan) {
    if (plan.number != 0) return plan.number;
    const auto found = numbers_.find(plan.descriptor);
    if (found != numbers_.end()) return plan.number = found->second;
    // Remembered before it is written: if writing fails half-way the connection is over, and if it fails before, take
    // it back.
    const auto added = numbers_.emplace(plan.descriptor, last_number_ + 1).first;
    try {
        write_relation(last_number_ + 1, plan);
    } catch (...) {
        numbers_.erase(added);
        throw;
    }
    return plan.number = ++last_number_;
}

} // namespace walbridge
