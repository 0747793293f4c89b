// ddl_statement.cpp: opening statements, and what they say at their beginning.
#include "server/ddl_statement.hpp"

#include "server/compat.hpp"

#include <cstring>
#include <iterator>

extern "C" {
#include "access/xlog.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_statistic_ext.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace walbridge {

bool capture_ddl = true;
int failure_point = static_cast<int>(FailurePoint::none);

namespace {

Statement *innermost = nullptr;
TransactionCounters transaction_counters;

constexpr char command_end_trigger[] = "00_walbridge_ddl_command_end";

// What changes the meaning of a statement's text.
constexpr const char *kept_settings[] = {
    "search_path",
    "TimeZone",
    "DateStyle",
    "IntervalStyle",
    "standard_conforming_strings",
    "backslash_quote",
    "xmloption",
    "transform_null_equals",
    "array_nulls",
    "default_tablespace",
    "default_table_access_method",
    "default_toast_compression",
};

void on_transaction_end(XactEvent event, void *) {
    switch (event) {
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_ABORT:
    case XACT_EVENT_PREPARE:
    case XACT_EVENT_PARALLEL_COMMIT:
    case XACT_EVENT_PARALLEL_ABORT:
        transaction_counters = TransactionCounters{transaction_counters.transaction + 1, 0, 0};
        break;
    default: break;
    }
}

// ---- which statements

bool is_permanent(const RangeVar *relation) {
    return relation == nullptr || relation->relpersistence == RELPERSISTENCE_PERMANENT;
}

bool is_of_no_interest(ObjectType type) {
    return type == OBJECT_PUBLICATION || type == OBJECT_SUBSCRIPTION || type == OBJECT_EVENT_TRIGGER;
}

// Statements that no event trigger reports, that concern replication itself, or that make what is not replicated.
bool is_ignored(const Node *tree) {
    switch (nodeTag(tree)) {
    case T_CreatedbStmt:
    case T_AlterDatabaseStmt:
    case T_AlterDatabaseSetStmt:
    case T_DropdbStmt:
    case T_CreateTableSpaceStmt:
    case T_DropTableSpaceStmt:
    case T_AlterTableSpaceOptionsStmt:
    case T_CreateRoleStmt:
    case T_AlterRoleStmt:
    case T_AlterRoleSetStmt:
    case T_DropRoleStmt:
    case T_GrantRoleStmt:
    case T_ReassignOwnedStmt:
    case T_AlterSystemStmt:
    case T_CreatePublicationStmt:
    case T_AlterPublicationStmt:
    case T_CreateSubscriptionStmt:
    case T_AlterSubscriptionStmt:
    case T_DropSubscriptionStmt:
    case T_CreateEventTrigStmt:
    case T_AlterEventTrigStmt: return true;
    case T_DropStmt: return is_of_no_interest(reinterpret_cast<const DropStmt *>(tree)->removeType);
    case T_CreateStmt:
    case T_CreateForeignTableStmt: return !is_permanent(reinterpret_cast<const CreateStmt *>(tree)->relation);
    case T_CreateTableAsStmt: return !is_permanent(reinterpret_cast<const CreateTableAsStmt *>(tree)->into->rel);
    case T_ViewStmt: return !is_permanent(reinterpret_cast<const ViewStmt *>(tree)->view);
    case T_CreateSeqStmt: return !is_permanent(reinterpret_cast<const CreateSeqStmt *>(tree)->sequence);
    default: return false;
    }
}

// Statements that stand for all that runs inside of them.
bool hides_all(const Node *tree) {
    switch (nodeTag(tree)) {
    case T_CreateExtensionStmt:
    case T_AlterExtensionStmt:
    case T_AlterExtensionContentsStmt:
    case T_RefreshMatViewStmt: return true;
    case T_CreateTableAsStmt:
        return compat::object_type(reinterpret_cast<const CreateTableAsStmt *>(tree)) == OBJECT_MATVIEW;
    default: return false;
    }
}

// ---- passwords

bool names_a_secret(const List *options) {
    ListCell *cell = nullptr;
    foreach (cell, options) {
        if (!IsA(lfirst(cell), DefElem)) continue;
        const char *const name = static_cast<const DefElem *>(lfirst(cell))->defname;
        for (const char *const part : {"pass", "secret", "token", "credential"})
            if (strstr(name, part) != nullptr) return true;
    }
    return false;
}

// Options of foreign servers and user mappings are where DDL that event triggers report can hold a password.
bool holds_secret(const Node *tree) {
    switch (nodeTag(tree)) {
    case T_CreateUserMappingStmt: return names_a_secret(reinterpret_cast<const CreateUserMappingStmt *>(tree)->options);
    case T_AlterUserMappingStmt: return names_a_secret(reinterpret_cast<const AlterUserMappingStmt *>(tree)->options);
    case T_CreateForeignServerStmt:
        return names_a_secret(reinterpret_cast<const CreateForeignServerStmt *>(tree)->options);
    case T_AlterForeignServerStmt:
        return names_a_secret(reinterpret_cast<const AlterForeignServerStmt *>(tree)->options);
    case T_CreateFdwStmt: return names_a_secret(reinterpret_cast<const CreateFdwStmt *>(tree)->options);
    case T_AlterFdwStmt: return names_a_secret(reinterpret_cast<const AlterFdwStmt *>(tree)->options);
    case T_ImportForeignSchemaStmt:
        return names_a_secret(reinterpret_cast<const ImportForeignSchemaStmt *>(tree)->options);
    case T_CreateForeignTableStmt:
        return names_a_secret(reinterpret_cast<const CreateForeignTableStmt *>(tree)->options);
    case T_AlterTableStmt: {
        ListCell *cell = nullptr;
        foreach (cell, reinterpret_cast<const AlterTableStmt *>(tree)->cmds) {
            const auto *const part = static_cast<const AlterTableCmd *>(lfirst(cell));
            if (part->def != nullptr && IsA(part->def, List) &&
                names_a_secret(reinterpret_cast<const List *>(part->def)))
                return true;
        }
        return false;
    }
    default: return false;
    }
}

// ---- what a statement names

NamedRelation look_up(Oid oid) {
    NamedRelation found;
    if (!OidIsValid(oid)) return found;
    const HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
    if (!HeapTupleIsValid(tuple)) return found;
    const auto *const form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    found.oid = oid;
    found.name = pstrdup(NameStr(form->relname));
    found.schema = get_namespace_name(form->relnamespace);
    found.persistence = form->relpersistence;
    found.columns = form->relnatts;
    ReleaseSysCache(tuple);
    return found;
}

// Without a lock and without asking for privileges: what the statement may do is for the statement to find out.
NamedRelation look_up(const RangeVar *name) {
    if (name == nullptr) return NamedRelation();
    if (name->schemaname == nullptr) return look_up(RelnameGetRelid(name->relname));
    const Oid schema = LookupNamespaceNoError(name->schemaname);
    return OidIsValid(schema) ? look_up(get_relname_relid(name->relname, schema)) : NamedRelation();
}

NamedRelation relation_of_statistics(List *name) {
    const HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(get_statistics_object_oid(name, true)));
    if (!HeapTupleIsValid(tuple)) return NamedRelation();
    const Oid relation = reinterpret_cast<Form_pg_statistic_ext>(GETSTRUCT(tuple))->stxrelid;
    ReleaseSysCache(tuple);
    return look_up(relation);
}

const RangeVar *altered_relation(const Node *tree) {
    switch (nodeTag(tree)) {
    case T_AlterTableStmt: return reinterpret_cast<const AlterTableStmt *>(tree)->relation;
    case T_RenameStmt: return reinterpret_cast<const RenameStmt *>(tree)->relation;
    case T_AlterObjectSchemaStmt: return reinterpret_cast<const AlterObjectSchemaStmt *>(tree)->relation;
    case T_AlterSeqStmt: return reinterpret_cast<const AlterSeqStmt *>(tree)->sequence;
    default: return nullptr;
    }
}

bool is_replicated(const NamedRelation &relation) {
    return relation.persistence == RELPERSISTENCE_PERMANENT &&
           (relation.schema == nullptr || strcmp(relation.schema, "walbridge") != 0);
}

// After a DROP nobody can tell any more that a relation was unlogged, nor of which table an index was.
void look_at_dropped(const DropStmt *drop, Statement *statement) {
    bool of_relation = false;
    switch (drop->removeType) {
    case OBJECT_TABLE:
    case OBJECT_SEQUENCE:
    case OBJECT_VIEW:
    case OBJECT_MATVIEW:
    case OBJECT_INDEX:
    case OBJECT_FOREIGN_TABLE:
    case OBJECT_STATISTIC_EXT: break;
    case OBJECT_TRIGGER:
    case OBJECT_RULE:
    case OBJECT_POLICY: of_relation = true; break;
    default: return;
    }
    bool any_found = false;
    bool any_replicated = false;
    ListCell *cell = nullptr;
    foreach (cell, drop->objects) {
        List *name = static_cast<List *>(lfirst(cell));
        if (of_relation) {
            if (list_length(name) < 2) return;
            name = list_truncate(list_copy(name), list_length(name) - 1);
        }
        const NamedRelation relation = drop->removeType == OBJECT_STATISTIC_EXT
                                           ? relation_of_statistics(name)
                                           : look_up(makeRangeVarFromNameList(name));
        if (!OidIsValid(relation.oid)) continue;
        any_found = true;
        if (drop->removeType == OBJECT_INDEX)
            statement->unindexed = lappend_oid(statement->unindexed, IndexGetRelation(relation.oid, true));
        if (is_replicated(relation))
            any_replicated = true;
        else
            statement->passing = lappend_oid(statement->passing, relation.oid);
    }
    if (any_found && !any_replicated) statement->names_permanent = false;
}

bool is_own_schema(const Node *name) {
    return name != nullptr && IsA(name, String) && strcmp(strVal(name), "walbridge") == 0;
}

// What a GRANT is about is not in what its event trigger reports.
void look_at_granted(const GrantStmt *grant, Statement *statement) {
    bool any_replicated = false;
    ListCell *cell = nullptr;
    foreach (cell, grant->objects) {
        const auto *const object = static_cast<const Node *>(lfirst(cell));
        if (grant->targtype == ACL_TARGET_ALL_IN_SCHEMA || grant->objtype == OBJECT_SCHEMA) {
            any_replicated = any_replicated || !is_own_schema(object);
        } else if (grant->targtype == ACL_TARGET_OBJECT && IsA(object, RangeVar)) {
            const NamedRelation relation = look_up(reinterpret_cast<const RangeVar *>(object));
            any_replicated = any_replicated || is_replicated(relation);
        } else if (IsA(object, ObjectWithArgs)) {
            const List *const name = reinterpret_cast<const ObjectWithArgs *>(object)->objname;
            any_replicated =
                any_replicated || list_length(name) < 2 || !is_own_schema(static_cast<const Node *>(linitial(name)));
        } else {
            any_replicated = true;
        }
    }
    statement->names_permanent = any_replicated || grant->objects == nullptr;
}

// ---- text and settings

// One statement of the string that it came in, without what surrounds it.
const char *exact_text(const PlannedStmt *command, const char *query) {
    const char *first = query;
    const char *last = query + strlen(query);
    if (command->stmt_location >= 0 && command->stmt_location <= last - first) {
        first += command->stmt_location;
        if (command->stmt_len > 0 && command->stmt_len <= last - first) last = first + command->stmt_len;
    }
    const auto surrounds = [](char c) { return c == ';' || strchr(" \t\n\r\f\v", c) != nullptr; };
    while (first < last && surrounds(*first)) ++first;
    while (first < last && surrounds(last[-1])) --last;
    return pnstrdup(first, static_cast<Size>(last - first));
}

void keep_settings(Statement *statement) {
    statement->settings = static_cast<SettingValue *>(palloc(sizeof(SettingValue) * std::size(kept_settings)));
    for (const char *const name : kept_settings) {
        const char *const value = GetConfigOption(name, true, false);
        if (value == nullptr) continue;
        statement->settings[statement->setting_count++] = SettingValue{name, pstrdup(value)};
    }
}

} // namespace

// ---- interface

Statement *current_statement() { return innermost; }

TransactionCounters &counters() { return transaction_counters; }

void watch_transactions() { RegisterXactCallback(on_transaction_end, nullptr); }

bool capture_is_possible() {
    return XLogLogicalInfoActive() && IsUnderPostmaster && !IsBinaryUpgrade && IsTransactionState() &&
           !IsInParallelMode() && !RecoveryInProgress();
}

bool capture_is_active() {
    if (!capture_is_possible()) return false;
    // PostgreSQL 17 can switch all event triggers off.
    const char *const event_triggers = GetConfigOption("event_triggers", true, false);
    if (event_triggers != nullptr && strcmp(event_triggers, "off") == 0) return false;
    const HeapTuple tuple = SearchSysCache1(EVENTTRIGGERNAME, CStringGetDatum(command_end_trigger));
    if (!HeapTupleIsValid(tuple)) return false;
    const char enabled = reinterpret_cast<Form_pg_event_trigger>(GETSTRUCT(tuple))->evtenabled;
    ReleaseSysCache(tuple);
    const bool replica = SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA;
    switch (enabled) {
    case TRIGGER_FIRES_ALWAYS: return true;
    case TRIGGER_FIRES_ON_ORIGIN: return !replica;
    case TRIGGER_FIRES_ON_REPLICA: return replica;
    default: return false;
    }
}

bool is_statement(const PlannedStmt *command) {
    // The log level looks through EXECUTE and EXPLAIN, which are not statements of their own here.
    switch (nodeTag(command->utilityStmt)) {
    case T_TransactionStmt:
    case T_VariableSetStmt:
    case T_ExecuteStmt:
    case T_ExplainStmt:
    case T_PrepareStmt: return false;
    default: return GetCommandLogLevel(command->utilityStmt) == LOGSTMT_DDL;
    }
}

void fail_if_wanted(FailurePoint here) {
    if (failure_point == static_cast<int>(here))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR),
                        errmsg("failure wanted by the setting walbridge.debug_capture_failure")));
}

Statement *begin_statement(const PlannedStmt *command, const char *query) {
    const MemoryContext memory =
        AllocSetContextCreate(TopMemoryContext, "walbridge DDL statement", ALLOCSET_SMALL_SIZES);
    auto *const statement = new (MemoryContextAlloc(memory, sizeof(Statement))) Statement();
    Node *const tree = command->utilityStmt;
    statement->memory = memory;
    statement->outer = innermost;
    statement->tag = CreateCommandTag(tree);
    innermost = statement;

    const bool hidden = creating_extension || (statement->outer != nullptr && statement->outer->hides_all);
    statement->hides_all = hidden || hides_all(tree);
    statement->ignored = hidden || is_ignored(tree);
    if (statement->ignored) return statement;
    statement->switched_off = !capture_ddl;

    // No subtransaction: what can fail here, memory and catalogs, fails in the statement as well.
    if (!capture_is_active()) {
        statement->ignored = true;
        return statement;
    }
    const MemoryContext home = MemoryContextSwitchTo(memory);
    statement->holds_secret = holds_secret(tree);
    statement->text = exact_text(command, query);
    statement->role = GetUserNameFromId(GetUserId(), true);
    keep_settings(statement);
    statement->before = look_up(altered_relation(tree));
    if (IsA(tree, DropStmt)) look_at_dropped(reinterpret_cast<const DropStmt *>(tree), statement);
    if (IsA(tree, GrantStmt)) look_at_granted(reinterpret_cast<const GrantStmt *>(tree), statement);
    MemoryContextSwitchTo(home);

    // Numbers are given in the order of beginning; a parent has the lower one.
    for (const Statement *outer = statement->outer; outer != nullptr; outer = outer->outer) {
        if (outer->number == 0 || outer->transaction != transaction_counters.transaction) continue;
        statement->parent = outer->number;
        statement->level = outer->level + 1;
        break;
    }
    statement->number = ++transaction_counters.statements;
    statement->transaction = transaction_counters.transaction;
    return statement;
}

uint64 number_of(Statement *statement) {
    if (statement->transaction != transaction_counters.transaction) {
        statement->transaction = transaction_counters.transaction;
        statement->number = ++transaction_counters.statements;
        statement->parent = 0;
        statement->level = 0;
    }
    return statement->number;
}

void end_statements(Statement *outer) {
    while (innermost != outer) {
        Statement *const over = innermost;
        innermost = over->outer;
        MemoryContextDelete(over->memory);
    }
}

} // namespace walbridge
