// retry_window_test.cpp: what is tried again, and what is not.
#include "source/retry_window.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

namespace {

SqlError sql_error(ErrorKind kind, std::string sqlstate) {
    SqlError::Fields fields;
    fields.sqlstate = std::move(sqlstate);
    fields.message = "refused";
    return {kind, "target", fields};
}

/// Throws `error` and asks the window about it, as its users do.
template <class Failure> bool ask(source::RetryWindow &window, const Failure &error) {
    try {
        throw error;
    } catch (const Error &caught) {
        return window.again(caught, "work");
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(broken_connections_deadlocks_and_full_disks_are_transient) {
    BOOST_TEST(source::transient(sql_error(ErrorKind::connection, "")));
    BOOST_TEST(source::transient(sql_error(ErrorKind::resource, "40P01")));
    BOOST_TEST(source::transient(sql_error(ErrorKind::resource, "53100")));
    BOOST_TEST(source::transient(sql_error(ErrorKind::resource, "55P03")));
}

BOOST_AUTO_TEST_CASE(decisions_are_not_transient) {
    BOOST_TEST(!source::transient(sql_error(ErrorKind::authentication, "")));
    BOOST_TEST(!source::transient(sql_error(ErrorKind::permission, "42501")));
    BOOST_TEST(!source::transient(sql_error(ErrorKind::target_data, "23505")));
    BOOST_TEST(!source::transient(Error(ErrorKind::fenced, "task", "taken over")));
}

BOOST_AUTO_TEST_CASE(a_transient_error_is_tried_again_after_a_pause) {
    const TaskConfig::Retry retry;
    const StopToken stop;
    source::RetryWindow window(retry, stop);
    BOOST_TEST(ask(window, sql_error(ErrorKind::connection, "08006")));
}

BOOST_AUTO_TEST_CASE(an_error_that_needs_a_decision_is_thrown_again) {
    const TaskConfig::Retry retry;
    const StopToken stop;
    source::RetryWindow window(retry, stop);
    BOOST_CHECK_THROW(ask(window, sql_error(ErrorKind::target_data, "23505")), SqlError);
}

BOOST_AUTO_TEST_CASE(a_window_of_no_length_gives_up_at_once) {
    TaskConfig::Retry retry;
    retry.connection = std::chrono::minutes(0);
    const StopToken stop;
    source::RetryWindow window(retry, stop);
    BOOST_CHECK_THROW(ask(window, sql_error(ErrorKind::connection, "08006")), SqlError);
}

BOOST_AUTO_TEST_CASE(retries_are_shown_until_the_work_succeeds) {
    const TaskConfig::Retry retry;
    const StopToken stop;
    RetryBoard board;
    {
        source::RetryWindow window(retry, stop, &board), other(retry, stop, &board);
        BOOST_TEST(ask(window, sql_error(ErrorKind::connection, "08006")));
        BOOST_TEST(ask(other, sql_error(ErrorKind::resource, "55P03")));
        const auto shown = board.oldest();
        BOOST_REQUIRE(shown.has_value());
        BOOST_TEST(shown->attempts == 1);
        BOOST_TEST(shown->reason.find("work: target: refused") != std::string::npos);
        BOOST_TEST((shown->next > shown->since));
        window.succeeded();
        BOOST_TEST(board.oldest()->reason.find("55P03") != std::string::npos);
    }
    BOOST_TEST(!board.oldest().has_value()); // also when the one who retried has gone
}

BOOST_AUTO_TEST_CASE(a_stop_ends_the_retries) {
    const TaskConfig::Retry retry;
    StopToken stop;
    stop.request();
    source::RetryWindow window(retry, stop);
    BOOST_TEST(!ask(window, sql_error(ErrorKind::target_data, "23505")));
}
