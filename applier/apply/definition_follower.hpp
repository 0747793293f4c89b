// definition_follower.hpp: the source's DDL on a target that speaks another language: by what tables are after a
// statement, not by what it says. Each message of the capture brings the definitions of the tables it concerns, as they
// are at that place of the stream; the target's state keeps them as they were before. The difference of the two, as
// schema/mysql/changes.hpp writes it, is what the target has to do: whatever the statement's form, and whether it ran
// in a function, by cascade or by itself.
//
// DDL of the target commits by itself and takes along what came before it (target/ddl_target.hpp, execute_committing):
// readers see a part of the source's transaction, and its rest comes again after a crash. Rows of a rewritten table go
// into the table itself, which is emptied first.
#pragma once

#include "apply/ddl_follower.hpp"
#include "apply/ddl_journal.hpp"
#include "apply/definition_step.hpp"
#include "apply/sync_filter.hpp"
#include "config/task_config.hpp"
#include "schema/mysql/changes.hpp"
#include "schema/mysql/definitions.hpp"
#include "target/target.hpp"
#include "wire/ddl_message.hpp"
#include "wire/object_selection.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::apply {

class DefinitionFollower final : public DdlFollower {
  public:
    /// References must outlive the object; `filter` says what the copy holds, tables that are yet to be copied are
    /// added.
    DefinitionFollower(const TaskConfig &config, target::TargetSession &session, SyncFilter &filter,
                       DdlVerifier verifier);

    bool take(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid, bool untouched) override;
    void taken_before(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid) override;
    bool finish() override { return false; }
    [[nodiscard]] std::optional<QualifiedName> staging(const Relation &rewritten) override;
    [[nodiscard]] DdlAftermath committed() override;
    void forgotten() override;
    [[nodiscard]] const DdlCounters &counters() const override { return journal_.counters; }

  private:
    bool perform(const DdlArrival &message);
    bool gap(const DdlArrival &message);
    schema::mysql::Changes changes_of(const DdlStatement &statement, DefinitionStep &step) const;
    bool execute(const DdlArrival &message, DefinitionStep &step, bool failed_before);
    void store(const DefinitionStep &step);
    void settle(const DefinitionStep &step);
    [[nodiscard]] bool copied(std::uint32_t oid, Lsn commit_lsn) const;
    void load_model();

    const TaskConfig &config_;
    target::TargetSession &session_;
    SyncFilter &filter_;
    DdlVerifier verifier_;
    const wire::ObjectSelection selection_;
    const schema::mysql::DefinitionOptions options_;
    DdlJournal journal_;
    std::optional<DefinitionModel> model_; ///< of the open transaction; read when it is first needed
    // Of the transaction under way.
    std::map<std::uint32_t, QualifiedName> rewritten_; ///< tables of the target that take rewritten rows
    DdlAftermath aftermath_;
};

} // namespace walbridge::apply
