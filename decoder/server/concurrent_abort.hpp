// concurrent_abort.hpp: catalog lookups while a transaction is decoded that has not committed yet.
//
// For such a transaction the server watches each scan of a catalog (CheckXidAlive): when the transaction rolls back
// meanwhile, the scan ends in an error that decoding knows how to take. But the watch allows no scan within a scan, and
// the server does that itself: GetDefaultOpClass() looks types up between the rows of pg_opclass, and with a cold cache
// fails with "unexpected table_index_fetch_tuple call during logical decoding" [tried on 15]. Every comparison of an
// expression can lead there, and so can the output of a type.
//
// So the watch is off while a callback runs, and what fails is looked at afterwards. What does not fail needs no look:
// a transaction that has rolled back is never committed on the other side, whatever was sent of it, and what was
// remembered under its catalogs is invalidated at the end of the block.
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "access/transam.h"
#include "access/xact.h"
#include "storage/procarray.h"
}

namespace walbridge {

#if PG_VERSION_NUM >= 140000

class ConcurrentAbort {
  public:
    ConcurrentAbort() { CheckXidAlive = InvalidTransactionId; }
    ConcurrentAbort(const ConcurrentAbort &) = delete;
    ConcurrentAbort &operator=(const ConcurrentAbort &) = delete;
    ~ConcurrentAbort() { CheckXidAlive = watched_; }

    /// After a failure: raises the error that decoding expects when the transaction has rolled back.
    void raise() const {
        if (!TransactionIdIsValid(watched_)) return;
        call([&] {
            if (!TransactionIdIsInProgress(watched_) && !TransactionIdDidCommit(watched_))
                ereport(ERROR, (errcode(ERRCODE_TRANSACTION_ROLLBACK),
                                errmsg("transaction aborted during system catalog scan")));
        });
    }

  private:
    const TransactionId watched_ = CheckXidAlive;
};

#else // transactions in progress are not decoded

class ConcurrentAbort {
  public:
    void raise() const {}
};

#endif

} // namespace walbridge
