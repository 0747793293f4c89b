// snapshot.hpp: a logical slot created together with an exported snapshot: the point where a copy ends and the stream
// begins. The connection that created the slot stays silent until the object goes: any command on it would end the
// snapshot. A permanent slot outlives the object, a temporary one does not. One thread creates it; name() and lsn() may
// be read from every thread.
#pragma once

#include "base/lsn.hpp"
#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"

#include <string>

namespace walbridge::source {

enum class SlotLife { permanent, temporary };

struct SlotRequest {
    std::string slot; ///< for example `walbridge_orders`
    SlotLife life = SlotLife::permanent;
    std::string plugin = "walbridge"; ///< tests may name another one
    std::string application_name;
    bool failover = false; ///< synchronised to standbys; only a permanent slot, only on 17 and newer
};

/// The replication command that creates the slot and exports its snapshot.
[[nodiscard]] std::string create_slot_statement(const SlotRequest &request, int server_version);

class ExportedSnapshot {
  public:
    /// Creates the slot and exports its snapshot. Waits for all transactions that are open on the cluster and logs
    /// which ones hold it up. Throws Error: plugin (missing or refused), resource (no free slot), task_state (the slot
    /// exists already or a stop was requested), permission, connection.
    ExportedSnapshot(const pg::Endpoint &source, const SlotRequest &request, const StopToken &stop);

    [[nodiscard]] const std::string &slot() const { return slot_; }
    /// The consistent point: a transaction belongs to the snapshot iff its commit_lsn is smaller.
    [[nodiscard]] Lsn lsn() const { return lsn_; }
    /// For SET TRANSACTION SNAPSHOT.
    [[nodiscard]] const std::string &name() const { return name_; }
    /// False once the connection is lost: the snapshot can no longer be imported.
    [[nodiscard]] bool alive();

  private:
    pg::Session session_;
    std::string slot_, name_;
    Lsn lsn_;
};

/// Opens a read-only transaction in `session` that sees exactly what `snapshot_name` shows.
void import_snapshot(pg::Session &session, const std::string &snapshot_name);

} // namespace walbridge::source
