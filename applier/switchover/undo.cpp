// undo.cpp: new sessions, because those of the switchover may be what broke.
#include "switchover/undo.hpp"

#include <fmt/format.h>
#include <optional>
#include <ranges>

namespace walbridge::switchover {
namespace {

class Sessions {
  public:
    explicit Sessions(const TaskConfig &config) : config_(config) {}
    pg::Session &of(Side side) {
        auto &session = side == Side::source ? source_ : target_;
        if (!session || PQstatus(session->raw()) != CONNECTION_OK)
            session.emplace(open_session(side == Side::source ? config_.source.endpoint : config_.target.endpoint));
        return *session;
    }

  private:
    const TaskConfig &config_;
    std::optional<pg::Session> source_, target_;
};

} // namespace

Undone take_back(const TaskConfig &config, const std::vector<Undo> &list) noexcept {
    Undone result;
    Sessions sessions(config);
    for (const auto &undo : list | std::views::reverse) {
        try {
            sessions.of(undo.side).execute(undo.statement);
            result.done.push_back(undo);
        } catch (const std::exception &error) {
            const auto *known = dynamic_cast<const Error *>(&error);
            result.failed.push_back({undo, known != nullptr ? known->reason() : error.what()});
        }
    }
    return result;
}

std::string remaining_statements(const Undone &undone) {
    std::string text;
    for (const auto &failure : undone.failed)
        text += fmt::format("{}on the {}: {};", text.empty() ? "" : " ", name_of(failure.undo.side),
                            failure.undo.statement);
    return text;
}

} // namespace walbridge::switchover
