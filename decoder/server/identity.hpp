// identity.hpp: by which columns the WAL says which row was updated or deleted.
#pragma once

#include "server/guard.hpp"

#include <algorithm>
#include <vector>

extern "C" {
#include "utils/rel.h"
}

namespace walbridge {

struct ReplicaIdentity {
    bool full = false;        ///< the whole row
    Oid index = InvalidOid;   ///< else of this index
    std::vector<int> columns; ///< numbers of its columns

    bool identifiable() const { return full || !columns.empty(); }
    bool has(int attribute) const {
        return full || std::find(columns.begin(), columns.end(), attribute) != columns.end();
    }
};

/// An index that is not immediate, unique and valid is none: the server does not log by it.
ReplicaIdentity replica_identity(Relation table);

} // namespace walbridge
