// row_expression.hpp: from the text of a rule to an expression that can be evaluated for a row.
//
// The same text stands in the copy's SELECT, in parentheses and with a cast to the column's type, in a session with
// search_path = pg_catalog: here it has to mean the same. Where it cannot be shown to, or to be harmless inside of
// decoding (expression_safety.hpp), it is refused.
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "access/tupdesc.h"
#include "executor/executor.h"
#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
}

namespace walbridge {

/// What an expression can name.
struct ExpressionScope {
    TupleDesc columns;
    const char *schema; ///< of the table, for qualified names; in the server's encoding
    const char *table;
};

/// What an expression has to give.
struct ExpressionGoal {
    bool condition = false; ///< a boolean; else
    Oid type = InvalidOid;  ///< this type; else whatever the expression is of
    int32 typmod = -1;
};

struct RowExpression {
    Expr *tree = nullptr;  ///< planned
    Oid type = InvalidOid; ///< what the column is said to be of; domains are not taken off
    int32 typmod = -1;
    Oid collation = InvalidOid;
    Bitmapset *columns = nullptr; ///< numbers of the columns it reads
    /// What users have made, by oid: without them, or under other names, the text means something else.
    List *types = nullptr; ///< arrays and domains taken off
    List *collations = nullptr;
    /// Something in it may look into a catalog: it works on other values than those that are passed by value, or on
    /// enums. What compares numbers does not.
    bool needs_snapshot = false;
};

/// Server call, which raises what is wrong with the text of a type.
ExpressionGoal goal_of_type(const char *text);

/// Characters that stand before the expression in the text that error positions refer to.
constexpr int expression_position_offset = 8;

/// Server call, which raises what is wrong with the text (in the server's encoding). The result lives in the current
/// memory context, which needs an active snapshot around it.
RowExpression compile_expression(const char *text, const ExpressionScope &scope, const ExpressionGoal &goal);

/// Server call, may raise. Ready to be evaluated; lives in the current memory context.
ExprState *prepare_expression(const RowExpression &expression);

} // namespace walbridge
