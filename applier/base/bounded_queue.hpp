// bounded_queue.hpp: a queue between two stages of the pipeline, bounded by items and bytes, closable with an error.
// Several producers and consumers may use it. A producer blocks while the queue is full, a consumer while it is empty;
// close() wakes everybody: producers are refused, consumers drain what is left and then see the end (or the error).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <utility>

namespace walbridge {

template <class Item> class BoundedQueue {
  public:
    /// An item larger than `max_bytes` is still accepted when the queue is empty, so that one huge value cannot block
    /// it for ever.
    BoundedQueue(std::size_t max_items, std::size_t max_bytes) : max_items_(max_items), max_bytes_(max_bytes) {}

    /// Waits for room. False when the queue was closed: the item was not taken.
    bool push(Item item, std::size_t bytes) {
        std::unique_lock lock(mutex_);
        room_.wait(lock, [&] { return closed_ || has_room(bytes); });
        return put(std::move(item), bytes);
    }

    /// Like push(), but gives up after `patience`; `item` is moved from only on success.
    bool try_push_for(Item &item, std::size_t bytes, std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        if (!room_.wait_for(lock, patience, [&] { return closed_ || has_room(bytes); })) return false;
        return put(std::move(item), bytes);
    }

    /// Waits for an item. nullopt when the queue is closed and empty; throws the error it was closed with.
    std::optional<Item> pop() {
        std::unique_lock lock(mutex_);
        filled_.wait(lock, [&] { return closed_ || !items_.empty(); });
        return take();
    }

    /// Waits at most `patience`; nullopt also when nothing came.
    std::optional<Item> pop_for(std::chrono::milliseconds patience) {
        std::unique_lock lock(mutex_);
        if (!filled_.wait_for(lock, patience, [&] { return closed_ || !items_.empty(); })) return std::nullopt;
        return take();
    }

    /// Refuses further items; with `error`, consumers get it once the items are drained. Only the first close counts.
    void close(std::exception_ptr error = nullptr) {
        {
            const std::lock_guard lock(mutex_);
            if (closed_) return;
            closed_ = true;
            error_ = std::move(error);
        }
        room_.notify_all();
        filled_.notify_all();
    }

    [[nodiscard]] bool closed() const {
        const std::lock_guard lock(mutex_);
        return closed_;
    }

    [[nodiscard]] std::size_t bytes() const {
        const std::lock_guard lock(mutex_);
        return bytes_;
    }

    [[nodiscard]] bool empty() const {
        const std::lock_guard lock(mutex_);
        return items_.empty();
    }

  private:
    bool has_room(std::size_t bytes) const {
        return items_.empty() || (items_.size() < max_items_ && bytes_ + bytes <= max_bytes_);
    }

    bool put(Item &&item, std::size_t bytes) {
        if (closed_) return false;
        items_.emplace_back(std::move(item), bytes);
        bytes_ += bytes;
        filled_.notify_one();
        return true;
    }

    std::optional<Item> take() {
        if (items_.empty()) {
            if (error_) std::rethrow_exception(error_);
            return std::nullopt;
        }
        auto [item, bytes] = std::move(items_.front());
        items_.pop_front();
        bytes_ -= bytes;
        room_.notify_all();
        return std::move(item);
    }

    const std::size_t max_items_, max_bytes_;
    mutable std::mutex mutex_;
    std::condition_variable room_, filled_;
    std::deque<std::pair<Item, std::size_t>> items_;
    std::size_t bytes_ = 0;
    bool closed_ = false;
    std::exception_ptr error_;
};

} // namespace walbridge
