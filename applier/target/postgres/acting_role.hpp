// acting_role.hpp: as whom captured DDL statements run on the target: the role that ran them on the source, or the one
// it is mapped to. Everything around them (rows, position, records) stays the session's own.
//
// SET LOCAL ROLE names the owner of what is created and checks rights, but it is no boundary: a function that a
// statement evaluates may RESET ROLE. So statements that may run functions of users need more than that, see
// objection().
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <optional>
#include <string>

namespace walbridge::target {

class ActingRole {
  public:
    /// Both are borrowed. Nothing is sent before the first enter().
    ActingRole(const TaskConfig &config, pg::Session &session) : config_(config), session_(session) {}

    /// Why a statement is not executed at all, and what would change that.
    struct Objection {
        std::string reason, remedy;
    };
    /// `evaluates_expressions`: the statement may run functions of users (ddl::Decision). nullopt = it may be executed.
    [[nodiscard]] std::optional<Objection> objection(const std::string &source_role, bool evaluates_expressions);

    /// The target's role for a role of the source.
    [[nodiscard]] std::string target_role(const std::string &source_role) const;

    /// From here to leave() statements of the session's open transaction run as target_role(source_role). A rollback to
    /// a savepoint set before, or of the transaction, ends it as well: then abandoned() is called instead of leave().
    /// Throws SqlError when the role is missing or not ours to take.
    void enter(const std::string &source_role);
    void leave();
    void abandoned() noexcept {}

    /// The same outside of a transaction, for commands that must have their own (CREATE INDEX CONCURRENTLY): the server
    /// itself runs the expressions of indexes as the table's owner, restricted.
    void enter_session(const std::string &source_role);
    void leave_session();

  private:
    const TaskConfig &config_;
    pg::Session &session_;
};

} // namespace walbridge::target
