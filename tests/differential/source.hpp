// source.hpp: a source database in memory: transactions as what a client did, checked against the source's
// constraints, and what the plugin would send of them.
//
// Transactions are kept in an abstract form (row so-and-so gets these values), so that a failing case can be made
// smaller: after leaving some of it out, replay() says whether a source could still have done the rest.
#pragma once

#include "change/change.hpp"
#include "schema.hpp"

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::differential {

constexpr int null_value = -1;

/// A row: places in the columns' pools, generated columns left out (null_value).
struct SourceRow {
    int id = 0; ///< never reused within a case; names the row across key changes
    std::vector<int> values;
    std::string own = "default"; ///< the target's own column, if it has one
};

struct Step {
    enum class Kind { insert, update, remove, truncate, message } kind = Kind::insert;
    int table = 0;
    int row = 0;             ///< id
    std::vector<int> values; ///< insert
    std::map<int, int> set;  ///< update: column, value
    std::vector<int> tables; ///< truncate
    bool restart_identity = false;
};

struct SourceTransaction {
    std::vector<Step> steps;
    int version = 0; ///< of the descriptors that its changes refer to
};

using TableRows = std::vector<SourceRow>;
using DatabaseRows = std::vector<TableRows>; ///< by table

/// A transaction as it is sent. Values point into pools, into the schema's relations and into `texts`.
struct SentTransaction {
    TransactionBegin begin;
    TransactionCommit commit;
    std::vector<Change> changes;
};

struct SentStream {
    std::deque<SentTransaction> transactions;
    std::deque<std::vector<Value>> tuples;
    std::deque<std::string> texts;
    std::deque<std::vector<const Relation *>> lists;
    std::vector<DatabaseRows> states; ///< before the first transaction, and after each
    bool unidentified = false;        ///< a change in it cannot be identified
};

/// The value of a column, generated ones included; nullopt = null.
[[nodiscard]] std::optional<std::string> text_of(const TableSpec &table, const SourceRow &row, std::size_t column);

/// Whether two rows (of which one may be a changed form of the other) collide in `key`.
[[nodiscard]] bool collide(const TableSpec &table, const KeySpec &key, const SourceRow &left, const SourceRow &right);

/// Applies one step; false when the source would refuse it (a row that is not there, an immediate constraint).
[[nodiscard]] bool perform(const Schema &schema, DatabaseRows &rows, const Step &step);

/// Whether the constraints that are checked at commit hold.
[[nodiscard]] bool consistent(const Schema &schema, const DatabaseRows &rows);

/// Runs all transactions; nullopt when a source could not have done that.
[[nodiscard]] std::optional<SentStream> replay(const Schema &schema, const DatabaseRows &initial,
                                               const std::vector<SourceTransaction> &transactions,
                                               const std::vector<Lsn> &commit_lsns, std::uint64_t first_counter);

} // namespace walbridge::differential
