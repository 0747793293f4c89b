// support.hpp: a database of the test server, with walbridge's state beside it, and changes made by hand.
#pragma once

#include "base/mysql/session.hpp"
#include "change/batch.hpp"
#include "config/task_config.hpp"
#include "target/commit_ledger.hpp"
#include "target/mysql/apply_session.hpp"

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::testing {

/// mysql://... of the throw-away server, from WALBRIDGE_MYSQL_URL.
[[nodiscard]] std::string server_url();

[[nodiscard]] my::Session connect(const std::string &url = server_url());

/// CREATE statements of the database `walbridge`, as far as apply sessions use it.
[[nodiscard]] std::string state_sql();

/// The database `t`, empty, and the database `walbridge` with empty state tables.
class Fixture {
  public:
    Fixture();

    my::Session admin;
    TaskConfig config; ///< task "test", target: the server

    /// All rows of a query: cells by '|', rows by newlines, NULL as "NULL".
    std::string rows(const std::string &query);
    /// Takes the task over and opens a session.
    target::CommitLedger &take_over();
    std::unique_ptr<target::MysqlApplySession> open(int number = 0);

  private:
    std::optional<target::CommitLedger> ledger_;
};

using Cell = std::optional<std::string>;              ///< nullopt = NULL
inline const std::string unchanged = "\x01unchanged"; ///< a cell whose value did not travel

/// A relation of the source: "id int4, code text"; the first `keys` columns are the replica identity.
struct Source {
    Source(const std::string &table, const std::string &columns, int keys = 1,
           ReplicaIdentity identity = ReplicaIdentity::primary_key);

    RowChange insert(std::vector<Cell> row);
    RowChange update(std::vector<Cell> row, std::optional<std::vector<Cell>> old_row = {});
    RowChange remove(std::vector<Cell> old_row);

    Relation relation;
    std::deque<std::string> texts;
    std::deque<std::vector<Value>> tuples;

  private:
    Tuple tuple(const std::vector<Cell> &row);
};

} // namespace walbridge::testing
