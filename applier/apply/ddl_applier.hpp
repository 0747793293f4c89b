// ddl_applier.hpp: the source's DDL statements at their place in a transaction: proof of origin, order, decision,
// execution, and what follows a failure.
//
// Messages come in the order in which statements ended, or were announced; a statement that ran inside another one may
// come before it. Numbers restore the order: an inner statement waits until its outer one is known, or until the
// transaction's end. A statement is executed at its first message; later ones of the same number complete it (rows of a
// rewritten table are put in place at `end`).
#pragma once

#include "apply/ddl_follower.hpp"
#include "apply/ddl_journal.hpp"
#include "apply/ddl_order.hpp"
#include "apply/ddl_rules.hpp"
#include "apply/sync_filter.hpp"
#include "target/ddl_target.hpp"
#include "target/target.hpp"
#include "wire/ddl_message.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::apply {

class DdlApplier final : public DdlFollower {
  public:
    /// References must outlive the object; `filter` says what the copy holds, tables that are yet to be copied are
    /// added.
    DdlApplier(const TaskConfig &config, target::TargetSession &session, SyncFilter &filter, DdlVerifier verifier);

    bool take(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid, bool untouched) override;
    /// Never called: this target's transactions are whole.
    void taken_before(const MessageChange &, const ChangePlace &, std::uint64_t) override {}
    bool finish() override;
    [[nodiscard]] std::optional<QualifiedName> staging(const Relation &rewritten) override;
    [[nodiscard]] DdlAftermath committed() override;
    void forgotten() override;
    [[nodiscard]] const DdlCounters &counters() const override { return journal_.counters; }

  private:
    struct Entry {
        bool executed = false;
    };
    struct Staging {
        std::uint64_t number = 0; ///< of the statement
        QualifiedName name, table;
        std::string text;   ///< of the statement
        bool known = false; ///< a relation record came
        std::vector<std::string> columns;
    };
    enum class Copied {
        no,
        possibly, ///< the copy may hold what the statement does: a failure that says so is none
        yes,      ///< the copied definition is younger than the statement
    };

    bool perform(const DdlArrival &message);
    void learn_names(const DdlStatement &statement) const;
    bool begin(const DdlArrival &message, Entry &entry);
    bool execute(const DdlArrival &message, const ddl::Decision &decision, Copied copied, bool failed_before);
    std::optional<target::DdlFailure> run(const DdlArrival &message, const ddl::Decision &decision,
                                          const target::DdlCommands &commands);
    void stage(const DdlStatement &statement);
    bool complete(std::uint64_t number);
    [[nodiscard]] Copied copied(const DdlStatement &statement, Lsn commit_lsn) const;
    void enter_selection(const DdlStatement &statement, const QualifiedName &table);

    target::TargetSession &session_;
    SyncFilter &filter_;
    DdlVerifier verifier_;
    DdlRules rules_;
    DdlJournal journal_;
    // Of the transaction under way.
    DdlOrder order_;
    std::map<std::uint64_t, Entry> entries_;
    std::map<std::uint32_t, Staging> staging_; ///< by the source's table
    DdlAftermath aftermath_;
};

} // namespace walbridge::apply
