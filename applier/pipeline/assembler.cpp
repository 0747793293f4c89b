// assembler.cpp: growing a batch until it is full or the applier is free.
#include "pipeline/assembler.hpp"

#include <algorithm>

namespace walbridge::pipeline {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// The source works off a backlog when it sends transactions this long after their commit. Both times are its own.
constexpr microseconds backlog_age = milliseconds(100);
/// How long a batch gathers in a backlog while the applier is free, and how long a pause of the stream ends that.
constexpr milliseconds gather_for{50};
constexpr milliseconds pause_ends_gathering{3};

} // namespace

Assembler::Assembler(const TaskConfig &config, std::uint64_t counter, source::StreamQueue &frames,
                     source::StreamPositions &positions, const Throttle &throttle, BatchQueue &batches,
                     std::function<void(const ChangeBatch &)> inspect, RelationAdapter adapt, RowCompleter complete)
    : config_(config), decoder_(counter, std::move(adapt), std::move(complete)), frames_(frames), positions_(positions),
      throttle_(throttle), batches_(batches), inspect_(std::move(inspect)) {}

void Assembler::run() noexcept {
    try {
        assemble();
        batches_.close();
    } catch (...) {
        batches_.close(std::current_exception());
        frames_.close();
    }
}

bool Assembler::full() const {
    return batch_->changes.size() >= std::min<std::uint64_t>(config_.apply.batch_rows, throttle_.rows_at_once()) ||
           batch_->bytes >= std::min<std::uint64_t>(config_.apply.batch_bytes, throttle_.bytes_at_once());
}

/// In a backlog a batch gathers for a while although the applier may be free.
bool Assembler::gathering() const { return backlog_ && !dry_ && steady_clock::now() - opened_ < gather_for; }

/// The next received item; null when none came within `patience`, or the queue was closed.
const source::StreamItem *Assembler::next(milliseconds patience) {
    if (next_ == block_.size()) {
        auto block = frames_.pop_for(patience);
        if (!block) return nullptr;
        block_ = std::move(*block);
        next_ = 0;
    }
    return &block_[next_++];
}

void Assembler::take(const source::StreamItem &item) {
    if (batch_->empty()) {
        opened_ = steady_clock::now();
        dry_ = false;
    }
    if (item.owner)
        decoder_.feed(item.frame, item.owner, *batch_);
    else
        decoder_.idle(item.keepalive, *batch_);
    watch_backlog(item);
}

void Assembler::watch_backlog(const source::StreamItem &item) {
    if (batch_->pieces.empty() || !batch_->pieces.back().commit) return;
    const bool backlog = microseconds(item.sent - batch_->pieces.back().commit->commit_time) > backlog_age;
    if (backlog == backlog_) return;
    backlog_ = backlog;
    positions_.backlog.store(backlog, std::memory_order_relaxed);
}

/// Gives the batch away when the applier has room; false when it stays ours.
bool Assembler::hand_over(milliseconds patience) {
    const auto under_way = decoder_.cut(*batch_);
    if (inspect_ && inspected_ != batch_->pieces.size()) {
        inspect_(*batch_);
        inspected_ = batch_->pieces.size();
    }
    std::shared_ptr<const ChangeBatch> ready = batch_;
    if (!batches_.try_push_for(ready, 1, patience)) return false;
    decoder_.handed_over(under_way);
    batch_ = std::make_shared<ChangeBatch>();
    inspected_ = 0;
    return true;
}

void Assembler::assemble() {
    while (!batches_.closed()) {
        if (full()) {
            while (!hand_over(milliseconds(100)))
                if (batches_.closed()) return;
            continue;
        }
        // Something is ready: take more only if it is here already, while the applier is busy with the batch before,
        // while a backlog makes waiting worth it, or while the rest of a transaction (which the source has committed)
        // is on its way.
        const bool ready = !batch_->empty() && !decoder_.in_transaction();
        const bool more_here = next_ < block_.size() || !frames_.empty();
        const bool gather = ready && gathering();
        if (ready && !gather && (!more_here || backlog_) && batches_.empty() && hand_over(milliseconds(0))) continue;
        if (const auto *item = next(gather ? pause_ends_gathering : milliseconds(ready ? 1 : 50)))
            take(*item);
        else if (frames_.closed() && frames_.empty()) {
            if (!batch_->empty()) hand_over(milliseconds(1000));
            static_cast<void>(frames_.pop()); // throws what closed it
            return;
        } else {
            dry_ = true;
        }
    }
}

} // namespace walbridge::pipeline
