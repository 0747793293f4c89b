// channel_test.cpp: tries, order, a carrier that hangs, and the end of the process.
#include "alert/channel.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::alert;
using namespace std::chrono_literals;

namespace {

/// Fails as often as told; hangs when told, until it is aborted.
class Fake : public Carrier {
  public:
    struct State {
        std::mutex mutex;
        std::condition_variable changed;
        std::vector<std::string> carried;
        int failures = 0, tries = 0;
        bool hang = false, aborted = false;

        template <class Condition> bool wait(Condition condition) {
            std::unique_lock lock(mutex);
            return changed.wait_for(lock, 20s, condition);
        }
    };
    explicit Fake(State &state) : state_(state) {}
    [[nodiscard]] std::string name() const override { return "fake"; }
    Outcome carry(const std::string &json) noexcept override {
        std::unique_lock lock(state_.mutex);
        ++state_.tries;
        state_.changed.notify_all();
        if (state_.hang) state_.changed.wait(lock, [&] { return state_.aborted; });
        if (state_.aborted) return {false, "given up"};
        if (state_.failures > 0) {
            --state_.failures;
            return {false, "HTTP 500"};
        }
        state_.carried.push_back(json);
        state_.changed.notify_all();
        return {true, "HTTP 200"};
    }
    void abort() noexcept override {
        const std::lock_guard lock(state_.mutex);
        state_.aborted = true;
        state_.changed.notify_all();
    }

  private:
    State &state_;
};

auto soon(std::chrono::milliseconds time) { return std::chrono::steady_clock::now() + time; }

} // namespace

BOOST_AUTO_TEST_SUITE(channel)

BOOST_AUTO_TEST_CASE(what_fails_is_tried_again_and_order_is_kept) {
    Fake::State state;
    state.failures = 2;
    Channel made(std::make_unique<Fake>(state), {1ms, 1ms, 1ms});
    for (const auto *text : {"a", "b", "c"}) made.send(text);
    BOOST_TEST(state.wait([&] { return state.carried.size() == 3; }));
    BOOST_TEST(state.carried == (std::vector<std::string>{"a", "b", "c"}), boost::test_tools::per_element());
    made.finish(soon(20s));
    BOOST_TEST(made.figures().delivered == 3U);
    BOOST_TEST(made.figures().failed == 0U);
    BOOST_TEST(made.figures().last_failure == "HTTP 500");
}

BOOST_AUTO_TEST_CASE(tries_are_bounded_and_the_next_alert_has_its_own) {
    Fake::State state;
    state.failures = 3;
    Channel made(std::make_unique<Fake>(state), {1ms, 1ms});
    made.send("lost");
    made.send("kept");
    BOOST_TEST(state.wait([&] { return state.carried.size() == 1; }));
    BOOST_TEST(state.carried[0] == "kept");
    made.finish(soon(20s));
    BOOST_TEST(made.figures().failed == 1U);
    BOOST_TEST(made.figures().delivered == 1U);
}

BOOST_AUTO_TEST_CASE(the_last_alert_leaves_before_the_end) {
    Fake::State state;
    state.failures = 1;
    Channel made(std::make_unique<Fake>(state), {1h}); // at the end pauses are short
    made.send("last");
    made.finish(soon(20s));
    BOOST_TEST(state.carried.size() == 1U);
    made.send("too late");
    BOOST_TEST(state.carried.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_carrier_that_hangs_does_not_hold_up_the_end) {
    Fake::State state;
    state.hang = true;
    const auto began = std::chrono::steady_clock::now();
    {
        Channel made(std::make_unique<Fake>(state), {1h});
        made.send("never");
        BOOST_TEST(state.wait([&] { return state.tries == 1; }));
        made.finish(soon(50ms));
        BOOST_TEST(made.figures().failed == 1U);
    }
    BOOST_TEST((std::chrono::steady_clock::now() - began < 10s));
}

BOOST_AUTO_TEST_CASE(the_queue_is_bounded) {
    Fake::State state;
    state.hang = true;
    Channel made(std::make_unique<Fake>(state), {});
    made.send("under way");
    BOOST_TEST(state.wait([&] { return state.tries == 1; }));
    for (std::size_t i = 0; i < Channel::capacity + 7; ++i) made.send("waiting");
    BOOST_TEST(made.figures().failed == 7U);
}

BOOST_AUTO_TEST_SUITE_END()
