// row_differ.hpp: which rows of two bags of (key, digest) differ. Plain data, no databases.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace walbridge::verify {

/// Rows of both sides come in any order; those that are equal forget each other as soon as both are there.
class RowDiffer {
  public:
    void add_source(const std::string &key, std::int64_t digest, std::uint64_t times = 1) {
        add(key, digest, times, 0);
    }
    void add_target(const std::string &key, std::int64_t digest, std::uint64_t times = 1) {
        add(key, digest, times, 1);
    }

    struct Difference {
        std::string key;
        std::vector<std::int64_t> source, target; ///< digests; both filled = the row differs
        std::uint64_t source_rows = 0, target_rows = 0;
    };
    /// What is left, by key.
    [[nodiscard]] std::vector<Difference> differences() const;
    /// Keys that are held at the moment.
    [[nodiscard]] std::size_t size() const { return rows_.size(); }

  private:
    struct Versions {
        std::vector<std::pair<std::int64_t, std::uint64_t>> of[2]; ///< digest, how often
    };
    void add(const std::string &key, std::int64_t digest, std::uint64_t times, int side);

    std::unordered_map<std::string, Versions> rows_;
};

} // namespace walbridge::verify
