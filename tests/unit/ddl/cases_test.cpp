// cases_test.cpp: what becomes of a statement, row by row, from the files in cases/:
//
//     % setting | search_path | facts of the capture      holds for the rows below
//     statement
//     => class: commands, or why there are none
//
// WALBRIDGE_WRITE_CASES=1 writes what comes out into the files: read the difference before it is committed.
#include "fixture.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace walbridge::ddl::testing {

namespace {

struct Conditions {
    std::string setting = "all", search_path = "public", facts;
};

std::string trimmed(const std::string &text) {
    const std::size_t begin = text.find_first_not_of(' ');
    return begin == std::string::npos ? std::string() : text.substr(begin, text.find_last_not_of(' ') + 1 - begin);
}

Conditions conditions_of(const std::string &line) {
    Conditions conditions;
    const std::size_t first = line.find('|');
    const std::size_t second = first == std::string::npos ? first : line.find('|', first + 1);
    conditions.setting = trimmed(line.substr(1, first == std::string::npos ? first : first - 1));
    if (first != std::string::npos)
        conditions.search_path =
            trimmed(line.substr(first + 1, second == std::string::npos ? second : second - first - 1));
    if (second != std::string::npos) conditions.facts = trimmed(line.substr(second + 1));
    return conditions;
}

} // namespace

BOOST_AUTO_TEST_CASE(every_case_is_decided_as_written) {
    const bool write = std::getenv("WALBRIDGE_WRITE_CASES") != nullptr;
    std::size_t rows = 0;
    for (const auto &entry : std::filesystem::directory_iterator(CASES_FOLDER)) {
        std::ifstream in(entry.path());
        std::string line, result, statement;
        Conditions conditions;
        int number = 0;
        while (std::getline(in, line)) {
            ++number;
            if (line.starts_with("=> ")) {
                const std::string actual =
                    text_of(setting_of(conditions.setting)
                                .decide(statement_of(statement, conditions.search_path, conditions.facts)));
                if (!write)
                    BOOST_CHECK_MESSAGE(line == "=> " + actual, entry.path().filename().string()
                                                                    << ":" << number << "\n"
                                                                    << statement << "\n  expected " << line.substr(3)
                                                                    << "\n  got      " << actual);
                line = "=> " + actual;
                ++rows;
            } else if (line.starts_with("%")) {
                conditions = conditions_of(line);
            } else if (!line.empty() && !line.starts_with("#")) {
                statement = line;
            }
            result += line + "\n";
        }
        in.close();
        if (write) std::ofstream(entry.path()) << result;
    }
    BOOST_TEST(rows >= 200U);
}

} // namespace walbridge::ddl::testing
