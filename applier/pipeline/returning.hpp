// returning.hpp: keeps changes of our own target from travelling back to it.
//
// Tasks that bring changes of our target into our source mark them with their replication origins. The plugin leaves
// those out; everything else that arrived at the source by replication is passed on (cascade). Which tasks they are is
// read from the source's walbridge.task when the stream starts. A task may begin while we stream: its first change
// comes through, is recognised by its origin before anything of it is applied, and
//   is our own way back      the stream begins anew with the right filter (OriginsChanged), nothing is applied;
//   is any other task        the task stops with Error(loop): two tasks carry the same rows in opposite directions.
#pragma once

#include "change/batch.hpp"
#include "config/task_config.hpp"
#include "target/postgres/neighbours.hpp"

#include <set>
#include <string>

namespace walbridge::pipeline {

class Returning {
  public:
    /// Asks both databases. Throws SqlError.
    explicit Returning(const TaskConfig &config);

    /// The plugin's option `origin`; empty = leave nothing out.
    [[nodiscard]] std::string left_out() const;

    /// Before the batch is given to the applier. Throws OriginsChanged, Error(loop), SqlError.
    void check(const ChangeBatch &batch);

  private:
    void judge(const TransactionBegin &begin);

    const TaskConfig &config_;
    target::DatabaseId target_;
    std::set<std::string> left_out_; ///< tasks
    std::set<std::string> passed_;   ///< origins that come from elsewhere
    std::string last_;               ///< of them, the one seen last
};

} // namespace walbridge::pipeline
