// batch.hpp: whatever had arrived when the applier became free: whole transactions in commit order, and at most one
// that has begun and not ended at either edge. Owns every byte its changes refer to. Built by one thread, then read by
// another.
#pragma once

#include "change/change.hpp"

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

namespace walbridge {

/// A run of changes [first, last) of one source transaction.
struct TransactionPiece {
    TransactionBegin begin;
    bool starts = true;     ///< the transaction's first change is in this piece
    std::size_t offset = 0; ///< changes of the transaction in earlier batches
    std::size_t first = 0, last = 0;
    std::optional<TransactionCommit> commit; ///< absent: the transaction goes on in the next batch
};

class ChangeBatch {
  public:
    ChangeBatch() : memory_(std::make_unique<std::pmr::monotonic_buffer_resource>(std::size_t{16} << 10)) {}

    std::vector<Change> changes;
    std::vector<TransactionPiece> pieces;
    /// Highest position that a keepalive or a message outside a transaction named after the last piece; nothing was
    /// pending there.
    Lsn idle_position;
    /// Source time carried by the last heartbeat message, 0 = none.
    SourceTime heartbeat_sent = 0;
    bool urgent_position = false; ///< somebody waits for idle_position: store it now
    std::size_t bytes = 0;        ///< of the frames held alive

    /// Room for `count` values, valid as long as the batch.
    std::span<Value> allocate_values(std::size_t count) {
        auto *memory = static_cast<Value *>(memory_->allocate(count * sizeof(Value), alignof(Value)));
        return {new (memory) Value[count], count};
    }

    std::span<const Relation *> allocate_relations(std::size_t count) {
        using Pointer = const Relation *;
        auto *memory = static_cast<Pointer *>(memory_->allocate(count * sizeof(Pointer), alignof(Pointer)));
        return {new (memory) Pointer[count], count};
    }

    /// For whatever else has to live as long as the batch.
    std::pmr::memory_resource &memory() { return *memory_; }

    /// A copy of `text` that lives as long as the batch.
    std::string_view copy(std::string_view text) {
        auto *memory = static_cast<char *>(memory_->allocate(text.size(), 1));
        text.copy(memory, text.size());
        return {memory, text.size()};
    }

    /// Keeps a buffer alive that values point into; the same owner twice in a row is stored once.
    void hold(const std::shared_ptr<const void> &owner) {
        if (owner && (owners_.empty() || owners_.back() != owner)) owners_.push_back(owner);
    }

    [[nodiscard]] bool empty() const { return changes.empty() && pieces.empty() && !idle_position.valid(); }

  private:
    std::unique_ptr<std::pmr::monotonic_buffer_resource> memory_;
    std::vector<std::shared_ptr<const void>> owners_;
};

} // namespace walbridge
