// assembler.hpp: frames in, batches of whatever has arrived out.
//
// One thread. At most one batch waits for the applier; while it does, the next one grows up to the configured limits.
// So a batch is a single small transaction when the applier is idle, and thousands of them under load. Only where the
// source itself works off a backlog, so that nobody waits for the single transaction, does a batch gather for some
// milliseconds: the fixed cost of a target transaction is then shared by many.
#pragma once

#include "base/bounded_queue.hpp"
#include "base/throttle.hpp"
#include "change/batch.hpp"
#include "config/task_config.hpp"
#include "source/replication_stream.hpp"
#include "wire/stream_decoder.hpp"

#include <chrono>
#include <functional>
#include <memory>

namespace walbridge::pipeline {

using BatchQueue = BoundedQueue<std::shared_ptr<const ChangeBatch>>;

class Assembler {
  public:
    /// `positions.backlog` is set while the source works off a backlog. Under a limit of `throttle` batches are as
    /// large as a short while of it allows. What `inspect` throws ends the stage before the batch reaches the applier.
    Assembler(const TaskConfig &config, std::uint64_t counter, source::StreamQueue &frames,
              source::StreamPositions &positions, const Throttle &throttle, BatchQueue &batches,
              std::function<void(const ChangeBatch &)> inspect = {}, RelationAdapter adapt = {},
              RowCompleter complete = {});

    /// Runs until the frame queue is closed and drained; closes the batch queue with the error it met, if any. Does not
    /// throw.
    void run() noexcept;

  private:
    void assemble();
    const source::StreamItem *next(std::chrono::milliseconds patience);
    void take(const source::StreamItem &item);
    void watch_backlog(const source::StreamItem &item);
    [[nodiscard]] bool full() const;
    [[nodiscard]] bool gathering() const;
    bool hand_over(std::chrono::milliseconds patience);

    const TaskConfig &config_;
    StreamDecoder decoder_;
    source::StreamQueue &frames_;
    source::StreamPositions &positions_;
    const Throttle &throttle_;
    BatchQueue &batches_;
    const std::function<void(const ChangeBatch &)> inspect_;
    std::size_t inspected_ = 0; ///< pieces of the batch in hand
    source::StreamBlock block_; ///< received, up to next_ taken
    std::size_t next_ = 0;
    bool backlog_ = false;
    bool dry_ = false;                               ///< the stream paused since the batch was opened
    std::chrono::steady_clock::time_point opened_{}; ///< when the batch got its first item
    std::shared_ptr<ChangeBatch> batch_ = std::make_shared<ChangeBatch>();
};

} // namespace walbridge::pipeline
