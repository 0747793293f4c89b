// alignment_gate.cpp: judging the transactions that wait by what the snapshot shows.
#include "pipeline/alignment_gate.hpp"

#include <algorithm>
#include <charconv>

namespace walbridge::pipeline {
namespace {

constexpr std::chrono::milliseconds patience{5};

/// Blocks of transactions in progress and what became of them take effect with a commit only.
bool decides(const TransactionPiece &piece) {
    return piece.stream == StreamStep::none || piece.stream == StreamStep::committed;
}

} // namespace

bool SourceSnapshot::shows(std::uint64_t full_xid) const {
    if (full_xid >= first_unassigned) return false;
    return full_xid < oldest_running || !std::binary_search(running.begin(), running.end(), full_xid);
}

std::optional<SourceSnapshot> parse_snapshot(std::string_view text, Lsn taken_before) {
    SourceSnapshot snapshot;
    snapshot.taken_before = taken_before;
    const char *at = text.data(), *const end = at + text.size();
    const auto number = [&](std::uint64_t &value) {
        const auto [next, error] = std::from_chars(at, end, value);
        at = next;
        return error == std::errc{};
    };
    const auto colon = [&] { return at != end && *at++ == ':'; };
    if (!number(snapshot.oldest_running) || !colon() || !number(snapshot.first_unassigned) || !colon())
        return std::nullopt;
    while (at != end) {
        std::uint64_t xid = 0;
        if (!number(xid)) return std::nullopt;
        snapshot.running.push_back(xid);
        if (at != end && *at++ != ',') return std::nullopt;
    }
    std::sort(snapshot.running.begin(), snapshot.running.end());
    return snapshot;
}

void AlignmentGate::hold() {
    const std::lock_guard lock(mutex_);
    state_ = State::asked;
    changed_.notify_all();
}

void AlignmentGate::advance(SourceSnapshot snapshot) {
    const std::lock_guard lock(mutex_);
    snapshot_ = std::move(snapshot);
    state_ = State::moving;
    changed_.notify_all();
}

void AlignmentGate::release() {
    const std::lock_guard lock(mutex_);
    state_ = State::open;
    changed_.notify_all();
}

AlignmentGate::State AlignmentGate::wait_while(State state, std::chrono::milliseconds longest) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest, [&] { return state_ != state; });
    return state_;
}

Lsn AlignmentGate::position() const {
    const std::lock_guard lock(mutex_);
    return position_;
}

/// A release in the meantime wins.
void AlignmentGate::set(State state) {
    const std::lock_guard lock(mutex_);
    if (state_ == State::open) return;
    state_ = state;
    changed_.notify_all();
}

void AlignmentGate::applied(const ChangeBatch &batch, const TransactionPiece &piece) {
    changed.note(batch, piece);
    if (!decides(piece)) return;
    if (recent_.size() < remembered) {
        recent_.push_back(piece.begin.full_xid);
        return;
    }
    recent_[recent_next_] = piece.begin.full_xid;
    recent_next_ = (recent_next_ + 1) % remembered;
}

void AlignmentGate::clear() {
    ahead_.clear();
    waiting_bytes_ = 0;
}

bool AlignmentGate::pull(BatchQueue &queue, std::chrono::milliseconds longest) {
    auto batch = queue.pop_for(longest);
    if (!batch) {
        if (queue.closed()) static_cast<void>(queue.pop()); // throws what closed it
        return false;
    }
    waiting_bytes_ += (*batch)->bytes;
    ahead_.push_back({std::move(*batch), 0});
    return true;
}

void AlignmentGate::apply_front(const Work &work) {
    auto &front = ahead_.front();
    work.apply(*front.batch, front.next, front.next + 1);
    ++front.next;
}

/// Everything that waited, as if it came just now.
void AlignmentGate::drain(const Work &work) {
    while (!ahead_.empty()) {
        auto &front = ahead_.front();
        const auto pieces = front.batch->pieces.size();
        if (front.next < pieces) work.apply(*front.batch, front.next, pieces);
        work.finish(*front.batch);
        waiting_bytes_ -= front.batch->bytes;
        ahead_.pop_front();
    }
}

/// A transaction whose beginning is applied already is applied to its end.
void AlignmentGate::finish_transaction(BatchQueue &queue, const Work &work) {
    while (work.in_transaction()) {
        if (work.stopping()) return;
        if (ahead_.empty() && !pull(queue, patience)) return;
        if (ahead_.front().next < ahead_.front().batch->pieces.size()) {
            apply_front(work);
        } else {
            work.finish(*ahead_.front().batch);
            waiting_bytes_ -= ahead_.front().batch->bytes;
            ahead_.pop_front();
        }
    }
    set(State::held);
}

bool AlignmentGate::was_applied_early(const SourceSnapshot &snapshot) const {
    return std::any_of(recent_.begin(), recent_.end(), [&](std::uint64_t xid) { return !snapshot.shows(xid); });
}

/// Applies what the snapshot shows as it comes, until the stream has passed the moment of the snapshot.
void AlignmentGate::move(BatchQueue &queue, const Work &work) {
    SourceSnapshot snapshot;
    {
        const std::lock_guard lock(mutex_);
        snapshot = snapshot_;
    }
    if (was_applied_early(snapshot)) return set(State::mismatch);
    bool stopped = false;          // at a transaction that the snapshot does not show
    std::size_t at = 0, piece = 0; // what is looked at next: a batch of ahead_, a piece of it
    for (Lsn seen; seen < snapshot.taken_before || work.in_transaction();) {
        if (state() != State::moving || work.stopping()) return; // given up
        if (at == ahead_.size()) {
            if (waiting_bytes_ > work.memory) return set(State::mismatch);
            pull(queue, patience);
            continue;
        }
        const auto batch = ahead_[at].batch;
        if (!stopped) piece = ahead_[at].next;
        if (piece == batch->pieces.size()) { // looked at to its end
            seen = std::max(seen, batch->idle_position);
            if (stopped) {
                ++at;
                piece = 0; // what comes behind was not begun
            } else {
                work.finish(*batch);
                waiting_bytes_ -= batch->bytes;
                ahead_.pop_front();
            }
            continue;
        }
        const auto &next = batch->pieces[piece];
        if (decides(next)) {
            if (next.begin.full_xid == 0) return set(State::mismatch);
            const bool shown = snapshot.shows(next.begin.full_xid);
            if (shown && stopped) return set(State::mismatch); // they became visible in another order
            stopped = stopped || !shown;
            seen = std::max(seen, next.begin.commit_lsn);
        }
        if (stopped)
            ++piece;
        else
            apply_front(work);
    }
    {
        const std::lock_guard lock(mutex_);
        position_ = work.position();
    }
    set(State::aligned);
}

void AlignmentGate::step(BatchQueue &queue, const Work &work) {
    switch (state()) {
    case State::open: return drain(work);
    case State::asked: return finish_transaction(queue, work);
    case State::moving: return move(queue, work);
    case State::held:
    case State::aligned:
    case State::mismatch: break;
    }
    wait_while(state(), patience);
}

} // namespace walbridge::pipeline
