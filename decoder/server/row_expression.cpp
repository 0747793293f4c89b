// row_expression.cpp: parsing, typing and planning. On the server's side of the border: no object with a destructor.
#include "server/row_expression.hpp"

#include "server/compat.hpp"
#include "server/expression_safety.hpp"

#include <cstring>

extern "C" {
#include "access/htup_details.h"
#include "access/sysattr.h"
#include "access/transam.h"
#include "catalog/heap.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_node.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace walbridge {

namespace {

using expression_safety::Stage;

constexpr char prefix[] = "SELECT (";
static_assert(sizeof prefix - 1 == expression_position_offset);

/// The one expression that `SELECT text` consists of, null when it is anything else.
Node *only_expression(const char *query) {
    const List *statements = compat::parse_sql(query);
    if (list_length(statements) != 1) return nullptr;
    Node *statement = static_cast<RawStmt *>(linitial(statements))->stmt;
    if (!IsA(statement, SelectStmt)) return nullptr;
    const auto *select = reinterpret_cast<SelectStmt *>(statement);
    if (list_length(select->targetList) != 1) return nullptr;
    auto *target = static_cast<ResTarget *>(linitial(select->targetList));
    if (target->name != nullptr || target->indirection != NIL) return nullptr;
    // Nothing but the target: a statement made of it alone is the same.
    SelectStmt *bare = makeNode(SelectStmt);
    bare->targetList = select->targetList;
    bare->limitOption = select->limitOption;
    bare->op = SETOP_NONE;
    return equal(bare, select) ? target->val : nullptr;
}

[[noreturn]] void refuse_text(const char *text) {
    const bool empty = text[strspn(text, " \t\r\n\f\v")] == '\0';
    ereport(ERROR, (errcode(ERRCODE_SYNTAX_ERROR),
                    empty ? errmsg("there is no expression") : errmsg("this is not one SQL expression")));
    pg_unreachable();
}

/// The copy embeds the text in parentheses, the end on a line of its own. It has to be the same expression without
/// them, or what looks like one part would be several: `a) OR (b`, `a, b`, `a -- b`.
Node *parse_text(const char *text, ParseState *state) {
    StringInfoData query;
    initStringInfo(&query);
    // As many characters before the text as in the other one, so that positions are right in both.
    appendStringInfo(&query, "SELECT  %s", text);
    Node *plain = only_expression(query.data);
    if (plain == nullptr) refuse_text(text);
    initStringInfo(&query);
    appendStringInfo(&query, "%s%s\n)", prefix, text);
    state->p_sourcetext = query.data;
    Node *embedded = only_expression(query.data);
    if (embedded == nullptr || !equal(embedded, plain)) refuse_text(text);
    return embedded;
}

[[noreturn]] void refuse_name(ParseState *state, const ColumnRef *reference, const char *format, const char *name,
                              const char *hint = nullptr) {
    ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg(format, name), hint != nullptr ? errhint("%s", hint) : 0,
                    parser_errposition(state, reference->location)));
    pg_unreachable();
}

/// Names are those of the table's columns and nothing else. Resolved here and not through a range table, which would
/// want the table to be locked.
Node *resolve_column(ParseState *state, ColumnRef *reference) {
    const auto *scope = static_cast<const ExpressionScope *>(state->p_ref_hook_state);
    const int parts = list_length(reference->fields);
    if (IsA(llast(reference->fields), A_Star)) refuse_name(state, reference, "%s cannot be used in a rule", "*");
    const char *name = strVal(llast(reference->fields));
    if (parts > 3 || (parts == 3 && strcmp(strVal(linitial(reference->fields)), scope->schema) != 0))
        refuse_name(state, reference, "\"%s\" is qualified by another table's name", name);
    if (parts >= 2 && strcmp(strVal(list_nth(reference->fields, parts - 2)), scope->table) != 0)
        refuse_name(state, reference, "\"%s\" is qualified by another table's name", name,
                    "A rule for partitions too cannot use the name of the table.");
    for (int i = 0; i < scope->columns->natts; ++i) {
        const Form_pg_attribute attribute = TupleDescAttr(scope->columns, i);
        if (attribute->attisdropped || strcmp(NameStr(attribute->attname), name) != 0) continue;
        if (compat::is_virtual(attribute))
            refuse_name(state, reference, "column \"%s\" is generated when it is read and holds no value", name);
        Var *column =
            makeVar(1, attribute->attnum, attribute->atttypid, attribute->atttypmod, attribute->attcollation, 0);
        column->location = reference->location;
        return reinterpret_cast<Node *>(column);
    }
    if (SystemAttributeByName(name) != nullptr)
        refuse_name(state, reference, "system column \"%s\" cannot be used in a rule", name);
    if (parts == 1 && strcmp(name, scope->table) == 0)
        refuse_name(state, reference, "the whole row (\"%s\") cannot be used in a rule", name);
    refuse_name(state, reference, "column \"%s\" does not exist", name);
}

/// Domains are taken off: whether a value satisfies them was decided on the source, and deciding it again would run
/// anybody's functions.
Node *give_type(ParseState *state, Node *tree, Oid type, int32 typmod, const char *shown) {
    const Oid actual = exprType(tree);
    // What an INSERT would accept, but with the meaning of ::, which is what stands in the copy's SELECT: it cuts a
    // text for varchar(n) where an INSERT would fail.
    Node *accepted = coerce_to_target_type(state, static_cast<Node *>(copyObjectImpl(tree)), actual, type, typmod,
                                           COERCION_ASSIGNMENT, COERCE_EXPLICIT_CAST, -1);
    if (accepted == nullptr)
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("the expression is of type %s, the column of type %s", format_type_be(actual), shown),
                        errhint("You will need to rewrite or cast the expression."),
                        parser_errposition(state, exprLocation(tree))));
    return coerce_to_target_type(state, tree, actual, type, typmod, COERCION_EXPLICIT, COERCE_EXPLICIT_CAST, -1);
}

// ---- inlining without evaluating
//
// The planner evaluates calls whose arguments are all constant before it thinks of inlining, and evaluating a function
// that is written in SQL is what must not happen here. So constants are hidden behind parameters while such functions
// are inlined, and put back when none is left.

struct Hidden {
    List *constants;
};

bool is_constant(Node *node) {
    if (IsA(node, Const)) return true;
    if (IsA(node, FuncExpr)) return reinterpret_cast<FuncExpr *>(node)->args == NIL;
    return IsA(node, ArrayExpr) && reinterpret_cast<ArrayExpr *>(node)->elements == NIL;
}

Node *hide_constants(Node *node, void *argument) {
    if (node == nullptr) return nullptr;
    if (!is_constant(node)) return compat::mutate_expression(node, hide_constants, argument);
    auto *hidden = static_cast<Hidden *>(argument);
    hidden->constants = lappend(hidden->constants, node);
    Param *parameter = makeNode(Param);
    parameter->paramkind = PARAM_EXTERN;
    parameter->paramid = list_length(hidden->constants);
    parameter->paramtype = exprType(node);
    parameter->paramtypmod = exprTypmod(node);
    parameter->paramcollid = exprCollation(node);
    parameter->location = exprLocation(node);
    return reinterpret_cast<Node *>(parameter);
}

Node *show_constants(Node *node, void *argument) {
    if (node == nullptr) return nullptr;
    if (!IsA(node, Param)) return compat::mutate_expression(node, show_constants, argument);
    const auto *hidden = static_cast<const Hidden *>(argument);
    const int number = reinterpret_cast<Param *>(node)->paramid;
    return static_cast<Node *>(copyObjectImpl(list_nth(hidden->constants, number - 1)));
}

Node *plan(Node *tree) { return reinterpret_cast<Node *>(expression_planner(reinterpret_cast<Expr *>(tree))); }

bool collect_column(Node *node, void *argument) {
    if (node == nullptr) return false;
    if (IsA(node, Var)) {
        auto *columns = static_cast<Bitmapset **>(argument);
        *columns = bms_add_member(*columns, reinterpret_cast<Var *>(node)->varattno);
        return false;
    }
    return compat::walk_expression(node, collect_column, argument);
}

bool collect_objects(Node *node, void *argument) {
    if (node == nullptr) return false;
    if (!IsA(node, List) && !IsA(node, CaseWhen)) {
        auto *result = static_cast<RowExpression *>(argument);
        // Down through domains and arrays, each of which may be somebody's.
        for (Oid type = exprType(node); OidIsValid(type);) {
            if (type >= FirstNormalObjectId) result->types = list_append_unique_oid(result->types, type);
            const Oid base = getBaseType(type);
            type = base != type ? base : get_element_type(type);
        }
        const Oid collation = exprCollation(node);
        if (collation >= FirstNormalObjectId)
            result->collations = list_append_unique_oid(result->collations, collation);
    }
    return compat::walk_expression(node, collect_objects, argument);
}

bool looks_beyond(Node *node, void *argument) {
    if (node == nullptr) return false;
    if (!IsA(node, List) && !IsA(node, CaseWhen)) {
        const Oid type = exprType(node);
        if (!get_typbyval(type) || type >= FirstNormalObjectId) return true;
    }
    return compat::walk_expression(node, looks_beyond, argument);
}

} // namespace

ExpressionGoal goal_of_type(const char *text) {
    ExpressionGoal goal;
    compat::parse_type(text, &goal.type, &goal.typmod);
    return goal;
}

RowExpression compile_expression(const char *text, const ExpressionScope &scope, const ExpressionGoal &goal) {
    const MemoryContext home = CurrentMemoryContext;
    const MemoryContext work = AllocSetContextCreate(home, "walbridge expression", ALLOCSET_DEFAULT_SIZES);
    MemoryContextSwitchTo(work);
    // Whoever stands further out would take positions for those of his own text. Whoever catches an error puts the
    // frames back.
    ErrorContextCallback *const frames = error_context_stack;
    error_context_stack = nullptr;

    ParseState *state = make_parsestate(nullptr);
    state->p_pre_columnref_hook = resolve_column;
    state->p_ref_hook_state = const_cast<ExpressionScope *>(&scope);
    Node *raw = parse_text(text, state);
    List *literals = NIL;
    expression_safety::check_raw(state, raw, &literals);

    RowExpression result;
    result.type = goal.type;
    result.typmod = goal.typmod;

    Node *tree = transformExpr(state, raw, EXPR_KIND_OTHER);
    if (goal.condition) {
        tree = coerce_to_boolean(state, tree, "WHERE");
    } else if (OidIsValid(result.type)) {
        int32 typmod = result.typmod;
        const Oid base = getBaseTypeAndTypmod(result.type, &typmod);
        tree = give_type(state, tree, base, typmod, format_type_with_typemod(result.type, result.typmod));
    } else if (exprType(tree) == UNKNOWNOID) {
        tree = give_type(state, tree, TEXTOID, -1, "text");
    }
    assign_expr_collations(state, tree);
    expression_safety::check(state, tree, Stage::analyzed, literals);
    MemoryContextSwitchTo(home);
    (void)collect_objects(tree, &result);
    MemoryContextSwitchTo(work);

    Hidden hidden{NIL};
    tree = plan(hide_constants(tree, &hidden));
    expression_safety::check(state, tree, Stage::inlined, NIL);
    tree = plan(show_constants(tree, &hidden));
    expression_safety::check(state, tree, Stage::planned, NIL);

    if (!OidIsValid(result.type)) {
        result.type = exprType(tree);
        result.typmod = exprTypmod(tree);
        result.collation = exprCollation(tree);
    } else {
        result.collation = get_typcollation(result.type);
    }
    result.needs_snapshot = looks_beyond(tree, nullptr);
    MemoryContextSwitchTo(home);
    result.tree = static_cast<Expr *>(copyObjectImpl(tree));
    (void)collect_column(tree, &result.columns);
    free_parsestate(state);
    MemoryContextDelete(work);
    error_context_stack = frames;
    return result;
}

ExprState *prepare_expression(const RowExpression &expression) { return ExecInitExpr(expression.tree, nullptr); }

} // namespace walbridge
