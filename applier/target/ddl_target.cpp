// ddl_target.cpp: words for states and failures.
#include "target/ddl_target.hpp"

#include <fmt/format.h>

namespace walbridge::target {

std::string DdlFailure::describe() const {
    auto text = message;
    if (!detail.empty()) text += fmt::format(" ({})", detail);
    if (!hint.empty()) text += fmt::format(" ({})", hint);
    if (!sqlstate.empty()) text += fmt::format(" [SQLSTATE {}]", sqlstate);
    return text;
}

const char *name_of(DdlState state) {
    switch (state) {
    case DdlState::failed: return "failed";
    case DdlState::skipped: return "skipped";
    case DdlState::gap: return "gap";
    case DdlState::refused: return "refused";
    case DdlState::recognised: return "recognised";
    case DdlState::left: return "left";
    case DdlState::dismissed: return "dismissed";
    case DdlState::retried: return "retried";
    }
    return "";
}

} // namespace walbridge::target
