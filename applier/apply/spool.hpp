// spool.hpp: the changes of one streamed transaction as they were received, in memory up to a limit that all spools
// share, then in a file without a name: whatever ends the process takes it along. One thread at a time.
//
// What comes out is proven by its reader (the transaction's counts and checksums cover every payload), so the file
// needs no checksums of its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace walbridge::apply {

/// Memory of all spools of a task.
struct SpoolBudget {
    std::size_t limit = 0;
    std::size_t used = 0;
};

class Spool {
  public:
    /// `directory` is where the file goes when it is needed; empty = the system's folder for temporary files.
    Spool(std::string directory, SpoolBudget &budget);
    ~Spool();
    Spool(const Spool &) = delete;
    Spool &operator=(const Spool &) = delete;

    /// Throws Error(resource) when the folder cannot be written or is full.
    void append(std::string_view payload);

    /// From the beginning, any number of times, after the last append. The view holds until the next call.
    void rewind();
    std::optional<std::string_view> next();

    [[nodiscard]] std::uint64_t bytes() const { return file_bytes_ + buffer_.size(); }
    [[nodiscard]] bool on_disk() const { return file_ >= 0; }

  private:
    void write_out();
    void open_file();
    bool fill(std::size_t wanted);
    void account();
    [[noreturn]] void fail(const char *what) const;

    const std::string directory_;
    SpoolBudget &budget_;
    std::string buffer_;        ///< what is not in the file yet
    std::size_t accounted_ = 0; ///< of the budget
    std::uint64_t file_bytes_ = 0;
    int file_ = -1;
    std::string window_; ///< read from the file
    std::size_t window_at_ = 0;
    std::uint64_t read_ = 0; ///< bytes of the file that are in the window or were
};

} // namespace walbridge::apply
