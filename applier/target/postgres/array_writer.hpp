// array_writer.hpp: one-dimensional arrays in PostgreSQL's binary form (array_send in the server's arrayfuncs.c), built
// from values that already are in their element's binary form; text elements are their UTF-8 bytes.
#pragma once

#include "change/value.hpp"

#include <cstdint>
#include <string>

namespace walbridge::target {

class ArrayWriter {
  public:
    explicit ArrayWriter(std::uint32_t element_type) : element_type_(element_type) {}

    /// Appends a null or a present value; `unchanged` must not get here.
    void add(const Value &value);
    /// Completes the header and gives the bytes away.
    [[nodiscard]] std::string finish();

  private:
    void append32(std::uint32_t number);
    std::uint32_t element_type_;
    std::uint32_t count_ = 0;
    bool has_null_ = false;
    std::string bytes_ = std::string(20, '\0'); ///< dimensions, null flag, element type, length, lower bound
};

} // namespace walbridge::target
