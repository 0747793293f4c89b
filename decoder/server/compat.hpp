// compat.hpp: everything that differs between PostgreSQL 13 and 18, so that the other files read as if there were one
// PostgreSQL.
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parse_type.h"
#include "parser/parser.h"
#include "replication/logical.h"
#include "replication/message.h"
#include "replication/output_plugin.h"
#include "replication/reorderbuffer.h"
#include "replication/slot.h"
#include "utils/lsyscache.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
}

#if PG_VERSION_NUM < 130000
#error "walbridge needs PostgreSQL 13 or newer"
#endif

// Parameters of the utility hook, and the same names to hand on. From 14 on it says whether the tree may be scribbled
// on.
#if PG_VERSION_NUM >= 140000
#define WALBRIDGE_UTILITY_PARAMETERS                                                                                   \
    PlannedStmt *command, const char *query, bool read_only, ProcessUtilityContext context, ParamListInfo parameters,  \
        QueryEnvironment *environment, DestReceiver *destination, QueryCompletion *completion
#define WALBRIDGE_UTILITY_ARGUMENTS command, query, read_only, context, parameters, environment, destination, completion
#else
#define WALBRIDGE_UTILITY_PARAMETERS                                                                                   \
    PlannedStmt *command, const char *query, ProcessUtilityContext context, ParamListInfo parameters,                  \
        QueryEnvironment *environment, DestReceiver *destination, QueryCompletion *completion
#define WALBRIDGE_UTILITY_ARGUMENTS command, query, context, parameters, environment, destination, completion
#endif

namespace walbridge::compat {

#if PG_VERSION_NUM >= 140000
inline constexpr bool has_streaming = true;
inline constexpr bool has_two_phase = true;
#else
inline constexpr bool has_streaming = false;
inline constexpr bool has_two_phase = false;
#endif

// From 17 on a change holds the tuple itself, before a buffer around it.
#if PG_VERSION_NUM >= 170000
inline HeapTuple new_tuple(const ReorderBufferChange *change) { return change->data.tp.newtuple; }
inline HeapTuple old_tuple(const ReorderBufferChange *change) { return change->data.tp.oldtuple; }
#else
inline HeapTuple new_tuple(const ReorderBufferChange *change) {
    return change->data.tp.newtuple != nullptr ? &change->data.tp.newtuple->tuple : nullptr;
}
inline HeapTuple old_tuple(const ReorderBufferChange *change) {
    return change->data.tp.oldtuple != nullptr ? &change->data.tp.oldtuple->tuple : nullptr;
}
#endif

// From 15 on the times share a union.
#if PG_VERSION_NUM >= 150000
inline TimestampTz commit_time(const ReorderBufferTXN *txn) { return txn->xact_time.commit_time; }
inline TimestampTz prepare_time(const ReorderBufferTXN *txn) { return txn->xact_time.prepare_time; }
#else
inline TimestampTz commit_time(const ReorderBufferTXN *txn) { return txn->commit_time; }
inline TimestampTz prepare_time(const ReorderBufferTXN *txn) { return txn->commit_time; }
#endif

// The subtransaction a change belongs to. 13 does not stream and has no need of it.
#if PG_VERSION_NUM >= 140000
inline TransactionId subtransaction_of(const ReorderBufferChange *change) { return change->txn->xid; }

// The server hands messages over without their subtransaction, but while it streams it has announced the running one in
// CheckXidAlive (invalid once that has committed, and then it cannot be rolled back any more).
inline TransactionId subtransaction_of_message(const ReorderBufferTXN *txn) {
    return TransactionIdIsValid(CheckXidAlive) ? CheckXidAlive : txn->xid;
}
#endif

/// Tells the server that decoding is alive while nothing is written. The server does so itself between changes from 16
/// on.
inline constexpr bool plugin_reports_progress = PG_VERSION_NUM < 160000;

/// Server call, may raise.
inline void update_progress(LogicalDecodingContext *context, bool skipped_transaction) {
#if PG_VERSION_NUM >= 150000
    OutputPluginUpdateProgress(context, skipped_transaction);
#else
    OutputPluginUpdateProgress(context);
#endif
}

/// Switches streaming and two-phase decoding of a context on or off as the options want them.
inline void set_features(LogicalDecodingContext *context, bool streaming, bool two_phase) {
#if PG_VERSION_NUM >= 140000
    context->streaming = context->streaming && streaming;
    context->twophase = context->twophase && two_phase;
#endif
#if PG_VERSION_NUM >= 150000
    // Lets the server enable a slot that was created without it; 14 takes the slot's own word.
    if (two_phase) context->twophase_opt_given = true;
#endif
}

/// Whether two_phase can be switched on for the slot at hand: 14 takes the word that was given when the slot was
/// created.
inline bool two_phase_can_be_enabled() {
#if PG_VERSION_NUM >= 140000 && PG_VERSION_NUM < 150000
    return MyReplicationSlot->data.two_phase;
#else
    return true;
#endif
}

// CREATE TABLE AS and CREATE MATERIALIZED VIEW AS are one node.
#if PG_VERSION_NUM >= 140000
inline ObjectType object_type(const CreateTableAsStmt *statement) { return statement->objtype; }
#else
inline ObjectType object_type(const CreateTableAsStmt *statement) { return statement->relkind; }
#endif

/// Server call, may raise. A logical message of the transaction under way.
inline void log_message(const char *prefix, const char *content, Size bytes) {
#if PG_VERSION_NUM >= 170000
    LogLogicalMessage(prefix, content, bytes, true, false);
#else
    LogLogicalMessage(prefix, content, bytes, true);
#endif
}

// Virtual generated columns exist from 18 on and hold no value in a tuple.
#if PG_VERSION_NUM >= 180000
inline bool is_virtual(Form_pg_attribute attribute) { return attribute->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL; }
#else
inline bool is_virtual(Form_pg_attribute) { return false; }
#endif

// UNIQUE NULLS NOT DISTINCT, ON DELETE SET NULL (a, b).
#if PG_VERSION_NUM >= 150000
inline bool nulls_not_distinct(Form_pg_index index) { return index->indnullsnotdistinct; }
inline bool sets_some_columns(HeapTuple constraint, TupleDesc shape) {
    return !heap_attisnull(constraint, Anum_pg_constraint_confdelsetcols, shape);
}
#else
inline bool nulls_not_distinct(Form_pg_index) { return false; }
inline bool sets_some_columns(HeapTuple, TupleDesc) { return false; }
#endif

// Trees are walked through callbacks, which headers before 16 declare without parameters.
using TreeWalker = bool (*)(Node *node, void *context);
using TreeMutator = Node *(*)(Node *node, void *context);
#if PG_VERSION_NUM >= 160000
inline bool walk_expression(Node *node, TreeWalker walker, void *context) {
    return expression_tree_walker(node, walker, context);
}
inline bool walk_raw(Node *node, TreeWalker walker, void *context) {
    return raw_expression_tree_walker(node, walker, context);
}
inline Node *mutate_expression(Node *node, TreeMutator mutator, void *context) {
    return expression_tree_mutator(node, mutator, context);
}
#else
// By way of a type that stands for any function, or the compiler doubts the cast.
inline bool walk_expression(Node *node, TreeWalker walker, void *context) {
    return expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)), context);
}
inline bool walk_raw(Node *node, TreeWalker walker, void *context) {
    return raw_expression_tree_walker(node, reinterpret_cast<bool (*)()>(reinterpret_cast<void (*)()>(walker)),
                                      context);
}
inline Node *mutate_expression(Node *node, TreeMutator mutator, void *context) {
    return expression_tree_mutator(node, reinterpret_cast<Node *(*)()>(reinterpret_cast<void (*)()>(mutator)), context);
}
#endif

/// Server call, may raise. The raw parse trees of a text of SQL.
inline List *parse_sql(const char *text) {
#if PG_VERSION_NUM >= 140000
    return raw_parser(text, RAW_PARSE_DEFAULT);
#else
    return raw_parser(text);
#endif
}

/// The string of a literal, null for one that is not a string.
inline const char *string_literal(A_Const *literal) {
#if PG_VERSION_NUM >= 150000
    if (literal->isnull) return nullptr;
#endif
    return IsA(&literal->val, String) ? strVal(&literal->val) : nullptr;
}

/// Server call, may raise. Type and modifier by the text of a type.
inline void parse_type(const char *text, Oid *type, int32 *typmod) {
#if PG_VERSION_NUM >= 160000
    (void)parseTypeString(text, type, typmod, nullptr);
#else
    parseTypeString(text, type, typmod, false);
#endif
}

/// Server call, may raise. Subtype of a range or multirange, InvalidOid for other types.
inline Oid range_subtype(Oid type) {
    const Oid subtype = get_range_subtype(type);
#if PG_VERSION_NUM >= 140000
    if (!OidIsValid(subtype)) {
        const Oid range = get_multirange_range(type);
        if (OidIsValid(range)) return get_range_subtype(range);
    }
#endif
    return subtype;
}

// ALTER TABLE ... DETACH PARTITION; what ends one that was interrupted exists from 14 on.
#if PG_VERSION_NUM >= 140000
inline bool detaches_partition(AlterTableType type) {
    return type == AT_DetachPartition || type == AT_DetachPartitionFinalize;
}
#else
inline bool detaches_partition(AlterTableType type) { return type == AT_DetachPartition; }
#endif

} // namespace walbridge::compat
