// role_names.cpp: see role_names.hpp.
#include "ddl/role_names.hpp"

#include "base/error.hpp"
#include "ddl/roles.hpp"
#include "ddl/tree.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <pg_query.pb.h>

namespace walbridge::ddl {

std::string with_role_names(const std::string &text, const std::map<std::string, std::string> &names) {
    const bool named = std::any_of(names.begin(), names.end(), [&](const auto &entry) {
        return entry.first != entry.second && text.find(entry.first) != std::string::npos;
    });
    // A name with a quote in it is written in another way.
    const bool odd = std::any_of(names.begin(), names.end(),
                                 [](const auto &entry) { return entry.first.find('"') != std::string::npos; });
    if (!named && !odd) return text;
    const auto fail = [&](const std::string &why) -> Error {
        return {ErrorKind::schema_stage, "[roles]",
                fmt::format("roles cannot be mapped in this definition: {}; statement: {}", why, text.substr(0, 300)),
                "Create the roles under the source's names and keep them (schema.owner, schema.grants), or leave the "
                "object out with objects.exclude."};
    };
    pg_query::ParseResult tree;
    if (const auto problem = parse(text, tree)) throw fail(*problem);
    const RoleRules rules{.owners = true, .grants = true, .names = names};
    std::string out;
    std::size_t copied = 0;
    for (auto &statement : *tree.mutable_stmts()) {
        if (!apply_role_rules(*statement.mutable_stmt(), rules).changed) continue;
        const auto begin = static_cast<std::size_t>(statement.stmt_location());
        const auto length =
            statement.stmt_len() > 0 ? static_cast<std::size_t>(statement.stmt_len()) : text.size() - begin;
        pg_query::ParseResult one;
        one.set_version(tree.version());
        *one.add_stmts()->mutable_stmt() = statement.stmt();
        const auto written = deparse(one);
        if (!written) throw fail("it has a form that cannot be written again");
        out += text.substr(copied, begin - copied) + (out.empty() && begin == 0 ? "" : "\n") + *written;
        copied = begin + length;
    }
    return out + text.substr(copied);
}

} // namespace walbridge::ddl
