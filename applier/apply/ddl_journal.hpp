// ddl_journal.hpp: what is written down about statements that did not simply succeed, and what follows a failure: the
// part of following DDL that does not depend on how it is followed.
#pragma once

#include "apply/ddl_follower.hpp"
#include "apply/ddl_order.hpp"
#include "config/task_config.hpp"
#include "target/ddl_target.hpp"
#include "target/target.hpp"
#include "wire/ddl_message.hpp"
#include "wire/object_selection.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::apply {

/// Of a gap: whether it may matter. Without objects nobody can tell.
[[nodiscard]] bool concerns(const DdlStatement &gap, const wire::ObjectSelection &selection);

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

    /// The statement of a message whose origin is proven; nullopt = it was refused, which is counted, logged and
    /// recorded.
    [[nodiscard]] std::optional<DdlArrival> admit(DdlVerifier &verifier, const MessageChange &message,
                                                  const ChangePlace &place, std::uint64_t full_xid, bool untouched);
    /// State of an earlier record of the message; empty = there is none.
    [[nodiscard]] std::string recorded_state(const DdlArrival &message);
    /// Whether an operator has decided to go on without it; counted and logged.
    bool dismissed(const DdlArrival &message, const std::string &state);
    /// A table left the selection.
    void leave(const DdlArrival &message, const About &about, const QualifiedName &table);
    /// A statement that cannot be followed. Under ddl.on_error = "skip" it is recorded as passed over; else the
    /// transaction is rolled back, the statement recorded, and Error(ddl) thrown.
    void fail(const DdlArrival &message, const About &about, const target::DdlFailure &failure);
    /// The same, of what we see ourselves; without a remedy the usual ones are given.
    void fail(const DdlArrival &message, const About &about, std::string reason, std::string remedy = {});
    /// The same, of DDL that the source could not capture.
    void fail_gap(const DdlArrival &message, const About &about);

    DdlCounters counters;

  private:
    void refuse(const ChangePlace &place, const std::string &reason);

    const TaskConfig &config_;
    target::TargetSession &session_;
    const std::string left_standing_;
};

} // namespace walbridge::apply
