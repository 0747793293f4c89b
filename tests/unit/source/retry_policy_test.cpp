// retry_policy_test.cpp: what is retried, how long, and when a window ends.
#include "source/retry_policy.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <utility>
#include <vector>

using namespace walbridge;
using namespace walbridge::source;
using namespace std::chrono_literals;

namespace {

SqlError refusal(const char *sqlstate, ErrorKind kind = ErrorKind::target_data) {
    SqlError::Fields fields;
    fields.sqlstate = sqlstate;
    fields.message = "x";
    return {kind, "target", fields};
}

const TaskConfig::Retry limits{.connection = 720min, .other = 10min};

} // namespace

BOOST_AUTO_TEST_SUITE(retry_policy)

BOOST_AUTO_TEST_CASE(time_cures_connections_and_contention_and_nothing_else) {
    using enum RetryClass;
    BOOST_TEST((classify(refusal("", ErrorKind::connection)) == connection));
    BOOST_TEST((classify(refusal("57P01")) == connection));
    BOOST_TEST((classify(refusal("08006")) == connection));
    BOOST_TEST((classify(refusal("40P01")) == other));
    BOOST_TEST((classify(refusal("55P03")) == other));
    BOOST_TEST((classify(refusal("53100", ErrorKind::resource)) == other));
    BOOST_TEST((classify(refusal("55006")) == other));
    BOOST_TEST((classify(refusal("23505")) == never));
    BOOST_TEST((classify(Error(ErrorKind::slot_in_use, "slot", "x")) == other));
    BOOST_TEST((classify(Error(ErrorKind::connection, "source", "x")) == connection));
}

BOOST_AUTO_TEST_CASE(every_kind_of_error_is_retried_or_not_as_the_docs_say) {
    using enum RetryClass;
    const std::vector<std::pair<ErrorKind, RetryClass>> table{
        {ErrorKind::internal, never},
        {ErrorKind::usage, never},
        {ErrorKind::configuration, never},
        {ErrorKind::precheck, never},
        {ErrorKind::connection, connection},
        {ErrorKind::authentication, never},
        {ErrorKind::permission, never},
        {ErrorKind::resource, other},
        {ErrorKind::slot_missing, never},
        {ErrorKind::slot_recreated, never},
        {ErrorKind::slot_advanced, never},
        {ErrorKind::source_replaced, never},
        {ErrorKind::source_restored, never},
        {ErrorKind::database_replaced, never},
        {ErrorKind::slot_in_use, other},
        {ErrorKind::fenced, never},
        {ErrorKind::slot_lost, never},
        {ErrorKind::slot_limit, never},
        {ErrorKind::protocol, never},
        {ErrorKind::stream_gap, never},
        {ErrorKind::conflict, never},
        {ErrorKind::unidentified, never},
        {ErrorKind::target_shape, never},
        {ErrorKind::target_data, never},
        {ErrorKind::schema_stage, never},
        {ErrorKind::copy_stage, never},
        {ErrorKind::plugin, never},
        {ErrorKind::ddl, never},
        {ErrorKind::schema_differs, never},
        {ErrorKind::data_differs, never},
        {ErrorKind::task_state, never},
        {ErrorKind::timeout, never},
        {ErrorKind::switchover_refused, never},
        {ErrorKind::switchover_open, never},
        {ErrorKind::loop, never},
        {ErrorKind::rule, never},
    };
    std::size_t known = 0; // a code without a name is none
    for (int code = 1; code < 100; ++code) {
        const auto kind = static_cast<ErrorKind>(code);
        if (name_of(kind).empty() || (code != 1 && name_of(kind) == name_of(ErrorKind::internal))) continue;
        ++known;
        BOOST_TEST((std::ranges::find(table, kind, &std::pair<ErrorKind, RetryClass>::first) != table.end()),
                   "kind " << code << " is missing here");
    }
    BOOST_TEST(known == table.size());
    for (const auto &[kind, expected] : table) {
        BOOST_TEST((class_of(kind) == expected), name_of(kind));
        BOOST_TEST((classify(Error(kind, "x", "y")) == expected), name_of(kind));
    }
}

BOOST_AUTO_TEST_CASE(a_wrong_password_stops_at_once_although_it_has_no_sqlstate) {
    BOOST_TEST((classify(refusal("", ErrorKind::authentication)) == RetryClass::never));
    BOOST_TEST((classify(refusal("", ErrorKind::permission)) == RetryClass::never));
}

BOOST_AUTO_TEST_CASE(pauses_grow_to_half_a_minute_with_jitter) {
    RetryBackoff window(limits, 12345);
    auto now = RetryBackoff::Clock::time_point{} + 1h;
    std::chrono::milliseconds full = 500ms;
    for (int attempt = 0; attempt < 12; ++attempt) {
        const auto pause = window.failed(RetryClass::connection, now);
        BOOST_REQUIRE(pause.has_value());
        BOOST_TEST((*pause >= full / 2 && *pause <= full), "attempt " << attempt << ": " << pause->count());
        now += *pause;
        full = std::min<std::chrono::milliseconds>(full * 2, 30s);
    }
    BOOST_TEST(window.attempts() == 12);
}

BOOST_AUTO_TEST_CASE(each_class_has_a_window_of_its_own) {
    const auto start = RetryBackoff::Clock::time_point{} + 1h;
    RetryBackoff other(limits), connection(limits);
    BOOST_TEST(other.failed(RetryClass::other, start).has_value());
    BOOST_TEST(other.failed(RetryClass::other, start + 9min).has_value());
    BOOST_TEST(!other.failed(RetryClass::other, start + 10min).has_value());
    BOOST_TEST(connection.failed(RetryClass::connection, start).has_value());
    BOOST_TEST(connection.failed(RetryClass::connection, start + 719min).has_value());
    BOOST_TEST(!connection.failed(RetryClass::connection, start + 720min).has_value());
    BOOST_TEST(!RetryBackoff(limits).failed(RetryClass::never, start).has_value());
}

BOOST_AUTO_TEST_CASE(the_last_pause_ends_with_the_window) {
    const auto start = RetryBackoff::Clock::time_point{} + 1h;
    RetryBackoff window(limits);
    for (int i = 0; i < 10; ++i) (void)window.failed(RetryClass::other, start);
    const auto pause = window.failed(RetryClass::other, start + 10min - 1s);
    BOOST_REQUIRE(pause.has_value());
    BOOST_TEST((*pause <= 1s));
}

BOOST_AUTO_TEST_CASE(success_opens_a_new_window) {
    const auto start = RetryBackoff::Clock::time_point{} + 1h;
    RetryBackoff window(limits);
    BOOST_TEST(window.failed(RetryClass::other, start).has_value());
    window.succeeded();
    BOOST_TEST(window.failed(RetryClass::other, start + 11min).has_value());
    BOOST_TEST(window.attempts() == 1);
}

BOOST_AUTO_TEST_SUITE_END()
