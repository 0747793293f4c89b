// repairer.hpp: makes the target's differing rows like the source's while the task goes on: the source wins.
//
// Each batch of rows is compared once more while apply is held, and only what still differs is repaired, in one
// transaction of the target that first locks the progress row where it stood: nothing newer can be overwritten, however
// long it takes. Every repaired row is recorded in walbridge.conflict.
#pragma once

#include "verify/verify.hpp"

namespace walbridge::verify {

struct Repaired {
    std::uint64_t rows = 0, sequences = 0;
    double held_seconds = 0;
    std::vector<std::string> left; ///< what was not repaired, and why
};

[[nodiscard]] Repaired repair(const TaskConfig &config, const Options &options, const Result &result,
                              const StopToken &stop);

} // namespace walbridge::verify
