// implied_names.cpp: follows the server's naming; where the capture names an index or a sequence, that name is taken.
#include "ddl/implied_names.hpp"

#include "ddl/name_place.hpp"
#include "ddl/tree.hpp"
#include "dialect/postgres.hpp"

#include <google/protobuf/message.h>

#include <algorithm>
#include <map>
#include <set>

namespace walbridge::ddl {

namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_identifier;
using pg_query::Node;

constexpr std::size_t longest_name = 63;

/// Not in the middle of a character.
void cut(std::string &text, std::size_t bytes) {
    while (bytes > 0 && bytes < text.size() && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
    if (bytes < text.size()) text.resize(bytes);
}

class Namer {
  public:
    Namer(const DdlStatement &captured, const QualifiedName &source, const QualifiedName &target)
        : captured_(captured), source_(source), target_(target) {}

    ImpliedNames result;

    void table(pg_query::CreateStmt &create) {
        for (Node &element : *create.mutable_table_elts()) {
            if (element.has_column_def())
                column(*element.mutable_column_def());
            else if (element.has_constraint())
                constraint(*element.mutable_constraint(), {});
        }
        for (Node &element : *create.mutable_constraints())
            if (element.has_constraint()) constraint(*element.mutable_constraint(), {});
    }
    void alter(pg_query::AlterTableStmt &alter) {
        for (Node &node : *alter.mutable_cmds()) {
            auto &command = *node.mutable_alter_table_cmd();
            if (!command.has_def()) continue;
            Node &definition = *command.mutable_def();
            if (command.subtype() == pg_query::AT_AddColumn)
                column(*definition.mutable_column_def());
            else if (definition.has_constraint())
                constraint(*definition.mutable_constraint(), command.name());
        }
    }
    void index(pg_query::IndexStmt &index) {
        if (!index.idxname().empty()) return;
        std::vector<std::string> columns;
        for (const Node &parameter : index.index_params())
            columns.push_back(parameter.index_elem().name().empty() ? "expr" : parameter.index_elem().name());
        index.set_idxname(choose(joined(columns), "idx", "index"));
    }

  private:
    static std::string joined(const std::vector<std::string> &columns) {
        std::string text;
        for (const std::string &column : columns) text += (text.empty() ? "" : "_") + column;
        return text;
    }
    bool captured(const std::string &type, const std::string &name) const {
        for (const DdlObject &object : captured_.objects)
            if (object.type == type && object.name == name) return true;
        return false;
    }
    /// name, name1, name2 ...: the one that the source reports, else the first that this statement has not used.
    std::string choose(const std::string &columns, const std::string &label, const std::string &type) {
        std::string first_free;
        for (int i = 0; i < 100; ++i) {
            std::string name = made_up_name(source_.name, columns, i == 0 ? label : label + std::to_string(i));
            if (used_.contains(name)) continue;
            if (first_free.empty()) first_free = name;
            if (type.empty()) break;
            if (!captured(type, name)) continue;
            used_.insert(name);
            return name;
        }
        used_.insert(first_free);
        return first_free;
    }
    static std::vector<std::string> columns_in(const Node &expression) {
        std::vector<std::string> columns;
        Node copy = expression;
        walk(copy, [&](google::protobuf::Message &part) {
            if (const auto *column = dynamic_cast<const pg_query::ColumnRef *>(&part)) {
                const auto parts = strings(column->fields());
                if (!parts.empty() && std::find(columns.begin(), columns.end(), parts.back()) == columns.end())
                    columns.push_back(parts.back());
            }
            return true;
        });
        return columns;
    }
    void constraint(pg_query::Constraint &constraint, const std::string &column) {
        if (constraint.contype() == pg_query::CONSTR_IDENTITY) return identity(constraint, column);
        if (!constraint.conname().empty() || !constraint.indexname().empty()) return;
        std::vector<std::string> columns = strings(constraint.keys());
        if (columns.empty() && !column.empty()) columns.push_back(column);
        switch (constraint.contype()) {
        case pg_query::CONSTR_PRIMARY: constraint.set_conname(choose({}, "pkey", "index")); break;
        case pg_query::CONSTR_UNIQUE: constraint.set_conname(choose(joined(columns), "key", "index")); break;
        case pg_query::CONSTR_EXCLUSION: {
            columns.clear();
            for (const Node &exclusion : constraint.exclusions()) {
                const auto &element = exclusion.list().items(0).index_elem();
                columns.push_back(element.name().empty() ? "expr" : element.name());
            }
            constraint.set_conname(choose(joined(columns), "excl", "index"));
            break;
        }
        case pg_query::CONSTR_CHECK: {
            const auto used = columns_in(constraint.raw_expr());
            constraint.set_conname(choose(used.size() == 1 ? used.front() : std::string(), "check", {}));
            break;
        }
        case pg_query::CONSTR_FOREIGN: {
            columns = strings(constraint.fk_attrs());
            if (columns.empty()) columns.push_back(column);
            constraint.set_conname(choose(joined(columns), "fkey", {}));
            break;
        }
        default: break;
        }
    }
    void identity(pg_query::Constraint &constraint, const std::string &column) {
        for (const Node &option : constraint.options())
            if (option.def_elem().defname() == "sequence_name") return;
        auto &option = *constraint.add_options()->mutable_def_elem();
        option.set_defname("sequence_name");
        option.set_defaction(pg_query::DEFELEM_UNSPEC);
        auto &items = *option.mutable_arg()->mutable_list()->mutable_items();
        *items.Add() = string_node(target_.schema);
        *items.Add() = string_node(choose(column, "seq", "sequence"));
    }
    void column(pg_query::ColumnDef &column) {
        serial(column);
        for (Node &node : *column.mutable_constraints())
            if (node.has_constraint()) constraint(*node.mutable_constraint(), column.colname());
    }
    void serial(pg_query::ColumnDef &column) {
        static const std::map<std::string, std::string> types = {{"serial", "integer"},       {"serial4", "integer"},
                                                                 {"bigserial", "bigint"},     {"serial8", "bigint"},
                                                                 {"smallserial", "smallint"}, {"serial2", "smallint"}};
        static const std::map<std::string, std::string> internal = {
            {"integer", "int4"}, {"bigint", "int8"}, {"smallint", "int2"}};
        const auto names = strings(column.type_name().names());
        const auto found = names.size() == 1 ? types.find(names.front()) : types.end();
        if (found == types.end()) return;
        const QualifiedName sequence{target_.schema, choose(column.colname(), "seq", "sequence")};
        result.before.push_back("CREATE SEQUENCE " + quote(sequence) + " AS " + found->second);
        result.after.push_back("ALTER SEQUENCE " + quote(sequence) + " OWNED BY " + quote(target_) + "." +
                               quote_identifier(column.colname()));
        auto &type = *column.mutable_type_name()->mutable_names();
        type.Clear();
        *type.Add() = string_node("pg_catalog");
        *type.Add() = string_node(internal.at(found->second));
        pg_query::ParseResult expression;
        if (parse("SELECT pg_catalog.nextval(" + dialect::postgres::quote_literal(quote(sequence)) + "::regclass)",
                  expression))
            return;
        auto &value = *column.add_constraints()->mutable_constraint();
        value.set_contype(pg_query::CONSTR_DEFAULT);
        *value.mutable_raw_expr() = expression.stmts(0).stmt().select_stmt().target_list(0).res_target().val();
        column.add_constraints()->mutable_constraint()->set_contype(pg_query::CONSTR_NOTNULL);
    }

    const DdlStatement &captured_;
    const QualifiedName &source_;
    const QualifiedName &target_;
    std::set<std::string> used_;
};

} // namespace

std::string made_up_name(std::string first, std::string second, const std::string &label) {
    const std::size_t rest = 1 + label.size() + (second.empty() ? 0 : 1);
    std::size_t first_bytes = first.size();
    std::size_t second_bytes = second.size();
    while (first_bytes + second_bytes + rest > longest_name) {
        if (first_bytes > second_bytes)
            --first_bytes;
        else
            --second_bytes;
    }
    cut(first, first_bytes);
    cut(second, second_bytes);
    return first + (second.empty() ? "" : "_" + second) + "_" + label;
}

ImpliedNames spell_out_names(Node &statement, const DdlStatement &captured, const QualifiedName &source,
                             const QualifiedName &target) {
    Namer namer(captured, source, target);
    if (statement.has_create_stmt())
        namer.table(*statement.mutable_create_stmt());
    else if (statement.has_alter_table_stmt())
        namer.alter(*statement.mutable_alter_table_stmt());
    else if (statement.has_index_stmt())
        namer.index(*statement.mutable_index_stmt());
    return std::move(namer.result);
}

} // namespace walbridge::ddl
