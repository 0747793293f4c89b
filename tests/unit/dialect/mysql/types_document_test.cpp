// types_document_test.cpp: docs/types-mysql.md says what the code does: each row against map_type(), and no type left
// out.
#include "dialect/mysql/types.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace walbridge::dialect::mysql;

namespace {

std::string trimmed(std::string text) {
    text.erase(0, text.find_first_not_of(" `"));
    text.erase(text.find_last_not_of(" `") + 1);
    return text;
}

/// The cells of the rows of tables that begin with a column "PostgreSQL".
std::vector<std::vector<std::string>> rows_of_types() {
    std::ifstream file(TYPES_DOCUMENT);
    BOOST_REQUIRE(file);
    std::vector<std::vector<std::string>> rows;
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("| PostgreSQL |")) inside = true;
        if (!line.starts_with("|")) inside = false;
        if (!inside || line.starts_with("| PostgreSQL |") || line.starts_with("|---")) continue;
        std::vector<std::string> cells;
        for (std::size_t at = 1; at < line.size();) {
            const auto end = line.find('|', at);
            cells.push_back(trimmed(line.substr(at, end - at)));
            at = end + 1;
        }
        rows.push_back(std::move(cells));
    }
    return rows;
}

SourceType of_kind(const std::string &what) {
    SourceType type;
    type.oid = 20000;
    type.name = what;
    if (what == "array") type.kind = 'a';
    if (what == "enum") type.kind = 'e';
    if (what == "composite") type.kind = 'c';
    if (what == "range") type.kind = 'r';
    if (what == "multirange") type.kind = 'm';
    type.enum_labels = {"a", "B", ""};
    return type;
}

/// numeric(10,2), varchar(40) and so on with their typmods.
SourceType type_of(const std::string &cell, std::set<std::string> &seen) {
    static const std::set<std::string> kinds = {"array",      "enum",   "composite", "range",
                                                "multirange", "hstore", "citext",    "other"};
    if (kinds.contains(cell)) return of_kind(cell);
    const auto open = cell.find('(');
    const auto name = cell.substr(0, open);
    seen.insert(name);
    if (open == std::string::npos) return built_in(name);
    const int first = std::stoi(cell.substr(open + 1));
    if (name == "numeric") return built_in(name, ((first << 16) | std::stoi(cell.substr(cell.find(',') + 1))) + 4);
    const bool padded = name == "varchar" || name == "bpchar";
    return built_in(name, padded ? first + 4 : first);
}

} // namespace

BOOST_AUTO_TEST_CASE(each_row_of_the_document_is_what_the_schema_stage_makes) {
    const std::map<Fidelity, std::string> names = {
        {Fidelity::exact, "exact"}, {Fidelity::lossy, "lossy"}, {Fidelity::impossible, "impossible"}};
    std::set<std::string> seen;
    const auto rows = rows_of_types();
    BOOST_TEST(rows.size() > 70U);
    for (const auto &cells : rows) {
        BOOST_TEST_CONTEXT(cells.front()) {
            BOOST_REQUIRE(cells.size() == 7U);
            const auto type = type_of(cells[0], seen);
            const auto mysql = map_type(type, Flavour::mysql, false), mariadb = map_type(type, Flavour::mariadb, false);
            BOOST_TEST(mysql.column.column_type == cells[1]);
            BOOST_TEST(mariadb.column.column_type == cells[2]);
            BOOST_TEST(map_type(type, Flavour::mysql, true).column.column_type == cells[3]);
            BOOST_TEST(names.at(mysql.fidelity) == cells[4]);
            // What the code calls refused outside of keys stands in the last cell, and nothing else does.
            const bool refuses = mysql.remark.find("refused") != std::string::npos;
            const auto in_words = cells[6].substr(0, cells[6].find("in a key"));
            BOOST_TEST(refuses == !in_words.empty());
        }
    }
    for (const auto name : built_in_types()) BOOST_TEST(seen.contains(std::string(name)), name << " has no row");
}
