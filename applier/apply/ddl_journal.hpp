// ddl_journal.hpp: what is written down about statements that did not simply succeed, and what follows a failure: the
// part of following DDL that does not depend on how it is followed.
#pragma once

#include "apply/ddl_follower.hpp"
#include "apply/ddl_order.hpp"
#include "config/task_config.hpp"
#include "target/ddl_target.hpp"
#include "target/target.hpp"

#include <string>
#include <vector>

namespace walbridge::apply {

/// A statement as errors and logs show it: its beginning when it is long.
[[nodiscard]] std::string shown(const std::string &statement);

class DdlJournal {
  public:
    /// `left_standing`: a sentence for errors about the transaction of a statement that stopped the task. References
    /// must outlive the object.
    DdlJournal(const TaskConfig &config, target::TargetSession &session, std::string left_standing)
        : config_(config), session_(session), left_standing_(std::move(left_standing)) {}

    /// What was made of a statement, for its record.
    struct About {
        std::string object_class, search_path;
        std::vector<std::string> commands;
    };
    [[nodiscard]] static target::DdlRecord record_of(const DdlArrival &message, const About &about,
                                                     target::DdlState state);

    /// State of an earlier record of the message; empty = there is none.
    [[nodiscard]] std::string recorded_state(const DdlArrival &message);
    /// Whether an operator has decided to go on without it; counted and logged.
    bool dismissed(const DdlArrival &message, const std::string &state);
    /// A message that is no statement of the source's capture.
    void refuse(const ChangePlace &place, const std::string &reason);
    /// A table left the selection.
    void leave(const DdlArrival &message, const About &about, const QualifiedName &table);
    /// A statement that cannot be followed. Under ddl.on_error = "skip" it is recorded as passed over; else the
    /// transaction is rolled back, the statement recorded, and Error(ddl) thrown.
    void fail(const DdlArrival &message, const About &about, const target::DdlFailure &failure);

    DdlCounters counters;

  private:
    const TaskConfig &config_;
    target::TargetSession &session_;
    const std::string left_standing_;
};

} // namespace walbridge::apply
