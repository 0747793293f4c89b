// ddl_key.cpp: reading the key, and making one. On the server's side of the border: no object with a destructor here.
#include "server/ddl_key.hpp"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif
}

namespace walbridge {

namespace {

constexpr AttrNumber id_column = 1;
constexpr AttrNumber key_column = 2;
constexpr int key_bytes = 32;

} // namespace

CaptureKey read_capture_key() {
    CaptureKey found;
    const Oid schema = get_namespace_oid("walbridge", true);
    const Oid table_oid = OidIsValid(schema) ? get_relname_relid("capture_key", schema) : InvalidOid;
    if (!OidIsValid(table_oid)) return found;

    const Relation table = table_open(table_oid, AccessShareLock);
    // The newest key, also for a transaction that looks at an older state of the database.
    const Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
    const TableScanDesc scan = table_beginscan(table, snapshot, 0, nullptr);
    TupleTableSlot *const slot = table_slot_create(table, nullptr);
    while (table_scan_getnextslot(scan, ForwardScanDirection, slot)) {
        bool id_is_null = false;
        bool key_is_null = false;
        const uint64 id = static_cast<uint64>(DatumGetInt64(slot_getattr(slot, id_column, &id_is_null)));
        const Datum key = slot_getattr(slot, key_column, &key_is_null);
        if (id_is_null || key_is_null || id <= found.id) continue;
        const auto *const bytes = DatumGetByteaPCopy(key);
        found = CaptureKey{id, VARDATA(bytes), static_cast<int>(VARSIZE(bytes) - VARHDRSZ)};
    }
    ExecDropSingleTupleTableSlot(slot);
    table_endscan(scan);
    UnregisterSnapshot(snapshot);
    table_close(table, AccessShareLock);
    return found;
}

Datum random_key() {
    auto *const key = static_cast<bytea *>(palloc(VARHDRSZ + key_bytes));
    SET_VARSIZE(key, VARHDRSZ + key_bytes);
    if (!pg_strong_random(VARDATA(key), key_bytes))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate a random key")));
    PG_RETURN_BYTEA_P(key);
}

} // namespace walbridge
