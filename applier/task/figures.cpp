// figures.cpp: rates over a window, lag, and how figures are written for people.
#include "task/figures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace walbridge::task {

void RateMeter::add(Clock::time_point now, std::uint64_t total) {
    if (!readings_.empty() && total < readings_.back().second) readings_.clear(); // a chunk was rolled back
    readings_.emplace_back(now, total);
    while (readings_.size() > 2 && now - readings_.front().first > std::chrono::seconds(15)) readings_.pop_front();
}

double RateMeter::per_second() const {
    if (readings_.size() < 2) return 0;
    const std::chrono::duration<double> time = readings_.back().first - readings_.front().first;
    if (time.count() <= 0) return 0;
    return static_cast<double>(readings_.back().second - readings_.front().second) / time.count();
}

std::optional<double> eta_seconds(std::uint64_t done, std::uint64_t total, double per_second) {
    if (per_second <= 0 || done >= total) return std::nullopt;
    return static_cast<double>(total - done) / per_second;
}

std::optional<double> lag_seconds(const LagInput &input) {
    const auto newest = std::max(input.applied_commit_time, input.heartbeat_sent);
    if (newest == 0) return std::nullopt;
    const auto age = std::max<std::int64_t>(0, input.now - newest);
    const auto measured = input.heartbeat_sent >= input.applied_commit_time ? input.heartbeat_lag : input.last_lag;
    const bool heartbeats_arrive = input.heartbeat_interval == 0 || age < 3 * input.heartbeat_interval;
    if (input.caught_up && heartbeats_arrive && measured >= 0) return static_cast<double>(measured) / 1e6;
    return static_cast<double>(age) / 1e6;
}

std::string human_bytes(double bytes) {
    constexpr std::array units{"B", "kB", "MB", "GB", "TB", "PB"};
    std::size_t unit = 0;
    while (bytes >= 1024 && unit + 1 < units.size()) {
        bytes /= 1024;
        ++unit;
    }
    return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, units[unit]);
}

std::string human_count(std::uint64_t count) {
    const auto digits = std::to_string(count);
    std::string out;
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
        out += digits[i];
    }
    return out;
}

std::string human_seconds(double seconds) {
    if (seconds < 0.0995) return fmt::format("{:.0f} ms", seconds * 1000);
    if (seconds < 10) return fmt::format("{:.1f} s", seconds);
    const auto whole = static_cast<std::int64_t>(std::llround(seconds));
    if (whole < 60) return fmt::format("{} s", whole);
    if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
    if (whole < 86400) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
    return fmt::format("{} d {} h", whole / 86400, whole % 86400 / 3600);
}

std::string progress_line(const std::string &phase, std::uint64_t done, std::uint64_t total, const std::string &figures,
                          int width) {
    const double part = total == 0 ? 0 : std::min(1.0, static_cast<double>(done) / static_cast<double>(total));
    constexpr int cells = 24;
    const int full = static_cast<int>(part * cells);
    auto line = fmt::format("{} [{}{}] {:3.0f}% {}", phase, std::string(static_cast<std::size_t>(full), '#'),
                            std::string(static_cast<std::size_t>(cells - full), '.'), std::floor(part * 100), figures);
    if (static_cast<int>(line.size()) > width) line.resize(static_cast<std::size_t>(std::max(0, width)));
    return line;
}

} // namespace walbridge::task
