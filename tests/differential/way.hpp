// way.hpp: a way of applying a stream, and what it left behind. README.md says how to add one.
#pragma once

#include "apply/batch_applier.hpp"
#include "batches.hpp"
#include "generate.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::differential {

/// What stopped a way.
struct Stop {
    std::string kind, object, reason;
    auto operator<=>(const Stop &) const = default;
};

/// Everything that must be the same, whichever way a stream was applied.
struct Result {
    std::vector<std::string> tables; ///< per table: rows as text, in one order, duplicates included
    std::string sequences;           ///< of identity columns, which TRUNCATE may restart
    std::string conflicts;           ///< walbridge.conflict in the order of writing, without times of recording
    std::string progress;            ///< position, counter and commit time
    std::optional<Stop> stop;
    bool operator==(const Result &) const = default;
};

/// What a way is given.
struct Work {
    const Schema *schema = nullptr;
    const SentStream *stream = nullptr;
    apply::SyncFilter filter;
    TaskConfig::Conflict policies;
    std::uint64_t seed = 0; ///< for what the way decides by chance (where to cut)
};

/// Belongs to one database of the test server and to one thread. Throws only when the test itself is broken: errors
/// of the applier are part of the result.
class Way {
  public:
    virtual ~Way() = default;
    /// Applies all of the stream, or stops.
    virtual std::optional<Stop> apply(const Work &work) = 0;
    /// The schema of the last work is about to go: nothing may refer to it any more.
    virtual void forget() {}
    /// What the last apply() met: fallbacks and the like, for the coverage.
    [[nodiscard]] virtual apply::ApplyCounters counters() const = 0;
};

/// One column of the comparison. The first of all is the reference.
struct WayKind {
    std::string name;
    int percent = 100; ///< of the cases it takes part in
    /// Makes the way for a database; `config` has target, name and nothing else set.
    std::function<std::unique_ptr<Way>(TaskConfig config)> make;
};

[[nodiscard]] const std::vector<WayKind> &all_ways();

} // namespace walbridge::differential
