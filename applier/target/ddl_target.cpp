// ddl_target.cpp: words for states and failures.
#include "target/ddl_target.hpp"

#include "base/error.hpp"

#include <fmt/format.h>

namespace walbridge::target {

namespace {

[[noreturn]] void transactional() {
    throw Error(ErrorKind::internal, "DDL on the target", "it is part of transactions there");
}

} // namespace

std::optional<DdlFailure> DdlTarget::execute_committing(const std::vector<CommittingCommand> &,
                                                        const BegunTransaction &) {
    transactional();
}

std::map<std::uint32_t, std::string> DdlTarget::table_definitions() { transactional(); }

void DdlTarget::store_table_definition(std::uint32_t, const std::string &) { transactional(); }

void DdlTarget::forget_table_definition(std::uint32_t) { transactional(); }

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
