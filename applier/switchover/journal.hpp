// journal.hpp: what a switchover has done and how to undo it, kept in the target's walbridge.switchover: each undo is
// durable before what it undoes is done, so that a process that is killed half way leaves nothing unknown.
#pragma once

#include "base/lsn.hpp"
#include "base/postgres/session.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::switchover {

enum class Side { source, target };

[[nodiscard]] const char *name_of(Side side);

/// A session of the command itself: what it changes is durable when the statement returns.
[[nodiscard]] pg::Session open_session(const pg::Endpoint &endpoint,
                                       const std::string &application_name = "walbridge:switchover");

/// One statement that takes back one thing; may be run although the thing was never done.
struct Undo {
    Side side = Side::source;
    std::string what; ///< "connections of PUBLIC"
    std::string statement;
    bool opens = false; ///< part of the source's fence: a switchback runs it when the source takes over again
};

/// How a switchover ended.
enum class Outcome {
    under_way, ///< or its process died
    undone,
    switched_over,
};

struct Record {
    std::string task;
    Outcome outcome = Outcome::under_way;
    std::string step;                       ///< the last one begun
    std::string started_at;                 ///< of the target's clock
    std::string reverse_task, reverse_file; ///< empty = none
    std::vector<Undo> undo;                 ///< in the order of what was done
};

/// The task's latest switchover; nullopt = none. `target` has the state installed.
[[nodiscard]] std::optional<Record> read_record(pg::Session &target, const std::string &task);

/// The latest switchover in this database that led to the reverse task `reverse_task`.
[[nodiscard]] std::optional<Record> read_record_of_reverse(pg::Session &target, const std::string &reverse_task);

/// Holds the lock of the task's switchover as long as its session lives. Not thread-safe.
class Journal {
  public:
    /// Throws Error(task_state) when another process switches the task over right now.
    Journal(const pg::Endpoint &target, std::string task);

    /// Begins a record; an ended one of the task is replaced.
    void open(const std::string &reverse_task, const std::string &reverse_file);
    /// Goes on with a record that another process left.
    void adopt(Record record) { record_ = std::move(record); }

    void step(const std::string &name);
    /// Call before doing what `undo` takes back.
    void will_do(Undo undo);
    void finish(Outcome outcome, const std::string &report_json);
    /// The point of no return: outcome and state of the task in one transaction. False: the task's row is gone.
    [[nodiscard]] bool commit(Lsn fence, const std::string &report_json);

    [[nodiscard]] const Record &record() const { return record_; }
    [[nodiscard]] pg::Session &session() { return session_; }

  private:
    pg::Session session_;
    Record record_;
};

} // namespace walbridge::switchover
