// alerter.hpp: the task's alerts as a whole: decides what is told (Watch), writes it to the log, and hands it to the
// webhook and the command of the task file, each on a thread of its own. Thread-safe; never blocks but in finish().
#pragma once

#include "alert/channel.hpp"
#include "alert/watch.hpp"
#include "config/task_config.hpp"

#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace walbridge::alert {

class Alerter {
  public:
    /// `process`: host and process id, for the receiver.
    Alerter(const TaskConfig &config, std::string process);

    /// What an earlier process told of: the form of summary().
    void restore(const std::string &json);
    void restore(Notice notice);
    void forget(const std::string &event);
    void observe(const std::vector<Condition> &conditions);

    [[nodiscard]] std::vector<Notice> firing() const;
    /// {"firing": [{"event", "severity", "since", "reason", "remedy"}], "channels": [{"name", "delivered", "failed",
    /// "last_failure"}]}
    [[nodiscard]] std::string summary() const;

    /// Gives what was told a last `patience` to leave. Later observations are only logged. False when something was
    /// given up since the start.
    bool finish(std::chrono::milliseconds patience);

  private:
    const TaskConfig &config_;
    const std::string process_;
    mutable std::mutex mutex_; ///< of watch_
    Watch watch_;
    std::vector<std::unique_ptr<Channel>> channels_;
};

/// What receivers get: docs/alerts.md describes it.
[[nodiscard]] std::string message(const TaskConfig &config, const std::string &process, const Notice &notice,
                                  std::int64_t unix_now);

/// One try of each configured carrier with a test alert: its name and what happened, in order.
[[nodiscard]] std::vector<std::pair<std::string, Outcome>> send_test(const TaskConfig &config,
                                                                     const std::string &process);

} // namespace walbridge::alert
