// streamed_transactions.hpp: transactions that arrive while they are in progress on the source.
//
// Every change goes to the transaction's spool. Optimistically the blocks are applied at once as well, by the bulk
// path, in a target transaction of their own on a session of their own. Nobody conflicts with them: on the source the
// row locks of the transaction make every later writer of its rows wait for its end, so whatever comes between its
// blocks and its commit touches other rows; and a block is applied only when everything that was committed before it
// has been. The commit record makes the target transaction commit, with the position. On anything unexpected, a rolled
// back subtransaction included, the target transaction is rolled back, and when the commit record comes, the spool is
// replayed in order through the ordinary path, without what was rolled back on the source.
//
// block(), aborted(), commit() and replay() are called by the applier's thread in the order of the stream. give_way()
// may be called by another thread at any time: it must be able to end what the applier's thread is waiting for.
#pragma once

#include "apply/bulk_applier.hpp"
#include "apply/spool.hpp"
#include "base/throttle.hpp"
#include "config/task_config.hpp"
#include "wire/change_reader.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

namespace walbridge::apply {

class StreamedTransactions {
  public:
    /// Opens one more session on the target, number 0, 1, ... of those for streamed transactions.
    using OpenSession = std::function<std::unique_ptr<target::TargetSession>(int number)>;

    /// Without `open_session` everything waits in spools for its commit.
    StreamedTransactions(const TaskConfig &config, OpenSession open_session);

    /// True when the block's changes have to be planned: its transaction is, or can be, applied as it comes.
    [[nodiscard]] bool optimistic(const TransactionPiece &piece);
    /// Takes a block; `planned` is how to apply it, nullopt when it has to wait for the commit.
    void block(const ChangeBatch &batch, const TransactionPiece &piece,
               const std::optional<std::vector<PlannedChange>> &planned);
    /// A subtransaction or all of it was rolled back.
    void aborted(const TransactionPiece &piece);
    /// The number of changes when the transaction was applied as it came and is committed now; nullopt: replay() it.
    std::optional<std::uint64_t> commit(const TransactionPiece &piece);
    /// Hands what survived to `apply` in batches (small ones under a limit of `throttle`, which may be null), the
    /// commit with the last of them, and forgets the transaction. Throws Error(stream_gap) before that when the spool
    /// does not hold what the commit record vouches for.
    void replay(const TransactionPiece &piece, const Throttle *throttle,
                const std::function<void(const ChangeBatch &)> &apply);

    /// Rolls back every transaction applied as it came whose session `waited_for` says yes to. Any thread.
    void give_way(const std::function<bool(const target::TargetSession &)> &waited_for, const char *reason);
    /// True while a target transaction of a streamed transaction is open. Any thread.
    [[nodiscard]] bool any_open();

  private:
    struct Transaction {
        Transaction(const TaskConfig &config, SpoolBudget &budget) : spool(config.apply.spool_directory, budget) {}
        Spool spool;
        ChangeReader reader;
        std::set<std::uint32_t> aborted;
        std::uint64_t changes = 0;
        target::TargetSession *session = nullptr; ///< while it is applied as it comes
        bool decided = false;                     ///< whether it gets a session was decided with its first block
    };
    Transaction &find(const TransactionPiece &piece);
    target::TargetSession *take_session();
    void give_up(std::uint32_t xid, Transaction &transaction, const std::string &reason);

    const TaskConfig &config_;
    const OpenSession open_session_;
    std::mutex mutex_; ///< sessions and who uses them; never held while anything but a streamed transaction is applied
    SpoolBudget budget_;
    std::vector<std::unique_ptr<target::TargetSession>> sessions_;
    std::vector<target::TargetSession *> free_;
    bool sessions_exhausted_ = false; ///< one could not be opened: not tried again
    std::map<std::uint32_t, Transaction> transactions_;
};

} // namespace walbridge::apply
