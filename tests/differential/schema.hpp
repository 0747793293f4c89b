// schema.hpp: random tables: what the source has, and how the target's table differs from it.
#pragma once

#include "change/relation.hpp"
#include "random.hpp"
#include "types.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::differential {

struct ColumnSpec {
    std::string name;
    const Type *type = nullptr;
    std::string target_type;     ///< SQL
    std::vector<int> domain;     ///< the values of the pool that this column takes
    bool not_null = false;       ///< on both sides
    char identity = 0;           ///< a ALWAYS, d BY DEFAULT; on both sides
    std::optional<int> doubled;  ///< a generated column: two times this int4 column
    bool on_target = true;       ///< a generated column may be missing there
    bool generated_there = true; ///< or be a plain column there
    bool toasted = false;        ///< values at odd places of the pool are stored out of line
};

struct KeySpec {
    enum class Kind { primary, unique, exclusion } kind = Kind::unique;
    std::string name;
    std::vector<int> columns;
    bool deferrable = false, nulls_not_distinct = false;
    std::optional<int> where_not_null; ///< a partial index: WHERE column IS NOT NULL
    bool lower = false;                ///< an index over lower(column)
    bool on_source = true, on_target = true;
};

struct TableSpec {
    std::string schema, name;
    std::vector<ColumnSpec> columns;
    std::vector<KeySpec> keys;
    /// The replica identity, and another one after an ALTER TABLE in the middle of the stream.
    std::array<ReplicaIdentity, 2> identity{};
    std::array<int, 2> identity_key{-1, -1}; ///< index into keys
    std::vector<int> target_order;           ///< of the columns
    bool extra_column = false;               ///< the target has a column of its own
    bool dropped_column = false;             ///< a column of the target was dropped
    bool marked_by_trigger = false;          ///< an ENABLE ALWAYS trigger of the target fires in our sessions
    bool partitioned = false;                ///< on the target, by hash of its primary key

    /// What the stream says of it; never moves.
    std::shared_ptr<const std::array<Relation, 2>> relations;

    /// The target may refuse, or fail to tell apart, rows that the source can hold.
    bool stricter_target = false;

    [[nodiscard]] bool identifies(int version) const {
        return identity[version] == ReplicaIdentity::full || identity_key[version] >= 0;
    }
    /// The target finds rows by the source's key without having it: of several rows that match, any may be changed.
    [[nodiscard]] bool found_without_key() const {
        return std::any_of(identity_key.begin(), identity_key.end(),
                           [&](int key) { return key >= 0 && !keys[static_cast<std::size_t>(key)].on_target; });
    }
    [[nodiscard]] std::string quoted() const;
};

struct Schema {
    std::string name;
    std::vector<TableSpec> tables;
    bool binary = true; ///< the stream's option: types with a binary form use it

    /// CREATE statements of the target.
    [[nodiscard]] std::string target_sql() const;
    /// What the source would be, for people.
    [[nodiscard]] std::string source_text() const;
};

[[nodiscard]] Schema random_schema(const Types &types, const std::string &name, Random &random);

} // namespace walbridge::differential
