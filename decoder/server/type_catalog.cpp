// type_catalog.cpp: lookups in pg_type, pg_enum, pg_collation and pg_namespace.
#include "server/type_catalog.hpp"

#include "server/compat.hpp"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_type.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace walbridge {

TypeFacts read_type(Oid type, const TextEncoder &encoder) {
    struct Row {
        NameData name;
        Oid schema;
        char typtype;
        int length;
        Oid base;
        Oid element;
        Oid output;
        Oid send;
    };
    const Row row = call([&] {
        const HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
        if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for type %u", type);
        const auto *form = reinterpret_cast<Form_pg_type>(GETSTRUCT(tuple));
        const Row found{form->typname,     form->typnamespace,     form->typtype,   form->typlen,
                        form->typbasetype, get_element_type(type), form->typoutput, form->typsend};
        ReleaseSysCache(tuple);
        return found;
    });
    TypeFacts facts;
    facts.oid = type;
    facts.schema_oid = row.schema;
    facts.schema = read_schema(row.schema, encoder);
    facts.name = encoder.encode(NameStr(row.name));
    facts.category = row.typtype;
    facts.length = row.length;
    if (row.typtype == TYPTYPE_DOMAIN) {
        facts.element = row.base;
    } else if (OidIsValid(row.element)) {
        facts.category = 'a';
        facts.element = row.element;
    }
    facts.output_function = row.output;
    facts.send_function = row.send;
    return facts;
}

std::vector<std::pair<Oid, std::string>> read_enum(Oid type, const TextEncoder &encoder) {
    struct Label {
        Oid oid;
        NameData name;
    };
    Label *labels = nullptr;
    int count = 0;
    call([&] {
        int room = 16;
        labels = static_cast<Label *>(palloc(sizeof(Label) * static_cast<Size>(room)));
        const Relation table = table_open(EnumRelationId, AccessShareLock);
        const Relation index = index_open(EnumTypIdSortOrderIndexId, AccessShareLock);
        ScanKeyData key;
        ScanKeyInit(&key, Anum_pg_enum_enumtypid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(type));
        const SysScanDesc scan = systable_beginscan_ordered(table, index, nullptr, 1, &key);
        for (;;) {
            const HeapTuple tuple = systable_getnext_ordered(scan, ForwardScanDirection);
            if (!HeapTupleIsValid(tuple)) break;
            if (count == room) {
                room *= 2;
                labels = static_cast<Label *>(repalloc(labels, sizeof(Label) * static_cast<Size>(room)));
            }
            const auto *form = reinterpret_cast<Form_pg_enum>(GETSTRUCT(tuple));
            labels[count].oid = form->oid;
            labels[count].name = form->enumlabel;
            ++count;
        }
        systable_endscan_ordered(scan);
        index_close(index, AccessShareLock);
        table_close(table, AccessShareLock);
    });
    std::vector<std::pair<Oid, std::string>> result;
    result.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) result.emplace_back(labels[i].oid, encoder.encode(NameStr(labels[i].name)));
    return result;
}

std::string read_schema(Oid schema, const TextEncoder &encoder) {
    const char *name = call([&] { return get_namespace_name(schema); });
    return name != nullptr ? std::string(encoder.encode(name)) : std::string();
}

CollationFacts read_collation(Oid collation, const TextEncoder &encoder) {
    CollationFacts facts;
    if (!OidIsValid(collation) || collation == DEFAULT_COLLATION_OID) return facts;
    struct Row {
        NameData name;
        Oid schema;
    };
    const Row row = call([&] {
        const HeapTuple tuple = SearchSysCache1(COLLOID, ObjectIdGetDatum(collation));
        if (!HeapTupleIsValid(tuple)) elog(ERROR, "cache lookup failed for collation %u", collation);
        const auto *form = reinterpret_cast<Form_pg_collation>(GETSTRUCT(tuple));
        const Row found{form->collname, form->collnamespace};
        ReleaseSysCache(tuple);
        return found;
    });
    facts.schema_oid = row.schema;
    facts.schema = read_schema(row.schema, encoder);
    facts.name = encoder.encode(NameStr(row.name));
    return facts;
}

} // namespace walbridge
