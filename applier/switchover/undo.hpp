// undo.hpp: taking back what a switchover did, in the reverse order, as far as both servers let it.
#pragma once

#include "config/task_config.hpp"
#include "switchover/journal.hpp"

#include <string>
#include <vector>

namespace walbridge::switchover {

struct Undone {
    std::vector<Undo> done;
    struct Failure {
        Undo undo;
        std::string reason;
    };
    std::vector<Failure> failed;
};

/// Tries every entry, also behind one that fails. Never throws.
[[nodiscard]] Undone take_back(const TaskConfig &config, const std::vector<Undo> &list) noexcept;

/// The statements that are left, one line each, with the server they are for.
[[nodiscard]] std::string remaining_statements(const Undone &undone);

} // namespace walbridge::switchover
