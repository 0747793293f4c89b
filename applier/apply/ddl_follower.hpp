// ddl_follower.hpp: what the batch applier asks of whoever follows the source's DDL: by statements where the target
// speaks PostgreSQL (ddl_applier.hpp), by definitions where it does not (definition_follower.hpp).
//
// Runs on the applier's thread. One transaction at a time: take() for each message, finish() before its commit, then
// committed(), or forgotten() after a rollback.
#pragma once

#include "apply/exact_applier.hpp"
#include "base/qualified_name.hpp"
#include "change/change.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace walbridge::apply {

struct DdlCounters {
    std::uint64_t applied = 0, skipped = 0, refused = 0, recognised = 0;
};

/// What a committed transaction did that somebody has to act upon. Names of the source.
struct DdlAftermath {
    std::vector<QualifiedName> created; ///< tables that began to exist
    std::vector<QualifiedName> entered; ///< tables that were renamed into the selection: nothing of them is here yet
};

class DdlFollower {
  public:
    DdlFollower() = default;
    DdlFollower(const DdlFollower &) = delete;
    DdlFollower &operator=(const DdlFollower &) = delete;
    virtual ~DdlFollower() = default;

    /// A message with ddl_prefix. `untouched`: the transaction has changed nothing on the target so far. True when the
    /// target's tables may have changed. Throws Error(ddl) under ddl.on_error = "stop", after the rollback and the
    /// record.
    virtual bool take(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid,
                      bool untouched) = 0;
    /// A message whose statement the target holds already, because its transaction began there before a crash: what the
    /// rest of the transaction needs to know of it.
    virtual void taken_before(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid) = 0;
    /// The transaction has no more changes. Like take().
    virtual bool finish() = 0;

    /// Where the rows go that ALTER TABLE made of a table's; nullopt = nowhere, the statement was not executed here.
    [[nodiscard]] virtual std::optional<QualifiedName> staging(const Relation &rewritten) = 0;

    [[nodiscard]] virtual DdlAftermath committed() = 0;
    virtual void forgotten() = 0;

    [[nodiscard]] virtual const DdlCounters &counters() const = 0;
};

} // namespace walbridge::apply
