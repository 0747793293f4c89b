// precheck_test.cpp: the report for people and for programs.
#include "base/error.hpp"
#include "task/precheck.hpp"
#include "task/precheck_checks.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::task;

BOOST_AUTO_TEST_SUITE(precheck_report)

BOOST_AUTO_TEST_CASE(findings_are_shown_with_their_fix_and_counted) {
    TaskConfig config;
    config.name = "orders";
    config.precheck.acknowledge = {"source.transactions", "source.wal_level"};
    PrecheckReport report;
    PrecheckContext context{.config = config, .report = report};
    context.ok("source.version", "PostgreSQL 15");
    context.warning("source.transactions", "one is open", "Let it end.");
    context.error("source.wal_level", "wal_level is replica", "ALTER SYSTEM SET wal_level = logical;");
    context.skipped("target.version", "the server cannot be reached");
    BOOST_TEST(report.failed());
    BOOST_TEST(report.findings[1].acknowledged);
    BOOST_TEST(!report.findings[2].acknowledged); // errors cannot be acknowledged
    const auto table = precheck_table(report);
    BOOST_TEST((table.find("-> ALTER SYSTEM SET wal_level = logical;") != std::string::npos));
    BOOST_TEST((table.find("1 ok, 1 warnings, 1 errors, 1 skipped") != std::string::npos));
    const auto json = precheck_json(config, report);
    BOOST_TEST((json.find("\"result\": \"error\"") != std::string::npos));
    BOOST_TEST((json.find("\"id\": \"source.wal_level\"") != std::string::npos));
}

BOOST_AUTO_TEST_CASE(an_unknown_id_is_refused_with_the_nearest_before_anything_is_connected) {
    const TaskConfig config;
    BOOST_CHECK_EXCEPTION((void)precheck(config, {"source.wal_levl"}), Error, [](const Error &error) {
        return error.kind() == ErrorKind::usage && error.remedy() == "Did you mean source.wal_level?";
    });
}

BOOST_AUTO_TEST_CASE(long_lists_are_cut) {
    BOOST_TEST(some_of({"a", "b"}) == "a, b");
    BOOST_TEST(some_of({"a", "b", "c", "d"}, 2) == "a, b and 2 more");
}

BOOST_AUTO_TEST_SUITE_END()
