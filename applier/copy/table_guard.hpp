// table_guard.hpp: keeps tables from being rewritten, truncated or altered between a snapshot and the start of their
// copy. The last resort for tables that the source changes again and again before their copy begins: otherwise workers
// let DDL pass.
//
// Creating a slot waits for all transactions that wrote something. One of them may be waiting for a lock of ours: no
// deadlock detector would see that. So until the snapshot is there, a second thread looks for such transactions, lets
// all locks go for them and takes them again. Locks are never waited for (NOWAIT): the source's sessions cannot get
// into a deadlock with us. The session that holds the locks must copy the tables itself: another one would queue behind
// the DDL that waits for it.
#pragma once

#include "base/qualified_name.hpp"
#include "config/task_config.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace walbridge::copy {

class TableGuard {
  public:
    /// Takes ACCESS SHARE on the tables that are free, and goes on trying for the others.
    TableGuard(const TaskConfig &config, std::vector<QualifiedName> tables);
    ~TableGuard();

    /// The snapshot is there: the locks stay as they are. Returns the session that holds them, in a transaction that
    /// has imported the snapshot, or nothing when no table could be had.
    [[nodiscard]] std::optional<pg::Session> import(const std::string &snapshot);
    /// Tables whose lock import()'s session holds.
    [[nodiscard]] std::set<QualifiedName> held() const;

  private:
    void stop_watching();
    void watch(const std::stop_token &stop);
    void lock_what_is_free();
    bool stands_in_the_way();

    const TaskConfig &config_;
    const std::vector<QualifiedName> tables_;
    std::vector<bool> held_;
    std::optional<pg::Session> session_, observer_;
    std::mutex mutex_; // for changed_ only: the sessions belong to the watching thread while it runs
    std::condition_variable_any changed_;
    std::jthread watch_;
};

} // namespace walbridge::copy
