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
#include "apply/sync_filter.hpp"
#include "config/task_config.hpp"
#include "schema/mysql/changes.hpp"
#include "schema/mysql/definitions.hpp"
#include "target/target.hpp"
#include "wire/ddl_message.hpp"
#include "wire/object_selection.hpp"

#include <map>
#include <optional>
#include <set>
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
    using SourceTable = schema::mysql::SourceTable;
    /// By the source's OID; 0 = announced by CREATE TABLE AS, which tells the OID at its end.
    using Model = std::map<std::uint32_t, SourceTable>;
    /// What a message makes of the model.
    struct Step {
        Model after;
        std::set<std::uint32_t> touched; ///< all others are as they were
        std::set<std::uint32_t> emptied, left;
        std::map<std::uint32_t, std::string> copied; ///< to be copied, and why
        std::vector<std::uint32_t> created;
        std::string unknown; ///< a table of which the model should know and does not
    };

    std::optional<DdlArrival> read(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid,
                                   bool untouched);
    bool perform(const DdlArrival &message);
    bool gap(const DdlArrival &message);
    Step step_of(const DdlStatement &statement, Lsn commit_lsn);
    void take_definition(const DdlStatement &statement, SourceTable table, Lsn commit_lsn, Step &step);
    void take_composites(const DdlStatement &statement, Lsn commit_lsn, Step &step) const;
    void take_drop(const DdlDropped &dropped, const std::set<std::uint32_t> &told, Step &step) const;
    schema::mysql::Changes changes_of(const DdlStatement &statement, Step &step) const;
    bool execute(const DdlArrival &message, Step &step, bool failed_before);
    void store(const Step &step);
    void settle(const DdlArrival &message, const Step &step);
    [[nodiscard]] bool copied(std::uint32_t oid, Lsn commit_lsn) const;
    void load_model();

    const TaskConfig &config_;
    target::TargetSession &session_;
    SyncFilter &filter_;
    DdlVerifier verifier_;
    const wire::ObjectSelection selection_;
    const schema::mysql::DefinitionOptions options_;
    DdlJournal journal_;
    std::optional<Model> model_; ///< of the open transaction; read when it is first needed
    // Of the transaction under way.
    std::map<std::uint32_t, QualifiedName> rewritten_; ///< tables of the target that take rewritten rows
    DdlAftermath aftermath_;
};

} // namespace walbridge::apply
