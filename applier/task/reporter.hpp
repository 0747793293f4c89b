// reporter.hpp: the thread that tells the world how the task is, and listens to it: once a second, and at once when it
// is notified. It owns a session to the target (status out, control requests and limits in) and one to the source (the
// slot's figures), both best effort: it reconnects by itself and never fails the task. It learns before anybody else
// that another process took the task over. It also watches what is worth an alert, and the WAL that the slot retains:
// the one thing it may end the task for (slot.on_limit = "drop"), also while the target cannot be reached.
#pragma once

#include "alert/alerter.hpp"
#include "base/stop_token.hpp"
#include "config/task_config.hpp"
#include "task/live.hpp"

#include <thread>

namespace walbridge::task {

class Reporter {
  public:
    /// `stop` is requested when a control row asks for it or when the task was taken over.
    Reporter(const TaskConfig &config, Live &live, StopToken &stop, alert::Alerter &alerter);
    Reporter(const Reporter &) = delete;
    Reporter &operator=(const Reporter &) = delete;
    /// Ends the thread; a last status is written by the runner's own session.
    ~Reporter();

  private:
    void work();
    const TaskConfig &config_;
    Live &live_;
    StopToken &stop_;
    alert::Alerter &alerter_;
    StopToken end_;
    std::thread thread_;
};

} // namespace walbridge::task
