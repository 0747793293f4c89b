// compression.cpp: the libraries' contexts are made once and used for every frame. Both run at their fast end: a source
// has better things to do.
#include "wire/compression.hpp"

#include <array>
#include <cstring>
#include <lz4.h>
#include <new>
#include <zstd.h>

#include "wire/varint.hpp"

namespace walbridge::wire {

namespace {

constexpr int zstd_level = 1;
constexpr int lz4_acceleration = 1;

} // namespace

std::optional<Compression> compression_named(std::string_view word) {
    if (word == "none") return Compression::none;
    if (word == "lz4") return Compression::lz4;
    if (word == "zstd") return Compression::zstd;
    return std::nullopt;
}

struct FrameCompressor::State {
    struct Free {
        void operator()(ZSTD_CCtx *context) const noexcept { ZSTD_freeCCtx(context); }
    };

    Compression method = Compression::none;
    std::unique_ptr<ZSTD_CCtx, Free> zstd;
    LZ4_stream_t lz4;
    std::array<char, max_frame_bytes> frame;

    // Bytes written, 0 when they do not fit.
    std::size_t run(Compression chosen, std::string_view plain, char *out, std::size_t room) {
        if (chosen == Compression::lz4)
            return static_cast<std::size_t>(LZ4_compress_fast_extState(
                &lz4, plain.data(), out, static_cast<int>(plain.size()), static_cast<int>(room), lz4_acceleration));
        const std::size_t bytes = ZSTD_compressCCtx(zstd.get(), out, room, plain.data(), plain.size(), zstd_level);
        return ZSTD_isError(bytes) != 0 ? 0 : bytes;
    }
};

FrameCompressor::FrameCompressor(Compression method) {
    if (method == Compression::none) return;
    state_ = std::make_unique<State>();
    state_->method = method;
    if (method == Compression::zstd) {
        state_->zstd.reset(ZSTD_createCCtx());
        if (!state_->zstd) throw std::bad_alloc();
    }
}

FrameCompressor::~FrameCompressor() = default;

std::string_view FrameCompressor::compress(std::string_view frame) {
    if (!state_ || frame.size() < 1 + least_compressed_bytes) return frame;
    const std::string_view plain = frame.substr(1);
    char *const out = state_->frame.data();
    const std::size_t head = 1 + encode_varint(out + 1, plain.size());
    const Compression method = plain.size() < least_zstd_bytes ? Compression::lz4 : state_->method;
    const std::size_t bytes = state_->run(method, plain, out + head, frame.size() - head - 1);
    if (bytes == 0) return frame;
    out[0] = static_cast<char>(static_cast<std::uint8_t>(frame[0]) | static_cast<std::uint8_t>(method));
    return {out, head + bytes};
}

struct FrameDecompressor::State {
    struct Free {
        void operator()(ZSTD_DCtx *context) const noexcept { ZSTD_freeDCtx(context); }
    };
    std::unique_ptr<ZSTD_DCtx, Free> zstd;
};

FrameDecompressor::FrameDecompressor() = default;
FrameDecompressor::~FrameDecompressor() = default;

bool FrameDecompressor::decompress(Compression method, std::string_view compressed, char *room, std::size_t bytes) {
    if (method == Compression::lz4) {
        const int found =
            LZ4_decompress_safe(compressed.data(), room, static_cast<int>(compressed.size()), static_cast<int>(bytes));
        return found >= 0 && static_cast<std::size_t>(found) == bytes;
    }
    if (!state_) state_ = std::make_unique<State>();
    if (!state_->zstd) state_->zstd.reset(ZSTD_createDCtx());
    if (!state_->zstd) throw std::bad_alloc();
    return ZSTD_decompressDCtx(state_->zstd.get(), room, bytes, compressed.data(), compressed.size()) == bytes;
}

} // namespace walbridge::wire
