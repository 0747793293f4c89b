// compression.hpp: frames on their way through LZ4 or zstd, whole frames at a time: none depends on another.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "wire/protocol.hpp"

namespace walbridge::wire {

// The option's word: none, lz4, zstd.
std::optional<Compression> compression_named(std::string_view word);

// Frames with fewer bytes of records are sent plain: there is nothing to gain that would pay for the time. The call
// alone costs zstd some microseconds, more than the rest of a small transaction: below its own limit it leaves frames
// to LZ4.
inline constexpr std::size_t least_compressed_bytes = 100;
inline constexpr std::size_t least_zstd_bytes = 1000;

class FrameCompressor {
  public:
    explicit FrameCompressor(Compression method);
    ~FrameCompressor();
    FrameCompressor(const FrameCompressor &) = delete;
    FrameCompressor &operator=(const FrameCompressor &) = delete;

    // The frame to send for a plain frame: a compressed one where that is shorter, else the same. Valid until the next
    // call.
    std::string_view compress(std::string_view frame);

  private:
    struct State;
    std::unique_ptr<State> state_; // none without a method
};

class FrameDecompressor {
  public:
    FrameDecompressor();
    ~FrameDecompressor();
    FrameDecompressor(const FrameDecompressor &) = delete;
    FrameDecompressor &operator=(const FrameDecompressor &) = delete;

    // Fills room with the `bytes` plain bytes that the compressed ones stand for. False when they stand for anything
    // else.
    bool decompress(Compression method, std::string_view compressed, char *room, std::size_t bytes);

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace walbridge::wire
