// runner.hpp: applies a case by every way and compares. One runner per thread, with databases of its own.
#pragma once

#include "coverage.hpp"
#include "database.hpp"

#include <deque>

namespace walbridge::differential {

/// What one way made of a case.
struct Seen {
    std::string way;
    Result result;
    apply::ApplyCounters counters;
};

/// Empty `problem`: all is well.
struct Verdict {
    std::string problem;
    Seen reference, other; ///< those that differ; `other` may be the source itself
};

/// Whoever can say what the ways make of a case.
class CaseRunner {
  public:
    virtual ~CaseRunner() = default;
    /// Throws when the test itself is broken (the server is gone, a case that no source could have done).
    /// `thorough`: no way is left out by chance.
    virtual Verdict run(const Case &made, Coverage *coverage, bool thorough) = 0;
};

class Runner final : public CaseRunner {
  public:
    /// `only` = names of ways to compare besides the reference; empty = all.
    Runner(const std::string &server_url, const std::string &prefix, const std::vector<std::string> &only);

    void create(const Schema &schema, Coverage *coverage);
    Verdict run(const Case &made, Coverage *coverage, bool thorough) override;

  private:
    struct Column {
        const WayKind *kind;
        std::unique_ptr<Database> database;
        std::unique_ptr<Way> way;
    };
    Seen apply(Column &column, const Case &made, const Work &work, Lsn first_lsn);
    void cover(const Case &made, const SentStream &stream, const std::vector<Seen> &seen, Coverage &coverage);

    std::deque<Column> columns_;
    std::unique_ptr<Database> source_; ///< takes the rows that the source ends up with
    std::uint64_t next_lsn_ = 0x1000, counter_ = 1;
};

} // namespace walbridge::differential
