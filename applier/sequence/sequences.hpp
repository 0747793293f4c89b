// sequences.hpp: where the selected sequences of the source stand, and bringing the target's to the same place
// [I-12, decision 13]. Logical decoding does not carry sequences, so they are read on the source: as of now, which is
// at or ahead of every row that was applied. Sequences are not transactional on either side. No threads, no state: the
// callers own the sessions.
#pragma once

#include "base/postgres/session.hpp"
#include "base/qualified_name.hpp"
#include "config/task_config.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::sequence {

/// A sequence of the selection: those of its schemas, those that columns of its tables own (identity columns too), and
/// those that defaults of its tables use.
struct Sequence {
    QualifiedName source, target;
};

/// What nextval() goes on from: both halves, because setval(s, 7, false) and setval(s, 7, true) give different keys.
struct Value {
    std::int64_t last = 0;
    bool called = false;
    bool operator==(const Value &) const = default;
};

/// For people: "7", or "7 (not yet given out)".
[[nodiscard]] std::string to_string(const Value &value);

/// The selected sequences under their names on both sides, by the source's name. Reads the source's whole catalog of
/// objects.
[[nodiscard]] std::vector<Sequence> selected(pg::Session &source, const TaskConfig &config);

/// Changes whenever what selected() returns may have changed; cheap enough to ask every few seconds.
[[nodiscard]] std::string catalog_signature(pg::Session &source);

/// A sequence that differs, or that cannot be compared.
struct Difference {
    Sequence sequence;
    std::optional<Value> source, target; ///< nullopt = not there or not readable
    std::string reason;                  ///< "the values differ", "it is missing on the target", ...
    std::string remedy;                  ///< a statement to run; may be empty
};

/// "public.a (crm.b on the target): the values differ: 7 on the source, 3 on the target".
[[nodiscard]] std::string describe(const Difference &difference);

/// All selected sequences whose value is not the same on both sides.
[[nodiscard]] std::vector<Difference> compare_sequences(pg::Session &source, pg::Session &target,
                                                        const TaskConfig &config);
[[nodiscard]] std::vector<Difference> compare(pg::Session &source, pg::Session &target,
                                              const std::vector<Sequence> &sequences);

struct Result {
    std::size_t selected = 0;        ///< sequences that were to be brought
    std::size_t written = 0;         ///< of them, those that stood elsewhere on the target
    std::vector<Difference> missing; ///< on the target
    std::vector<Difference> refused; ///< one of the two sides refuses; bring_sequences_exactly: or still differs
    bool held_back = false;          ///< the permission was not given: nothing was written

    [[nodiscard]] bool complete() const { return missing.empty() && refused.empty() && !held_back; }
};

/// Asked on the target inside the transaction that writes, before anything is written; false = leave it. What it locks
/// stays locked until the values stand.
using Permission = std::function<bool(pg::Session &target)>;

/// Sets the target's sequences that stand elsewhere than the source's, both halves of the value. Sequences that the
/// target lacks or refuses are named in the result and do not keep the others back. Throws SqlError for whatever is no
/// matter of a single sequence (a lost connection, for example).
[[nodiscard]] Result bring(pg::Session &source, pg::Session &target, const std::vector<Sequence> &sequences,
                           const Permission &permission = {});

/// For a source that nobody writes to any more: brings all selected sequences and proves it by reading both sides
/// again. `complete()` of the result says that every one stands where the source's stands.
[[nodiscard]] Result bring_sequences_exactly(pg::Session &source, pg::Session &target, const TaskConfig &config);

} // namespace walbridge::sequence
