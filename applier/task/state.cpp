// state.cpp: names of states and phases.
#include "task/state.hpp"

#include <array>
#include <utility>

namespace walbridge::task {
namespace {

constexpr std::array<std::pair<State, std::string_view>, 13> states{{
    {State::fresh, "new"},
    {State::prechecking, "prechecking"},
    {State::schema, "schema"},
    {State::full, "full"},
    {State::catching_up, "catching-up"},
    {State::running, "running"},
    {State::paused, "paused"},
    {State::retrying, "retrying"},
    {State::failed, "failed"},
    {State::draining, "draining"},
    {State::switched_over, "switched-over"},
    {State::completed, "completed"},
    {State::released, "released"},
}};

constexpr std::array<std::pair<Phase, std::string_view>, 4> phases{
    {{Phase::none, ""}, {Phase::load, "load"}, {Phase::follow, "follow"}, {Phase::done, "done"}}};

template <class Table, class Value> std::string_view find_name(const Table &table, Value wanted) {
    for (const auto &[value, name] : table)
        if (value == wanted) return name;
    return {};
}

} // namespace

std::string_view name_of(State state) { return find_name(states, state); }
std::string_view name_of(Phase phase) { return find_name(phases, phase); }

std::optional<State> state_of(std::string_view name) {
    for (const auto &[state, known] : states)
        if (known == name) return state;
    return std::nullopt;
}

std::optional<Phase> phase_of(std::string_view name) {
    for (const auto &[phase, known] : phases)
        if (known == name) return phase;
    return std::nullopt;
}

bool may_run(State state) { return state != State::switched_over && state != State::released; }

} // namespace walbridge::task
