// live.hpp: what the running process knows about itself, shared by the runner (writes), the pipeline and the copy
// (write their own parts) and the reporter (reads). Everything is atomic or behind the mutex; nothing here is durable.
#pragma once

#include "base/error.hpp"
#include "base/throttle.hpp"
#include "config/task_config.hpp"
#include "copy/progress.hpp"
#include "pipeline/incremental.hpp"
#include "pipeline/statistics.hpp"
#include "task/state.hpp"

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace walbridge::task {

class Live {
  public:
    pipeline::Statistics statistics;
    pipeline::AlignmentGate gate;
    copy::Progress copy;

    struct Retrying {
        int attempts = 0;
        std::int64_t since = 0, next = 0; ///< Unix seconds
        std::string reason;
    };
    struct View {
        State state = State::fresh;
        bool in_follow = false; ///< the initial load is behind us, also while a failure is retried
        bool following = false; ///< the incremental stage runs: the reporter derives catching-up, running and paused
        bool paused = false;
        std::optional<std::uint64_t> epoch;
        std::optional<Retrying> retrying;
    };

    [[nodiscard]] View view() const {
        const std::lock_guard lock(mutex_);
        return view_;
    }
    /// What the sequence keeper last saw and did.
    struct Sequences {
        std::size_t selected = 0, missing = 0, refused = 0;
        std::uint64_t written = 0;      ///< values set since the process started
        std::int64_t brought_at = 0;    ///< Unix seconds; 0 = never
        std::int64_t failing_since = 0; ///< 0 = it works
        std::string reason;             ///< why it fails
        std::vector<std::string> names; ///< of the missing and refused ones, not too many
    };
    [[nodiscard]] Sequences sequences() const {
        const std::lock_guard lock(mutex_);
        return sequences_;
    }
    void set_sequences(Sequences sequences) {
        const std::lock_guard lock(mutex_);
        sequences_ = std::move(sequences);
    }

    /// The servers' clocks against this host's, as last measured (task/clock.hpp).
    struct Clocks {
        std::optional<std::int64_t> source_us, target_us; ///< ahead of this host's clock
        std::int64_t uncertainty_us = 0;                  ///< of their difference: half of both round trips
        std::int64_t measured_at = 0;                     ///< Unix seconds; 0 = never

        /// The target's clock ahead of the source's.
        [[nodiscard]] std::optional<std::int64_t> difference_us() const {
            if (!source_us || !target_us) return std::nullopt;
            return *target_us - *source_us;
        }
    };
    [[nodiscard]] Clocks clocks() const {
        const std::lock_guard lock(mutex_);
        return clocks_;
    }
    void set_clocks(const Clocks &clocks) {
        const std::lock_guard lock(mutex_);
        clocks_ = clocks;
    }

    Throttle copy_throttle, apply_throttle;
    /// Makes limits hold from now on, also for work that waits. `overrides`: the part of them that was set while
    /// running, as it is stored.
    void set_throttle(const TaskConfig::Throttle &limits, std::string overrides) {
        copy_throttle.set({limits.copy_queries, limits.copy_rows, limits.copy_bytes});
        apply_throttle.set({0, limits.apply_rows, limits.apply_bytes});
        const std::lock_guard lock(mutex_);
        limits_ = limits;
        overrides_ = std::move(overrides);
    }
    /// The limits in force, and the overrides among them.
    [[nodiscard]] std::pair<TaskConfig::Throttle, std::string> limits() const {
        const std::lock_guard lock(mutex_);
        return {limits_, overrides_};
    }

    void set_state(State state) {
        const std::lock_guard lock(mutex_);
        view_.state = state;
        view_.following = false;
        if (state != State::retrying) view_.retrying.reset();
    }
    void set_epoch(std::optional<std::uint64_t> epoch) {
        const std::lock_guard lock(mutex_);
        view_.epoch = epoch;
    }
    void set_retrying(Retrying retrying) {
        const std::lock_guard lock(mutex_);
        view_.state = State::retrying;
        view_.following = false;
        view_.retrying = std::move(retrying);
    }
    /// Takes effect at once when the incremental stage runs, else when it starts.
    void set_paused(bool paused) {
        const std::lock_guard lock(mutex_);
        view_.paused = paused;
        if (incremental_ != nullptr) incremental_->set_paused(paused);
    }
    /// Has the stream begin anew, once, so that another selection takes effect; nothing where it does not run.
    void leave_stream() {
        const std::lock_guard lock(mutex_);
        if (incremental_ != nullptr) incremental_->leave();
    }
    /// The incremental stage that a pause reaches; nullptr when it ended.
    void attach(pipeline::Incremental *incremental) {
        const std::lock_guard lock(mutex_);
        incremental_ = incremental;
        view_.following = incremental != nullptr;
        if (incremental == nullptr) return;
        view_.in_follow = true;
        view_.state = view_.paused ? State::paused : State::catching_up;
        view_.retrying.reset();
        incremental->set_paused(view_.paused);
    }

    /// Objects whose definitions differ and the Unix time of the comparison; -1 and 0 = not compared yet.
    std::atomic<std::int64_t> drifted{-1}, drift_checked_at{0};

    /// The slot of the sync task that runs; empty = none does.
    [[nodiscard]] std::string sync_slot() const {
        const std::lock_guard lock(mutex_);
        return sync_slot_;
    }
    void set_sync_slot(std::string slot) {
        const std::lock_guard lock(mutex_);
        sync_slot_ = std::move(slot);
    }

    /// How often an operator asked the task to resume: what failed beside it is tried again.
    std::atomic<int> resumed{0};

    /// Another process took the task over.
    std::atomic<bool> fenced{false};

    /// The task's lock on the target is ours, or was until the connection broke.
    std::atomic<bool> holds_task{false};

    /// An error found beside the work that ends the task for good; later calls replace the words.
    void condemn(Error verdict) {
        const std::lock_guard lock(mutex_);
        verdict_ = std::move(verdict);
    }
    [[nodiscard]] std::optional<Error> verdict() const {
        const std::lock_guard lock(mutex_);
        return verdict_;
    }

  private:
    mutable std::mutex mutex_;
    View view_;
    Sequences sequences_;
    Clocks clocks_;
    TaskConfig::Throttle limits_;
    std::string overrides_, sync_slot_;
    std::optional<Error> verdict_;
    pipeline::Incremental *incremental_ = nullptr;
};

} // namespace walbridge::task
