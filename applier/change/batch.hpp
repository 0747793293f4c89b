// batch.hpp: whatever had arrived when the applier became free: whole transactions in commit order, at most one that
// has begun and not ended at either edge, and between them blocks of transactions that are still in progress on the
// source and what became of those. Owns every byte its changes refer to. Built by one thread, then read by another.
#pragma once

#include "change/change.hpp"

#include <cstddef>
#include <memory>
#include <memory_resource>
#include <optional>
#include <string_view>
#include <vector>

namespace walbridge {

/// What a piece says about a transaction that is sent while it is in progress (streamed).
enum class StreamStep : std::uint8_t {
    none,      ///< an ordinary transaction, sent after its commit
    block,     ///< some changes; whether and when they commit is not known yet
    aborted,   ///< a subtransaction or the whole transaction is gone
    committed, ///< it committed here in the order of commits, without the changes of aborted subtransactions
};

/// A change of a streamed transaction as it was received.
struct StreamedRecord {
    std::uint32_t subxid = 0;
    std::string_view payload;
};

/// A run of changes [first, last) of one source transaction.
struct TransactionPiece {
    TransactionBegin begin; ///< of a block: without position and time
    bool starts = true;     ///< the transaction's first change is in this piece
    std::size_t offset = 0; ///< changes of the transaction in earlier batches
    std::size_t first = 0, last = 0;
    bool ddl = false; ///< the transaction has brought a captured DDL statement, here or before: it is applied alone
    std::optional<TransactionCommit> commit; ///< absent: the transaction goes on in the next batch

    StreamStep stream = StreamStep::none;
    std::size_t first_record = 0; ///< block: ChangeBatch::streamed holds the records of its changes from here on
    std::uint32_t subxid = 0;     ///< aborted: the transaction's own xid means all of it
    std::uint64_t survived = 0;   ///< committed: changes that are left, and their proof
    std::uint32_t checksum = 0;
};

class ChangeBatch {
  public:
    ChangeBatch() : memory_(std::make_unique<std::pmr::monotonic_buffer_resource>(std::size_t{16} << 10)) {}

    std::vector<Change> changes;
    std::vector<TransactionPiece> pieces;
    std::vector<StreamedRecord> streamed; ///< in the order of the changes of streamed blocks
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
        auto *memory = std::pmr::polymorphic_allocator<Pointer>(memory_.get()).allocate(count);
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
