// spool.cpp: length and payload, one after the other; written and read in large pieces.
#include "apply/spool.hpp"

#include "base/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>
#include <unistd.h>

namespace walbridge::apply {
namespace {

constexpr std::size_t write_bytes = std::size_t{1} << 20; ///< once there is a file
constexpr std::size_t read_bytes = std::size_t{1} << 20;

using Length = std::uint64_t;

} // namespace

Spool::Spool(std::string directory, SpoolBudget &budget) : directory_(std::move(directory)), budget_(budget) {}

Spool::~Spool() {
    budget_.used -= accounted_;
    if (file_ >= 0) close(file_);
}

void Spool::append(std::string_view payload) {
    const Length length = payload.size();
    buffer_.append(reinterpret_cast<const char *>(&length), sizeof length);
    buffer_.append(payload);
    if (file_ >= 0 ? buffer_.size() >= write_bytes : budget_.used - accounted_ + buffer_.size() > budget_.limit)
        write_out();
    account();
}

void Spool::account() {
    budget_.used += buffer_.size() - accounted_;
    accounted_ = buffer_.size();
}

void Spool::open_file() {
    std::error_code error;
    auto folder = directory_.empty() ? std::filesystem::temp_directory_path(error).string() : directory_;
    if (folder.empty()) folder = "/tmp";
    auto name = folder + "/walbridge_spool_XXXXXX";
    file_ = mkstemp(name.data());
    if (file_ < 0) fail("create a file");
    if (unlink(name.c_str()) != 0) fail("unlink the file");
}

void Spool::write_out() {
    if (file_ < 0) open_file();
    for (std::size_t done = 0; done < buffer_.size();) {
        const auto written = write(file_, buffer_.data() + done, buffer_.size() - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) fail("write");
        done += static_cast<std::size_t>(written);
    }
    file_bytes_ += buffer_.size();
    buffer_.clear();
    if (buffer_.capacity() > 4 * write_bytes) buffer_.shrink_to_fit();
}

void Spool::rewind() {
    if (file_ >= 0) {
        write_out();
        account();
        if (lseek(file_, 0, SEEK_SET) < 0) fail("read");
    }
    window_.clear();
    window_at_ = 0;
    read_ = 0;
}

/// Makes `wanted` bytes available in the window; false at the end.
bool Spool::fill(std::size_t wanted) {
    if (window_.size() - window_at_ >= wanted) return true;
    window_.erase(0, window_at_);
    window_at_ = 0;
    while (window_.size() < wanted) {
        const auto left = file_bytes_ - read_;
        if (left == 0) return false;
        const auto have = window_.size();
        const auto ask = static_cast<std::size_t>(std::min<std::uint64_t>(left, std::max(read_bytes, wanted - have)));
        window_.resize(have + ask);
        auto got = read(file_, window_.data() + have, ask);
        if (got < 0 && errno == EINTR)
            got = 0;
        else if (got <= 0)
            fail("read");
        window_.resize(have + static_cast<std::size_t>(got));
        read_ += static_cast<std::uint64_t>(got);
    }
    return true;
}

std::optional<std::string_view> Spool::next() {
    Length length = 0;
    if (file_ < 0) { // all of it is in memory
        if (window_at_ >= buffer_.size()) return std::nullopt;
        std::memcpy(&length, buffer_.data() + window_at_, sizeof length);
        const std::string_view payload(buffer_.data() + window_at_ + sizeof length, length);
        window_at_ += sizeof length + length;
        return payload;
    }
    if (!fill(sizeof length)) return std::nullopt;
    std::memcpy(&length, window_.data() + window_at_, sizeof length);
    if (!fill(sizeof length + length)) fail("read");
    const std::string_view payload(window_.data() + window_at_ + sizeof length, length);
    window_at_ += sizeof length + length;
    return payload;
}

void Spool::fail(const char *what) const {
    const auto number = errno;
    std::error_code error;
    throw Error(ErrorKind::resource,
                fmt::format("spool folder {}",
                            directory_.empty() ? std::filesystem::temp_directory_path(error).string() : directory_),
                fmt::format("cannot {} for a streamed transaction after {} bytes: {}", what, file_bytes_,
                            std::generic_category().message(number)),
                "Make room or set apply.spool_directory to a folder that can hold the largest transaction; with "
                "apply.streaming = false the source spills it instead.");
}

} // namespace walbridge::apply
