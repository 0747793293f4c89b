// ddl_order.cpp: children wait for their parents.
#include "apply/ddl_order.hpp"

#include <utility>

namespace walbridge::apply {

std::vector<DdlArrival> DdlOrder::take(DdlArrival arrival) {
    std::vector<DdlArrival> ready;
    const auto parent = arrival.statement.parent;
    if (parent != 0 && !known_.contains(parent))
        waiting_[parent].push_back(std::move(arrival));
    else
        release(std::move(arrival), ready);
    return ready;
}

void DdlOrder::release(DdlArrival arrival, std::vector<DdlArrival> &ready) {
    const auto number = arrival.statement.number;
    ready.push_back(std::move(arrival));
    if (number == 0) return;
    known_.insert(number);
    auto children = waiting_.extract(number);
    if (children.empty()) return;
    for (auto &child : children.mapped()) release(std::move(child), ready);
}

std::vector<DdlArrival> DdlOrder::rest() {
    std::vector<DdlArrival> ready;
    while (!waiting_.empty()) {
        auto orphans = waiting_.extract(waiting_.begin()); // the earliest that is missing
        known_.insert(orphans.key());
        for (auto &orphan : orphans.mapped()) release(std::move(orphan), ready);
    }
    return ready;
}

void DdlOrder::clear() {
    known_.clear();
    waiting_.clear();
}

} // namespace walbridge::apply
