// exact_applier.hpp: one change at a time, in order, with full conflict detection and policy: the definition of
// correctness.
#pragma once

#include "apply/bulk_applier.hpp"
#include "apply/conflict.hpp"
#include "config/task_config.hpp"
#include "target/target.hpp"

#include <string>
#include <vector>

namespace walbridge::apply {

/// Where a change stands, for conflict records and errors.
struct ChangePlace {
    Lsn commit_lsn;
    SourceTime commit_time = 0;
    std::uint64_t number = 0;  ///< of the change within its transaction
    std::string_view origin{}; ///< of the transaction on the source; empty = made there
};

class ExactApplier {
  public:
    ExactApplier(const TaskConfig &config, target::TargetSession &session);

    /// Applies one row change in the open transaction. Under `fail` a conflict rolls the transaction back, is recorded
    /// in one of its own and thrown as Error(conflict).
    void apply(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place);

    /// What the opposite task's applier announced [C-08]: see change/announcement.hpp.
    void apply_announced(std::string_view announcement, const ChangePlace &place);

    /// Before a source transaction's commit: checks what the server does not enforce in a replica session, against the
    /// net state.
    void check_net_state(const ChangePlace &place);

    /// Whether rows of the open transaction wait for that check.
    [[nodiscard]] bool must_check() const { return !noted_.empty(); }

    /// The transaction was rolled back or committed: what was noted for the net check is void.
    void forget() { noted_.clear(); }

    [[nodiscard]] std::uint64_t conflicts() const { return conflicts_; }

  private:
    struct NotedRow {
        const target::TablePlan *plan;
        std::vector<Value> values;
        std::string bytes; ///< owns what the values point to: a transaction may span batches
    };
    /// A conflict as it is met: what is recorded of it.
    struct Met {
        ConflictKind kind;
        std::vector<target::MetRow> rows;
        std::string constraint, reason;
    };
    bool judge_writer(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place,
                      target::MetRow found);
    std::vector<target::MetRow> rows_in_the_way(const target::TablePlan &plan, const RowChange &change);
    void meet_rows(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place,
                   const target::RowOutcome &outcome, std::vector<target::MetRow> rows);
    void meet_nothing(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place);
    void lose(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place);
    Resolution decide_on(const RowChange &change, const ChangePlace &place, const Met &met) const;
    void insert_instead(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place);
    void overwrite(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place);
    void announce(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place, const Met &met);
    [[noreturn]] void stop(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place,
                           const Met &met);
    void record(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place, const Met &met,
                std::string_view outcome);
    target::ConflictRecord record_of(const target::TablePlan &plan, const RowChange &change, const ChangePlace &place,
                                     const Met &met, std::string_view outcome);
    /// Whether the transaction goes on after a refused row.
    [[nodiscard]] bool guarded() const;
    [[nodiscard]] const target::ConflictDecision *decision_on(const ChangePlace &place) const;
    void note(const target::TablePlan &plan, const RowChange &change);

    const TaskConfig &config_;
    target::TargetSession &session_;
    const std::vector<target::ConflictDecision> decisions_;
    std::vector<NotedRow> noted_;
    std::uint64_t conflicts_ = 0;
};

} // namespace walbridge::apply
