// open.cpp: target.kind and the session for it.
#include "target/open.hpp"

#include "target/mysql/apply_session.hpp"
#include "target/postgres/apply_session.hpp"

namespace walbridge::target {

std::unique_ptr<TargetSession> open_apply_session(const TaskConfig &config, CommitLedger &ledger, int number,
                                                  std::optional<std::chrono::milliseconds> lock_timeout) {
    if (is_mysql(config)) return std::make_unique<MysqlApplySession>(config, ledger, number, lock_timeout);
    return std::make_unique<PostgresApplySession>(config, ledger, number, lock_timeout);
}

} // namespace walbridge::target
