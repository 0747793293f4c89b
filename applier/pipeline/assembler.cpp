// assembler.cpp: growing a batch until it is full or the applier is free.
#include "pipeline/assembler.hpp"

namespace walbridge::pipeline {
namespace {

using std::chrono::milliseconds;

} // namespace

Assembler::Assembler(const TaskConfig &config, std::uint64_t counter, source::StreamQueue &frames, BatchQueue &batches)
    : config_(config), decoder_(counter), frames_(frames), batches_(batches) {}

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
    return batch_->changes.size() >= config_.apply.batch_rows || batch_->bytes >= config_.apply.batch_bytes;
}

void Assembler::take(const source::StreamItem &item) {
    if (item.owner)
        decoder_.feed(item.frame, item.owner, *batch_);
    else
        decoder_.idle(item.keepalive, *batch_);
}

/// Gives the batch away when the applier has room; false when it stays ours.
bool Assembler::hand_over(milliseconds patience) {
    const auto under_way = decoder_.cut(*batch_);
    std::shared_ptr<const ChangeBatch> ready = batch_;
    if (!batches_.try_push_for(ready, 1, patience)) return false;
    decoder_.handed_over(under_way);
    batch_ = std::make_shared<ChangeBatch>();
    return true;
}

void Assembler::assemble() {
    while (!batches_.closed()) {
        if (batch_->empty()) {
            const auto item = frames_.pop();
            if (!item) return;
            take(*item);
            continue;
        }
        if (full()) {
            while (!hand_over(milliseconds(100)))
                if (batches_.closed()) return;
            continue;
        }
        // Something is ready: take more only if it is here already, while the applier is busy with the batch before, or
        // while the rest of a transaction (which the source has committed) is on its way.
        const bool ready = !decoder_.in_transaction();
        if (ready && frames_.empty() && batches_.empty() && hand_over(milliseconds(0))) continue;
        if (const auto item = frames_.pop_for(milliseconds(ready ? 1 : 50)))
            take(*item);
        else if (frames_.closed() && frames_.empty()) {
            hand_over(milliseconds(1000));
            static_cast<void>(frames_.pop()); // throws what closed it
            return;
        }
    }
}

} // namespace walbridge::pipeline
