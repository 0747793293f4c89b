// filter.cpp: the fixed rules for tables and the cache of origin names.
#include "server/filter.hpp"

#include "server/compat.hpp"
#include "server/text_encoding.hpp"

#include <algorithm>
#include <vector>

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_replication_origin.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/syscache.h"
}

namespace walbridge {

bool is_replicable(Relation relation, std::string_view schema) {
    const Form_pg_class form = relation->rd_rel;
    if (form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE) return false;
    if (form->relpersistence != RELPERSISTENCE_PERMANENT) return false;
    if (RelationGetRelid(relation) < FirstNormalObjectId) return false;
    if (OidIsValid(form->relrewrite)) return false;
    return schema != "walbridge";
}

OriginFilter *OriginFilter::live_ = nullptr;

OriginFilter::OriginFilter(const Options &options) : options_(options) {
    // Callbacks cannot be taken back, so there is one per process and it looks for the filter that is alive.
    static bool registered = false;
    if (!registered) {
        call([] { CacheRegisterSyscacheCallback(REPLORIGIDENT, invalidate, static_cast<Datum>(0)); });
        registered = true;
    }
    live_ = this;
}

OriginFilter::~OriginFilter() {
    if (live_ == this) live_ = nullptr;
}

void OriginFilter::invalidate(Datum, int, uint32) {
    if (live_ != nullptr) live_->stale_ = true;
}

bool OriginFilter::excluded(std::string_view name) const {
    return std::any_of(options_.excluded_origins.begin(), options_.excluded_origins.end(),
                       [&](const std::string &pattern) { return wire::wildcard_match(pattern, name); });
}

void OriginFilter::learn_all() {
    if (options_.origin != OriginMode::all_but) return;
    struct Row {
        RepOriginId id;
        char *name;
    };
    Row *rows = nullptr;
    int count = 0;
    call([&] {
        int room = 16;
        rows = static_cast<Row *>(palloc(sizeof(Row) * static_cast<Size>(room)));
        const Relation table = table_open(ReplicationOriginRelationId, AccessShareLock);
        const SysScanDesc scan = systable_beginscan(table, InvalidOid, false, nullptr, 0, nullptr);
        for (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple); tuple = systable_getnext(scan)) {
            const auto *form = reinterpret_cast<Form_pg_replication_origin>(GETSTRUCT(tuple));
            bool is_null = false;
            const Datum name =
                heap_getattr(tuple, Anum_pg_replication_origin_roname, RelationGetDescr(table), &is_null);
            if (is_null) continue;
            if (count == room) {
                room *= 2;
                rows = static_cast<Row *>(repalloc(rows, sizeof(Row) * static_cast<Size>(room)));
            }
            rows[count++] = Row{static_cast<RepOriginId>(form->roident), TextDatumGetCString(name)};
        }
        systable_endscan(scan);
        table_close(table, AccessShareLock);
    });
    const TextEncoder encoder;
    for (int i = 0; i < count; ++i) {
        std::string name(encoder.encode(rows[i].name));
        const bool skipped = excluded(name);
        known_[rows[i].id] = Known{std::move(name), skipped};
    }
}

bool OriginFilter::skips_known(RepOriginId id) const {
    if (options_.origin == OriginMode::any || id == InvalidRepOriginId) return false;
    if (options_.origin == OriginMode::local) return true;
    if (stale_) return false;
    const auto found = known_.find(id);
    return found != known_.end() && found->second.skipped;
}

const OriginFilter::Known &OriginFilter::lookup(RepOriginId id) {
    if (stale_) {
        known_.clear();
        stale_ = false;
    }
    const auto found = known_.find(id);
    if (found != known_.end()) return found->second;
    char *name = nullptr;
    const bool exists = call([&] { return replorigin_by_oid(id, true, &name); });
    Known known;
    if (exists) {
        known.name = TextEncoder().encode(name);
        known.skipped = excluded(known.name);
    } else {
        known.name = "#" + std::to_string(id);
    }
    return known_[id] = std::move(known);
}

bool OriginFilter::skips(RepOriginId id) {
    if (options_.origin == OriginMode::any || id == InvalidRepOriginId) return false;
    if (options_.origin == OriginMode::local) return true;
    return lookup(id).skipped;
}

std::string_view OriginFilter::name(RepOriginId id) {
    if (id == InvalidRepOriginId) return {};
    return lookup(id).name;
}

} // namespace walbridge
