// row_sink.hpp: where the copy's rows go: what a pass asks of a target of whichever kind.
#pragma once

#include "base/postgres/session.hpp"
#include "base/sql/session.hpp"
#include "copy/chunk.hpp"
#include "copy/chunk_copier.hpp"
#include "source/catalog.hpp"
#include "source/shape.hpp"

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace walbridge::copy {

/// Tables of the source under the pass's snapshot, by oid.
using SourceTables = std::map<std::uint32_t, source::Table>;

/// What of those that are to be copied travels.
using Shapes = std::map<std::uint32_t, source::Shape>;

/// One worker's session on the target.
class RowSink {
  public:
    RowSink() = default;
    RowSink(const RowSink &) = delete;
    RowSink &operator=(const RowSink &) = delete;
    virtual ~RowSink() = default;

    /// For the state that is written in the same transactions.
    [[nodiscard]] virtual sql::Session &session() = 0;
    /// Throws Error(copy_stage) when one of the chunks' tables has rows: those that were there before us are neither
    /// overwritten nor mixed with ours.
    virtual void refuse_rows(const std::vector<Chunk> &chunks) = 0;
    /// Brings the chunks' rows, each as the source's transaction shows it, into the open transaction of the target.
    /// Throws SqlError of either side, Error(copy_stage) when the counts of both sides differ, Stopped, LetGo. After an
    /// exception both transactions must be rolled back.
    virtual std::vector<Counts> take(pg::Session &source, const std::vector<Chunk> &chunks, const CopyWatch &watch) = 0;
    /// What a refusal of the target means to an operator. Rethrows transient errors as they are.
    [[noreturn]] virtual void explain(const SqlError &error, const QualifiedName &table) = 0;
};

/// Opens the workers' sessions. One per pass; shared by its threads.
class RowTarget {
  public:
    RowTarget() = default;
    RowTarget(const RowTarget &) = delete;
    RowTarget &operator=(const RowTarget &) = delete;
    virtual ~RowTarget() = default;
    [[nodiscard]] virtual std::unique_ptr<RowSink> open() = 0;
};

} // namespace walbridge::copy
