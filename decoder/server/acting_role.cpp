// acting_role.cpp: the switch, its state and how that follows (sub)transactions.
#include "server/acting_role.hpp"

#include "server/guard.hpp"

#pragma GCC visibility push(default)
extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_namespace.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"

PG_FUNCTION_INFO_V1(walbridge_enter_role);
PG_FUNCTION_INFO_V1(walbridge_leave_role);
}
#pragma GCC visibility pop

namespace walbridge::acting_role {

namespace {

constexpr std::size_t shortest_token = 16;
constexpr std::size_t longest_token = 64;

/// A session acts as one role at most.
struct State {
    bool entered = false;
    Oid outer_user = InvalidOid;
    int outer_context = 0;
    Oid role = InvalidOid;
    SubTransactionId subtransaction = InvalidSubTransactionId;
    int settings_level = 0;     ///< what is SET meanwhile ends with leave(), also without LOCAL
    long temporary_objects = 0; ///< of the session, at enter()
    std::size_t token_length = 0;
    unsigned char token[longest_token] = {};
};

State state;

void forget() {
    explicit_bzero(state.token, sizeof state.token);
    state = State{};
}

/// Takes the same time wherever the difference is.
bool token_matches(const unsigned char *token, std::size_t length) {
    if (length != state.token_length) return false;
    unsigned char difference = 0;
    for (std::size_t at = 0; at < length; ++at) difference |= token[at] ^ state.token[at];
    return difference == 0;
}

/// Members of the session's temporary schema. A type or table there is found before those of every other schema: one
/// that a role leaves behind would be taken for "text" by the statements of the next role in the same session.
long count_temporary_objects() {
    Oid temporary = InvalidOid;
    Oid temporary_toast = InvalidOid;
    GetTempNamespaceState(&temporary, &temporary_toast);
    if (!OidIsValid(temporary)) return 0;
    ScanKeyData keys[2];
    ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
                ObjectIdGetDatum(NamespaceRelationId));
    ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(temporary));
    Relation depend = table_open(DependRelationId, AccessShareLock);
    SysScanDesc scan = systable_beginscan(depend, DependReferenceIndexId, true, nullptr, 2, keys);
    long count = 0;
    while (HeapTupleIsValid(systable_getnext(scan))) ++count;
    systable_endscan(scan);
    table_close(depend, AccessShareLock);
    return count;
}

bool may_act_as(Oid role) {
#if PG_VERSION_NUM >= 160000
    return member_can_set_role(GetSessionUserId(), role);
#else
    return is_member_of_role(GetSessionUserId(), role);
#endif
}

void refuse_to_end(const char *what) {
    ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                    errmsg("%s cannot be ended while the session acts as role \"%s\"", what,
                           GetUserNameFromId(state.role, true)),
                    errhint("Call walbridge.leave_role first.")));
}

void transaction_ends(XactEvent event, void *) {
    if (!state.entered) return;
    switch (event) {
    case XACT_EVENT_PRE_COMMIT:
    case XACT_EVENT_PRE_PREPARE: refuse_to_end("the transaction"); break;
    // The server has restored the user it began with.
    case XACT_EVENT_ABORT:
    case XACT_EVENT_COMMIT:
    case XACT_EVENT_PREPARE: forget(); break;
    default: break;
    }
}

void subtransaction_ends(SubXactEvent event, SubTransactionId mine, SubTransactionId, void *) {
    if (!state.entered || mine != state.subtransaction) return;
    if (event == SUBXACT_EVENT_PRE_COMMIT_SUB) refuse_to_end("the savepoint's subtransaction");
    if (event == SUBXACT_EVENT_ABORT_SUB) forget();
}

} // namespace

void enter(const char *role, const unsigned char *token, std::size_t length) {
    call([&] {
        if (state.entered)
            ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                            errmsg("the session already acts as role \"%s\"", GetUserNameFromId(state.role, true))));
        if (!IsTransactionBlock())
            ereport(ERROR, (errcode(ERRCODE_NO_ACTIVE_SQL_TRANSACTION),
                            errmsg("walbridge.enter_role can only be used in transaction blocks")));
        if (length < shortest_token || length > longest_token)
            ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                            errmsg("a token has %zu to %zu bytes", shortest_token, longest_token)));
        Oid user = InvalidOid;
        int context = 0;
        GetUserIdAndSecContext(&user, &context);
        // A function with rights of its own, or another restricted operation, restores its user at its end.
        if (context != 0)
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("walbridge.enter_role cannot be used inside of a function with SECURITY DEFINER or "
                                   "of a security-restricted operation")));
        const Oid oid = get_role_oid(role, false);
        if (!may_act_as(oid))
            ereport(ERROR,
                    (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to act as role \"%s\"", role),
                     errhint("GRANT \"%s\" TO \"%s\"", role, GetUserNameFromId(GetSessionUserId(), true))));
        static bool registered = false;
        if (!registered) {
            RegisterXactCallback(transaction_ends, nullptr);
            RegisterSubXactCallback(subtransaction_ends, nullptr);
            registered = true;
        }
        state.temporary_objects = count_temporary_objects();
        state.outer_user = user;
        state.outer_context = context;
        state.role = oid;
        state.subtransaction = GetCurrentSubTransactionId();
        state.token_length = length;
        memcpy(state.token, token, length);
        // Nothing raises from here on.
        state.settings_level = NewGUCNestLevel();
        state.entered = true;
        SetUserIdAndSecContext(oid, SECURITY_LOCAL_USERID_CHANGE | SECURITY_RESTRICTED_OPERATION);
    });
}

void leave(const unsigned char *token, std::size_t length) {
    call([&] {
        if (!state.entered)
            ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE), errmsg("the session does not act as a role")));
        if (!token_matches(token, length))
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("the token is not the one that walbridge.enter_role was called with")));
        if (state.subtransaction != GetCurrentSubTransactionId())
            ereport(ERROR, (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                            errmsg("walbridge.leave_role belongs into the subtransaction of walbridge.enter_role")));
        if (count_temporary_objects() > state.temporary_objects)
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("temporary objects were created while the session acted as role \"%s\"",
                                   GetUserNameFromId(state.role, true))));
        // Levels are numbers in a row: the next one is ours plus one, unless we are inside of a function with settings
        // of its own (then its end would not find them).
        const int next = NewGUCNestLevel();
        AtEOXact_GUC(false, next);
        if (next != state.settings_level + 1)
            ereport(ERROR,
                    (errcode(ERRCODE_INVALID_TRANSACTION_STATE),
                     errmsg("walbridge.enter_role and walbridge.leave_role are statements of their own, not parts "
                            "of functions")));
        AtEOXact_GUC(false, state.settings_level);
        SetUserIdAndSecContext(state.outer_user, state.outer_context);
        forget();
    });
}

} // namespace walbridge::acting_role

Datum walbridge_enter_role(PG_FUNCTION_ARGS) {
    const char *role = NameStr(*PG_GETARG_NAME(0));
    const bytea *token = PG_GETARG_BYTEA_PP(1);
    walbridge::enter("enter_role", [&] {
        walbridge::acting_role::enter(role, reinterpret_cast<const unsigned char *>(VARDATA_ANY(token)),
                                      VARSIZE_ANY_EXHDR(token));
    });
    PG_RETURN_VOID();
}

Datum walbridge_leave_role(PG_FUNCTION_ARGS) {
    const bytea *token = PG_GETARG_BYTEA_PP(0);
    walbridge::enter("leave_role", [&] {
        walbridge::acting_role::leave(reinterpret_cast<const unsigned char *>(VARDATA_ANY(token)),
                                      VARSIZE_ANY_EXHDR(token));
    });
    PG_RETURN_VOID();
}
