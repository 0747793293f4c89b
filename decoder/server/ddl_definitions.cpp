// ddl_definitions.cpp: which tables, and their facts from the catalogs. Scans collect, writers write in the order asked
// for: columns by number, the primary key's index first and the others by name, constraints by type and name.
#include "server/ddl_definitions.hpp"

#include "server/compat.hpp"
#include "server/ddl_objects.hpp"
#include "server/text_settings.hpp"

#include <cstring>
#include <initializer_list>

extern "C" {
#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_attrdef.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_index.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_type.h"
#include "commands/comment.h"
#include "commands/defrem.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace walbridge {

namespace {

// ---- scans and lists

struct OidKey {
    AttrNumber column;
    Oid value;
};

// Calls body(tuple, shape) for each row of a catalog with these oids, by the index that begins with their columns.
template <class Body> void scan(Oid catalog_oid, Oid index, std::initializer_list<OidKey> wanted, Body body) {
    ScanKeyData keys[2];
    int count = 0;
    for (const OidKey &key : wanted)
        ScanKeyInit(&keys[count++], key.column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(key.value));
    const Relation catalog = table_open(catalog_oid, AccessShareLock);
    const SysScanDesc rows = systable_beginscan(catalog, index, true, nullptr, count, keys);
    for (;;) {
        const HeapTuple tuple = systable_getnext(rows);
        if (!HeapTupleIsValid(tuple)) break;
        body(tuple, RelationGetDescr(catalog));
    }
    systable_endscan(rows);
    table_close(catalog, AccessShareLock);
}

// Calls body(array, item) for each item of a list; an empty one is left out.
template <class Item, class Body>
void write_array(JsonWriter &json, const char *name, const List *items, Body write_item) {
    if (items == nullptr) return;
    JsonWriter array(json.member(name), '[');
    ListCell *cell = nullptr;
    foreach (cell, items) write_item(array, static_cast<const Item *>(lfirst(cell)));
    array.close();
}

template <class Item> Item *make() { return new (palloc(sizeof(Item))) Item(); }

struct Numbers {
    const int16 *values = nullptr;
    int count = 0;
};

void write_numbers(JsonWriter &json, const char *name, Numbers numbers) {
    if (numbers.count == 0) return;
    JsonWriter array(json.member(name), '[');
    for (int i = 0; i < numbers.count; ++i) appendStringInfo(array.element(), "%d", numbers.values[i]);
    array.close();
}

// A column of type smallint[].
Numbers numbers_of(HeapTuple tuple, AttrNumber column, TupleDesc shape) {
    bool is_null = false;
    const Datum value = heap_getattr(tuple, column, shape, &is_null);
    if (is_null) return Numbers();
    ArrayType *const array = DatumGetArrayTypePCopy(value);
    return Numbers{reinterpret_cast<const int16 *>(ARR_DATA_PTR(array)),
                   ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array))};
}

// A column with an expression in the server's inner form, as text; null when it is null.
const char *expression_of(HeapTuple tuple, AttrNumber column, TupleDesc shape, Oid table) {
    bool is_null = false;
    const Datum stored = heap_getattr(tuple, column, shape, &is_null);
    return is_null ? nullptr : TextDatumGetCString(DirectFunctionCall2(pg_get_expr, stored, ObjectIdGetDatum(table)));
}

// ---- types

struct TypeBelow {
    Oid type;
    int32 typmod;
    bool not_null; ///< a domain on the way says so
};

TypeBelow below_domains(Oid type, int32 typmod) {
    TypeBelow found{type, typmod, false};
    for (;;) {
        const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(found.type));
        if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for type %u", found.type);
        const auto *const form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
        const bool is_domain = form->typtype == TYPTYPE_DOMAIN;
        if (is_domain) {
            found.type = form->typbasetype;
            // Columns of a domain have none; of domains over domains the outermost counts.
            if (found.typmod < 0) found.typmod = form->typtypmod;
            found.not_null = found.not_null || form->typnotnull;
        }
        ReleaseSysCache(tuple);
        if (!is_domain) return found;
    }
}

struct EnumLabel {
    const char *text = nullptr;
    float4 place = 0;
};

int by_place(const ListCell *a, const ListCell *b) {
    const float4 first = static_cast<const EnumLabel *>(lfirst(a))->place;
    const float4 second = static_cast<const EnumLabel *>(lfirst(b))->place;
    return first < second ? -1 : first > second ? 1 : 0;
}

void write_enum_labels(JsonWriter &json, Oid type) {
    List *labels = nullptr;
    scan(EnumRelationId, EnumTypIdLabelIndexId, {{Anum_pg_enum_enumtypid, type}}, [&](HeapTuple tuple, TupleDesc) {
        const auto *const form = reinterpret_cast<Form_pg_enum>(GETSTRUCT(tuple));
        auto *const label = make<EnumLabel>();
        label->text = pstrdup(NameStr(form->enumlabel));
        label->place = form->enumsortorder;
        labels = lappend(labels, label);
    });
    list_sort(labels, by_place);
    write_array<EnumLabel>(json, "enum_labels", labels, [](JsonWriter &array, const EnumLabel *label) {
        escape_json(array.element(), label->text);
    });
}

const char *type_name(Oid type) {
    const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
    if (!HeapTupleIsValid(tuple)) return nullptr;
    const char *const name = pstrdup(NameStr(reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple))->typname));
    ReleaseSysCache(tuple);
    return name;
}

void write_type(JsonWriter &json, const TypeBelow &below) {
    const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(below.type));
    if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for type %u", below.type);
    const auto *const form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
    const bool is_array = form->typcategory == TYPCATEGORY_ARRAY;
    JsonWriter type(json.member("type"), '{');
    type.number("oid", below.type);
    type.text("name", NameStr(form->typname));
    type.letter("kind", is_array && OidIsValid(form->typelem) ? 'a' : form->typtype);
    type.number_always("typmod", below.typmod);
    if (is_array) {
        type.number("element_oid", form->typelem);
        type.text("element_name", type_name(form->typelem));
    }
    if (form->typtype == TYPTYPE_ENUM) write_enum_labels(type, below.type);
    type.close();
    ReleaseSysCache(tuple);
}

// ---- columns

struct Column {
    int number = 0;
    const char *name = nullptr;
    Oid type = InvalidOid;
    int32 typmod = -1;
    bool not_null = false;
    char identity = '\0';
    char generated = '\0';
    const char *expression = nullptr;
    const char *comment = nullptr;
};

void write_column(JsonWriter &array, const Column *column) {
    const TypeBelow below = below_domains(column->type, column->typmod);
    JsonWriter json(array.element(), '{');
    json.number_always("number", column->number);
    json.text_always("name", column->name);
    write_type(json, below);
    json.text("type_sql", format_type_extended(column->type, column->typmod, FORMAT_TYPE_TYPEMOD_GIVEN));
    json.truth("not_null", column->not_null || below.not_null);
    json.letter("identity", column->identity);
    json.letter("generated", column->generated);
    json.text("expression", column->expression);
    json.text("comment", column->comment);
    json.close();
}

// Of defaults and generated columns, by column number.
const char **read_expressions(Oid table, int columns) {
    auto **const expressions = static_cast<const char **>(palloc0(sizeof(const char *) * (columns + 1)));
    scan(AttrDefaultRelationId, AttrDefaultIndexId, {{Anum_pg_attrdef_adrelid, table}},
         [&](HeapTuple tuple, TupleDesc shape) {
             const AttrNumber number = reinterpret_cast<Form_pg_attrdef>(GETSTRUCT(tuple))->adnum;
             if (number > 0 && number <= columns)
                 expressions[number] = expression_of(tuple, Anum_pg_attrdef_adbin, shape, table);
         });
    return expressions;
}

List *read_columns(Relation table) {
    const Oid oid = RelationGetRelid(table);
    const TupleDesc shape = RelationGetDescr(table);
    const char **const expressions = read_expressions(oid, shape->natts);
    List *columns = nullptr;
    for (int i = 0; i < shape->natts; ++i) {
        const Form_pg_attribute attribute = TupleDescAttr(shape, i);
        if (attribute->attisdropped) continue;
        auto *const column = make<Column>();
        column->number = attribute->attnum;
        column->name = NameStr(attribute->attname);
        column->type = attribute->atttypid;
        column->typmod = attribute->atttypmod;
        column->not_null = attribute->attnotnull;
        column->identity = attribute->attidentity;
        column->generated = attribute->attgenerated;
        column->expression = expressions[attribute->attnum];
        column->comment = GetComment(oid, RelationRelationId, attribute->attnum);
        columns = lappend(columns, column);
    }
    return columns;
}

// ---- indexes

struct Index {
    const char *name = nullptr;
    const char *method = nullptr;
    const char *comment = nullptr;
    Form_pg_index form = nullptr;
    const int16 *options = nullptr; ///< one per key column
    bool partial = false;
    bool expressions = false;
};

Index *read_index(HeapTuple tuple, TupleDesc shape) {
    const Oid oid = reinterpret_cast<Form_pg_index>(GETSTRUCT(tuple))->indexrelid;
    const HeapTuple relation = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
    if (!HeapTupleIsValid(relation)) return nullptr;
    const auto *const class_form = reinterpret_cast<Form_pg_class>(GETSTRUCT(relation));
    auto *const index = make<Index>();
    index->name = pstrdup(NameStr(class_form->relname));
    index->method = get_am_name(class_form->relam);
    index->comment = GetComment(oid, RelationRelationId, 0);
    ReleaseSysCache(relation);

    const HeapTuple copy = heap_copytuple(tuple);
    index->form = reinterpret_cast<Form_pg_index>(GETSTRUCT(copy));
    bool is_null = false;
    const Datum options = heap_getattr(copy, Anum_pg_index_indoption, shape, &is_null);
    index->options = reinterpret_cast<const int2vector *>(DatumGetPointer(options))->values;
    index->partial = !heap_attisnull(copy, Anum_pg_index_indpred, shape);
    index->expressions = !heap_attisnull(copy, Anum_pg_index_indexprs, shape);
    return index;
}

int primary_first(const ListCell *a, const ListCell *b) {
    const auto *const first = static_cast<const Index *>(lfirst(a));
    const auto *const second = static_cast<const Index *>(lfirst(b));
    if (first->form->indisprimary != second->form->indisprimary) return first->form->indisprimary ? -1 : 1;
    return strcmp(first->name, second->name);
}

List *read_indexes(Oid table) {
    List *indexes = nullptr;
    scan(IndexRelationId, IndexIndrelidIndexId, {{Anum_pg_index_indrelid, table}},
         [&](HeapTuple tuple, TupleDesc shape) {
             Index *const index = read_index(tuple, shape);
             if (index != nullptr) indexes = lappend(indexes, index);
         });
    list_sort(indexes, primary_first);
    return indexes;
}

void write_index(JsonWriter &array, const Index *index) {
    const Form_pg_index form = index->form;
    JsonWriter json(array.element(), '{');
    json.text_always("name", index->name);
    json.text("method", index->method);
    json.truth("primary", form->indisprimary);
    json.truth("unique", form->indisunique);
    json.truth("immediate", form->indimmediate);
    json.truth("valid", form->indisvalid);
    json.truth("partial", index->partial);
    json.truth("expressions", index->expressions);
    json.truth("exclusion", form->indisexclusion);
    json.truth("nulls_not_distinct", compat::nulls_not_distinct(form));
    json.truth("replica_identity", form->indisreplident);
    write_numbers(json, "columns", Numbers{form->indkey.values, form->indnkeyatts});
    JsonWriter descending(json.member("descending"), '[');
    for (int i = 0; i < form->indnkeyatts; ++i)
        appendStringInfoString(descending.element(), (index->options[i] & INDOPTION_DESC) != 0 ? "true" : "false");
    descending.close();
    json.text("comment", index->comment);
    json.close();
}

// ---- constraints

struct Constraint {
    Form_pg_constraint form = nullptr;
    Numbers columns;
    Numbers foreign_columns;
    bool sets_some_columns = false;
    const char *expression = nullptr;
};

Constraint *read_constraint(HeapTuple tuple, TupleDesc shape, Oid table) {
    auto *const constraint = make<Constraint>();
    constraint->form = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(heap_copytuple(tuple)));
    constraint->columns = numbers_of(tuple, Anum_pg_constraint_conkey, shape);
    constraint->foreign_columns = numbers_of(tuple, Anum_pg_constraint_confkey, shape);
    constraint->sets_some_columns = compat::sets_some_columns(tuple, shape);
    constraint->expression = expression_of(tuple, Anum_pg_constraint_conbin, shape, table);
    return constraint;
}

int by_type_and_name(const ListCell *a, const ListCell *b) {
    const Form_pg_constraint first = static_cast<const Constraint *>(lfirst(a))->form;
    const Form_pg_constraint second = static_cast<const Constraint *>(lfirst(b))->form;
    if (first->contype != second->contype) return first->contype < second->contype ? -1 : 1;
    return strcmp(NameStr(first->conname), NameStr(second->conname));
}

List *read_constraints(Oid table) {
    List *constraints = nullptr;
    scan(ConstraintRelationId, ConstraintRelidTypidNameIndexId, {{Anum_pg_constraint_conrelid, table}},
         [&](HeapTuple tuple, TupleDesc shape) {
             const char type = reinterpret_cast<Form_pg_constraint>(GETSTRUCT(tuple))->contype;
             if (type == CONSTRAINT_CHECK || type == CONSTRAINT_FOREIGN)
                 constraints = lappend(constraints, read_constraint(tuple, shape, table));
         });
    list_sort(constraints, by_type_and_name);
    return constraints;
}

void write_constraint(JsonWriter &array, const Constraint *constraint) {
    const Form_pg_constraint form = constraint->form;
    JsonWriter json(array.element(), '{');
    json.text_always("name", NameStr(form->conname));
    json.letter("type", form->contype);
    json.truth("deferrable", form->condeferrable);
    json.truth("validated", form->convalidated);
    write_numbers(json, "columns", constraint->columns);
    json.number("foreign_table", form->confrelid);
    write_numbers(json, "foreign_columns", constraint->foreign_columns);
    json.letter("on_update", form->confupdtype);
    json.letter("on_delete", form->confdeltype);
    json.letter("match", form->confmatchtype);
    json.truth("sets_some_columns", constraint->sets_some_columns);
    json.text("expression", constraint->expression);
    json.close();
}

// ---- tables

// Whether an oid is that of a table whose definition is worth a word.
bool is_described(Oid oid) {
    if (oid < FirstNormalObjectId) return false;
    const HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(oid));
    if (!HeapTupleIsValid(tuple)) return false;
    const auto *const form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    const bool is_permanent_table = (form->relkind == RELKIND_RELATION || form->relkind == RELKIND_PARTITIONED_TABLE) &&
                                    form->relpersistence == RELPERSISTENCE_PERMANENT;
    const Oid schema = form->relnamespace;
    ReleaseSysCache(tuple);
    const bool is_of_system = schema < FirstNormalObjectId && schema != PG_PUBLIC_NAMESPACE;
    if (!is_permanent_table || is_of_system) return false;
    const char *const schema_name = get_namespace_name(schema);
    return schema_name != nullptr && strcmp(schema_name, "walbridge") != 0 &&
           !OidIsValid(getExtensionOfObject(RelationRelationId, oid));
}

// Those that are described, each once, by oid: locked, so that they stay as they are.
List *lock_described(List *tables) {
    list_sort(tables, list_oid_cmp);
    list_deduplicate_oid(tables);
    List *locked = nullptr;
    ListCell *cell = nullptr;
    foreach (cell, tables) {
        const Oid oid = lfirst_oid(cell);
        if (!is_described(oid)) continue;
        LockRelationOid(oid, AccessShareLock);
        // Another transaction may have had it until now.
        if (is_described(oid))
            locked = lappend_oid(locked, oid);
        else
            UnlockRelationOid(oid, AccessShareLock);
    }
    return locked;
}

void write_table(JsonWriter &array, Oid oid) {
    const Relation table = relation_open(oid, NoLock);
    JsonWriter json(array.element(), '{');
    json.number("oid", oid);
    json.text("schema", get_namespace_name(RelationGetNamespace(table)));
    json.text_always("name", RelationGetRelationName(table));
    json.letter("kind", table->rd_rel->relkind);
    json.text("comment", GetComment(oid, RelationRelationId, 0));
    write_array<Column>(json, "columns", read_columns(table), write_column);
    write_array<Index>(json, "indexes", read_indexes(oid), write_index);
    write_array<Constraint>(json, "constraints", read_constraints(oid), write_constraint);
    json.close();
    relation_close(table, NoLock);
}

void write_tables(JsonWriter &json, const List *tables) {
    if (tables == nullptr) return;
    // What one table leaves behind goes before the next: there may be thousands of partitions.
    const MemoryContext memory =
        AllocSetContextCreate(CurrentMemoryContext, "walbridge table definition", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext home = MemoryContextSwitchTo(memory);
    JsonWriter array(json.member("definitions"), '[');
    ListCell *cell = nullptr;
    foreach (cell, tables) {
        CHECK_FOR_INTERRUPTS();
        write_table(array, lfirst_oid(cell));
        MemoryContextReset(memory);
    }
    array.close();
    MemoryContextSwitchTo(home);
    MemoryContextDelete(memory);
}

// ---- which tables

List *with_inheritors(List *tables, Oid table) {
    if (!OidIsValid(table)) return tables;
    const Relation parent = try_relation_open(table, AccessShareLock);
    if (parent == nullptr) return tables;
    tables = list_concat(tables, find_all_inheritors(table, AccessShareLock, nullptr));
    relation_close(parent, NoLock);
    return tables;
}

// Whether columns of this type show what another type is called or allows: domains over it, arrays of it.
bool shows_another(Oid type) { return get_typtype(type) == TYPTYPE_DOMAIN || OidIsValid(get_element_type(type)); }

// Tables with columns of this type, of domains over it or of arrays of those; tables made OF it.
List *with_users_of_type(List *tables, Oid type) {
    List *types = list_make1_oid(type);
    for (int i = 0; i < list_length(types); ++i) // grows on the way
        scan(DependRelationId, DependReferenceIndexId,
             {{Anum_pg_depend_refclassid, TypeRelationId}, {Anum_pg_depend_refobjid, list_nth_oid(types, i)}},
             [&](HeapTuple tuple, TupleDesc) {
                 const auto *const form = reinterpret_cast<Form_pg_depend>(GETSTRUCT(tuple));
                 if (form->classid == RelationRelationId)
                     tables = lappend_oid(tables, form->objid);
                 else if (form->classid == TypeRelationId && shows_another(form->objid))
                     types = list_append_unique_oid(types, form->objid);
             });
    return tables;
}

bool is_tag(const CommandObject *object, const char *tag) {
    return object->tag != nullptr && strcmp(object->tag, tag) == 0;
}

List *with_tables_of(List *tables, const CommandObject *object) {
    // Comments are not handed down.
    const bool alone = is_tag(object, "COMMENT");
    const auto add = [&](Oid table) { return alone ? lappend_oid(tables, table) : with_inheritors(tables, table); };
    switch (object->class_oid) {
    case RelationRelationId:
        switch (get_rel_relkind(object->oid)) {
        case RELKIND_RELATION:
        case RELKIND_PARTITIONED_TABLE: return add(object->oid);
        case RELKIND_INDEX:
        case RELKIND_PARTITIONED_INDEX: return add(object->table);
        // Tables made OF the type.
        case RELKIND_COMPOSITE_TYPE: return with_users_of_type(tables, get_rel_type_id(object->oid));
        default: return tables;
        }
    case ConstraintRelationId:
    case AttrDefaultRelationId: return add(object->table);
    case TypeRelationId:
        return is_tag(object, "ALTER TYPE") || is_tag(object, "ALTER DOMAIN") ? with_users_of_type(tables, object->oid)
                                                                              : tables;
    default: return tables;
    }
}

// The table that has lost a column, a default or a constraint.
List *with_table_of_dropped(List *tables, const DroppedObject *object) {
    switch (object->class_oid) {
    case RelationRelationId: return object->sub != 0 ? lappend_oid(tables, object->oid) : tables;
    case AttrDefaultRelationId:
    case ConstraintRelationId: {
        // Schema, table, and its own name; those of domains have fewer.
        if (list_length(object->address_names) != 3) return tables;
        const Oid schema = get_namespace_oid(static_cast<const char *>(linitial(object->address_names)), true);
        const auto *const name = static_cast<const char *>(lsecond(object->address_names));
        return OidIsValid(schema) ? lappend_oid(tables, get_relname_relid(name, schema)) : tables;
    }
    default: return tables;
    }
}

// Partitions on their own again, which their former parent no longer leads to.
List *with_detached(List *tables, const Node *tree) {
    if (tree == nullptr || !IsA(tree, AlterTableStmt)) return tables;
    ListCell *cell = nullptr;
    foreach (cell, reinterpret_cast<const AlterTableStmt *>(tree)->cmds) {
        const auto *const command = static_cast<const AlterTableCmd *>(lfirst(cell));
        if (!compat::detaches_partition(command->subtype)) continue;
        const RangeVar *const name = castNode(PartitionCmd, command->def)->name;
        tables = with_inheritors(tables, RangeVarGetRelid(name, NoLock, true));
    }
    return tables;
}

} // namespace

// ---- interface

List *possibly_changed_tables(const Statement *statement, const List *objects, const List *dropped, const Node *tree) {
    List *tables = nullptr;
    ListCell *cell = nullptr;
    foreach (cell, objects) tables = with_tables_of(tables, static_cast<const CommandObject *>(lfirst(cell)));
    foreach (cell, dropped) tables = with_table_of_dropped(tables, static_cast<const DroppedObject *>(lfirst(cell)));
    foreach (cell, statement->unindexed) tables = with_inheritors(tables, lfirst_oid(cell));
    return with_detached(tables, tree);
}

void write_definitions(JsonWriter &json, List *tables) {
    fail_if_wanted(FailurePoint::definitions);
    if (tables == nullptr) return;
    const int level = begin_text_settings();
    // Long expressions are stored apart, and output functions may want one: after CREATE INDEX CONCURRENTLY none is
    // set.
    const bool own_snapshot = !ActiveSnapshotSet();
    if (own_snapshot) PushActiveSnapshot(GetTransactionSnapshot());
    write_tables(json, lock_described(tables));
    if (own_snapshot) PopActiveSnapshot();
    end_text_settings(level);
}

void write_new_definition(JsonWriter &json, const char *schema, const char *name, const List *columns) {
    fail_if_wanted(FailurePoint::definitions);
    const int level = begin_text_settings();
    JsonWriter array(json.member("definitions"), '[');
    JsonWriter table(array.element(), '{');
    table.text("schema", schema);
    table.text_always("name", name);
    table.letter("kind", RELKIND_RELATION);
    int number = 0;
    write_array<NewColumn>(table, "columns", columns, [&](JsonWriter &list, const NewColumn *planned) {
        Column column;
        column.number = ++number;
        column.name = planned->name;
        column.type = planned->type;
        column.typmod = planned->typmod;
        write_column(list, &column);
    });
    table.close();
    array.close();
    end_text_settings(level);
}

} // namespace walbridge
