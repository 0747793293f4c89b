// differential.hpp: the differential test (tests/differential) on MySQL or MariaDB: the same random tables, streams and
// deviations of the target; exact and bulk path must leave the same there. What only PostgreSQL has (exclusion
// constraints, partial indexes, triggers that fire in replica sessions) is left out of the target's tables.
#pragma once

#include "../differential/runner.hpp"
#include "base/mysql/session.hpp"

#include <memory>
#include <string>
#include <vector>

namespace walbridge::differential::mysql {

/// Makes a random schema one that the server can have; false when it cannot.
[[nodiscard]] bool adapt(Schema &schema, dialect::mysql::Flavour flavour);

/// CREATE statements of an adapted schema.
[[nodiscard]] std::string create_sql(const Schema &schema, dialect::mysql::Flavour flavour);

/// One per thread. All ways share the tables, one after the other; each has a task of its own.
class MysqlRunner final : public CaseRunner {
  public:
    /// `prefix` begins the names of the tasks.
    MysqlRunner(const std::string &url, const std::string &prefix);
    ~MysqlRunner() override;

    void create(const Schema &schema);
    Verdict run(const Case &made, Coverage *coverage, bool thorough) override;
    [[nodiscard]] dialect::mysql::Flavour flavour() const;
    /// What the cases have reached: a test that reaches nothing passes always.
    struct Reached {
        std::size_t bulk = 0;      ///< ways that used the bulk path
        std::size_t gave_up = 0;   ///< of those, ways that fell back although nothing deviated
        std::size_t conflicts = 0; ///< cases with conflicts
        std::size_t stops = 0;     ///< cases that stopped
        std::size_t source = 0;    ///< cases that were compared with the source
    };
    [[nodiscard]] const Reached &reached() const { return reached_; }

    /// walbridge's state, once per server.
    static void prepare(const std::string &url);

  private:
    struct OneWay;
    void put(const Schema &schema, const DatabaseRows &rows, bool guarded);
    std::vector<std::string> tables(const Schema &schema);
    Result read(const Schema &schema, const std::string &task);

    my::Session session_;
    std::string url_, created_;
    std::vector<std::unique_ptr<OneWay>> ways_;
    Reached reached_;
    std::uint64_t next_lsn_ = 0x1000, counter_ = 1;
};

} // namespace walbridge::differential::mysql
