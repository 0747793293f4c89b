// precheck_checks.hpp: what the groups of checks share: the sessions (either may be missing) and the list of findings.
// Internal to precheck*.cpp.
#pragma once

#include "base/postgres/session.hpp"
#include "config/task_config.hpp"
#include "source/catalog.hpp"
#include "task/precheck.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace walbridge::task {

struct PrecheckContext {
    const TaskConfig &config;
    PrecheckReport &report;
    std::optional<pg::Session> source{}, target{};
    bool started = false;                  ///< the task has a stored plan: the target is expected to hold its tables
    std::vector<source::Table> selected{}; ///< of the source
    bool catalog_read = false;
    bool target_missing = false;       ///< its server answers and has no such database
    bool target_of_other_kind = false; ///< MySQL or MariaDB: `target` is never set

    /// What a table of the source is called on the target.
    [[nodiscard]] QualifiedName there(const source::Table &table) const { return config.names.table(table.name); }

    /// The target's schemas that selected tables are in. Checks ask one question about all of them: on a line that
    /// takes 20 ms, one for each of 5,000 tables would take as many minutes as there are such checks.
    [[nodiscard]] std::set<std::string> schemas_there() const;
    /// The same as literals for IN.
    [[nodiscard]] std::string schema_literals_there() const;

    void ok(const std::string &id, std::string reason) { add(id, Verdict::ok, std::move(reason), {}); }
    void warning(const std::string &id, std::string reason, std::string fix) {
        add(id, Verdict::warning, std::move(reason), std::move(fix));
    }
    void error(const std::string &id, std::string reason, std::string fix) {
        add(id, Verdict::error, std::move(reason), std::move(fix));
    }
    void skipped(const std::string &id, std::string reason) { add(id, Verdict::skipped, std::move(reason), {}); }

    /// Runs one check; what the server refuses becomes the finding of `id`.
    template <class Body> void run(const std::string &id, std::optional<pg::Session> &session, Body &&body) {
        if (!session && &session == &target && target_of_other_kind) return; // its checks are others
        if (!session)
            return skipped(id, &session == &target && target_missing ? "the database does not exist yet"
                                                                     : "the server cannot be reached");
        try {
            body(*session);
        } catch (const SqlError &failure) {
            session->rollback_quietly();
            error(id, failure.reason(),
                  failure.remedy().empty() ? "Grant what the message names, or mend the server, and run precheck again."
                                           : failure.remedy());
            const bool broken = PQstatus(session->raw()) != CONNECTION_OK;
            if (broken || failure.kind() == ErrorKind::connection) report.lost = session->endpoint().role;
            if (broken) session.reset();
        }
    }

  private:
    void add(const std::string &id, Verdict verdict, std::string reason, std::string fix) {
        const auto &accepted = config.precheck.acknowledge;
        report.findings.push_back({id, verdict, std::move(reason), std::move(fix),
                                   verdict == Verdict::warning && std::ranges::find(accepted, id) != accepted.end()});
    }
};

/// A check and the id its failure is reported under.
struct NamedCheck {
    const char *id;
    void (*check)(PrecheckContext &, pg::Session &);
};

void check_source(PrecheckContext &context);
/// The slot: how long its WAL is kept, and whether it survives a promotion.
void check_guard(PrecheckContext &context);
void check_ddl(PrecheckContext &context);
void check_target(PrecheckContext &context);
void check_tables(PrecheckContext &context);
/// Tables that the target has already, where the task goes on with them.
void check_existing(PrecheckContext &context);
/// The part of it that holds for every kind of target. False: there is nothing to compare.
bool check_policy_of_existing(PrecheckContext &context);
/// Renames: of something that is there and selected, and to names that nothing else takes.
void check_renames(PrecheckContext &context, pg::Session &source);
/// Filters, columns and expressions: as the plugin understands them on the source.
void check_rules(PrecheckContext &context, pg::Session &source);
void check_roles(PrecheckContext &context);
/// What the target has to have beside tables.
void check_readiness(PrecheckContext &context);
/// All that is asked of a MySQL or MariaDB target, and of the source for its sake.
void check_mysql(PrecheckContext &context);
/// Reads the selected tables for values that such a target cannot hold.
void check_values(PrecheckContext &context);
/// Other tasks of the two databases, the way back, clocks and commit times.
void check_topology(PrecheckContext &context);

/// "a, b, c and 12 more".
[[nodiscard]] std::string some_of(const std::vector<std::string> &names, std::size_t most = 5);

} // namespace walbridge::task
