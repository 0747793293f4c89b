// assembler.hpp: frames in, batches of whatever has arrived out.
//
// One thread. At most one batch waits for the applier; while it does, the next one grows up to the configured limits.
// So a batch is a single small transaction when the applier is idle, and thousands of them under load, without a timer.
#pragma once

#include "base/bounded_queue.hpp"
#include "change/batch.hpp"
#include "config/task_config.hpp"
#include "source/replication_stream.hpp"
#include "wire/stream_decoder.hpp"

#include <memory>

namespace walbridge::pipeline {

using BatchQueue = BoundedQueue<std::shared_ptr<const ChangeBatch>>;

class Assembler {
  public:
    Assembler(const TaskConfig &config, std::uint64_t counter, source::StreamQueue &frames, BatchQueue &batches);

    /// Runs until the frame queue is closed and drained; closes the batch queue with the error it met, if any. Does not
    /// throw.
    void run() noexcept;

  private:
    void assemble();
    void take(const source::StreamItem &item);
    [[nodiscard]] bool full() const;
    bool hand_over(std::chrono::milliseconds patience);

    const TaskConfig &config_;
    StreamDecoder decoder_;
    source::StreamQueue &frames_;
    BatchQueue &batches_;
    std::shared_ptr<ChangeBatch> batch_ = std::make_shared<ChangeBatch>();
};

} // namespace walbridge::pipeline
