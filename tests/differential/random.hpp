// random.hpp: one seed, one sequence, on every machine: the standard distributions differ between libraries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace walbridge::differential {

class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}

    std::uint64_t next() { // splitmix64
        std::uint64_t mixed = (state_ += 0x9E3779B97F4A7C15ull);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9ull;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBull;
        return mixed ^ (mixed >> 31);
    }
    /// 0 ... count - 1
    std::size_t below(std::size_t count) { return count == 0 ? 0 : next() % count; }
    /// low ... high
    int between(int low, int high) { return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1))); }
    bool chance(int percent) { return below(100) < static_cast<std::size_t>(percent); }
    template <class T> const T &pick(const std::vector<T> &from) { return from[below(from.size())]; }

  private:
    std::uint64_t state_;
};

/// A seed for one part of what `seed` covers.
inline std::uint64_t seed_of(std::uint64_t seed, std::uint64_t part) {
    return Random(seed ^ (part + 1) * 0xD1B54A32D192ED03ull).next();
}

} // namespace walbridge::differential
