// rename.cpp: the machinery of decide(), without a target to ask: qualified names need none.
#include "ddl/rename.hpp"

#include "base/error.hpp"
#include "ddl/bodies.hpp"
#include "ddl/faithful.hpp"
#include "ddl/mapping.hpp"
#include "ddl/tree.hpp"

#include <pg_query.pb.h>

namespace walbridge::ddl {

namespace {

class NoTarget : public TargetNames {
  public:
    bool relation_exists(const QualifiedName &) override { return false; }
    bool type_exists(const QualifiedName &) override { return false; }
    bool routine_exists(const QualifiedName &) override { return false; }
    bool schema_exists(const std::string &) override { return false; }
};

[[noreturn]] void fail(const std::string &sql, const std::string &reason) {
    constexpr std::size_t shown = 200;
    throw Error(ErrorKind::schema_stage,
                "statement \"" + (sql.size() > shown ? sql.substr(0, shown) + "..." : sql) + "\"", reason,
                "Create the object on the target by hand with its new names, or leave it out of the selection.");
}

/// The part of the text that a statement was read from.
std::string text_of(const std::string &sql, const pg_query::RawStmt &statement) {
    const auto start = static_cast<std::size_t>(statement.stmt_location());
    const auto length = statement.stmt_len() == 0 ? std::string::npos : static_cast<std::size_t>(statement.stmt_len());
    std::string text = sql.substr(start, length);
    const std::size_t begin = text.find_first_not_of(" \t\r\n");
    return begin == std::string::npos ? std::string() : text.substr(begin);
}

/// One statement, and what it parses to; nothing when it holds no renamed name.
std::optional<std::string> renamed(const std::string &sql, const pg_query::ParseResult &original, const NameMap &names,
                                   const TableOf &table_of, Bodies bodies) {
    pg_query::ParseResult tree = original;
    pg_query::Node &node = *tree.mutable_stmts(0)->mutable_stmt();
    if (bodies == Bodies::refuse)
        if (const auto found = renamed_names_in_bodies(node, names); !found.empty())
            fail(sql, "the function's body mentions " + found.front() + ", which has another name on the target");
    DdlStatement statement;
    statement.settings["search_path"] = "";
    Rules rules;
    rules.names = &names;
    NoTarget target;
    Resolver resolver(statement, rules, target);
    if (table_of) resolver.set_owners(table_of);
    const Selection selection(rules);
    Subjects subjects = subjects_of(node);
    std::set<const void *> known;
    for (const Subject &subject : subjects.all)
        if (subject.place) known.insert(subject.place->address());
    References references = references_in(node, known);
    const bool refers = map_references(references, subjects, resolver, selection, names).necessary;
    const bool is = map_subjects(subjects, resolver).necessary;
    if (!refers && !is) return std::nullopt;
    auto text = faithful_text(tree, original, sql);
    if (!text) fail(sql, "this statement form cannot be rewritten faithfully");
    return text;
}

} // namespace

std::string rename_statement(std::string_view sql, const NameMap &names, const TableOf &table_of, Bodies bodies) {
    std::string text(sql);
    if (names.empty()) return text;
    pg_query::ParseResult tree;
    if (const auto error = parse(text, tree)) fail(text, "the installed parser cannot read it: " + *error);
    std::string result;
    bool changed = false;
    for (const auto &statement : tree.stmts()) {
        const std::string one = text_of(text, statement);
        pg_query::ParseResult alone;
        if (tree.stmts_size() == 1 && text.starts_with(one)) { // positions in the tree are those in `one`
            alone = tree;
            alone.mutable_stmts(0)->clear_stmt_len();
        } else {
            if (const auto error = parse(one, alone)) fail(one, "the installed parser cannot read it: " + *error);
            if (alone.stmts_size() != 1) fail(one, "it is not one statement");
        }
        const auto other = renamed(one, alone, names, table_of, bodies);
        changed = changed || other.has_value();
        result += (other ? *other : one) + ";\n";
    }
    return changed ? result : text;
}

} // namespace walbridge::ddl
