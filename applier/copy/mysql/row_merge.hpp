// row_merge.hpp: brings a chunk's rows into a table of MySQL or MariaDB that held rows before the task [O-09]: first
// into a temporary table of the session with the same columns and no key, where LOAD DATA has nothing to ignore and its
// counts prove that every row is there; then rows that meet are removed from one of the two by joins over the target's
// unique keys, and what is left is inserted by a plain INSERT, which fails where anything was overlooked. No INSERT
// IGNORE, no ON DUPLICATE KEY: what they count proves nothing.
#pragma once

#include "base/mysql/session.hpp"
#include "base/qualified_name.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::copy::mysql {

class RowMerge {
  public:
    /// Makes the temporary table, in the caller's transaction, which it does not end. `columns`: those that are
    /// brought.
    RowMerge(my::Session &session, QualifiedName table, std::vector<std::string> columns);
    /// Removes it.
    ~RowMerge();
    RowMerge(const RowMerge &) = delete;
    RowMerge &operator=(const RowMerge &) = delete;

    /// Where the rows go first.
    [[nodiscard]] const QualifiedName &staging() const { return staging_; }

    struct Merged {
        std::uint64_t kept = 0;        ///< rows of the source that did not come: the target had one with their key
        std::uint64_t overwritten = 0; ///< rows of the target that went
    };
    /// `staged` rows are in the temporary table. Throws SqlError, Error(copy_stage) when the counts do not add up.
    Merged finish(std::uint64_t staged, bool overwrite);

  private:
    /// A unique key as a condition between rows of both tables; without those over columns that are not brought, or
    /// over expressions: their conflicts are the server's to refuse.
    [[nodiscard]] std::vector<std::string> read_keys();

    my::Session &session_;
    const QualifiedName table_, staging_;
    const std::vector<std::string> columns_;
};

} // namespace walbridge::copy::mysql
