// ddl_applier.hpp: the source's DDL statements at their place in a transaction: proof of origin, order, decision,
// execution, and what follows a failure.
//
// Messages come in the order in which statements ended, or were announced; a statement that ran inside another one may
// come before it. Numbers restore the order: an inner statement waits until its outer one is known, or until the
// transaction's end. A statement is executed at its first message; later ones of the same number complete it (rows of a
// rewritten table are put in place at `end`).
//
// Runs on the applier's thread. One transaction at a time: take() for each message, finish() before its commit, then
// committed(), or forgotten() after a rollback.
#pragma once

#include "apply/ddl_order.hpp"
#include "apply/ddl_rules.hpp"
#include "apply/exact_applier.hpp"
#include "apply/sync_filter.hpp"
#include "target/ddl_target.hpp"
#include "target/target.hpp"
#include "wire/ddl_message.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::apply {

struct DdlCounters {
    std::uint64_t applied = 0, skipped = 0, refused = 0, recognised = 0;
};

/// What a committed transaction did that somebody has to act upon. Names of the source.
struct DdlAftermath {
    std::vector<QualifiedName> created; ///< tables that began to exist
    std::vector<QualifiedName> entered; ///< tables that were renamed into the selection: nothing of them is here yet
};

class DdlApplier {
  public:
    /// References must outlive the object; `filter` says what the copy holds, tables that are yet to be copied are
    /// added.
    DdlApplier(const TaskConfig &config, target::TargetSession &session, SyncFilter &filter, DdlVerifier verifier);

    /// A message with ddl_prefix. `untouched`: the transaction has changed nothing on the target so far. True when the
    /// target's tables may have changed. Throws Error(ddl) under ddl.on_error = "stop", after the rollback and the
    /// record.
    bool take(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid, bool untouched);
    /// The transaction has no more changes. Like take().
    bool finish();

    /// Where the rows go that ALTER TABLE made of a table's; nullopt = nowhere, the statement was not executed here.
    [[nodiscard]] std::optional<QualifiedName> staging(const Relation &rewritten);

    [[nodiscard]] DdlAftermath committed();
    void forgotten();

    [[nodiscard]] const DdlCounters &counters() const { return counters_; }

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
    bool begin(const DdlArrival &message, Entry &entry);
    bool execute(const DdlArrival &message, const ddl::Decision &decision, Copied copied, bool failed_before);
    std::optional<target::DdlFailure> run(const DdlArrival &message, const ddl::Decision &decision,
                                          const target::DdlCommands &commands);
    void stage(const DdlStatement &statement);
    bool complete(std::uint64_t number);
    [[nodiscard]] Copied copied(const DdlStatement &statement, Lsn commit_lsn) const;
    [[nodiscard]] bool concerns_selection(const DdlStatement &statement) const;
    void enter_selection(const DdlStatement &statement, const QualifiedName &table);
    void refuse(const ChangePlace &place, const std::string &reason);
    void fail(const DdlArrival &message, const ddl::Decision &decision, const target::DdlFailure &failure);
    [[nodiscard]] target::DdlRecord record_of(const DdlArrival &message, const ddl::Decision &decision,
                                              target::DdlState state) const;

    const TaskConfig &config_;
    target::TargetSession &session_;
    SyncFilter &filter_;
    DdlVerifier verifier_;
    DdlRules rules_;
    DdlCounters counters_;
    // Of the transaction under way.
    DdlOrder order_;
    std::map<std::uint64_t, Entry> entries_;
    std::map<std::uint32_t, Staging> staging_; ///< by the source's table
    DdlAftermath aftermath_;
};

} // namespace walbridge::apply
