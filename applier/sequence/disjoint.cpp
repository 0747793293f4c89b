// disjoint.cpp: see disjoint.hpp.
#include "sequence/disjoint.hpp"

#include "dialect/postgres.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::sequence {
namespace {

using dialect::postgres::quote;
using dialect::postgres::quote_literal;

/// Values that may be handed out between the statements being printed and being run.
constexpr std::int64_t margin = 1000;

std::int64_t magnitude(std::int64_t increment) { return increment < 0 ? -increment : increment; }

std::int64_t remainder(std::int64_t value, std::int64_t by) { return ((value % by) + by) % by; }

std::optional<Course> read_course(pg::Session &session, const QualifiedName &name) {
    try {
        const auto row =
            session.query(fmt::format("SELECT s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, v.last_value FROM "
                                      "pg_catalog.pg_sequence s, {} v WHERE s.seqrelid = pg_catalog.to_regclass({})",
                                      quote(name), quote_literal(quote(name))));
        if (row.rows() == 0) return std::nullopt;
        return Course{row.number(0, 0), row.number(0, 1), row.number(0, 2), row.number(0, 4), row.flag(0, 3)};
    } catch (const SqlError &error) {
        // Not there, no sequence, or not ours to read: other checks name it.
        if (error.sqlstate() != "42P01" && error.sqlstate() != "3F000" && error.sqlstate() != "42501" &&
            error.sqlstate() != "42703")
            throw;
        session.rollback_quietly();
        return std::nullopt;
    }
}

} // namespace

bool disjoint(const Course &one, const Course &other) {
    if (one.high < other.low || other.high < one.low) return true;
    if (one.cycles || other.cycles) return false; // the next round begins at another remainder
    const auto step = magnitude(one.increment);
    return step > 1 && magnitude(other.increment) == step && remainder(one.last, step) != remainder(other.last, step);
}

std::optional<Separation> separate(const Sequence &sequence, const Course &source, const Course &target) {
    const bool up = source.increment > 0;
    const auto step = std::max<std::int64_t>(2, magnitude(source.increment));
    const auto furthest = up ? std::max(source.last, target.last) : std::min(source.last, target.last);
    const auto room = up ? std::min(source.high, target.high) - margin - 3 * step
                         : std::max(source.low, target.low) + margin + 3 * step;
    if (up ? furthest >= room : furthest <= room) return std::nullopt;
    auto from = furthest + (up ? margin : -margin);
    from -= remainder(from, step);
    const auto statement = [&](const QualifiedName &name, std::int64_t start) {
        return fmt::format("ALTER SEQUENCE {} INCREMENT BY {} RESTART WITH {};", quote(name), up ? step : -step, start);
    };
    return Separation{statement(sequence.source, from), statement(sequence.target, from + 1)};
}

std::vector<Meeting> meeting(pg::Session &source, pg::Session &target, const std::vector<Sequence> &sequences) {
    std::vector<Meeting> found;
    for (const auto &sequence : sequences) {
        const auto here = read_course(source, sequence.source), there = read_course(target, sequence.target);
        if (!here || !there || disjoint(*here, *there)) continue;
        found.push_back({sequence, separate(sequence, *here, *there)});
    }
    return found;
}

} // namespace walbridge::sequence
