// sequences.cpp: see sequences.hpp.
#include "verify/sequences.hpp"

#include "sequence/sequences.hpp"
#include "verify/snapshot_pair.hpp"

#include <algorithm>
#include <map>

namespace walbridge::verify {
namespace {

using Clock = std::chrono::steady_clock;
using sequence::Value;

/// One of the states that the source went through from `first` to `last`, whichever way it counts.
bool between(const Value &first, const Value &last, const Value &value) {
    const auto order = [](const Value &v) { return std::pair(v.last, v.called); };
    return std::min(order(first), order(last)) <= order(value) && order(value) <= std::max(order(first), order(last));
}

std::string shown(const std::optional<Value> &value) { return value ? sequence::to_string(*value) : std::string(); }

} // namespace

SequenceCheck compare_sequences(const TaskConfig &config, Stillness stillness, const StopToken &stop) {
    pg::Session source(config.source.endpoint, session_options(config, "verify")),
        target(config.target.endpoint, session_options(config, "verify"));
    auto open = sequence::selected(source, config);
    SequenceCheck check;
    check.compared = open.size();
    const bool live = stillness == Stillness::process && config.sequences.interval.count() > 0;
    const auto until = Clock::now() + 2 * config.sequences.interval + std::chrono::seconds(2);
    std::map<QualifiedName, Value> first; // of the source, when the check began
    std::vector<sequence::Difference> differences;
    for (;;) {
        differences = sequence::compare(source, target, open);
        std::erase_if(differences, [&](const sequence::Difference &difference) {
            if (!live || !difference.source || !difference.target) return false;
            const auto began = first.emplace(difference.sequence.source, *difference.source).first->second;
            return between(began, *difference.source, *difference.target);
        });
        const bool wait = live && std::any_of(differences.begin(), differences.end(),
                                              [](const auto &d) { return d.source && d.target; });
        if (!wait || Clock::now() > until || stop.wait_for(std::chrono::milliseconds(200))) break;
        open.clear();
        for (const auto &difference : differences) open.push_back(difference.sequence);
    }
    for (const auto &one : differences)
        check.differences.push_back({one.sequence.source, one.sequence.target,
                                     one.source ? std::optional(one.source->last) : std::nullopt,
                                     one.source && one.source->called, shown(one.source), shown(one.target)});
    return check;
}

} // namespace walbridge::verify
