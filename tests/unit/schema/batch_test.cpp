// batch_test.cpp: which items share a transaction and which are created side by side.
#include "schema/batch.hpp"

#include <boost/test/unit_test.hpp>
#include <map>

using namespace walbridge::schema;

namespace {

Item item(int number, std::string type, std::string table, std::string statement = {}) {
    Item made;
    made.number = number;
    made.type = std::move(type);
    made.name = "public." + table + "_" + std::to_string(number);
    made.table = "public." + table;
    made.statement = statement.empty() ? "CREATE " + made.type : std::move(statement);
    return made;
}

std::vector<int> numbers(const Batch &batch) {
    std::vector<int> all;
    for (const auto &one : batch.items) all.push_back(one.number);
    return all;
}

std::vector<std::vector<int>> numbers(const std::vector<Batch> &batches) {
    std::vector<std::vector<int>> all;
    for (const auto &batch : batches) all.push_back(numbers(batch));
    return all;
}

using Numbers = std::vector<std::vector<int>>;

const TableBytes nothing_known = [](const Item &) -> std::uint64_t { return 0; };

} // namespace

BOOST_AUTO_TEST_CASE(tables_are_side_by_side_and_what_belongs_to_them_follows) {
    const auto waves = waves_before_data({item(1, "TABLE", "a"), item(2, "SEQUENCE", "a_id", "CREATE SEQUENCE a_id"),
                                          item(3, "SEQUENCE OWNED BY", "a"), item(4, "TABLE", "b"),
                                          item(5, "SEQUENCE", "b_id", "ALTER TABLE b ALTER id ADD GENERATED ALWAYS"),
                                          item(6, "DEFAULT", "a"), item(7, "COMMENT", "b")});
    BOOST_REQUIRE(waves.size() == 3);
    BOOST_TEST((numbers(waves[0].batches) == Numbers{{1, 2, 4}}));
    BOOST_TEST((numbers(waves[1].batches) == Numbers{{3, 5}}));
    BOOST_TEST((numbers(waves[2].batches) == Numbers{{6, 7}}));
    for (const auto &wave : waves) BOOST_TEST(wave.side_by_side);
}

BOOST_AUTO_TEST_CASE(other_objects_keep_their_place_between_tables) {
    const auto waves = waves_before_data({item(1, "SCHEMA", "s"), item(2, "TYPE", "t"), item(3, "TABLE", "a"),
                                          item(4, "FUNCTION", "f"), item(5, "TABLE", "b"), item(6, "VIEW", "v"),
                                          item(7, "TABLE ATTACH", "b")});
    std::vector<Numbers> all;
    std::vector<bool> side_by_side;
    for (const auto &wave : waves) {
        all.push_back(numbers(wave.batches));
        side_by_side.push_back(wave.side_by_side);
    }
    BOOST_TEST((all == std::vector<Numbers>{{{1, 2}}, {{3}}, {{4}}, {{5}}, {{6, 7}}}));
    BOOST_TEST((side_by_side == std::vector<bool>{false, true, false, true, false}));
}

BOOST_AUTO_TEST_CASE(a_child_of_inheritance_waits_for_everything_before_it) {
    const auto waves = waves_before_data({item(1, "TABLE", "parent"), item(2, "DEFAULT", "parent"),
                                          item(3, "TABLE", "child", "CREATE TABLE child (\n)\nINHERITS (parent);")});
    BOOST_REQUIRE(waves.size() == 3);
    BOOST_TEST((numbers(waves[2].batches) == Numbers{{3}}));
    BOOST_TEST(!waves[2].side_by_side);
}

BOOST_AUTO_TEST_CASE(a_batch_is_bounded_by_items_and_text) {
    std::vector<Item> many;
    for (int i = 1; i <= 60; ++i) many.push_back(item(i, "TABLE", "t" + std::to_string(i)));
    const auto waves = waves_before_data(many);
    BOOST_REQUIRE(waves.size() == 1);
    BOOST_TEST(waves[0].batches.size() == 3);

    const std::string long_body(200'000, 'x');
    const auto functions =
        waves_before_data({item(1, "FUNCTION", "f", long_body), item(2, "FUNCTION", "g", long_body)});
    BOOST_REQUIRE(functions.size() == 1);
    BOOST_TEST((numbers(functions[0].batches) == Numbers{{1}, {2}}));
}

BOOST_AUTO_TEST_CASE(indexes_of_the_largest_tables_come_first_and_by_themselves) {
    const std::map<std::string, std::uint64_t> sizes{{"public.huge", 1 << 30}, {"public.large", 100 << 20}};
    const TableBytes bytes = [&](const Item &one) {
        const auto found = sizes.find(*one.table);
        return found == sizes.end() ? std::uint64_t{1000} : found->second;
    };
    const auto batches =
        index_batches({item(1, "CONSTRAINT", "a"), item(2, "CONSTRAINT", "large"), item(3, "CONSTRAINT", "huge"),
                       item(4, "CONSTRAINT", "b"), item(5, "INDEX", "a"), item(6, "INDEX", "huge")},
                      bytes);
    BOOST_TEST((numbers(batches) == Numbers{{3}, {6}, {2}, {1, 5, 4}}));
    BOOST_TEST(batches[0].large);
    BOOST_TEST(batches[2].large);
    BOOST_TEST(!batches[3].large);
}

BOOST_AUTO_TEST_CASE(all_items_of_a_small_table_are_in_one_batch) {
    std::vector<Item> items;
    for (int i = 0; i < 40; ++i) items.push_back(item(i, "CONSTRAINT", "t" + std::to_string(i)));
    for (int i = 0; i < 40; ++i) items.push_back(item(100 + i, "INDEX", "t" + std::to_string(i)));
    std::map<std::string, std::size_t> where;
    const auto batches = index_batches(items, nothing_known);
    std::size_t seen = 0;
    for (std::size_t at = 0; at < batches.size(); ++at)
        for (const auto &one : batches[at].items) {
            BOOST_TEST(where.emplace(*one.table, at).first->second == at);
            ++seen;
        }
    BOOST_TEST(seen == items.size());
}

BOOST_AUTO_TEST_CASE(in_order_nothing_overtakes_and_large_tables_stand_alone) {
    const TableBytes bytes = [](const Item &one) {
        return *one.table == "public.large" ? std::uint64_t{1} << 30 : 10u;
    };
    const auto batches = batches_in_order({item(1, "FK CONSTRAINT", "a"), item(2, "FK CONSTRAINT", "b"),
                                           item(3, "FK CONSTRAINT", "large"), item(4, "FK CONSTRAINT", "c")},
                                          bytes);
    BOOST_TEST((numbers(batches) == Numbers{{1, 2}, {3}, {4}}));
}
