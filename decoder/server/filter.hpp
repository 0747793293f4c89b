// filter.hpp: which tables and which origins are sent.
#pragma once

#include "server/guard.hpp"
#include "server/options.hpp"

#include <string>
#include <string_view>
#include <unordered_map>

extern "C" {
#include "replication/origin.h"
#include "utils/rel.h"
}

namespace walbridge {

/// Whether rows and truncations of this relation are sent at all, whatever the task selects: tables and partitioned
/// tables that are permanent, not the system's, not storage that a rewrite is filling and not walbridge's own.
/// Materialized views are decoded on a concurrent refresh; they are derived data and left out.
bool is_replicable(Relation relation, std::string_view schema);

/// Decides by replication origin. The server asks with a 16-bit id and, between transactions, without access to
/// catalogs. So names are looked up at start and at the beginning of transactions, and an unknown id passes the first
/// question to be settled by the second.
class OriginFilter {
  public:
    explicit OriginFilter(const Options &options);
    ~OriginFilter();
    OriginFilter(const OriginFilter &) = delete;
    OriginFilter &operator=(const OriginFilter &) = delete;

    /// Reads the names of all origins, if they matter. Needs a transaction.
    void learn_all();
    /// The question of filter_by_origin: no catalog access.
    bool skips_known(RepOriginId id) const;
    /// The question at the beginning of a transaction: looks up what is not known yet.
    bool skips(RepOriginId id);
    /// Name of an origin in the stream's encoding, empty for the local one; "#id" when it has been dropped meanwhile.
    /// Valid until the next call.
    std::string_view name(RepOriginId id);

  private:
    struct Known {
        std::string name;
        bool skipped = false;
    };
    const Known &lookup(RepOriginId id);
    bool excluded(std::string_view name) const;

    const Options &options_;
    std::unordered_map<RepOriginId, Known> known_;
    bool stale_ = false; ///< set by the invalidation callback: ids may belong to other names now

    static OriginFilter *live_;
    static void invalidate(Datum argument, int cache, uint32 hash);
};

} // namespace walbridge
