// copy_rows.hpp: a long run of inserts as one COPY in binary format, which costs the server half of what the same rows
// cost through INSERT: it fills whole pages and logs them at once.
//
// Source of the format: "Binary Format" in PostgreSQL's manual page of COPY.
#pragma once

#include "target/postgres/statements.hpp"
#include "target/target.hpp"

#include <string>

namespace walbridge::target {

/// True when every value of the listed columns travels in a form that the column's own receive function reads.
[[nodiscard]] bool copyable(const TablePlan &plan, const statements::ColumnList &columns, std::span<const Row> rows);

/// The bytes of a binary COPY, piece by piece. Borrows plan, columns and rows.
class CopyRows {
  public:
    CopyRows(const statements::ColumnList &columns, std::span<const Row> rows) : columns_(columns), rows_(rows) {}

    /// The next bytes, about 64 KiB (more when a single row is larger); empty at the end. Valid until the next call.
    const std::string &next();

  private:
    void append_row(Row row);

    const statements::ColumnList &columns_;
    std::span<const Row> rows_;
    std::size_t at_ = 0;
    bool header_ = false, trailer_ = false;
    std::string bytes_;
};

} // namespace walbridge::target
