// spool_test.cpp: what was put in comes out, wherever it lay, and nothing is left behind.
#include "apply/spool.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <unistd.h>
#include <vector>

using namespace walbridge;
using namespace walbridge::apply;

namespace {

struct Folder {
    std::filesystem::path path = [] {
        auto name = (std::filesystem::temp_directory_path() / "spool_test_XXXXXX").string();
        return std::filesystem::path(mkdtemp(name.data()));
    }();
    ~Folder() { std::filesystem::remove_all(path); }
};

std::string payload(std::size_t number) { return std::string(number % 977, static_cast<char>('a' + number % 26)); }

void fill(Spool &spool, std::size_t count) {
    for (std::size_t number = 0; number < count; ++number) spool.append(payload(number));
}

void check(Spool &spool, std::size_t count) {
    spool.rewind();
    for (std::size_t number = 0; number < count; ++number) {
        const auto stored = spool.next();
        BOOST_REQUIRE(stored.has_value());
        BOOST_REQUIRE(*stored == payload(number));
    }
    BOOST_TEST(!spool.next().has_value());
}

} // namespace

BOOST_AUTO_TEST_SUITE(spool)

BOOST_AUTO_TEST_CASE(a_small_transaction_stays_in_memory) {
    const Folder folder;
    SpoolBudget budget{1 << 20, 0};
    Spool spool(folder.path, budget);
    fill(spool, 100);
    BOOST_TEST(!spool.on_disk());
    BOOST_TEST(budget.used == spool.bytes());
    check(spool, 100);
    check(spool, 100); // as often as one likes
}

BOOST_AUTO_TEST_CASE(beyond_the_budget_it_goes_to_a_file_without_a_name) {
    const Folder folder;
    SpoolBudget budget{10000, 0};
    Spool spool(folder.path, budget);
    fill(spool, 20000);
    BOOST_TEST(spool.on_disk());
    BOOST_TEST(std::filesystem::is_empty(folder.path));
    check(spool, 20000);
}

BOOST_AUTO_TEST_CASE(a_record_larger_than_every_buffer_comes_out_whole) {
    const Folder folder;
    SpoolBudget budget{100, 0};
    Spool spool(folder.path, budget);
    const std::string large(5 << 20, 'x');
    spool.append("before");
    spool.append(large);
    spool.append("");
    spool.append("after");
    spool.rewind();
    BOOST_TEST(*spool.next() == "before");
    BOOST_TEST((*spool.next() == large));
    BOOST_TEST(spool.next()->empty());
    BOOST_TEST(*spool.next() == "after");
    BOOST_TEST(!spool.next().has_value());
}

BOOST_AUTO_TEST_CASE(spools_share_a_budget_and_give_it_back) {
    const Folder folder;
    SpoolBudget budget{100000, 0};
    {
        Spool first(folder.path, budget), second(folder.path, budget);
        first.append(std::string(60000, 'x'));
        second.append(std::string(60000, 'y'));
        BOOST_TEST(!first.on_disk());
        BOOST_TEST(second.on_disk());
    }
    BOOST_TEST(budget.used == 0u);
}

BOOST_AUTO_TEST_CASE(a_folder_that_cannot_be_written_is_named) {
    SpoolBudget budget{10, 0};
    Spool spool("/nowhere/at/all", budget);
    BOOST_CHECK_EXCEPTION(spool.append(std::string(1000, 'x')), Error, [](const Error &error) {
        return error.kind() == ErrorKind::resource && error.object().find("/nowhere/at/all") != std::string::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()
