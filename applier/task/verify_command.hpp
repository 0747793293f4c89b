// verify_command.hpp: rows, sequences and definitions of both sides compared, and what follows from it.
#pragma once

#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "verify/verify.hpp"

#include <optional>
#include <string>

namespace walbridge::task {

struct VerifyRequest {
    verify::Options options;
    bool still = false;      ///< the operator vouches that nothing moves
    bool definitions = true; ///< compare definitions too
    bool json = false;
    bool repair = false;       ///< make the target's rows like the source's
    std::string repair_script; ///< file for statements that do; empty = none
};

struct VerifyAnswer {
    verify::Result result;
    std::size_t definitions_differ = 0; ///< objects
    std::string text;                   ///< for standard output

    [[nodiscard]] bool equal() const { return result.equal() && definitions_differ == 0; }
};

/// `walbridge verify`.
[[nodiscard]] VerifyAnswer verify_task(const TaskConfig &config, VerifyRequest request, const StopToken &stop);

} // namespace walbridge::task
