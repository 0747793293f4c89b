// callbacks.cpp: session start and end, and transactions that are sent whole.
//
// A transaction leaves no byte before its first change that is sent. At the end of a unit everything goes out: nothing
// waits for the next transaction.
#include "server/callbacks.hpp"

#include "server/context_owned.hpp"

#include <vector>

namespace walbridge {

namespace {

std::string_view origin_name(Session &session, const ReorderBufferTXN *txn) {
    return session.origins.name(txn->origin_id);
}

// The tallies of a change: the transaction's own, or the block's and the subtransaction's.
struct Tallies {
    wire::Tally &first;
    wire::Tally *second;
};

Tallies tallies(Session &session, const Destination &to) {
    if (to.subxid == 0) return {to.transaction.tally, nullptr};
    return {session.block_tally, &to.transaction.ledger.of(to.subxid)};
}

// Runs the body in the transaction at hand, or in one of its own. When the body fails the server ends the transaction.
template <class Body> void in_transaction(Body body) {
    const MemoryContext home = CurrentMemoryContext;
    const bool own = call([] {
        const bool needed = !IsTransactionState();
        if (needed) StartTransactionCommand();
        return needed;
    });
    MemoryContextSwitchTo(home);
    body();
    if (own) call([] { CommitTransactionCommand(); });
    MemoryContextSwitchTo(home);
}

bool holds_key(const RelationPlan &plan, std::span<const wire::ColumnValue> values) {
    for (std::size_t i = 0; i < plan.columns.size(); ++i)
        if (plan.columns[i].key && values[i].kind == wire::ValueKind::unchanged) return false;
    return true;
}

Destination whole(Session &session, ReorderBufferTXN *txn) { return {session.transaction(txn), 0, ensure_begun}; }

} // namespace

// ---- session

void startup_callback(LogicalDecodingContext *context, OutputPluginOptions *output, bool is_init) {
    enter("startup", [&] {
        // A new slot has no options and sends nothing.
        if (is_init) {
            compat::set_features(context, false, false);
            output->output_type = OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
            return;
        }
        const MemoryContextScope scope(context->context);
        // START_REPLICATION stands outside of transactions, SQL functions inside.
        const bool replicates = !call([] { return IsTransactionState(); });
        Session *session = nullptr;
        // Names of origins and conversions of encodings come from catalogs; a walsender starts outside of any
        // transaction.
        in_transaction([&] {
            Options options = parse_options(context->output_plugin_options);
            output->output_type =
                options.format == Format::binary ? OUTPUT_PLUGIN_BINARY_OUTPUT : OUTPUT_PLUGIN_TEXTUAL_OUTPUT;
            output->receive_rewrites = options.rewrites;
            if (options.two_phase && !compat::two_phase_can_be_enabled())
                refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                       "option \"two_phase\" needs a slot that was created with it",
                       "PostgreSQL 15 and newer can enable it later, this server cannot.");
            compat::set_features(context, options.streaming, options.two_phase);
            session = make_owned<Session>(context->context, context, std::move(options), replicates);
            session->origins.learn_all();
        });
        context->output_plugin_private = session;
        session->settings.apply();
    });
}

void shutdown_callback(LogicalDecodingContext *context) {
    if (context->output_plugin_private == nullptr) return;
    enter("shutdown", [&] { Session::of(context).settings.restore(); });
}

bool filter_by_origin_callback(LogicalDecodingContext *context, RepOriginId origin) {
    bool skip = false;
    // While a slot is being created there is no session, and nothing to filter.
    if (context->output_plugin_private == nullptr) return skip;
    enter("filter_by_origin", [&] { skip = Session::of(context).origins.skips_known(origin); });
    return skip;
}

// ---- transactions

void begin_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn) {
    in_session("begin", context,
               [&](Session &session) { session.start(txn).skipped = session.origins.skips(txn->origin_id); });
}

void ensure_begun(Session &session, ReorderBufferTXN *txn, Transaction &transaction) {
    if (transaction.begun) return;
    session.open();
    wire::Begin record;
    record.xid = txn->xid;
    record.commit_lsn = txn->final_lsn;
    record.commit_time = compat::commit_time(txn);
    record.origin = origin_name(session, txn);
    record.origin_lsn = txn->origin_lsn;
    session.output->write(record);
    transaction.begun = true;
}

void change_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, Relation relation,
                     ReorderBufferChange *change) {
    in_session("change", context,
               [&](Session &session) { send_row(session, txn, whole(session, txn), relation, change); });
}

void truncate_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, int count, Relation relations[],
                       ReorderBufferChange *change) {
    in_session("truncate", context,
               [&](Session &session) { send_truncate(session, txn, whole(session, txn), count, relations, change); });
}

void message_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr lsn, bool transactional,
                      const char *prefix, Size size, const char *content) {
    in_session("message", context, [&](Session &session) {
        if (transactional) {
            send_message(session, txn, whole(session, txn), lsn, prefix, size, content);
            return;
        }
        if (!session.options.messages) {
            session.count_progress();
            return;
        }
        session.open();
        wire::Message record;
        record.lsn = lsn;
        // This callback stands outside of transactions, and a conversion is looked up in a catalog.
        in_transaction([&] { record.prefix = session.encoder.encode(prefix); });
        record.content = {content, size};
        session.output->write(record, nullptr, nullptr);
        session.output->flush();
    });
}

void commit_callback(LogicalDecodingContext *context, ReorderBufferTXN *txn, XLogRecPtr commit_lsn) {
    in_session("commit", context, [&](Session &session) {
        const Transaction &transaction = session.transaction(txn);
        const bool sent = transaction.begun;
        if (sent) {
            wire::Commit record;
            record.commit_lsn = commit_lsn;
            record.end_lsn = txn->end_lsn;
            record.commit_time = compat::commit_time(txn);
            record.counter = session.counter + 1;
            record.changes = transaction.tally.changes;
            record.checksum = transaction.tally.checksum;
            session.output->write(record);
            ++session.counter;
            session.output->flush();
        }
        session.forget(txn);
        session.relations.sweep();
        call([&] { compat::update_progress(context, !sent); });
    });
}

// ---- changes, of whole and of streamed transactions

void send_row(Session &session, ReorderBufferTXN *txn, const Destination &to, Relation relation,
              ReorderBufferChange *change) {
    session.count_progress();
    if (to.transaction.skipped) return;
    const RelationPlan &plan = session.relations.plan_for(relation);
    if (!plan.selected) return;
    RowRules *const rules = plan.rules.get();
    // Rows that ALTER TABLE writes anew are nobody's inserts.
    if (rules != nullptr && plan.shape.rewrite_of == 0 && !rules->wants(change->action)) return;

    const HeapTuple new_tuple = compat::new_tuple(change);
    const HeapTuple old_tuple = compat::old_tuple(change);
    wire::RowChange row;
    row.subxid = to.subxid;
    switch (change->action) {
    case REORDER_BUFFER_CHANGE_INSERT: row.kind = wire::RecordKind::insert; break;
    case REORDER_BUFFER_CHANGE_UPDATE: row.kind = wire::RecordKind::update; break;
    case REORDER_BUFFER_CHANGE_DELETE: row.kind = wire::RecordKind::erase; break;
    default: throw std::logic_error("unknown kind of row change " + std::to_string(static_cast<int>(change->action)));
    }
    // The server hands over updates and deletes of rows that nobody can find again, in place of refusing the statement
    // as it does under a publication. To pass over them would lose them without a word.
    const bool old_row_is_known = old_tuple != nullptr || (row.kind == wire::RecordKind::update && !plan.full_identity);
    if (row.kind != wire::RecordKind::insert && !(plan.identifiable && old_row_is_known)) {
        row.operation = row.kind == wire::RecordKind::update ? 'U' : 'D';
        row.kind = wire::RecordKind::unidentified;
    } else if (row.kind != wire::RecordKind::insert && old_tuple != nullptr) {
        row.old_kind = plan.full_identity ? wire::OldTuple::full : wire::OldTuple::key;
    }
    const auto has_new = [&row] {
        return row.kind == wire::RecordKind::insert || row.kind == wire::RecordKind::update || row.operation == 'U';
    };
    if (has_new() && new_tuple == nullptr)
        throw std::logic_error("the WAL holds no new row for a change of table \"" + std::string(plan.shape.name) +
                               "\"");

    // Expressions and output functions run now; what fails here has not written anything.
    const Columns old_columns = plan.full_identity ? Columns::all : Columns::key;
    if (rules != nullptr) {
        if (!rules->apply(old_tuple, new_tuple, row)) return;
        if (row.old_kind != wire::OldTuple::none)
            row.old_values = session.old_tuples.read(plan, relation, rules->old_row(), old_columns);
        if (has_new()) row.new_values = session.new_tuples.read(plan, relation, rules->new_row(), Columns::all);
    } else {
        if (row.old_kind != wire::OldTuple::none)
            row.old_values = session.old_tuples.read(plan, relation, old_tuple, old_columns);
        if (has_new()) row.new_values = session.new_tuples.read(plan, relation, new_tuple, Columns::all);
    }
    // A long key that did not change is missing from both rows where the server does not log it: minor releases of
    // early 2022 and before, 14.2 for one.
    if (row.kind == wire::RecordKind::update && row.old_kind == wire::OldTuple::none &&
        !holds_key(plan, row.new_values)) {
        row.kind = wire::RecordKind::unidentified;
        row.operation = 'U';
    }

    to.ensure_begun(session, txn, to.transaction);
    row.relation = session.output->announce(plan);
    const Tallies count = tallies(session, to);
    session.output->write(plan, row, count.first, count.second);
}

void send_truncate(Session &session, ReorderBufferTXN *txn, const Destination &to, int count, Relation relations[],
                   ReorderBufferChange *change) {
    session.count_progress();
    if (to.transaction.skipped) return;
    std::vector<const RelationPlan *> plans;
    for (int i = 0; i < count; ++i) {
        const RelationPlan &plan = session.relations.plan_for(relations[i]);
        if (plan.selected && (plan.rules == nullptr || plan.rules->wants_truncate())) plans.push_back(&plan);
    }
    if (plans.empty()) return;
    to.ensure_begun(session, txn, to.transaction);
    wire::Truncate record;
    record.subxid = to.subxid;
    record.cascade = change->data.truncate.cascade;
    record.restart_identity = change->data.truncate.restart_seqs;
    for (const RelationPlan *plan : plans) record.relations.push_back(session.output->announce(*plan));
    const Tallies tally = tallies(session, to);
    session.output->write(plans, record, tally.first, tally.second);
}

void send_message(Session &session, ReorderBufferTXN *txn, const Destination &to, XLogRecPtr lsn, const char *prefix,
                  Size size, const char *content) {
    session.count_progress();
    if (to.transaction.skipped || !session.options.messages) return;
    to.ensure_begun(session, txn, to.transaction);
    wire::Message record;
    record.subxid = to.subxid;
    record.transactional = true;
    record.lsn = lsn;
    record.prefix = session.encoder.encode(prefix);
    record.content = {content, size};
    const Tallies tally = tallies(session, to);
    session.output->write(record, &tally.first, tally.second);
}

} // namespace walbridge
