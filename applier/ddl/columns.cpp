// columns.cpp: see columns.hpp.
#include "ddl/columns.hpp"

#include "base/error.hpp"
#include "ddl/faithful.hpp"
#include "ddl/name_place.hpp"
#include "ddl/tree.hpp"
#include "dialect/postgres.hpp"

#include <pg_query.pb.h>

#include <algorithm>
#include <set>

namespace walbridge::ddl {
namespace {

using google::protobuf::Message;
using pg_query::Node;

/// A column that does not travel is needed.
struct LeftOut {
    std::string column;
};

class Shaper {
  public:
    Shaper(const QualifiedName &table, const ColumnRules &rules, const TableNamed &table_named)
        : table_(table), rules_(rules), table_named_(table_named) {}

    ColumnOutcome run(Node &statement) {
        try {
            take(statement);
        } catch (const LeftOut &left) {
            outcome_.nothing_left = "column " + left.column + " of " + to_string(table_) + " is not replicated";
        }
        return std::move(outcome_);
    }

  private:
    void take(Node &statement) {
        if (statement.has_alter_table_stmt()) return alter(*statement.mutable_alter_table_stmt());
        if (statement.has_create_stmt()) return create(*statement.mutable_create_stmt());
        if (statement.has_index_stmt()) return index(*statement.mutable_index_stmt());
        if (statement.has_rename_stmt()) return rename(*statement.mutable_rename_stmt());
        if (statement.has_create_trig_stmt()) {
            auto &trigger = *statement.mutable_create_trig_stmt();
            list(*trigger.mutable_columns(), table_);
            if (trigger.has_when_clause()) expression(*trigger.mutable_when_clause());
        } else if (statement.has_create_policy_stmt()) {
            auto &policy = *statement.mutable_create_policy_stmt();
            if (policy.has_qual()) expression(*policy.mutable_qual());
            if (policy.has_with_check()) expression(*policy.mutable_with_check());
        } else if (statement.has_alter_policy_stmt()) {
            auto &policy = *statement.mutable_alter_policy_stmt();
            if (policy.has_qual()) expression(*policy.mutable_qual());
            if (policy.has_with_check()) expression(*policy.mutable_with_check());
        } else if (statement.has_create_stats_stmt()) {
            for (auto &part : *statement.mutable_create_stats_stmt()->mutable_exprs()) {
                auto &element = *part.mutable_stats_elem();
                if (!element.name().empty()) set(*element.mutable_name(), table_);
                if (element.has_expr()) expression(*element.mutable_expr());
            }
        } else if (statement.has_comment_stmt()) {
            auto &comment = *statement.mutable_comment_stmt();
            if (comment.objtype() == pg_query::OBJECT_COLUMN)
                last(*comment.mutable_object()->mutable_list()->mutable_items());
        } else if (statement.has_grant_stmt()) {
            grant(*statement.mutable_grant_stmt());
        } else if (statement.has_create_seq_stmt()) {
            owned(*statement.mutable_create_seq_stmt()->mutable_options());
        } else if (statement.has_alter_seq_stmt()) {
            owned(*statement.mutable_alter_seq_stmt()->mutable_options());
        } else if (statement.has_rule_stmt()) {
            outcome_.refused = "columns of " + to_string(table_) +
                               " have other names on the target, which a rule's "
                               "commands would have to use";
        }
    }

    void set(std::string &column, const QualifiedName &table) {
        const auto name = rules_.on_target(table, column);
        if (!name) throw LeftOut{column};
        if (*name == column) return;
        column = *name;
        outcome_.changed = true;
    }

    void list(Nodes &names, const QualifiedName &table) {
        for (auto &name : names)
            if (name.has_string()) set(*name.mutable_string()->mutable_sval(), table);
    }

    /// schema.table.column
    void last(Nodes &names) {
        if (!names.empty()) set(*names.rbegin()->mutable_string()->mutable_sval(), table_);
    }

    void expression(Message &root) {
        bool query = false;
        walk(root, [&](Message &part) {
            if (dynamic_cast<pg_query::SubLink *>(&part) != nullptr) {
                query = true;
                return false;
            }
            auto *reference = dynamic_cast<pg_query::ColumnRef *>(&part);
            if (reference == nullptr) return true;
            auto &fields = *reference->mutable_fields();
            if (!fields.empty() && fields.rbegin()->has_string())
                set(*fields.rbegin()->mutable_string()->mutable_sval(), table_);
            return false;
        });
        if (query)
            outcome_.refused =
                "it holds a query, and columns of " + to_string(table_) + " have other names on the target";
    }

    void elements(Nodes &parts) {
        for (auto &part : parts) {
            auto *element = &part;
            if (part.has_list() && part.list().items_size() > 0) element = part.mutable_list()->mutable_items(0);
            if (!element->has_index_elem()) continue;
            auto &column = *element->mutable_index_elem();
            if (!column.name().empty()) set(*column.mutable_name(), table_);
            if (column.has_expr()) expression(*column.mutable_expr());
        }
    }

    void constraint(pg_query::Constraint &constraint) {
        list(*constraint.mutable_keys(), table_);
        list(*constraint.mutable_including(), table_);
        list(*constraint.mutable_fk_attrs(), table_);
        list(*constraint.mutable_fk_del_set_cols(), table_);
        elements(*constraint.mutable_exclusions());
        if (constraint.has_raw_expr()) expression(*constraint.mutable_raw_expr());
        if (constraint.has_where_clause()) expression(*constraint.mutable_where_clause());
        if (!constraint.has_pktable() || constraint.pk_attrs().empty()) return;
        if (const auto other = table_named_(constraint.pktable())) list(*constraint.mutable_pk_attrs(), *other);
    }

    /// A definition within CREATE TABLE or ADD COLUMN.
    void column(pg_query::ColumnDef &column) {
        const auto source = column.colname();
        set(*column.mutable_colname(), table_);
        auto &constraints = *column.mutable_constraints();
        const auto type = rules_.type ? rules_.type(table_, source) : std::nullopt;
        if (type) {
            retype(column, *type);
            // Defaults are values of the source's type; rows come with theirs.
            for (int at = constraints.size() - 1; at >= 0; --at) switch (constraints[at].constraint().contype()) {
                case pg_query::CONSTR_DEFAULT:
                case pg_query::CONSTR_IDENTITY:
                case pg_query::CONSTR_GENERATED: constraints.DeleteSubrange(at, 1); break;
                default: break;
                }
        }
        for (int at = constraints.size() - 1; at >= 0; --at)
            if (constraints[at].has_constraint() && !survives(*constraints[at].mutable_constraint()))
                constraints.DeleteSubrange(at, 1);
    }

    /// False when it speaks of a column that does not travel.
    bool survives(pg_query::Constraint &one) {
        try {
            constraint(one);
            return true;
        } catch (const LeftOut &) {
            outcome_.changed = true;
            return false;
        }
    }

    void retype(pg_query::ColumnDef &column, const std::string &type) {
        pg_query::ParseResult tree;
        if (parse("CREATE TABLE t (c " + type + ")", tree)) {
            outcome_.refused = "the task's type " + type + " cannot be read";
            return;
        }
        const auto &made = tree.stmts(0).stmt().create_stmt().table_elts(0).column_def();
        *column.mutable_type_name() = made.type_name();
        column.clear_coll_clause();
        outcome_.changed = true;
    }

    void create(pg_query::CreateStmt &statement) {
        auto &parts = *statement.mutable_table_elts();
        std::set<std::string> own;
        for (const auto &part : parts)
            if (part.has_column_def()) own.insert(part.column_def().colname());
        for (int at = parts.size() - 1; at >= 0; --at) {
            try {
                if (parts[at].has_column_def())
                    column(*parts[at].mutable_column_def());
                else if (parts[at].has_constraint())
                    constraint(*parts[at].mutable_constraint());
            } catch (const LeftOut &) {
                parts.DeleteSubrange(at, 1);
                outcome_.changed = true;
            }
        }
        if (statement.has_partspec())
            for (auto &part : *statement.mutable_partspec()->mutable_part_params()) {
                auto &element = *part.mutable_partition_elem();
                if (!element.name().empty()) set(*element.mutable_name(), table_);
                if (element.has_expr()) expression(*element.mutable_expr());
            }
        if (!rules_.more || statement.has_partbound()) return;
        for (const auto &[name, type] : rules_.more(table_)) {
            if (own.contains(name)) continue; // an expression in place of the column's value
            if (type.empty())
                outcome_.refused = "column " + name + " of " + to_string(table_) +
                                   " is computed, and the task names no type "
                                   "for it (objects.table[].types)";
            outcome_.actions.push_back("ADD COLUMN " + dialect::postgres::quote_identifier(name) + " " + type);
        }
    }

    void index(pg_query::IndexStmt &statement) {
        elements(*statement.mutable_index_params());
        elements(*statement.mutable_index_including_params());
        if (statement.has_where_clause()) expression(*statement.mutable_where_clause());
    }

    void rename(pg_query::RenameStmt &statement) {
        if (statement.rename_type() != pg_query::OBJECT_COLUMN) return;
        const auto before = rules_.on_target(table_, statement.subname()),
                   after = rules_.on_target(table_, statement.newname());
        if (!before && !after) throw LeftOut{statement.subname()};
        if (!before || !after) {
            outcome_.refused = "with its new name column " + statement.newname() + " of " + to_string(table_) +
                               (after ? " begins to be replicated" : " is not replicated any more");
            return;
        }
        if (*before == *after) {
            outcome_.nothing_left = "the column is called " + *after + " on the target under both names";
            return;
        }
        outcome_.changed = outcome_.changed || *before != statement.subname() || *after != statement.newname();
        statement.set_subname(*before);
        statement.set_newname(*after);
    }

    void grant(pg_query::GrantStmt &statement) {
        for (auto &privilege : *statement.mutable_privileges())
            if (privilege.has_access_priv()) list(*privilege.mutable_access_priv()->mutable_cols(), table_);
    }

    void owned(Nodes &options) {
        for (auto &option : options)
            if (option.has_def_elem() && option.def_elem().defname() == "owned_by" &&
                option.def_elem().arg().list().items_size() > 1)
                last(*option.mutable_def_elem()->mutable_arg()->mutable_list()->mutable_items());
    }

    void alter(pg_query::AlterTableStmt &statement) {
        if (statement.objtype() == pg_query::OBJECT_INDEX) return;
        auto &commands = *statement.mutable_cmds();
        std::string left_out;
        for (int at = commands.size() - 1; at >= 0; --at) {
            auto &command = *commands[at].mutable_alter_table_cmd();
            try {
                if (this->command(command)) continue;
                left_out = command.name();
            } catch (const LeftOut &left) {
                left_out = left.column;
            }
            commands.DeleteSubrange(at, 1);
            outcome_.changed = true;
        }
        if (commands.empty() && !left_out.empty()) throw LeftOut{left_out};
    }

    /// False when nothing of it is to be done.
    bool command(pg_query::AlterTableCmd &command) {
        switch (command.subtype()) {
        case pg_query::AT_AddColumn: column(*command.mutable_def()->mutable_column_def()); return true;
        case pg_query::AT_AddConstraint: constraint(*command.mutable_def()->mutable_constraint()); return true;
        case pg_query::AT_AlterColumnType: {
            const bool own_type = rules_.type && rules_.type(table_, command.name()).has_value();
            set(*command.mutable_name(), table_);
            if (own_type) return false;
            auto &definition = *command.mutable_def()->mutable_column_def();
            if (definition.has_raw_default()) expression(*definition.mutable_raw_default());
            return true;
        }
        case pg_query::AT_ColumnDefault:
            if (command.has_def()) expression(*command.mutable_def());
            [[fallthrough]];
        case pg_query::AT_DropNotNull:
        case pg_query::AT_SetNotNull:
        case pg_query::AT_DropExpression:
        case pg_query::AT_SetStatistics:
        case pg_query::AT_SetOptions:
        case pg_query::AT_ResetOptions:
        case pg_query::AT_SetStorage:
        case pg_query::AT_SetCompression:
        case pg_query::AT_DropColumn:
        case pg_query::AT_AddIdentity:
        case pg_query::AT_SetIdentity:
        case pg_query::AT_DropIdentity:
            if (!command.name().empty()) set(*command.mutable_name(), table_);
            return true;
        default: return true;
        }
    }

    const QualifiedName &table_;
    const ColumnRules &rules_;
    const TableNamed &table_named_;
    ColumnOutcome outcome_;
};

[[noreturn]] void fail(const std::string &sql, const std::string &reason) {
    constexpr std::size_t shown = 200;
    throw Error(ErrorKind::schema_stage,
                "statement \"" + (sql.size() > shown ? sql.substr(0, shown) + "..." : sql) + "\"", reason,
                "Create the object on the target by hand with the names there, or leave it out of the selection.");
}

} // namespace

ColumnOutcome shape_columns(Node &statement, const QualifiedName &table, const ColumnRules &rules,
                            const TableNamed &table_named) {
    return Shaper(table, rules, table_named).run(statement);
}

ShapedText shape_statement(const std::string &sql, const QualifiedName &table, const ColumnRules &rules) {
    pg_query::ParseResult original;
    if (const auto error = parse(sql, original)) fail(sql, "the installed parser cannot read it: " + *error);
    const TableNamed named = [](const pg_query::RangeVar &range) {
        return std::optional(QualifiedName{range.schemaname(), range.relname()});
    };
    std::vector<pg_query::ParseResult> left;
    bool changed = false;
    std::string nothing_left;
    for (const auto &one : original.stmts()) {
        auto &tree = left.emplace_back();
        *tree.add_stmts() = one;
        const auto outcome = shape_columns(*tree.mutable_stmts(0)->mutable_stmt(), table, rules, named);
        if (!outcome.refused.empty()) fail(sql, outcome.refused);
        changed = changed || outcome.changed || !outcome.nothing_left.empty();
        if (outcome.nothing_left.empty()) continue;
        nothing_left = outcome.nothing_left;
        left.pop_back();
    }
    if (!changed) return {};
    if (left.empty()) return {std::nullopt, nothing_left};
    std::string text;
    for (const auto &tree : left) {
        const auto written = faithful_text(tree);
        if (!written) fail(sql, "this statement form cannot be rewritten faithfully");
        text += *written + ";\n";
    }
    return {std::move(text), {}};
}

} // namespace walbridge::ddl
