// state_test.cpp: names of states go both ways, and what a state allows.
#include "config/task_config.hpp"
#include "task/state.hpp"
#include "task/state_store.hpp"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <regex>

using namespace walbridge;
using namespace walbridge::task;

BOOST_AUTO_TEST_SUITE(states)

BOOST_AUTO_TEST_CASE(names_go_both_ways) {
    for (int i = static_cast<int>(State::fresh); i <= static_cast<int>(State::released); ++i) {
        const auto state = static_cast<State>(i);
        BOOST_TEST(!name_of(state).empty());
        BOOST_TEST((state_of(name_of(state)) == state), name_of(state));
    }
    BOOST_TEST(name_of(State::catching_up) == "catching-up");
    BOOST_TEST(!state_of("nonsense").has_value());
    for (const auto phase : {Phase::none, Phase::load, Phase::follow, Phase::done})
        BOOST_TEST((phase_of(name_of(phase)) == phase));
}

BOOST_AUTO_TEST_CASE(a_task_that_was_switched_over_never_runs_again) {
    BOOST_TEST(!may_run(State::switched_over));
    BOOST_TEST(!may_run(State::released));
    for (const auto state :
         {State::fresh, State::failed, State::retrying, State::paused, State::running, State::completed})
        BOOST_TEST(may_run(state), name_of(state));
}

BOOST_AUTO_TEST_CASE(the_stored_error_tells_what_the_process_told) {
    const auto json = error_json(Error(ErrorKind::slot_missing, "slot x", "it is \"gone\" \xff", "Start over."));
    BOOST_TEST(json.find("\"exit_code\":20") != std::string::npos);
    BOOST_TEST(json.find("\\\"gone\\\"") != std::string::npos);
    BOOST_TEST(json.find('\xff') == std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_state_s_sql_travels_in_the_program) {
    const std::string sql = target_state_sql;
    for (const auto *table : {"walbridge.task", "walbridge.progress", "walbridge.table_sync", "walbridge.schema_item",
                              "walbridge.conflict"})
        BOOST_TEST((sql.find(std::string("CREATE TABLE IF NOT EXISTS ") + table) != std::string::npos), table);
}

BOOST_AUTO_TEST_CASE(removing_a_task_leaves_no_table_of_the_state_out) {
    const std::string sql = target_state_sql;
    const auto statements = removal_statements("it's", false, sql::Dialect::postgres);
    const std::regex created("CREATE TABLE IF NOT EXISTS (walbridge[.][a-z_]+)");
    std::size_t seen = 0;
    for (std::sregex_iterator match(sql.begin(), sql.end(), created); match != std::sregex_iterator(); ++match) {
        const auto table = (*match)[1].str();
        // The version belongs to the state itself, and what a switchover did outlives its task.
        if (table == "walbridge.state_version" || table == "walbridge.switchover") continue;
        ++seen;
        BOOST_TEST(std::ranges::count_if(statements,
                                         [&](const std::string &statement) {
                                             return statement.starts_with("DELETE FROM " + table + " ");
                                         }) == 1,
                   table);
    }
    BOOST_TEST(seen == statements.size());
    for (const auto &statement : statements) BOOST_TEST(statement.ends_with("task = 'it''s'"), statement);
    const std::string mysql = target_state_mysql_sql;
    const auto of_mysql = removal_statements("it's", false, sql::Dialect::mysql);
    for (std::sregex_iterator match(mysql.begin(), mysql.end(), created); match != std::sregex_iterator(); ++match) {
        const auto table = (*match)[1].str();
        if (table == "walbridge.state_version" || table == "walbridge.switchover") continue;
        BOOST_TEST(std::ranges::any_of(of_mysql,
                                       [&](const std::string &statement) {
                                           return statement.starts_with("DELETE FROM " + table + " ");
                                       }),
                   table);
    }
    const auto kept = removal_statements("it's", true, sql::Dialect::postgres);
    BOOST_TEST(kept.size() + 2 == statements.size(), "what was created and set is remembered");
}

BOOST_AUTO_TEST_SUITE_END()
