// source_guard.hpp: when work that reads the source leaves it alone: one of its standbys is late, too many sessions are
// at work, or the user's query says so [B-12].
//
// Looking (a session of its own), deciding (pure) and holding (a Throttle) are three things. GuardWatch puts them
// together in a thread that looks every guard.interval; the condition's first look holds, the first look without it
// lets go on. What cannot be seen holds as well: a guard that cannot look does not say that all is well.
#pragma once

#include "base/hold_board.hpp"
#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"
#include "base/throttle.hpp"
#include "config/task_config.hpp"

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace walbridge::source {

/// When the source's WAL ended where, as looked at: how late a standby is that has replayed up to some point. The
/// server's own figure (replay_lag) is missing for standbys that have reported nothing measurable yet. Pure: the caller
/// passes the time.
class WalClock {
  public:
    using Clock = std::chrono::steady_clock;
    /// Later calls pass later times.
    void note(Clock::time_point now, std::uint64_t position);
    /// For how long there has been something that `replayed` lacks, as far as it was seen: 0 at the first look.
    [[nodiscard]] Clock::duration behind(Clock::time_point now, std::uint64_t replayed) const;

  private:
    /// Beyond it every second reading goes: a day's worth at any interval stays small.
    static constexpr std::size_t most_readings = 4096;
    std::deque<std::pair<Clock::time_point, std::uint64_t>> readings_;
};

/// One look at the source.
struct GuardReading {
    struct Standby {
        std::string name;
        std::uint64_t replayed = 0;                          ///< LSN
        std::optional<std::chrono::milliseconds> replay_lag; ///< the server's figure
        std::chrono::milliseconds seen_behind{0};            ///< WalClock's
    };
    std::uint64_t position = 0; ///< LSN up to which the source has flushed; 0 = not looked at
    std::vector<Standby> standbys;
    std::optional<int> active_sessions; ///< nullopt = not looked at
    std::optional<bool> answer;         ///< of the user's query; nullopt = not asked
    std::string failure;                ///< what could not be seen and why; empty = everything was
};

/// How late a standby is. One that has replayed everything is not late, whatever the server last measured.
[[nodiscard]] std::chrono::milliseconds lag_of(const GuardReading::Standby &standby, std::uint64_t position);

/// Why work has to be held, in words for people; nullopt = it may go on.
[[nodiscard]] std::optional<std::string> reason_to_hold(const TaskConfig::SourceGuard &guard,
                                                        const GuardReading &reading);

/// Bytes per second of a copy that is slowed: a tenth of the pace before, never so little that nothing moves.
[[nodiscard]] std::uint64_t slowed_pace(double bytes_per_second);

/// The session that looks: reads only, and gives up a statement after a few seconds.
[[nodiscard]] pg::Session open_guard_session(const TaskConfig &config);

/// True when the role may see other sessions and standbys.
[[nodiscard]] bool sees_statistics(pg::Session &source);

/// Runs the user's query: its answer. Throws Error(configuration) when it is not one boolean, SqlError.
[[nodiscard]] bool ask_guard_query(pg::Session &source, const std::string &query);

/// Looks at what the guard asks for. What the server refuses stands in `failure`; a connection that broke is thrown
/// (SqlError).
[[nodiscard]] GuardReading look_at_source(pg::Session &source, const TaskConfig::SourceGuard &guard, WalClock &clock);

/// Holds `throttle` from its construction on until the first look has found nothing, and again whenever a look finds
/// something; its end lets go. Looks and holds from a thread of its own.
class GuardWatch {
  public:
    /// `work`: what is held, for the log ("copy"). The references must outlive the object.
    GuardWatch(const TaskConfig &config, std::string work, Throttle &throttle, HoldBoard &board);
    ~GuardWatch();
    GuardWatch(const GuardWatch &) = delete;
    GuardWatch &operator=(const GuardWatch &) = delete;

  private:
    void watch();
    /// One look; opens the session when there is none.
    GuardReading look();
    void measure_pace();
    void hold(const std::string &reason, bool failed);
    void release();
    /// Whether other sessions wait for locks of the work that is held.
    bool others_wait();

    const TaskConfig &config_;
    const std::string work_;
    Throttle &throttle_;
    HoldBoard &board_;
    StopToken end_;
    std::mutex session_mutex_; ///< of its coming and going, for whoever cancels a look
    std::optional<pg::Session> session_;
    StopToken ended_; ///< nothing is under way any more
    WalClock clock_;
    double pace_ = 0; ///< bytes per second while nobody holds; 0 = not known
    std::uint64_t passed_ = 0;
    std::optional<WalClock::Clock::time_point> measured_at_; ///< nullopt = work was held since the last look
    bool holds_ = false;
    std::string told_failure_; ///< a warning once, not at every look
    std::thread thread_;       ///< last: it uses everything above
};

} // namespace walbridge::source
