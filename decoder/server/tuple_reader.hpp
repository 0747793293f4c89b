// tuple_reader.hpp: from a heap tuple to column values, without copying what is stored in the form the stream wants.
#pragma once

#include "server/guard.hpp"
#include "server/relation_cache.hpp"
#include "server/text_encoding.hpp"
#include "wire/records.hpp"

#include <array>
#include <memory>
#include <span>
#include <vector>

extern "C" {
#include "access/htup.h"
#include "utils/rel.h"
}

namespace walbridge {

enum class Columns { all, key };

/// Reads one tuple at a time. Reuse it: its buffers are.
class TupleReader {
  public:
    explicit TupleReader(TextEncoder encoder) : encoder_(encoder) {}

    /// Values of all columns of the plan, or of its key columns. They point into the tuple, into this reader and into
    /// the current memory context; valid until the next read or until one of those goes. Runs output functions: throws
    /// ServerError.
    std::span<const wire::ColumnValue> read(const RelationPlan &plan, Relation relation, HeapTuple tuple,
                                            Columns columns);
    /// The same of a row that rules have been applied to.
    std::span<const wire::ColumnValue> read(const RelationPlan &plan, Relation relation, const RowView &row,
                                            Columns columns);

  private:
    using Slot = std::array<char, 16>;
    wire::ColumnValue value_of(const ColumnPlan &column, Datum datum, Slot &slot);

    TextEncoder encoder_;
    std::vector<Datum> datums_;
    std::unique_ptr<bool[]> nulls_;
    std::size_t room_ = 0;
    std::vector<Slot> slots_; ///< one per column: values that are laid out here
    std::vector<wire::ColumnValue> values_;
};

} // namespace walbridge
