// subtransaction.hpp: work whose failure must not reach the statement that it is done beside.
#pragma once

#include "server/guard.hpp"

#include <type_traits>

extern "C" {
#include "access/xact.h"
#include "utils/errcodes.h"
#include "utils/resowner.h"
}

namespace walbridge {

/// Errors that are not the work's own: somebody wants the statement or the session to end.
inline bool wants_an_end(int code) {
    return code == ERRCODE_QUERY_CANCELED || ERRCODE_TO_CATEGORY(code) == ERRCODE_OPERATOR_INTERVENTION;
}

/// Runs the body, server calls with trivial locals, in a subtransaction of its own. Gives null, or the error after the
/// subtransaction has been rolled back; in the caller's memory context. Raises when somebody wants the statement to
/// end. A subtransaction that writes nothing costs no transaction id.
template <class Body> ErrorData *attempt(Body body) {
    static_assert(std::is_trivially_destructible_v<Body>, "capture references and views only");
    const MemoryContext home = CurrentMemoryContext;
    const ResourceOwner owner = CurrentResourceOwner;
    ErrorData *volatile failure = nullptr;
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(home);
    PG_TRY();
    {
        body();
        ReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(home);
        CurrentResourceOwner = owner;
    }
    PG_CATCH();
    {
        MemoryContextSwitchTo(home);
        ErrorData *const error = CopyErrorData();
        FlushErrorState();
        RollbackAndReleaseCurrentSubTransaction();
        MemoryContextSwitchTo(home);
        CurrentResourceOwner = owner;
        failure = error;
    }
    PG_END_TRY();
    if (failure != nullptr && wants_an_end(failure->sqlerrcode)) ReThrowError(failure);
    return failure;
}

} // namespace walbridge
