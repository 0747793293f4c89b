// ddl_capture.cpp: the hook, the event triggers, and what they write.
#include "server/ddl_capture.hpp"

#include "server/compat.hpp"
#include "server/ddl_definitions.hpp"
#include "server/ddl_message.hpp"
#include "server/ddl_objects.hpp"
#include "server/ddl_statement.hpp"
#include "server/subtransaction.hpp"

#include <cstring>

extern "C" {
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/prepare.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
}

namespace walbridge {

namespace {

ProcessUtility_hook_type previous_hook = nullptr;

// Drops of statements that began before this library was loaded.
List *orphans = nullptr;
uint64 orphans_of = 0;

constexpr char not_seen_from_the_start[] =
    "the statement began before the library was loaded: add walbridge to session_preload_libraries";
constexpr char switched_off[] = "capture was switched off";
constexpr char holds_a_secret[] = "the statement holds a password";

// Why the statement can only be reported, null when it can be captured.
const char *reason_for_gap(const Statement *statement) {
    if (statement == nullptr) return not_seen_from_the_start;
    if (statement->switched_off) return switched_off;
    if (statement->holds_secret) return holds_a_secret;
    return statement->failure;
}

// ---- messages

void write_gap(JsonWriter &json, const Statement *statement, const char *reason) {
    if (statement != nullptr && !statement->holds_secret) json.text("text", statement->text);
    if (statement != nullptr) json.text("role", statement->role);
    json.text("reason", reason);
}

// Writes a message whose body is written into the string given, all in one subtransaction; nothing when it gives false.
// When that fails: a gap, and when that fails as well, a gap that nobody vouches for.
template <class Body> void write_message(const char *phase, Statement *statement, CommandTag tag, Body write) {
    StringInfo content = nullptr;
    const ErrorData *failure = attempt([&] {
        const StringInfo body = makeStringInfo();
        if (write(body)) content = seal_body(body);
    });
    if (failure == nullptr) {
        if (content != nullptr) log_ddl(content, statement);
        return;
    }
    const char *const reason = failure->message;
    ereport(LOG_SERVER_ONLY, (errmsg("walbridge could not capture %s: %s", GetCommandTagName(tag), reason)));
    if (statement != nullptr && statement->failure == nullptr)
        statement->failure = MemoryContextStrdup(statement->memory, reason);
    const StringInfo body = makeStringInfo();
    failure = attempt([&] {
        JsonWriter json(body, '{');
        write_heading(json, "gap", phase, statement, tag);
        // A text that another encoding cannot hold may be what failed.
        if (GetDatabaseEncoding() == PG_UTF8)
            write_gap(json, statement, reason);
        else
            json.text("reason", reason);
        json.close();
        content = seal_body(body);
    });
    log_ddl(failure == nullptr ? content : unsealed(body->data), statement);
}

// Definitions serve some targets alone: a statement whose tables cannot be read is captured all the same, and says why.
template <class Write> void add_definitions(JsonWriter &json, StringInfo body, Write write) {
    const int length = body->len;
    const JsonWriter before = json;
    const ErrorData *const failure = attempt(write);
    if (failure == nullptr) return;
    body->len = length;
    body->data[length] = '\0';
    json = before;
    ereport(LOG_SERVER_ONLY,
            (errmsg("walbridge could not read how tables look after a statement: %s", failure->message)));
    json.text("definitions_failure", failure->message);
}

// ---- CREATE TABLE AS: its rows come before its end

void write_column(JsonWriter &array, const NewColumn *planned) {
    JsonWriter column(array.element(), '{');
    column.text_always("name", planned->name);
    column.text("type", format_type_extended(planned->type, planned->typmod,
                                             FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY));
    if (OidIsValid(planned->collation) && planned->collation != get_typcollation(planned->type)) {
        const HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(planned->collation));
        if (HeapTupleIsValid(tuple)) {
            const auto *const form = reinterpret_cast<Form_pg_collation>(GETSTRUCT(tuple));
            column.text("collation",
                        quote_qualified_identifier(get_namespace_name(form->collnamespace), NameStr(form->collname)));
            ReleaseSysCache(tuple);
        }
    }
    column.close();
}

// Adds a column under the name that the statement gives it, or else the query's.
List *with_column(List *columns, const IntoClause *into, const char *otherwise, NewColumn column) {
    const int position = list_length(columns);
    column.name = position < list_length(into->colNames) ? strVal(list_nth(into->colNames, position)) : otherwise;
    return lappend(columns, new (palloc(sizeof(NewColumn))) NewColumn(column));
}

// Gives NewColumn.
List *columns_of(const CreateTableAsStmt *create) {
    const Query *const query = castNode(Query, create->query);
    List *columns = nullptr;
    if (query->commandType == CMD_UTILITY && IsA(query->utilityStmt, ExecuteStmt)) {
        const PreparedStatement *const prepared =
            FetchPreparedStatement(reinterpret_cast<const ExecuteStmt *>(query->utilityStmt)->name, true);
        const TupleDesc shape = prepared->plansource->resultDesc;
        for (int i = 0; shape != nullptr && i < shape->natts; ++i) {
            const Form_pg_attribute attribute = TupleDescAttr(shape, i);
            columns =
                with_column(columns, create->into, NameStr(attribute->attname),
                            NewColumn{nullptr, attribute->atttypid, attribute->atttypmod, attribute->attcollation});
        }
        return columns;
    }
    ListCell *cell = nullptr;
    foreach (cell, query->targetList) {
        const auto *const target = static_cast<const TargetEntry *>(lfirst(cell));
        if (target->resjunk) continue;
        Node *const expression = reinterpret_cast<Node *>(target->expr);
        columns =
            with_column(columns, create->into, target->resname,
                        NewColumn{nullptr, exprType(expression), exprTypmod(expression), exprCollation(expression)});
    }
    return columns;
}

void write_columns(JsonWriter &json, const List *columns) {
    JsonWriter array(json.member("columns"), '[');
    ListCell *cell = nullptr;
    foreach (cell, columns) write_column(array, static_cast<const NewColumn *>(lfirst(cell)));
    array.close();
}

// The schema in which the statement is going to make a table that is replicated; null when it is not.
const char *schema_of_new_table(const CreateTableAsStmt *create) {
    auto *const name = static_cast<RangeVar *>(copyObjectImpl(create->into->rel));
    if (name->schemaname != nullptr && strcmp(name->schemaname, "pg_temp") == 0) return nullptr;
    const Oid schema = RangeVarGetCreationNamespace(name);
    if (isAnyTempNamespace(schema) || OidIsValid(get_relname_relid(name->relname, schema))) return nullptr;
    const char *const schema_name = get_namespace_name(schema);
    return strcmp(schema_name, "walbridge") != 0 ? schema_name : nullptr;
}

void announce(Statement *statement, const CreateTableAsStmt *create) {
    if (compat::object_type(create) != OBJECT_TABLE || reason_for_gap(statement) != nullptr) return;
    if (XactReadOnly) return; // the statement is about to be refused
    write_message("start", statement, statement->tag, [&](StringInfo body) {
        const char *const schema = schema_of_new_table(create);
        if (schema == nullptr) return false;
        const List *const columns = columns_of(create);
        JsonWriter json(body, '{');
        write_heading(json, "statement", "start", statement, statement->tag);
        write_beginning(json, statement);
        write_columns(json, columns);
        add_definitions(json, body, [&] { write_new_definition(json, schema, create->into->rel->relname, columns); });
        json.close();
        return true;
    });
}

// ---- the hook

void run_next(WALBRIDGE_UTILITY_PARAMETERS) {
    if (previous_hook != nullptr)
        previous_hook(WALBRIDGE_UTILITY_ARGUMENTS);
    else
        standard_ProcessUtility(WALBRIDGE_UTILITY_ARGUMENTS);
}

void utility_hook(WALBRIDGE_UTILITY_PARAMETERS) {
    // Parts of a statement have no event triggers of their own.
    if (context == PROCESS_UTILITY_SUBCOMMAND || !is_statement(command) || !capture_is_possible()) {
        run_next(WALBRIDGE_UTILITY_ARGUMENTS);
        return;
    }
    Statement *const outer = current_statement();
    PG_TRY();
    {
        Statement *const statement = begin_statement(command, query);
        if (!statement->ignored && IsA(command->utilityStmt, CreateTableAsStmt))
            announce(statement, reinterpret_cast<const CreateTableAsStmt *>(command->utilityStmt));
        run_next(WALBRIDGE_UTILITY_ARGUMENTS);
    }
    PG_FINALLY();
    { end_statements(outer); }
    PG_END_TRY();
}

// ---- event triggers

struct Event {
    const EventTriggerData *data = nullptr;
    Statement *statement = nullptr; ///< null: it began before the library was loaded
    bool ignored = true;
};

Event event_of(FunctionCallInfo call_info, const char *name) {
    if (!CALLED_AS_EVENT_TRIGGER(call_info))
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("this function serves an event trigger of walbridge and cannot be called")));
    Event event;
    event.data = reinterpret_cast<const EventTriggerData *>(call_info->context);
    if (strcmp(event.data->event, name) != 0)
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("this function serves the event \"%s\", not \"%s\"", name, event.data->event)));
    if (!capture_is_possible() || creating_extension || event.data->tag == CMDTAG_REINDEX) return event;
    Statement *const innermost = current_statement();
    if (innermost != nullptr && innermost->tag == event.data->tag) event.statement = innermost;
    event.ignored = event.statement != nullptr && event.statement->ignored;
    return event;
}

List *take_orphans() {
    List *const taken = orphans_of == counters().transaction ? orphans : nullptr;
    orphans = nullptr;
    return taken;
}

} // namespace

Datum capture_sql_drop(FunctionCallInfo call_info) {
    const Event event = event_of(call_info, "sql_drop");
    if (event.ignored) return static_cast<Datum>(0);
    Statement *const statement = event.statement;
    const MemoryContext home = CurrentMemoryContext;
    // Without a statement the list has to live until ddl_command_end, which is in the same transaction.
    const MemoryContext memory = statement != nullptr ? statement->memory : TopTransactionContext;
    List *dropped = nullptr;
    ErrorData *const failure = attempt([&] {
        fail_if_wanted(FailurePoint::collect);
        MemoryContextSwitchTo(memory);
        dropped = collect_dropped(statement);
    });
    MemoryContextSwitchTo(home);
    if (statement == nullptr) {
        orphans = dropped;
        orphans_of = counters().transaction;
        return static_cast<Datum>(0);
    }
    statement->dropped = dropped;
    if (failure != nullptr && statement->failure == nullptr)
        statement->failure = MemoryContextStrdup(memory, failure->message);
    return static_cast<Datum>(0);
}

Datum capture_table_rewrite(FunctionCallInfo call_info) {
    const Event event = event_of(call_info, "table_rewrite");
    if (event.ignored || reason_for_gap(event.statement) != nullptr) return static_cast<Datum>(0);
    Statement *const statement = event.statement;
    write_message("rewrite", statement, statement->tag, [&](StringInfo body) {
        fail_if_wanted(FailurePoint::collect);
        const Oid table = DatumGetObjectId(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_OID));
        const int32 reason = DatumGetInt32(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_REASON));
        const char *const schema = get_namespace_name(get_rel_namespace(table));
        // Of the others no row is sent, nor of a table that is on its way to unlogged.
        if (get_rel_relkind(table) != RELKIND_RELATION || get_rel_persistence(table) != RELPERSISTENCE_PERMANENT ||
            (reason & AT_REWRITE_ALTER_PERSISTENCE) != 0 || strcmp(schema, "walbridge") == 0)
            return false;
        JsonWriter json(body, '{');
        write_heading(json, "statement", "rewrite", statement, statement->tag);
        write_beginning(json, statement);
        JsonWriter entry(json.member("rewritten"), '{');
        entry.number("oid", table);
        entry.text("schema", schema);
        entry.text("name", get_rel_name(table));
        entry.close();
        add_definitions(json, body, [&] { write_definitions(json, list_make1_oid(table)); });
        json.close();
        return true;
    });
    return static_cast<Datum>(0);
}

Datum capture_command_end(FunctionCallInfo call_info) {
    const Event event = event_of(call_info, "ddl_command_end");
    if (event.ignored) return static_cast<Datum>(0);
    Statement *const statement = event.statement;
    const CommandTag tag = event.data->tag;
    const List *const dropped = statement != nullptr ? statement->dropped : take_orphans();
    write_message("end", statement, tag, [&](StringInfo body) {
        fail_if_wanted(FailurePoint::collect);
        const CommandObjects objects = collect_commands(statement);
        const char *const reason = reason_for_gap(statement);
        // Nothing that the target would have: IF [NOT] EXISTS without effect, temporary and unlogged objects.
        const bool drops_may_be_unknown = statement != nullptr && statement->failure != nullptr;
        const bool nothing =
            objects.kept == nullptr && (objects.any_passing || (!any_replicated(dropped) && !drops_may_be_unknown));
        const bool says_nothing = nothing || objects.any_passing_table;
        // What has been announced gets its end in any case, and statements that ran inside of it their parent.
        if (says_nothing && (statement == nullptr || !statement->has_messages)) return false;
        JsonWriter json(body, '{');
        write_heading(json, reason != nullptr ? "gap" : "statement", "end", statement, tag);
        if (reason != nullptr)
            write_gap(json, statement, reason);
        else if (!says_nothing)
            write_beginning(json, statement);
        if (!says_nothing) {
            write_objects(json, objects.kept);
            write_dropped(json, dropped);
        }
        if (reason == nullptr && !says_nothing) {
            const Node *const tree = event.data->parsetree;
            write_missing_values(json, statement, tree);
            add_definitions(json, body, [&] {
                write_definitions(json, possibly_changed_tables(statement, objects.kept, dropped, tree));
            });
        }
        json.close();
        return true;
    });
    return static_cast<Datum>(0);
}

void install_ddl_capture() {
    DefineCustomBoolVariable("walbridge.capture_ddl", "Captures DDL for walbridge.",
                             "Switched off, a message still says that there was a statement.", &capture_ddl, true,
                             PGC_SUSET, 0, nullptr, nullptr, nullptr);
    static const config_enum_entry points[] = {
        {"none", static_cast<int>(FailurePoint::none), false},
        {"collect", static_cast<int>(FailurePoint::collect), false},
        {"definitions", static_cast<int>(FailurePoint::definitions), false},
        {"seal", static_cast<int>(FailurePoint::seal), false},
        {nullptr, 0, false},
    };
    DefineCustomEnumVariable("walbridge.debug_capture_failure", "Makes the capture of DDL fail, for tests.", nullptr,
                             &failure_point, static_cast<int>(FailurePoint::none), points, PGC_SUSET,
                             GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, nullptr, nullptr, nullptr);
    watch_transactions();
    previous_hook = ProcessUtility_hook;
    ProcessUtility_hook = utility_hook;
}

} // namespace walbridge
