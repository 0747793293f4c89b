// presence.cpp: the names are read out of the statement, which definitions.cpp wrote: an item keeps nothing else.
#include "schema/mysql/presence.hpp"

#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"

#include <fmt/format.h>

namespace walbridge::schema::mysql {

std::vector<std::string> quoted_names(const std::string &statement, std::size_t count) {
    std::vector<std::string> names;
    for (std::size_t at = 0; at < statement.size() && names.size() < count; ++at) {
        if (statement[at] != '`') continue;
        std::string name;
        for (++at; at < statement.size(); ++at) {
            if (statement[at] == '`') {
                if (at + 1 == statement.size() || statement[at + 1] != '`') break;
                ++at;
            }
            name += statement[at];
        }
        names.push_back(std::move(name));
    }
    return names;
}

std::string presence_query(const Item &item) {
    using dialect::mysql::quote_literal;
    const auto names = quoted_names(item.statement, 3);
    const auto count = [&](const char *view, const std::string &condition) {
        return fmt::format("SELECT count(*) FROM information_schema.{} WHERE {}", view, condition);
    };
    if (item.type == "DATABASE" && !names.empty()) return count("schemata", "schema_name = " + quote_literal(names[0]));
    if (item.type == "TABLE" && names.size() >= 2)
        return count("tables", fmt::format("table_schema = {} AND table_name = {}", quote_literal(names[0]),
                                           quote_literal(names[1])));
    if (names.size() < 3 || (item.type != "INDEX" && item.type != "FK CONSTRAINT"))
        throw Error(ErrorKind::internal, item.name, "a schema item of an unknown form: " + item.statement);
    // All indexes of an item are created by one statement, which is executed whole or not at all.
    const bool index = item.type == "INDEX";
    return count(index ? "statistics" : "table_constraints",
                 fmt::format("table_schema = {} AND table_name = {} AND {} = {}", quote_literal(names[0]),
                             quote_literal(names[1]), index ? "index_name" : "constraint_name",
                             quote_literal(names[2])));
}

} // namespace walbridge::schema::mysql
