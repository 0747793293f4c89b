// ddl_objects.cpp: objects of statements from the event triggers' functions and the catalogs.
#include "server/ddl_objects.hpp"

#include "server/compat.hpp"
#include "server/text_settings.hpp"

#include <cstring>

extern "C" {
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_event_trigger.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_policy.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_publication_rel.h"
#include "catalog/pg_rewrite.h"
#include "catalog/pg_statistic_ext.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/executor.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/tuplestore.h"
#if PG_VERSION_NUM >= 150000
#include "catalog/pg_publication_namespace.h"
#endif
}

namespace walbridge {

namespace {

// ---- set-returning functions

struct Rows {
    Tuplestorestate *store = nullptr;
    TupleTableSlot *slot = nullptr;
};

Rows rows_of(Oid function) {
    FmgrInfo info;
    fmgr_info(function, &info);
    ReturnSetInfo result = {};
    result.type = T_ReturnSetInfo;
    result.econtext = CreateStandaloneExprContext();
    result.allowedModes = SFRM_Materialize;
    result.returnMode = SFRM_ValuePerCall;
    LOCAL_FCINFO(call_info, 0);
    InitFunctionCallInfoData(*call_info, &info, 0, InvalidOid, nullptr, reinterpret_cast<Node *>(&result));
    (void)FunctionCallInvoke(call_info);
    Rows rows;
    rows.store = result.setResult;
    if (rows.store == nullptr) return rows;
    rows.slot = MakeSingleTupleTableSlot(result.setDesc, &TTSOpsMinimalTuple);
    return rows;
}

bool next(const Rows &rows) {
    return rows.store != nullptr && tuplestore_gettupleslot(rows.store, true, true, rows.slot);
}

void close(const Rows &rows) {
    if (rows.store == nullptr) return;
    ExecDropSingleTupleTableSlot(rows.slot);
    tuplestore_end(rows.store);
}

Oid oid_of(const Rows &rows, AttrNumber column) {
    bool is_null = false;
    const Datum value = slot_getattr(rows.slot, column, &is_null);
    return is_null ? InvalidOid : DatumGetObjectId(value);
}

int32 integer_of(const Rows &rows, AttrNumber column) {
    bool is_null = false;
    const Datum value = slot_getattr(rows.slot, column, &is_null);
    return is_null ? 0 : DatumGetInt32(value);
}

bool truth_of(const Rows &rows, AttrNumber column) {
    bool is_null = false;
    const Datum value = slot_getattr(rows.slot, column, &is_null);
    return !is_null && DatumGetBool(value);
}

const char *text_of(const Rows &rows, AttrNumber column) {
    bool is_null = false;
    const Datum value = slot_getattr(rows.slot, column, &is_null);
    return is_null ? nullptr : TextDatumGetCString(value);
}

List *texts_of(const Rows &rows, AttrNumber column) {
    bool is_null = false;
    const Datum value = slot_getattr(rows.slot, column, &is_null);
    if (is_null) return nullptr;
    Datum *elements = nullptr;
    bool *nulls = nullptr;
    int count = 0;
    deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, &count);
    List *texts = nullptr;
    for (int i = 0; i < count; ++i) texts = lappend(texts, nulls[i] ? pstrdup("") : TextDatumGetCString(elements[i]));
    return texts;
}

// ---- details from the catalogs

// The column of a catalog that names the relation an object belongs to.
AttrNumber owner_column(Oid class_oid) {
    switch (class_oid) {
    case TriggerRelationId: return Anum_pg_trigger_tgrelid;
    case PolicyRelationId: return Anum_pg_policy_polrelid;
    case RewriteRelationId: return Anum_pg_rewrite_ev_class;
    case ConstraintRelationId: return Anum_pg_constraint_conrelid;
    case AttrDefaultRelationId: return Anum_pg_attrdef_adrelid;
    case StatisticExtRelationId: return Anum_pg_statistic_ext_stxrelid;
    default: return InvalidAttrNumber;
    }
}

Oid owner_of(Oid class_oid, Oid oid) {
    const AttrNumber column = owner_column(class_oid);
    if (column == InvalidAttrNumber) return InvalidOid;
    Oid owner = InvalidOid;
    const Relation catalog = table_open(class_oid, AccessShareLock);
    const HeapTuple tuple = get_catalog_object_by_oid(catalog, get_object_attnum_oid(class_oid), oid);
    if (HeapTupleIsValid(tuple)) {
        bool is_null = false;
        const Datum value = heap_getattr(tuple, column, RelationGetDescr(catalog), &is_null);
        if (!is_null) owner = DatumGetObjectId(value);
    }
    table_close(catalog, AccessShareLock);
    return owner;
}

void add_details(CommandObject *object) {
    if (!OidIsValid(object->class_oid)) return;
    object->class_name = get_rel_name(object->class_oid);
    switch (object->class_oid) {
    case RelationRelationId: {
        object->name = get_rel_name(object->oid);
        object->persistence = object->name != nullptr ? get_rel_persistence(object->oid) : '\0';
        const char kind = get_rel_relkind(object->oid);
        if (kind == RELKIND_INDEX || kind == RELKIND_PARTITIONED_INDEX)
            object->table = IndexGetRelation(object->oid, true);
        break;
    }
    case NamespaceRelationId: object->name = get_namespace_name(object->oid); break;
    case TypeRelationId: {
        const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(object->oid));
        if (!HeapTupleIsValid(tuple)) break;
        object->name = pstrdup(NameStr(reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple))->typname));
        ReleaseSysCache(tuple);
        break;
    }
    case ExtensionRelationId: object->name = get_extension_name(object->oid); break;
    default: object->table = owner_of(object->class_oid, object->oid);
    }
    if (!OidIsValid(object->table)) return;
    object->table_name = get_rel_name(object->table);
    if (object->table_name == nullptr) return;
    object->table_schema = get_namespace_name(get_rel_namespace(object->table));
    if (object->persistence == '\0') object->persistence = get_rel_persistence(object->table);
}

// ---- what is left out

bool starts_with(const char *text, const char *start) {
    return text != nullptr && strncmp(text, start, strlen(start)) == 0;
}

bool is_temporary_schema(const char *schema) {
    return schema != nullptr &&
           (strcmp(schema, "pg_temp") == 0 || starts_with(schema, "pg_temp_") || starts_with(schema, "pg_toast_temp"));
}

bool is_own(const char *schema) { return schema != nullptr && strcmp(schema, "walbridge") == 0; }

// What replication is made of is each server's own affair.
bool is_of_replication(Oid class_oid) {
    switch (class_oid) {
    case PublicationRelationId:
    case PublicationRelRelationId:
#if PG_VERSION_NUM >= 150000
    case PublicationNamespaceRelationId:
#endif
    case SubscriptionRelationId:
    case EventTriggerRelationId: return true;
    default: return false;
    }
}

bool is_walbridge(const CommandObject &object) {
    if (is_own(object.schema) || is_own(object.table_schema)) return true;
    return (object.class_oid == NamespaceRelationId || object.class_oid == ExtensionRelationId) && is_own(object.name);
}

// Parts that go with a table or constraint and that nobody has named: TOAST storage, row types, defaults, the triggers
// behind foreign keys, the rule behind a view.
bool is_inner_part(const DroppedObject &object, bool normal) {
    if (object.original) return false;
    if (starts_with(object.schema, "pg_toast")) return true;
    const auto *const last =
        object.address_names != nullptr ? static_cast<const char *>(llast(object.address_names)) : nullptr;
    switch (object.class_oid) {
    case TypeRelationId:
    case AttrDefaultRelationId: return !normal;
    case TriggerRelationId: return starts_with(last, "RI_ConstraintTrigger_");
    case RewriteRelationId: return last != nullptr && strcmp(last, "_RETURN") == 0;
    default: return false;
    }
}

bool is_passing(const CommandObject &object, const Statement *statement) {
    if (is_temporary_schema(object.schema)) return true;
    if (object.persistence == '\0' || object.persistence == RELPERSISTENCE_PERMANENT) return false;
    // SET UNLOGGED: the target has the table, and has to hear that it is no longer followed.
    const bool was_permanent = statement != nullptr && object.class_oid == RelationRelationId &&
                               object.oid == statement->before.oid &&
                               statement->before.persistence == RELPERSISTENCE_PERMANENT;
    return !was_permanent;
}

// ---- values of fast defaults

// As the stream prints values.
const char *print(Oid type, Datum value) {
    Oid output = InvalidOid;
    bool is_varlena = false;
    getTypeOutputInfo(type, &output, &is_varlena);
    const int level = begin_text_settings();
    const char *const text = OidOutputFunctionCall(output, value);
    end_text_settings(level);
    return text;
}

// Null when there is none.
const char *missing_value(Oid table, AttrNumber column) {
    const char *text = nullptr;
    const HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(table), Int16GetDatum(column));
    if (!HeapTupleIsValid(tuple)) return nullptr;
    const auto *const attribute = reinterpret_cast<Form_pg_attribute>(GETSTRUCT(tuple));
    bool is_null = true;
    const Datum stored = attribute->atthasmissing
                             ? SysCacheGetAttr(ATTNUM, tuple, Anum_pg_attribute_attmissingval, &is_null)
                             : static_cast<Datum>(0);
    if (!is_null) {
        // An array of one element: the value.
        int position = 1;
        bool element_is_null = false;
        const Datum value = array_get_element(stored, 1, &position, -1, attribute->attlen, attribute->attbyval,
                                              attribute->attalign, &element_is_null);
        if (!element_is_null) text = print(attribute->atttypid, value);
    }
    ReleaseSysCache(tuple);
    return text;
}

} // namespace

// ---- interface

CommandObjects collect_commands(const Statement *statement) {
    CommandObjects objects;
    const Rows rows = rows_of(F_PG_EVENT_TRIGGER_DDL_COMMANDS);
    while (next(rows)) {
        const bool of_extension_script = truth_of(rows, 8);
        if (of_extension_script) continue;
        auto *const object = new (palloc(sizeof(CommandObject))) CommandObject();
        object->class_oid = oid_of(rows, 1);
        object->oid = oid_of(rows, 2);
        object->sub = integer_of(rows, 3);
        object->tag = text_of(rows, 4);
        object->type = text_of(rows, 5);
        object->schema = text_of(rows, 6);
        object->identity = text_of(rows, 7);
        add_details(object);
        if (is_of_replication(object->class_oid) || is_walbridge(*object)) continue;
        if (!OidIsValid(object->class_oid) && statement != nullptr && !statement->names_permanent) continue;
        if (is_passing(*object, statement)) {
            objects.any_passing = true;
            // A table stands for what comes with it: sequences of unlogged tables are permanent before 15.
            if (object->class_oid == RelationRelationId &&
                (starts_with(object->tag, "CREATE TABLE") ||
                 (statement != nullptr && object->oid == statement->before.oid)))
                objects.any_passing_table = true;
            continue;
        }
        objects.kept = lappend(objects.kept, object);
    }
    close(rows);
    return objects;
}

List *collect_dropped(const Statement *statement) {
    List *dropped = nullptr;
    const Rows rows = rows_of(F_PG_EVENT_TRIGGER_DROPPED_OBJECTS);
    while (next(rows)) {
        auto *const object = new (palloc(sizeof(DroppedObject))) DroppedObject();
        object->class_oid = oid_of(rows, 1);
        object->oid = oid_of(rows, 2);
        object->sub = integer_of(rows, 3);
        object->original = truth_of(rows, 4);
        const bool normal = truth_of(rows, 5);
        object->passing = truth_of(rows, 6);
        object->type = text_of(rows, 7);
        object->schema = text_of(rows, 8);
        object->name = text_of(rows, 9);
        object->identity = text_of(rows, 10);
        object->address_names = texts_of(rows, 11);
        object->address_args = texts_of(rows, 12);
        object->class_name = get_rel_name(object->class_oid);

        if (is_inner_part(*object, normal)) continue;
        if (is_of_replication(object->class_oid) || is_own(object->schema)) continue;
        if ((object->class_oid == NamespaceRelationId || object->class_oid == ExtensionRelationId) &&
            is_own(object->name))
            continue;
        if (is_temporary_schema(object->schema)) object->passing = true;
        if (statement != nullptr) {
            if (object->class_oid == RelationRelationId && list_member_oid(statement->passing, object->oid))
                object->passing = true;
            // Triggers, rules and policies go by their relation.
            if (!statement->names_permanent) object->passing = true;
        }
        if (object->passing && !object->original) continue;
        dropped = lappend(dropped, object);
    }
    close(rows);
    return dropped;
}

bool any_replicated(const List *dropped) {
    ListCell *cell = nullptr;
    foreach (cell, dropped)
        if (!static_cast<const DroppedObject *>(lfirst(cell))->passing) return true;
    return false;
}

void write_objects(JsonWriter &json, const List *objects) {
    if (objects == nullptr) return;
    JsonWriter array(json.member("objects"), '[');
    ListCell *cell = nullptr;
    foreach (cell, objects) {
        const auto *const object = static_cast<const CommandObject *>(lfirst(cell));
        JsonWriter entry(array.element(), '{');
        entry.text("class", object->class_name);
        entry.number("oid", object->oid);
        entry.number("sub", static_cast<uint64>(object->sub));
        entry.text("tag", object->tag);
        entry.text("type", object->type);
        entry.text("schema", object->schema);
        entry.text("identity", object->identity);
        entry.text("name", object->name);
        entry.letter("persistence", object->persistence);
        entry.text("table_schema", object->table_schema);
        entry.text("table_name", object->table_name);
        entry.close();
    }
    array.close();
}

namespace {

void write_texts(JsonWriter &json, const char *name, const List *texts) {
    if (texts == nullptr) return;
    JsonWriter array(json.member(name), '[');
    ListCell *cell = nullptr;
    foreach (cell, texts) escape_json(array.element(), static_cast<const char *>(lfirst(cell)));
    array.close();
}

} // namespace

void write_dropped(JsonWriter &json, const List *dropped) {
    if (dropped == nullptr) return;
    JsonWriter array(json.member("dropped"), '[');
    ListCell *cell = nullptr;
    foreach (cell, dropped) {
        const auto *const object = static_cast<const DroppedObject *>(lfirst(cell));
        JsonWriter entry(array.element(), '{');
        entry.text("class", object->class_name);
        entry.number("oid", object->oid);
        entry.number("sub", static_cast<uint64>(object->sub));
        entry.text("type", object->type);
        entry.text("schema", object->schema);
        entry.text("name", object->name);
        entry.text("identity", object->identity);
        entry.truth("original", object->original);
        entry.truth("temporary", object->passing);
        write_texts(entry, "address_names", object->address_names);
        write_texts(entry, "address_args", object->address_args);
        entry.close();
    }
    array.close();
}

void write_missing_values(JsonWriter &json, const Statement *statement, const Node *tree) {
    if (tree == nullptr || !IsA(tree, AlterTableStmt) || !OidIsValid(statement->before.oid)) return;
    List *added = nullptr; // names of columns
    ListCell *part = nullptr;
    foreach (part, reinterpret_cast<const AlterTableStmt *>(tree)->cmds) {
        const auto *const command = static_cast<const AlterTableCmd *>(lfirst(part));
        if (command->subtype != AT_AddColumn || command->def == nullptr || !IsA(command->def, ColumnDef)) continue;
        char *const name = reinterpret_cast<const ColumnDef *>(command->def)->colname;
        // IF NOT EXISTS may have met an older column.
        const AttrNumber number = get_attnum(statement->before.oid, name);
        if (number > statement->before.columns) added = lappend(added, name);
    }
    if (added == nullptr) return;
    // The column of a partitioned or inherited table is the children's as well.
    bool any = false;
    JsonWriter *array = nullptr;
    alignas(JsonWriter) char room[sizeof(JsonWriter)];
    ListCell *table = nullptr;
    foreach (table, find_all_inheritors(statement->before.oid, NoLock, nullptr)) {
        const Oid oid = lfirst_oid(table);
        ListCell *column = nullptr;
        foreach (column, added) {
            const auto *const name = static_cast<const char *>(lfirst(column));
            const AttrNumber number = get_attnum(oid, name);
            const char *const value = number != InvalidAttrNumber ? missing_value(oid, number) : nullptr;
            if (value == nullptr) continue;
            if (!any) array = new (room) JsonWriter(json.member("missing"), '[');
            any = true;
            JsonWriter entry(array->element(), '{');
            entry.text("schema", get_namespace_name(get_rel_namespace(oid)));
            entry.text("table", get_rel_name(oid));
            entry.text("column", name);
            entry.text_always("value", value);
            entry.close();
        }
    }
    if (any) array->close();
}

} // namespace walbridge
