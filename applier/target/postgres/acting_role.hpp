// acting_role.hpp: as whom statements run on the target that may hold code of users: captured DDL as the role that ran
// it on the source (or the one it is mapped to), rows of tables whose constraints run such code as the table's owner.
// Everything else (other rows, position, records) stays the session's own.
//
// SET LOCAL ROLE names the owner of what is created and checks rights, but it is no boundary: a function that a
// statement evaluates may RESET ROLE. Where the extension is installed on the target, its functions enter_role and
// leave_role are the boundary: only a token that this object makes up and binds as a parameter leads back.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"

#include <optional>
#include <string>

namespace walbridge::target {

class ActingRole {
  public:
    /// Both are borrowed. Nothing is sent before the first question or enter().
    ActingRole(const TaskConfig &config, pg::Session &session);

    /// Why a statement is not executed at all, and what would change that.
    struct Objection {
        std::string reason, remedy;
    };
    /// `evaluates_expressions`: the statement may run functions of users (ddl::Decision). nullopt = it may be executed.
    [[nodiscard]] std::optional<Objection> objection(const std::string &source_role, bool evaluates_expressions);

    /// The target's role for a role of the source.
    [[nodiscard]] std::string target_role(const std::string &source_role) const;

    /// Whether the extension is there: what runs after enter() cannot come back. Asked once.
    [[nodiscard]] bool confines();

    /// From here to leave() statements of the session's open transaction run as target_role(source_role). A rollback to
    /// a savepoint set before, or of the transaction, ends it as well: then abandoned() is called instead of leave().
    /// enter() and leave() belong to one subtransaction; settings made in between end with leave(). No text sent in
    /// between may hold both of them or a statement of ours. Throws SqlError when the role is missing or not ours to
    /// take.
    void enter(const std::string &source_role);
    void leave();
    void abandoned() noexcept {}

    /// The same for a role of the target. Only where the extension confines it.
    void enter_owner(const std::string &role);
    void leave_owner();
    /// Its statements and the parameter that both have, for callers that send several statements at once.
    static constexpr const char *enter_statement = "SELECT walbridge.enter_role($1, $2)"; ///< role, token
    static constexpr const char *leave_statement = "SELECT walbridge.leave_role($1)";     ///< token
    [[nodiscard]] const std::string &token() const { return token_; }

    /// The same outside of a transaction, for commands that must have their own (CREATE INDEX CONCURRENTLY): the server
    /// itself runs the expressions of indexes as the table's owner, restricted.
    void enter_session(const std::string &source_role);
    void leave_session();

  private:
    [[noreturn]] void explain(const SqlError &error, const std::string &role) const;

    const TaskConfig &config_;
    pg::Session &session_;
    std::string token_;
    std::optional<bool> confines_;
};

} // namespace walbridge::target
