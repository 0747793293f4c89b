// batch_applier.cpp: choosing the path for a run of transactions, and committing with the position.
#include "apply/batch_applier.hpp"

#include "apply/commit_position.hpp"
#include "apply/ddl_applier.hpp"
#include "apply/definition_follower.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "change/announcement.hpp"
#include "dialect/postgres.hpp"
#include "target/kind.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::apply {
namespace {

Tuple key_tuple(const RowChange &change) {
    return change.operation == RowOperation::insert || change.old_kind == OldTuple::none ? change.new_row
                                                                                         : change.old_row;
}

Error unidentified(const UnidentifiedChange &change, const ChangePlace &place) {
    const auto table = dialect::postgres::quote(change.relation->name);
    return Error(
        ErrorKind::unidentified, "table " + to_string(change.relation->name),
        fmt::format("{} in the transaction at {} does not say which row it changed: the table has no replica identity",
                    change.operation == RowOperation::update ? "an UPDATE" : "a DELETE", to_string(place.commit_lsn)),
        fmt::format("Run on the source: ALTER TABLE {} REPLICA IDENTITY FULL; it holds for later changes. This change "
                    "cannot be "
                    "identified any more: exclude the table (objects.exclude) to go on without it, or `walbridge "
                    "reset` to copy again.",
                    table));
}

/// A TRUNCATE is not carried by the way back of a running task (decision 6).
bool stays_behind(const TaskConfig &config, const TruncateChange &change, Lsn commit_lsn) {
    if (config.reverse_of.empty()) return false;
    std::string names;
    for (const auto *relation : change.relations) names += (names.empty() ? "" : ", ") + to_string(relation->name);
    log::warning("a TRUNCATE is not carried back: the two sides differ from here on",
                 {{"tables", names},
                  {"position", to_string(commit_lsn)},
                  {"remedy", "Truncate the tables on the forward source, which carries it, or DELETE the rows."}});
    return true;
}

} // namespace

BatchApplier::BatchApplier(const TaskConfig &config, target::TargetSession &session, SyncFilter filter, Lsn position,
                           OnCommit on_commit, StreamedTransactions::OpenSession open_stream_session)
    : config_(config), session_(session), filter_(std::move(filter)), plans_(session, config), exact_(config, session),
      merges_(!config.conflict.decided_by_time()), position_(position), on_commit_(std::move(on_commit)),
      streamed_(config, std::move(open_stream_session)) {
    filter_.passed(position); // the stream begins here: a transaction in progress need not wait to learn that
}

void BatchApplier::follow_ddl(DdlVerifier verifier, std::function<void(const DdlAftermath &)> aftermath) {
    if (target::is_mysql(config_))
        ddl_ = std::make_unique<DefinitionFollower>(config_, session_, filter_, std::move(verifier));
    else
        ddl_ = std::make_unique<DdlApplier>(config_, session_, filter_, std::move(verifier));
    aftermath_ = std::move(aftermath);
    plans_.stage_with([this](const Relation &relation) { return ddl_->staging(relation); });
}

void BatchApplier::apply(const ChangeBatch &batch) { apply(batch, 0, batch.pieces.size()); }

void BatchApplier::apply(const ChangeBatch &batch, std::size_t first, std::size_t last) {
    for (auto at = first, end = first; at < last; at = end) {
        if (batch.pieces[at].stream != StreamStep::none) {
            apply_streamed(batch, at);
            end = at + 1;
            continue;
        }
        while (end < last && batch.pieces[end].stream == StreamStep::none) ++end;
        apply_run(batch, at, end);
    }
}

void BatchApplier::apply_run(const ChangeBatch &batch, std::size_t first, std::size_t last) {
    // A transaction that goes on in the next batch gets a target transaction of its own: whatever stops it later must
    // not take the finished ones before it along.
    const auto whole = batch.pieces[last - 1].commit ? last : last - 1;
    apply_group(batch, first, whole);
    apply_group(batch, whole, last);
}

/// A transaction with DDL is never merged with its neighbours, and none is where commit times decide: a transaction of
/// the target has one.
void BatchApplier::apply_group(const ChangeBatch &batch, std::size_t first, std::size_t last) {
    for (auto at = first, end = first; at < last; at = end) {
        if (follows(batch.pieces[at])) {
            apply_with_ddl(batch, batch.pieces[at]);
            end = at + 1;
            continue;
        }
        while (end < last && !follows(batch.pieces[end]) && (end == at || merges_)) ++end;
        apply_pieces(batch, at, end);
    }
}

/// Statements at their place among the rows; the runs of rows between them take the usual paths.
void BatchApplier::apply_with_ddl(const ChangeBatch &batch, const TransactionPiece &piece) {
    if (!session_.in_transaction()) session_.begin();
    ChangePlace place{piece.begin.commit_lsn, piece.begin.commit_time, piece.offset, piece.begin.origin};
    const auto done = resumes(piece) ? begun_->changes : 0;
    try {
        const auto count = piece.last - piece.first;
        auto from = piece.first + (std::clamp<std::uint64_t>(done, piece.offset, piece.offset + count) - piece.offset);
        for (auto index = piece.first; index < piece.last; ++index) {
            const auto *message = std::get_if<MessageChange>(&batch.changes[index]);
            if (message == nullptr || message->prefix != ddl_prefix || !ddl_) continue;
            place.number = piece.offset + (index - piece.first);
            if (place.number < done) {
                ddl_->taken_before(*message, place, piece.begin.full_xid);
                continue;
            }
            apply_rows(batch, piece, from, index);
            from = index + 1;
            if (ddl_->take(*message, place, piece.begin.full_xid, place.number == 0)) plans_.clear();
        }
        apply_rows(batch, piece, from, piece.last);
        place.number = piece.offset + (piece.last - piece.first);
        if (!piece.commit) return;
        if (ddl_ && ddl_->finish()) plans_.clear();
        exact_.check_net_state(place);
    } catch (const Error &) {
        undo();
        throw;
    }
    commit(piece, 1);
    if (resumes(piece)) begun_.reset();
}

/// The changes [first, last) of a transaction that is applied alone.
void BatchApplier::apply_rows(const ChangeBatch &batch, const TransactionPiece &piece, std::size_t first,
                              std::size_t last) {
    if (first == last) return;
    std::vector<PlannedChange> planned;
    if (config_.apply.bulk && !exact_.must_check() && plan_changes(batch, piece, first, last, planned)) {
        if (planned.empty() || apply_in_bulk(session_, planned)) {
            ++counters_.bulk_batches;
            counters_.changes += planned.size();
            return;
        }
        ++counters_.fallbacks;
        log::info("a batch deviated from what the source did and is applied row by row",
                  {{"reason", session_.mismatch()}, {"changes", planned.size()}});
    }
    ++counters_.exact_batches;
    ChangePlace place{piece.begin.commit_lsn, piece.begin.commit_time, piece.offset + (first - piece.first),
                      piece.begin.origin};
    for (auto index = first; index < last; ++index, ++place.number) {
        apply_change(batch.changes[index], place);
        ++counters_.changes;
    }
}

/// Nothing of the open transaction stands, and nothing that was noted about it.
void BatchApplier::undo() noexcept {
    session_.rollback();
    exact_.forget();
    counters_.conflicts = exact_.conflicts();
    if (!ddl_) return;
    ddl_->forgotten();
    plans_.clear();
    plans_.forget_retired();
}

/// Everything before this piece is committed: only the last piece of a batch can be unfinished.
void BatchApplier::apply_streamed(const ChangeBatch &batch, std::size_t at) {
    const auto &piece = batch.pieces[at];
    switch (piece.stream) {
    case StreamStep::none: return;
    case StreamStep::aborted: return streamed_.aborted(piece);
    case StreamStep::block: return apply_block(batch, at);
    case StreamStep::committed:
        if (const auto changes = streamed_.commit(piece)) {
            counters_.changes += *changes;
            ++counters_.streamed;
            return note_commit(piece, 1);
        }
        return replay(piece);
    }
}

void BatchApplier::apply_block(const ChangeBatch &batch, std::size_t at) {
    const auto &piece = batch.pieces[at];
    const auto planned = streamed_.optimistic(piece) ? plan(batch, at, at + 1) : std::nullopt;
    streamed_.block(batch, piece, planned);
    if (!planned || throttle_ == nullptr || !throttle_->active()) return; // a spool costs the target nothing
    std::uint64_t bytes = 0;
    for (auto record = piece.first_record; record < piece.first_record + (piece.last - piece.first); ++record)
        bytes += batch.streamed[record].payload.size();
    throttle_->take({0, piece.last - piece.first, bytes});
}

void BatchApplier::replay(const TransactionPiece &piece) {
    const auto stopping = [this] { return interrupted_ && interrupted_(); };
    const auto leave = [this] {
        session_.rollback();
        throw Interrupted{};
    };
    streamed_.replay(piece, throttle_, [&](const ChangeBatch &part) {
        if (stopping()) leave();
        apply_run(part, 0, 1);
        if (throttle_ != nullptr && !throttle_->pass({0, part.changes.size(), part.bytes}, stopping) &&
            session_.in_transaction())
            leave();
    });
}

void BatchApplier::apply_pieces(const ChangeBatch &batch, std::size_t first, std::size_t last) {
    if (first == last) return;
    const bool fresh = !session_.in_transaction();
    if (fresh) session_.begin();
    // A transaction that began on the exact path with rows to check before its commit must end there.
    const auto planned = config_.apply.bulk && !exact_.must_check() ? plan(batch, first, last) : std::nullopt;
    if (!planned) {
        ++counters_.exact_batches;
        return apply_exactly(batch, first, last);
    }
    const auto &end = batch.pieces[last - 1];
    const bool one_exchange = fresh && end.commit && fits_one_exchange(*planned);
    const bool applied = one_exchange ? apply_and_commit(session_, *planned, commit_position(end))
                                      : planned->empty() || apply_in_bulk(session_, *planned);
    if (!applied) {
        ++counters_.fallbacks;
        log::info("a batch deviated from what the source did and is applied row by row",
                  {{"reason", session_.mismatch()}, {"changes", planned->size()}});
        return apply_exactly(batch, first, last);
    }
    ++counters_.bulk_batches;
    counters_.changes += planned->size();
    if (one_exchange)
        note_commit(end, last - first);
    else if (end.commit)
        commit(end, last - first);
}

std::optional<std::vector<PlannedChange>> BatchApplier::plan(const ChangeBatch &batch, std::size_t first,
                                                             std::size_t last) {
    std::vector<PlannedChange> planned;
    for (auto at = first; at < last; ++at) {
        const auto &piece = batch.pieces[at];
        if (follows(piece) || !plan_changes(batch, piece, piece.first, piece.last, planned)) return std::nullopt;
    }
    return planned;
}

/// Adds the changes [first, last) of a piece; false when one of them needs the exact path.
bool BatchApplier::plan_changes(const ChangeBatch &batch, const TransactionPiece &piece, std::size_t first,
                                std::size_t last, std::vector<PlannedChange> &planned) {
    const bool in_progress = piece.stream == StreamStep::block; // its commit's position is not known yet
    try {
        for (auto index = first; index < last; ++index) {
            const auto &change = batch.changes[index];
            if (const auto *message = std::get_if<MessageChange>(&change)) {
                if (message->prefix == outdated_prefix) return false;
                continue;
            }
            if (const auto *row = std::get_if<RowChange>(&change)) {
                if (const auto *sync = filter_.empty() ? nullptr : filter_.table(row->relation->oid)) {
                    const auto verdict = SyncFilter::of_table(*sync, piece.begin.commit_lsn);
                    if (in_progress || !verdict) return false;
                    if (*verdict == SyncVerdict::copied) continue;
                }
                if (plans_.homeless(*row->relation)) continue;
                const auto &plan = plans_.plan(*row->relation);
                if (!plan.table.unenforced.empty()) return false; // the net state has to be checked
                if (row->operation != RowOperation::insert && plan.lookup == target::Lookup::none) return false;
                planned.push_back({&change, &plan, {}});
            } else if (const auto *truncate = std::get_if<TruncateChange>(&change)) {
                if (in_progress || !filter_.empty()) return false;
                if (stays_behind(config_, *truncate, piece.begin.commit_lsn)) continue;
                PlannedChange entry{&change, nullptr, {}};
                for (const auto *relation : truncate->relations) entry.truncated.push_back(&plans_.plan(*relation));
                planned.push_back(std::move(entry));
            } else {
                return false;
            }
        }
    } catch (const SqlError &) {
        throw;
    } catch (const Error &) {
        return false; // the exact path meets it at its place, after the transactions before it
    }
    return true;
}

void BatchApplier::apply_exactly(const ChangeBatch &batch, std::size_t first, std::size_t last) {
    for (auto at = first; at < last; ++at) {
        const auto &piece = batch.pieces[at];
        if (!session_.in_transaction()) session_.begin();
        ChangePlace place{piece.begin.commit_lsn, piece.begin.commit_time, piece.offset, piece.begin.origin};
        try {
            for (auto index = piece.first; index < piece.last; ++index, ++place.number) {
                apply_change(batch.changes[index], place);
                ++counters_.changes;
            }
            if (!piece.commit) continue;
            exact_.check_net_state(place);
        } catch (const Error &) {
            undo();
            throw;
        }
        commit(piece, 1);
    }
    counters_.conflicts = exact_.conflicts();
}

void BatchApplier::apply_change(const Change &change, const ChangePlace &place) {
    if (const auto *row = std::get_if<RowChange>(&change)) {
        if (plans_.homeless(*row->relation)) return;
        if (const auto parts = split_by_chunk(*row, place.commit_lsn)) {
            for (const auto &part : *parts) exact_.apply(plans_.plan(*part.relation), part, place);
            return;
        }
        if (!copied(*row, place.commit_lsn)) exact_.apply(plans_.plan(*row->relation), *row, place);
    } else if (const auto *truncated = std::get_if<TruncateChange>(&change)) {
        if (!stays_behind(config_, *truncated, place.commit_lsn)) truncate(*truncated, place.commit_lsn);
    } else if (const auto *unknown = std::get_if<UnidentifiedChange>(&change)) {
        const auto *sync = filter_.table(unknown->relation->oid);
        if (sync != nullptr && SyncFilter::of_table(*sync, place.commit_lsn) == SyncVerdict::copied) return;
        throw unidentified(*unknown, place);
    } else if (const auto *message = std::get_if<MessageChange>(&change)) {
        if (message->prefix == outdated_prefix) exact_.apply_announced(message->content, place);
    }
}

bool BatchApplier::copied(const RowChange &change, Lsn commit_lsn) const {
    const auto *sync = filter_.table(change.relation->oid);
    return sync != nullptr &&
           SyncFilter::of_row(*sync, *change.relation, key_tuple(change), commit_lsn) == SyncVerdict::copied;
}

/// An update that moves a row between chunks is a delete and an insert, each judged by its own chunk.
std::optional<std::vector<RowChange>> BatchApplier::split_by_chunk(const RowChange &change, Lsn commit_lsn) const {
    if (change.operation != RowOperation::update || change.old_kind == OldTuple::none) return std::nullopt;
    const auto *sync = filter_.table(change.relation->oid);
    if (sync == nullptr || SyncFilter::of_table(*sync, commit_lsn)) return std::nullopt;
    const auto old_verdict = SyncFilter::of_row(*sync, *change.relation, change.old_row, commit_lsn);
    const auto new_verdict = SyncFilter::of_row(*sync, *change.relation, change.new_row, commit_lsn);
    if (old_verdict == new_verdict) return std::nullopt;
    RowChange part = change;
    if (old_verdict == SyncVerdict::apply) {
        part.operation = RowOperation::remove;
        part.new_row = {};
        return std::vector{part};
    }
    for (const auto &value : change.new_row)
        if (value.kind == ValueKind::unchanged)
            throw Error(ErrorKind::internal, "table " + to_string(change.relation->name),
                        "a row moved between chunks of the copy without the values that did not change",
                        fmt::format("Run on the source: ALTER TABLE {} REPLICA IDENTITY FULL; then `walbridge reset`.",
                                    dialect::postgres::quote(change.relation->name)));
    part.operation = RowOperation::insert;
    part.old_kind = OldTuple::none;
    part.old_row = {};
    return std::vector{part};
}

void BatchApplier::truncate(const TruncateChange &change, Lsn commit_lsn) {
    std::vector<const target::TablePlan *> whole;
    for (const auto *relation : change.relations) {
        const auto *sync = filter_.table(relation->oid);
        const auto verdict = sync != nullptr ? SyncFilter::of_table(*sync, commit_lsn) : SyncVerdict::apply;
        if (verdict == SyncVerdict::copied) continue;
        const auto &plan = plans_.plan(*relation);
        if (verdict == SyncVerdict::apply) {
            whole.push_back(&plan);
            continue;
        }
        for (const auto &chunk : sync->chunks) {
            if (commit_lsn < chunk.sync_lsn) continue; // copied after the truncate
            const auto &column = relation->columns[relation->key_columns.front()].name;
            const auto low = chunk.low == std::numeric_limits<std::int64_t>::min()
                                 ? std::nullopt
                                 : std::optional(std::to_string(chunk.low));
            session_.delete_range(plan, column, low,
                                  chunk.high ? std::optional(std::to_string(*chunk.high)) : std::nullopt);
        }
    }
    if (!whole.empty()) session_.truncate(whole, change.restart_identity);
}

void BatchApplier::commit(const TransactionPiece &piece, std::size_t transactions) {
    session_.commit(commit_position(piece));
    exact_.forget();
    note_commit(piece, transactions);
    if (!ddl_) return;
    plans_.forget_retired();
    const auto left = ddl_->committed();
    if (aftermath_ && !(left.created.empty() && left.entered.empty())) aftermath_(left);
}

void BatchApplier::note_commit(const TransactionPiece &piece, std::size_t transactions) {
    const auto &end = *piece.commit;
    position_ = end.end_lsn;
    filter_.passed(end.commit_lsn);
    on_commit_({end.end_lsn, end.commit_time, transactions});
}

void BatchApplier::store_idle(Lsn position) {
    if (session_.in_transaction() || position <= position_) return;
    session_.begin();
    session_.commit({position, 0, 0});
    position_ = position;
    filter_.passed(position); // whatever commits from here on lies after it
    on_commit_({position, 0, 0});
}

} // namespace walbridge::apply
