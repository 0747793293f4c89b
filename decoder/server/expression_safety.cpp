// expression_safety.cpp: the lists of what is allowed. On the server's side of the border: no object with a destructor.
#include "server/expression_safety.hpp"

#include "server/compat.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_language.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parse_node.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
}

#include <cstring>

namespace walbridge::expression_safety {

namespace {

struct Context {
    ParseState *state;
    Stage stage;
    const List *literals; // of A_Const
    Node *node;           // whose functions are being looked at
};

[[noreturn]] void refuse_node(const Context &context, int location, const char *what) {
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s cannot be used in a rule", what),
                    parser_errposition(context.state, location)));
    pg_unreachable();
}

// ---- types

bool is_denied(Oid type) {
    switch (type) {
    // Names and catalogs decide what these mean.
    case REGPROCOID:
    case REGPROCEDUREOID:
    case REGOPEROID:
    case REGOPERATOROID:
    case REGCLASSOID:
    case REGTYPEOID:
    case REGCONFIGOID:
    case REGDICTIONARYOID:
    case REGROLEOID:
    case REGNAMESPACEOID:
    case REGCOLLATIONOID:
    case XMLOID: return true;
    default: return false;
    }
}

/// Types of the system, enums, and arrays of and domains over these.
bool is_allowed(Oid type) {
    const Oid base = getBaseType(type);
    const Oid element = get_element_type(base);
    if (OidIsValid(element)) return is_allowed(element);
    switch (get_typtype(base)) {
    case TYPTYPE_ENUM: return true;
    case TYPTYPE_BASE:
    case TYPTYPE_RANGE:
#ifdef TYPTYPE_MULTIRANGE
    case TYPTYPE_MULTIRANGE:
#endif
        return base < FirstNormalObjectId && !is_denied(base);
    default: return false;
    }
}

void check_type(const Context &context, Oid type, int location) {
    if (is_allowed(type)) return;
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("values of type %s cannot be used in a rule", format_type_be(type)),
                    errhint("Rules can work with the system's own base types, arrays and ranges, and with enums."),
                    parser_errposition(context.state, location)));
}

// ---- functions

/// Null, or what is wrong with a function.
const char *problem_with(Oid function, bool may_be_sql) {
    const HeapTuple tuple = SearchSysCache1(PROCOID, ObjectIdGetDatum(function));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for function %u", function);
    const auto *form = reinterpret_cast<Form_pg_proc>(GETSTRUCT(tuple));
    const char *problem = nullptr;
    if (function >= FirstNormalObjectId)
        problem = "it is not one of the system's own";
    else if (form->prokind != PROKIND_FUNCTION)
        problem = "it is not a plain function";
    else if (form->proretset)
        problem = "it returns a set";
    else if (form->provolatile != PROVOLATILE_IMMUTABLE)
        problem = "its result does not depend on its arguments alone (it is not immutable)";
    else if (form->prosecdef || !heap_attisnull(tuple, Anum_pg_proc_proconfig, nullptr))
        problem = "it has been altered";
    else if (form->prolang != INTERNALlanguageId && !(form->prolang == SQLlanguageId && may_be_sql))
        problem = form->prolang == SQLlanguageId ? "it is written in SQL and cannot be inlined"
                                                 : "it is not compiled into the server";
    else if (form->prolang == SQLlanguageId && form->pronargs == 0)
        problem = "it is written in SQL and takes no arguments";
    ReleaseSysCache(tuple);
    return problem;
}

bool check_function(Oid function, void *argument) {
    const auto *context = static_cast<const Context *>(argument);
    const char *problem = problem_with(function, context->stage == Stage::analyzed);
    if (problem == nullptr) return false;
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("function %s cannot be used in a rule: %s", format_procedure(function), problem),
                    parser_errposition(context->state, exprLocation(context->node))));
    return true;
}

/// The default operators of a type, which functions over any type call by themselves: a default operator class for a
/// type that has none of its own can be anybody's.
void check_own_operators(const Context &context, Oid type, int location) {
    const Oid base = getBaseType(type);
    const Oid element = get_element_type(base);
    if (OidIsValid(element)) check_own_operators(context, element, location);
    const Oid subtype = compat::range_subtype(base);
    if (OidIsValid(subtype)) check_own_operators(context, subtype, location);
    const TypeCacheEntry *entry =
        lookup_type_cache(base, TYPECACHE_EQ_OPR | TYPECACHE_CMP_PROC | TYPECACHE_LT_OPR | TYPECACHE_GT_OPR |
                                    TYPECACHE_HASH_PROC | TYPECACHE_HASH_EXTENDED_PROC);
    const Oid functions[] = {OidIsValid(entry->eq_opr) ? get_opcode(entry->eq_opr) : InvalidOid,
                             OidIsValid(entry->lt_opr) ? get_opcode(entry->lt_opr) : InvalidOid,
                             OidIsValid(entry->gt_opr) ? get_opcode(entry->gt_opr) : InvalidOid,
                             entry->cmp_proc,
                             entry->hash_proc,
                             entry->hash_extended_proc};
    for (const Oid function : functions) {
        if (!OidIsValid(function) || problem_with(function, false) == nullptr) continue;
        ereport(
            ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("values of type %s cannot be compared in a rule: its default operators are not the system's own",
                    format_type_be(base)),
             parser_errposition(context.state, location)));
    }
}

/// What a function or comparison works on, as expressions.
List *arguments_of(Node *node) {
    switch (nodeTag(node)) {
    case T_FuncExpr: return reinterpret_cast<FuncExpr *>(node)->args;
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr: return reinterpret_cast<OpExpr *>(node)->args;
    case T_ScalarArrayOpExpr: return reinterpret_cast<ScalarArrayOpExpr *>(node)->args;
    case T_MinMaxExpr: return reinterpret_cast<MinMaxExpr *>(node)->args;
    default: return NIL;
    }
}

void check_comparisons(const Context &context, Node *node) {
    const List *arguments = arguments_of(node);
    bool collates = false;
    for (int i = 0; i < list_length(arguments); ++i) {
        Node *argument = static_cast<Node *>(list_nth(arguments, i));
        const Oid type = exprType(argument);
        if (get_typtype(type) != TYPTYPE_PSEUDO) check_own_operators(context, type, exprLocation(argument));
        collates = collates || type_is_collatable(type);
    }
    bool undecided = collates && !OidIsValid(exprInputCollation(node));
    int location = exprLocation(node);
    if (IsA(node, RowCompareExpr)) {
        const auto *row = reinterpret_cast<RowCompareExpr *>(node);
        for (int i = 0; i < list_length(row->largs); ++i) {
            Node *left = static_cast<Node *>(list_nth(row->largs, i));
            check_own_operators(context, exprType(left), exprLocation(left));
            check_own_operators(context, exprType(static_cast<Node *>(list_nth(row->rargs, i))), exprLocation(left));
            if (!type_is_collatable(exprType(left)) || OidIsValid(list_nth_oid(row->inputcollids, i))) continue;
            undecided = true;
            location = exprLocation(left);
        }
    }
    if (undecided)
        ereport(ERROR, (errcode(ERRCODE_INDETERMINATE_COLLATION),
                        errmsg("the columns' collations do not say by which one to work here"),
                        errhint("Use the COLLATE clause to set the collation explicitly."),
                        parser_errposition(context.state, location)));
}

// ---- literals

const char *literal_at(const List *literals, int location) {
    if (location < 0) return nullptr;
    for (int i = 0; i < list_length(literals); ++i) {
        auto *literal = static_cast<A_Const *>(list_nth(literals, i));
        if (literal->location == location) return compat::string_literal(literal);
    }
    return nullptr;
}

bool names_the_day(const char *text) {
    for (const char *word : {"now", "today", "tomorrow", "yesterday"})
        if (strcasestr(text, word) != nullptr) return true;
    return false;
}

/// The value that the text has under other settings than decoding's.
Datum read_under(Oid type, int32 typmod, const char *text, int date_order, int interval_style, long zone) {
    const int own_order = DateOrder;
    const int own_style = IntervalStyle;
    pg_tz *const own_zone = session_timezone;
    Oid function = InvalidOid;
    Oid parameter = InvalidOid;
    getTypeInputInfo(type, &function, &parameter);
    char *const copy = pstrdup(text);
    pg_tz *const other_zone = pg_tzset_offset(zone);
    volatile Datum value = static_cast<Datum>(0);
    PG_TRY();
    {
        DateOrder = date_order;
        IntervalStyle = interval_style;
        session_timezone = other_zone;
        value = OidInputFunctionCall(function, copy, parameter, typmod);
    }
    PG_FINALLY();
    {
        DateOrder = own_order;
        IntervalStyle = own_style;
        session_timezone = own_zone;
    }
    PG_END_TRY();
    return value;
}

/// A literal was read when its type became known. Where settings, the clock or names of objects took part, the same
/// text says another thing elsewhere or at another time.
void check_literal(const Context &context, const Const *constant) {
    if (constant->constisnull) return;
    Oid leaf = getBaseType(constant->consttype);
    for (;;) {
        const Oid element = get_element_type(leaf);
        const Oid inner = OidIsValid(element) ? element : compat::range_subtype(leaf);
        if (!OidIsValid(inner)) break;
        leaf = getBaseType(inner);
    }
    Oid function = InvalidOid;
    Oid parameter = InvalidOid;
    getTypeInputInfo(leaf, &function, &parameter);
    if (func_volatile(function) == PROVOLATILE_IMMUTABLE || get_typtype(leaf) == TYPTYPE_ENUM) return;
    const char *text = literal_at(context.literals, constant->location);
    const char *problem = nullptr;
    const char *hint = nullptr;
    switch (leaf) {
    case DATEOID:
    case TIMEOID:
    case TIMETZOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID:
    case INTERVALOID: {
        if (text == nullptr) {
            problem = "cannot be used in a rule";
            break;
        }
        if (names_the_day(text)) {
            problem = "depends on the clock";
            break;
        }
        const struct {
            int order, style;
            long zone;
        } others[] = {{DATEORDER_DMY, INTSTYLE_SQL_STANDARD, 20700}, {DATEORDER_MDY, INTSTYLE_POSTGRES, -12600}};
        const bool by_value = get_typbyval(constant->consttype);
        for (const auto &other : others)
            if (!datumIsEqual(
                    constant->constvalue,
                    read_under(constant->consttype, constant->consttypmod, text, other.order, other.style, other.zone),
                    by_value, constant->constlen))
                problem = "depends on the session's settings";
        hint = "Write dates as 2026-12-31, and times with time zone with their offset, as 2026-12-31 12:00:00+00.";
        break;
    }
    default: problem = "cannot be used in a rule"; break;
    }
    if (problem == nullptr) return;
    ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                    errmsg("this literal of type %s %s", format_type_be(constant->consttype), problem),
                    hint != nullptr ? errhint("%s", hint) : 0, parser_errposition(context.state, constant->location)));
}

// ---- nodes

const char *name_of(Node *node) {
    switch (nodeTag(node)) {
    case T_Aggref:
    case T_GroupingFunc: return "an aggregate";
    case T_WindowFunc: return "a window function";
    case T_SubLink:
    case T_SubPlan:
    case T_AlternativeSubPlan: return "a subquery";
    case T_Param: return "a parameter";
    case T_SQLValueFunction: return "a value of the session or the clock (current_date, current_user, ...)";
    case T_NextValueExpr: return "a sequence";
    case T_XmlExpr: return "an XML construct";
    case T_CoerceToDomain:
    case T_CoerceToDomainValue: return "a cast to a domain";
    case T_RowExpr: return "a row";
    case T_FieldSelect:
    case T_FieldStore:
    case T_ConvertRowtypeExpr: return "a composite type";
    case T_SetToDefault: return "DEFAULT";
    case T_CurrentOfExpr: return "CURRENT OF";
    default: return "this construct";
    }
}

bool check_node(Node *node, void *argument) {
    if (node == nullptr) return false;
    auto *context = static_cast<Context *>(argument);
    const int location = exprLocation(node);
    switch (nodeTag(node)) {
    case T_List: return compat::walk_expression(node, check_node, argument);
    case T_CaseWhen: return compat::walk_expression(node, check_node, argument);
    case T_Param:
        // In place of literals, while functions are being inlined.
        if (context->stage != Stage::inlined) refuse_node(*context, location, name_of(node));
        break;
    case T_Var: {
        const auto *column = reinterpret_cast<Var *>(node);
        if (column->varno != 1 || column->varattno <= 0 || column->varlevelsup != 0)
            refuse_node(*context, location, "a system column or a whole row");
        break;
    }
    case T_Const:
        if (context->stage == Stage::analyzed) check_literal(*context, reinterpret_cast<Const *>(node));
        break;
    case T_NamedArgExpr:
        if (context->stage != Stage::analyzed) refuse_node(*context, location, name_of(node));
        break;
    case T_NullTest:
        if (reinterpret_cast<NullTest *>(node)->argisrow) refuse_node(*context, location, "a row");
        break;
    case T_FuncExpr:
        if (reinterpret_cast<FuncExpr *>(node)->funcretset)
            refuse_node(*context, location, "a function that returns a set");
        break;
    case T_OpExpr:
    case T_DistinctExpr:
    case T_NullIfExpr:
        if (reinterpret_cast<OpExpr *>(node)->opretset)
            refuse_node(*context, location, "an operator that returns a set");
        break;
    case T_SubscriptingRef:
        if (reinterpret_cast<SubscriptingRef *>(node)->refassgnexpr != nullptr)
            refuse_node(*context, location, "an assignment");
        break;
    case T_ScalarArrayOpExpr:
    case T_BoolExpr:
    case T_RelabelType:
    case T_CoerceViaIO:
    case T_ArrayCoerceExpr:
    case T_CaseExpr:
    case T_CaseTestExpr:
    case T_ArrayExpr:
    case T_CoalesceExpr:
    case T_MinMaxExpr:
    case T_BooleanTest:
    case T_CollateExpr:
    case T_RowCompareExpr: break;
    default: refuse_node(*context, location, name_of(node));
    }
    check_type(*context, exprType(node), location);
    context->node = node;
    (void)check_functions_in_node(node, check_function, context);
    check_comparisons(*context, node);
    return compat::walk_expression(node, check_node, argument);
}

struct RawContext {
    ParseState *state;
    List **literals;
};

bool check_raw_node(Node *node, void *argument) {
    if (node == nullptr) return false;
    const auto *context = static_cast<RawContext *>(argument);
    const char *refused = nullptr;
    int location = -1;
    switch (nodeTag(node)) {
    case T_A_Const: *context->literals = lappend(*context->literals, node); return false;
    case T_SubLink:
    case T_SelectStmt:
        refused = "a subquery";
        location = exprLocation(node);
        break;
    case T_GroupingFunc:
        refused = "an aggregate";
        location = exprLocation(node);
        break;
    case T_FuncCall: {
        const auto *function = reinterpret_cast<FuncCall *>(node);
        location = function->location;
        if (function->over != nullptr) refused = "a window function";
        if (function->agg_order != NIL || function->agg_filter != nullptr || function->agg_distinct)
            refused = "an aggregate";
        break;
    }
    default: break;
    }
    if (refused != nullptr)
        ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("%s cannot be used in a rule", refused),
                        parser_errposition(context->state, location)));
    return compat::walk_raw(node, check_raw_node, argument);
}

} // namespace

void check_raw(ParseState *state, Node *tree, List **literals) {
    RawContext context{state, literals};
    (void)check_raw_node(tree, &context);
}

void check(ParseState *state, Node *tree, Stage stage, const List *literals) {
    Context context{state, stage, literals, nullptr};
    (void)check_node(tree, &context);
}

} // namespace walbridge::expression_safety
