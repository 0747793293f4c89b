// conflict_records.hpp: walbridge.conflict as operators read it: lists, single records, counts; and its bounds [C-05].
// A record is
//   open       the task stopped at it and nobody decided yet
//   decided    the same with a decision that the task meets when it runs again
//   passed     the task stopped at it once, and its transaction has been applied since
//   resolved   a policy had decided it, an operator decided again
//   settled    a policy decided it
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace walbridge::task {

struct ConflictFilter {
    bool open = false;
    std::vector<QualifiedName> tables; ///< as the source or the target calls them; empty = all
    std::vector<std::string> kinds;    ///< empty = all
    std::string since;                 ///< a duration or a time as PostgreSQL reads it; empty = from the beginning
    int limit = 50;                    ///< 0 = none
};

/// SQL over walbridge.conflict c, $1 the task. Whether the task meets the change again.
[[nodiscard]] std::string conflict_pending_sql();
/// One of the words above.
[[nodiscard]] std::string conflict_state_sql();
/// FROM and WHERE.
[[nodiscard]] std::string conflicts_from_sql();

/// Conditions of the filter, each with AND before it. Throws Error(usage) for a `since` that is no time.
[[nodiscard]] std::string conflict_conditions(pg::Session &target, const TaskConfig &config,
                                              const ConflictFilter &filter);

/// A session of an operator's command on a target that knows the task.
[[nodiscard]] pg::Session open_inbox(const TaskConfig &config,
                                     std::vector<std::pair<std::string, std::string>> settings = {});

/// The id as a number in text; "-1", which no record has, for anything else.
[[nodiscard]] std::string conflict_id(const std::string &word);

/// Open ones first, then the newest; as a table or as JSON.
[[nodiscard]] std::string list_conflicts(const TaskConfig &config, const ConflictFilter &filter, bool json);

/// One of them with its rows side by side.
[[nodiscard]] std::string show_conflict(const TaskConfig &config, const std::string &id, bool json);

/// Number of open ones.
[[nodiscard]] std::int64_t count_open_conflicts(sql::Session &target, const std::string &task);

/// Removes some of the oldest records that are older than conflict.keep, never one that the task still has to meet; how
/// many. Cheap when there is nothing to remove: few rows are looked at, in the order of the source's commits.
std::int64_t remove_old_conflicts(sql::Session &target, const TaskConfig &config);

/// Counts records as they appear, by reading the newest ones.
class ConflictCounter {
  public:
    struct Figure {
        QualifiedName table;
        std::string kind, outcome;
        std::uint64_t count = 0;
    };

    /// Reads what came since the last look; at the first one, what is younger than `age`.
    void look(sql::Session &target, const std::string &task, std::chrono::duration<double> age);
    /// Kinds that the last look found.
    [[nodiscard]] const std::set<std::string> &news() const { return news_; }
    [[nodiscard]] std::vector<Figure> figures() const;
    [[nodiscard]] bool began() const { return newest_.has_value(); }

  private:
    std::optional<std::int64_t> newest_;
    std::set<std::int64_t> seen_; ///< the latest: ids become visible in any order
    std::set<std::string> news_;
    std::map<std::tuple<QualifiedName, std::string, std::string>, std::uint64_t> counts_;
};

} // namespace walbridge::task
