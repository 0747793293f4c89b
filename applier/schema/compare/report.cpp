// report.cpp: differences for people, psql and scripts.
#include "schema/compare/report.hpp"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

namespace walbridge::schema::compare {
namespace {

std::string lower(std::string text) {
    for (auto &c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return text;
}

/// A comment may not end early: what follows a line break would be run.
std::string one_line(std::string text) {
    std::ranges::replace_if(
        text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
    return text;
}

} // namespace

std::string as_script(const std::vector<Difference> &differences) {
    if (differences.empty()) return {};
    // Bodies may name objects that come later; what is quoted follows the standard.
    std::string text = "SET check_function_bodies = off;\nSET standard_conforming_strings = on;\n";
    for (const auto &difference : differences) {
        text += fmt::format("\n-- {}: {} {}: {}\n", name_of(difference.kind), lower(difference.object.kind),
                            one_line(difference.object.identity), one_line(difference.reason));
        if (!difference.note.empty()) text += fmt::format("-- note: {}\n", one_line(difference.note));
        for (const auto &statement : difference.statements) text += statement + ";\n";
    }
    return text;
}

std::string as_json(const std::string &task, const std::vector<Difference> &differences) {
    nlohmann::ordered_json json{{"task", task}, {"equal", differences.empty()}, {"objects", objects_in(differences)}};
    json["differences"] = nlohmann::ordered_json::array();
    for (const auto &difference : differences)
        json["differences"].push_back({{"difference", name_of(difference.kind)},
                                       {"kind", lower(difference.object.kind)},
                                       {"object", difference.object.identity},
                                       {"reason", difference.reason},
                                       {"statements", difference.statements},
                                       {"note", difference.note}});
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::size_t objects_in(const std::vector<Difference> &differences) {
    std::set<Key> objects;
    for (const auto &difference : differences) objects.insert(difference.object);
    return objects.size();
}

} // namespace walbridge::schema::compare
