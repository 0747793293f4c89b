// copy_out.hpp: one COPY ... TO STDOUT of the source, row by row.
#pragma once

#include "base/postgres/session.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace walbridge::copy {

/// The command runs from construction on, inside the session's transaction. Used by one thread. When it is left before
/// its end, the command is cancelled and the transaction must be rolled back.
class CopyOut {
  public:
    CopyOut(pg::Session &source, std::string statement);
    ~CopyOut();
    CopyOut(const CopyOut &) = delete;
    CopyOut &operator=(const CopyOut &) = delete;

    /// The next row, valid until the next call; nullopt at the end and after it. Throws SqlError.
    std::optional<std::string_view> next();
    /// Rows that the source says it sent; after the last one only.
    [[nodiscard]] std::uint64_t rows() const { return rows_; }

  private:
    void end();

    pg::Session &source_;
    const std::string statement_;
    std::unique_ptr<char, pg::Delete> row_;
    std::uint64_t rows_ = 0;
    bool ended_ = false;
};

/// Ends COPYs that nobody reads any more, and whatever else the session has under way.
void abandon(pg::Session &source) noexcept;

} // namespace walbridge::copy
