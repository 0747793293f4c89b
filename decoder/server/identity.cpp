// identity.cpp: the replica identity, from the relation cache.
#include "server/identity.hpp"

extern "C" {
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "utils/relcache.h"
}

namespace walbridge {

ReplicaIdentity replica_identity(Relation table) {
    ReplicaIdentity identity;
    identity.full = table->rd_rel->relreplident == REPLICA_IDENTITY_FULL;
    if (identity.full || table->rd_rel->relreplident == REPLICA_IDENTITY_NOTHING) return identity;
    identity.index = call([&] { return RelationGetReplicaIndex(table); });
    if (!OidIsValid(identity.index)) return identity;
    int16 columns[INDEX_MAX_KEYS];
    const int count = call([&] {
        const Relation index = RelationIdGetRelation(identity.index);
        if (!RelationIsValid(index)) return 0;
        const int keys = index->rd_index->indnkeyatts;
        for (int i = 0; i < keys; ++i) columns[i] = index->rd_index->indkey.values[i];
        RelationClose(index);
        return keys;
    });
    identity.columns.assign(columns, columns + count);
    return identity;
}

} // namespace walbridge
