// shrink.cpp: leaving out transactions, steps, set columns and rows, each time asking whether a source could still have
// done it and whether the ways still differ.
#include "shrink.hpp"

#include <functional>

namespace walbridge::differential {
namespace {

class Shrinker {
  public:
    Shrinker(CaseRunner &runner, Case failing, Verdict &verdict, int attempts)
        : runner_(runner), best_(std::move(failing)), verdict_(verdict), attempts_(attempts) {}

    Case run() {
        for (bool smaller = true; smaller && attempts_ > 0;) {
            smaller = false;
            smaller |= transactions();
            smaller |= steps();
            smaller |= rows();
            smaller |= set_columns();
        }
        return std::move(best_);
    }

  private:
    bool try_case(Case made) {
        if (attempts_-- <= 0) return false;
        if (!made.injected) made.target = target_before(made);
        std::vector<Lsn> lsns;
        for (std::size_t number = 0; number < made.transactions.size(); ++number) lsns.push_back(Lsn{number * 16 + 16});
        if (!consistent(*made.schema, made.source) || !replay(*made.schema, made.source, made.transactions, lsns, 1))
            return false;
        auto verdict = runner_.run(made, nullptr, true);
        if (verdict.problem.empty()) return false;
        best_ = std::move(made);
        verdict_ = std::move(verdict);
        return true;
    }

    /// From the end to the start: later steps build on earlier ones.
    bool each(std::size_t count, const std::function<bool(std::size_t)> &without) {
        bool any = false;
        while (count-- > 0) any |= without(count);
        return any;
    }

    bool transactions() {
        bool any = each(best_.transactions.size(), [&](std::size_t number) {
            auto made = best_;
            // Positions of the copy count transactions: an empty one stays in its place.
            if (made.copied.empty() && made.transactions.size() > 1)
                made.transactions.erase(made.transactions.begin() + static_cast<std::ptrdiff_t>(number));
            else if (!made.transactions[number].steps.empty())
                made.transactions[number].steps.clear();
            else
                return false;
            return try_case(std::move(made));
        });
        if (!best_.copied.empty()) {
            auto made = best_;
            made.copied.clear();
            any |= try_case(std::move(made));
        }
        if (best_.transactions.size() < 2 || !best_.copied.empty()) return any;
        return any | each(best_.transactions.size() - 1, [&](std::size_t number) { // two become one
                   auto made = best_;
                   auto &into = made.transactions[number], &from = made.transactions[number + 1];
                   if (into.version != from.version) return false;
                   into.steps.insert(into.steps.end(), from.steps.begin(), from.steps.end());
                   made.transactions.erase(made.transactions.begin() + static_cast<std::ptrdiff_t>(number) + 1);
                   return try_case(std::move(made));
               });
    }

    bool steps() {
        return each(best_.transactions.size(), [&](std::size_t number) {
            return each(best_.transactions[number].steps.size(), [&](std::size_t step) {
                auto made = best_;
                auto &all = made.transactions[number].steps;
                all.erase(all.begin() + static_cast<std::ptrdiff_t>(step));
                return try_case(std::move(made));
            });
        });
    }

    bool rows() {
        bool any = false;
        for (std::size_t table = 0; table < best_.source.size(); ++table) {
            any |= each(best_.target[table].size(), [&](std::size_t row) { // on both sides, else on the target alone
                auto made = best_;
                const auto id = made.target[table][row].id;
                made.target[table].erase(made.target[table].begin() + static_cast<std::ptrdiff_t>(row));
                if (std::erase_if(made.source[table], [&](const SourceRow &one) { return one.id == id; }) > 0 &&
                    try_case(made))
                    return true;
                if (!best_.injected) return false;
                made.source = best_.source;
                return try_case(std::move(made));
            });
            any |= each(best_.source[table].size(), [&](std::size_t row) {
                auto made = best_;
                made.source[table].erase(made.source[table].begin() + static_cast<std::ptrdiff_t>(row));
                return try_case(std::move(made));
            });
        }
        return any;
    }

    bool set_columns() {
        return each(best_.transactions.size(), [&](std::size_t number) {
            return each(best_.transactions[number].steps.size(), [&](std::size_t step) {
                bool any = false;
                const auto set = best_.transactions[number].steps[step].set;
                for (const auto &[column, value] : set) {
                    auto made = best_;
                    made.transactions[number].steps[step].set.erase(column);
                    any |= try_case(std::move(made));
                }
                return any;
            });
        });
    }

    CaseRunner &runner_;
    Case best_;
    Verdict &verdict_;
    int attempts_;
};

} // namespace

Case shrink(CaseRunner &runner, Case failing, Verdict &verdict, int attempts) {
    return Shrinker(runner, std::move(failing), verdict, attempts).run();
}

} // namespace walbridge::differential
