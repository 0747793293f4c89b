// names.cpp: every text of a definition is put into a statement that the parser reads, and taken out again.
#include "schema/compare/names.hpp"

#include "base/error.hpp"
#include "ddl/tree.hpp"

#include <algorithm>
#include <functional>
#include <pg_query.pb.h>

namespace walbridge::schema::compare {
namespace {

/// A text of a definition with what makes a statement of it.
struct Frame {
    std::string before, after;
    auto operator<=>(const Frame &) const = default;
};

Frame statement() { return {}; }
Frame expression() { return {"SELECT ", ""}; }
Frame type() { return {"SELECT NULL::", ""}; }
Frame named(const std::string &kind) { return {"COMMENT ON " + kind + " ", " IS NULL"}; }

/// What is between the frame; `otherwise` where it is not there (the rewriter wrote it differently).
std::string taken_out(std::string text, const Frame &frame, const std::string &otherwise) {
    while (text.ends_with('\n') || text.ends_with(';')) text.pop_back(); // the rewriter ends statements
    if (text.size() < frame.before.size() + frame.after.size() || !text.starts_with(frame.before) ||
        !text.ends_with(frame.after))
        return otherwise;
    return text.substr(frame.before.size(), text.size() - frame.before.size() - frame.after.size());
}

using Rewrite = std::function<std::string(const std::string &, const Frame &)>;

/// Puts every text of a definition through `rewrite`.
class Rewriter {
  public:
    explicit Rewriter(Rewrite rewrite) : rewrite_(std::move(rewrite)) {}

    Definitions run(const Definitions &definitions) {
        Definitions made;
        for (const auto &original : definitions.objects) {
            auto object = original;
            try {
                rewrite(object);
            } catch (const Error &error) {
                object = original;
                object.unmapped = error.reason();
                object.key = quiet(original.key); // the name itself can be mapped
                if (!original.table.empty()) object.table = quiet({"TABLE", original.table}).identity;
            }
            made.objects.push_back(std::move(object));
        }
        for (const auto &[used, users] : definitions.used_by)
            for (const auto &user : users) made.used_by[quiet(used)].insert(quiet(user));
        for (const auto &[column, users] : definitions.column_used_by)
            for (const auto &user : users) made.column_used_by[of_table(column)].insert(quiet(user));
        for (const auto &[column, generated] : definitions.generated_from)
            made.generated_from[of_table(column)] = generated;
        return made;
    }

  private:
    std::string apply(const std::string &text, const Frame &frame) {
        return text.empty() ? text : rewrite_(text, frame);
    }
    Key key(const Key &key) { return {key.kind, apply(key.identity, named(key.kind))}; }
    /// Of objects that are not compared: a name that cannot be mapped finds nothing.
    Key quiet(const Key &used) {
        try {
            return key(used);
        } catch (const Error &) {
            return used;
        }
    }
    ColumnKey of_table(const ColumnKey &column) { return {quiet({"TABLE", column.first}).identity, column.second}; }

    void rewrite(Column &column) {
        column.type = apply(column.type, type());
        column.default_sql = apply(column.default_sql, expression());
        column.identity_sequence = apply(column.identity_sequence, named("SEQUENCE"));
    }

    void rewrite(Object &object) {
        object.key = object.part_of_table ? object.key : key(object.key);
        if (!object.table.empty()) object.table = apply(object.table, named("TABLE"));
        object.owner_statement = apply(object.owner_statement, statement());
        std::map<std::string, std::string> comments;
        for (const auto &[what, text] : object.comments) comments[apply(what, {"COMMENT ON ", " IS NULL"})] = text;
        object.comments = std::move(comments);
        std::visit([&](auto &shape) { rewrite(shape); }, object.shape);
        for (auto &one : object.statements) one = apply(one, statement());
    }

    void rewrite(std::monostate &) {}
    void rewrite(Table &table) {
        table.name = apply(table.name, named("TABLE"));
        for (auto &parent : table.parents) parent = apply(parent, named("TABLE"));
        for (auto &column : table.columns) rewrite(column);
    }
    void rewrite(Constraint &constraint) {
        constraint.table = apply(constraint.table, named("TABLE"));
        constraint.definition = apply(constraint.definition, {"ALTER TABLE t ADD ", ""});
    }
    void rewrite(Index &index) {
        index.table = apply(index.table, named("TABLE"));
        index.definition = apply(index.definition, statement());
    }
    void rewrite(Sequence &sequence) {
        if (sequence.owned_by != "NONE") sequence.owned_by = apply(sequence.owned_by, named("COLUMN"));
    }
    void rewrite(Enum &) {}
    void rewrite(Composite &composite) {
        for (auto &attribute : composite.attributes) rewrite(attribute);
    }
    void rewrite(Domain &domain) {
        domain.type = apply(domain.type, type());
        domain.default_sql = apply(domain.default_sql, expression());
        for (auto &[name, definition] : domain.constraints) definition = apply(definition, {"ALTER DOMAIN d ADD ", ""});
    }
    void rewrite(View &view) {
        for (auto &column : view.columns) rewrite(column);
    }
    void rewrite(Routine &routine) {
        if (routine.result.starts_with("SETOF "))
            routine.result = "SETOF " + apply(routine.result.substr(6), type());
        else if (!routine.result.starts_with("TABLE("))
            routine.result = apply(routine.result, type());
    }

    Rewrite rewrite_;
};

/// The text as libpg_query writes it; as it is where it cannot.
std::string normal(const std::string &text, const Frame &frame) {
    pg_query::ParseResult tree;
    if (ddl::parse(frame.before + text + frame.after, tree)) return text;
    return ddl::deparse(tree).value_or(text);
}

} // namespace

Definitions renamed(const Definitions &source, const NameMap &names, const ddl::TableOf &table_of) {
    Rewriter rewriter([&](const std::string &text, const Frame &frame) {
        return taken_out(ddl::rename_statement(frame.before + text + frame.after, names, table_of), frame, text);
    });
    return rewriter.run(source);
}

Definitions alike(const Definitions &target, const Definitions &source) {
    std::map<std::pair<Frame, std::string>, std::string> written;
    Rewriter collect([&](const std::string &text, const Frame &frame) {
        written.emplace(std::pair(frame, normal(text, frame)), text);
        return text;
    });
    (void)collect.run(source);
    Rewriter replace([&](const std::string &text, const Frame &frame) {
        const auto found = written.find({frame, normal(text, frame)});
        return found == written.end() ? text : found->second;
    });
    return replace.run(target);
}

source::ObjectGraph under_source_names(const source::ObjectGraph &target, const NameMap &names) {
    std::map<std::string, std::string> schemas;
    std::map<QualifiedName, QualifiedName> tables;
    for (const auto &[from, to] : names.schemas()) schemas[to] = from;
    for (const auto &[from, to] : names.tables()) tables[to] = from;
    auto graph = target;
    for (auto &[id, object] : graph.objects) {
        if (const auto table = tables.find({object.schema, object.name});
            table != tables.end() && id.catalog == source::catalog_class::relation) {
            object.schema = table->second.schema;
            object.name = table->second.name;
            continue;
        }
        const bool schema = id.catalog == source::catalog_class::schema;
        if (const auto found = schemas.find(object.schema); found != schemas.end())
            object.schema = found->second;
        else if (names.schemas().contains(object.schema))
            object.schema = "pg_" + object.schema; // as if it were the system's
        if (schema) object.name = object.schema;
    }
    return graph;
}

} // namespace walbridge::schema::compare
