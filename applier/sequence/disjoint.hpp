// disjoint.hpp: whether both sides of a two-way pair can hand out keys without ever handing out the same one
// [decision 13]: sequences of ranges that do not meet, or of the same increment and different remainders.
#pragma once

#include "sequence/sequences.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::sequence {

struct Course {
    std::int64_t increment = 1, low = 1, high = INT64_MAX, last = 1;
    bool cycles = false;
};

/// Two sequences that go on like this never give the same value.
[[nodiscard]] bool disjoint(const Course &one, const Course &other);

/// The statements after which the two take turns; empty = there is no room for it.
struct Separation {
    std::string source, target;
};
[[nodiscard]] std::optional<Separation> separate(const Sequence &sequence, const Course &source, const Course &target);

struct Meeting {
    Sequence sequence;
    std::optional<Separation> remedy;
};

/// The sequences of `sequences` that may give the same value on both sides; those that only one side has are left out.
[[nodiscard]] std::vector<Meeting> meeting(pg::Session &source, pg::Session &target,
                                           const std::vector<Sequence> &sequences);

} // namespace walbridge::sequence
