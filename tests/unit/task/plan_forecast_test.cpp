// plan_forecast_test.cpp: what samples allow to say, and that nothing is said without them.
#include "task/plan_forecast.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge::task;

namespace {

/// 1 GB of rows at 100 MB/s, 100 MB of indexes at 10 MB/s.
ForecastInput usual() {
    ForecastInput input;
    input.samples.rates = {5, 1e6, 50, 1000};
    input.samples.tables = {{{"public", "a"}, 1000, 5e7, 0.5}};
    input.samples.through_target = true;
    input.samples.index_bytes_per_second = 1e7;
    input.samples.statement_seconds = 0.01;
    input.tables = {{{"public", "a"}, 1e9, 1e8}};
    input.statements = 10;
    input.copy_workers = 2;
    input.index_workers = 2;
    return input;
}

bool mentions(const std::vector<std::string> &texts, std::string_view word) {
    for (const auto &text : texts)
        if (text.find(word) != std::string::npos) return true;
    return false;
}

} // namespace

BOOST_AUTO_TEST_SUITE(plan_forecast)

BOOST_AUTO_TEST_CASE(the_range_holds_what_the_rates_say) {
    const auto said = forecast(usual());
    BOOST_REQUIRE(said.copy.has_value());
    BOOST_TEST(said.copy->low <= 10.0); // 1 GB at 100 MB/s
    BOOST_TEST(said.copy->high >= 10.0);
    BOOST_TEST(said.copy->low >= 4.0);
    BOOST_REQUIRE(said.indexes.has_value());
    BOOST_TEST(said.indexes->low <= 10.0);
    BOOST_TEST(said.indexes->high >= 10.0);
    BOOST_REQUIRE(said.wal_retained.has_value());
    BOOST_TEST(said.wal_retained->high >= 1e6 * (said.copy->high + said.indexes->high));
    BOOST_TEST(said.warnings.empty());
}

BOOST_AUTO_TEST_CASE(a_sampled_table_counts_with_its_own_rate_and_others_with_the_average) {
    auto input = usual();
    input.copy_workers = 1;
    input.tables = {{{"public", "a"}, 1e8, 0}, {{"public", "slow"}, 1e8, 0}, {{"public", "unseen"}, 1e8, 0}};
    input.samples.tables.push_back({{"public", "slow"}, 1000, 1e7, 9.5});
    const auto said = forecast(input);
    BOOST_TEST(said.copy->low > 1 + 95 + 16, "1 s, 95 s, and 1e8 at 6e7 per 10 s");
    BOOST_TEST(said.copy->low < 1 + 95 + 18);
}

BOOST_AUTO_TEST_CASE(without_samples_nothing_is_promised) {
    auto input = usual();
    input.samples.tables.clear();
    input.samples.index_bytes_per_second.reset();
    input.samples.statement_seconds.reset();
    const auto said = forecast(input);
    BOOST_TEST(!said.schema.has_value());
    BOOST_TEST(!said.copy.has_value());
    BOOST_TEST(!said.indexes.has_value());
    BOOST_TEST(!said.catch_up.has_value());
    BOOST_TEST(!said.wal_retained.has_value());
    for (const auto *word : {"schema stage", "copy", "indexes", "catch up", "WAL"})
        BOOST_TEST(mentions(said.unknown, word), word);
}

BOOST_AUTO_TEST_CASE(too_little_room_for_wal_is_a_warning) {
    auto input = usual();
    input.max_slot_wal_keep_size = 1 << 20;
    BOOST_TEST(mentions(forecast(input).warnings, "max_slot_wal_keep_size"));
    input.max_slot_wal_keep_size = std::uint64_t{1} << 40;
    BOOST_TEST(forecast(input).warnings.empty());
    input.retained_limit = 1 << 20;
    BOOST_TEST(mentions(forecast(input).warnings, "slot.retained_limit"));
}

BOOST_AUTO_TEST_CASE(a_source_faster_than_the_apply_is_named_and_not_promised) {
    auto input = usual();
    input.samples.rates.rows = 50'000;
    auto said = forecast(input);
    BOOST_TEST(mentions(said.warnings, "may not catch up"));
    BOOST_TEST(said.catch_up.has_value());
    input.samples.rates.rows = 200'000;
    said = forecast(input);
    BOOST_TEST(!said.catch_up.has_value());
    BOOST_TEST(mentions(said.unknown, "catch up"));
}

BOOST_AUTO_TEST_CASE(stages_that_do_not_run_take_no_time) {
    auto input = usual();
    input.full_stage = false;
    input.tables.clear();
    const auto said = forecast(input);
    BOOST_TEST(!said.copy.has_value());
    BOOST_TEST(said.catch_up.has_value());
    input.incremental_stage = false;
    BOOST_TEST(!forecast(input).catch_up.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
