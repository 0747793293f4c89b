// batch.cpp: see batch.hpp.
#include "schema/batch.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>
#include <optional>

namespace walbridge::schema {
namespace {

// A batch holds its locks and loses its work together: it stays small. In order there is no other session to share
// with.
constexpr std::size_t items_side_by_side = 25, items_in_order = 100;
constexpr std::size_t text_bytes = 256 << 10;
/// From here on building on the table is real work that deserves a transaction, and a worker, of its own.
constexpr std::uint64_t large_table_bytes = 8 << 20;

/// The step within a run of tables in which an item may be created next to others; nullopt: it keeps its place.
std::optional<std::size_t> step_of(const Item &item) {
    if (item.type == "TABLE") {
        // A child of inheritance merges columns and defaults of its parents: it must find them complete.
        if (item.statement.find("INHERITS (") != std::string::npos) return std::nullopt;
        return 0;
    }
    if (item.type == "SEQUENCE") return item.statement.starts_with("CREATE SEQUENCE") ? 0 : 1; // else an identity's
    if (item.type == "SEQUENCE OWNED BY") return 1;
    if (item.type == "DEFAULT" || item.type == "COMMENT") return 2;
    return std::nullopt;
}

/// Fills batches one after the other.
class Filler {
  public:
    Filler(std::vector<Batch> &batches, std::size_t items, std::uint64_t bytes)
        : batches_(batches), items_(items), bytes_(bytes) {}

    /// The parts of a group stay together.
    void add(std::vector<Item> group, std::uint64_t bytes) {
        std::size_t text = 0;
        for (const auto &item : group) text += item.statement.size();
        if (fresh_ || batches_.back().items.size() + group.size() > items_ || held_text_ + text > text_bytes ||
            held_bytes_ + bytes > bytes_) {
            batches_.emplace_back();
            held_text_ = held_bytes_ = 0;
            fresh_ = false;
        }
        std::move(group.begin(), group.end(), std::back_inserter(batches_.back().items));
        held_text_ += text;
        held_bytes_ += bytes;
    }
    void add_alone(Item item) {
        batches_.push_back({{std::move(item)}, true});
        fresh_ = true;
    }

  private:
    std::vector<Batch> &batches_;
    const std::size_t items_;
    const std::uint64_t bytes_;
    std::size_t held_text_ = 0;
    std::uint64_t held_bytes_ = 0;
    bool fresh_ = true;
};

} // namespace

std::vector<Wave> waves_before_data(const std::vector<Item> &items) {
    std::vector<Wave> waves;
    for (auto at = items.begin(); at != items.end();) {
        const bool run = step_of(*at).has_value();
        const auto end =
            std::find_if(at, items.end(), [&](const Item &item) { return step_of(item).has_value() != run; });
        std::array<Wave, 3> steps;
        for (std::size_t step = 0; step < steps.size(); ++step) {
            auto &wave = steps.at(step);
            wave.side_by_side = run;
            Filler filler(wave.batches, run ? items_side_by_side : items_in_order, UINT64_MAX);
            std::for_each(at, end, [&](const Item &item) {
                if (step_of(item).value_or(0) == step) filler.add({item}, 0);
            });
            if (!wave.batches.empty()) waves.push_back(std::move(wave));
        }
        at = end;
    }
    return waves;
}

std::vector<Batch> index_batches(const std::vector<Item> &items, const TableBytes &bytes) {
    std::map<std::string, std::vector<Item>> tables;
    for (const auto &item : items) tables[item.table.value_or(item.name)].push_back(item);
    std::vector<std::pair<std::uint64_t, std::vector<Item>>> groups;
    for (auto &[name, group] : tables) {
        const auto size = bytes(group.front());
        groups.emplace_back(size, std::move(group));
    }
    std::stable_sort(groups.begin(), groups.end(), [](const auto &a, const auto &b) { return a.first > b.first; });
    std::vector<Batch> batches;
    Filler filler(batches, items_side_by_side, large_table_bytes);
    for (auto &[size, group] : groups) {
        if (size < large_table_bytes)
            filler.add(std::move(group), size);
        else
            for (auto &item : group) filler.add_alone(std::move(item));
    }
    return batches;
}

std::vector<Batch> batches_in_order(const std::vector<Item> &items, const TableBytes &bytes) {
    std::vector<Batch> batches;
    Filler filler(batches, items_in_order, 4 * large_table_bytes);
    for (const auto &item : items) {
        const auto size = bytes(item);
        if (size < large_table_bytes)
            filler.add({item}, size);
        else
            filler.add_alone(item);
    }
    return batches;
}

} // namespace walbridge::schema
