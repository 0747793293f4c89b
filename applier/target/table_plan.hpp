// table_plan.hpp: how the rows of one source relation reach one target table: columns matched by name, the key that
// finds a row, and whether the bulk path may be used. Built once per relation descriptor, immutable, printable.
#pragma once

#include "change/change.hpp"
#include "change/name_map.hpp"
#include "dialect/mysql/values.hpp"
#include "target/table.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace walbridge::target {

/// How an UPDATE or DELETE finds its row.
enum class Lookup {
    unique_key, ///< by the columns of an immediate unique key: at most one row
    key, ///< by the source's key columns, which no unique index of the target covers: exactly one of the matching rows
    full_row, ///< by every column (REPLICA IDENTITY FULL without a usable key): exactly one of several equal rows
    none,     ///< the relation has no identity: only inserts are possible
};

struct PlannedColumn {
    std::uint32_t source = 0; ///< index into Relation::columns
    TargetColumn target;
    bool same_type = true; ///< the value's form on the wire is the target type's own; never so on MySQL
    std::string
        source_type;    ///< SQL name of the built-in source type, for values converted through it; empty for user types
    bool key = false;   ///< part of the lookup key
    bool added = false; ///< walbridge fills it itself: no row is found by it
    std::string equality = "="; ///< operator of the key's index: a user type's `=` is not found through our search_path
    bool tells_apart = false;   ///< on MySQL: what differs on the source differs on the target
    std::shared_ptr<const dialect::mysql::ValueWriter> writer; ///< on MySQL: how values reach the column
};

/// A unique key of the target as changes of the source show it.
struct UniqueKey {
    bool lookup = false;                ///< the key that finds the row of an UPDATE or DELETE
    bool nulls_not_distinct = false;    ///< nulls are equal
    bool comparable = false;            ///< equal values are equal bytes on the wire
    std::vector<std::uint32_t> columns; ///< of a comparable key: indexes into Relation::columns
};

struct TablePlan {
    const Relation *relation = nullptr;
    TargetTable table;
    std::vector<PlannedColumn> columns; ///< written columns: everything but generated ones
    std::vector<std::uint32_t> key;     ///< indexes into `columns`
    Lookup lookup = Lookup::none;
    std::vector<UniqueKey> unique_keys; ///< all of the target's, as in `table`
    /// Order between rows matters: unique keys besides the lookup key, or keys that the source tells apart and the
    /// target does not.
    bool extra_unique_keys = false;
    bool writes_identity_always = false;   ///< an UPDATE would have to set a GENERATED ALWAYS column
    std::vector<std::string> not_bulk;     ///< why the bulk path is not used; empty = eligible
    std::vector<std::string> inserts_only; ///< why set operations serve INSERTs alone; empty = all
    std::vector<std::string> left_out;     ///< columns of the source that the target lacks or computes by itself

    [[nodiscard]] bool bulk_eligible() const { return not_bulk.empty() && inserts_only.empty(); }
    [[nodiscard]] bool bulk_inserts() const { return not_bulk.empty(); }
};

/// What becomes of a source column that has none on the target.
enum class Lacking { refuse, leave_out };

/// Throws Error(target_shape) when a source column has no column on the target, unless such are left out, or when none
/// is left. `names`: what the source's types and collations are called on the target.
[[nodiscard]] TablePlan make_table_plan(const Relation &relation, TargetTable table, const NameMap &names = {},
                                        Lacking lacking = Lacking::refuse);

/// "table public.a", or "table public.a (crm.b on the target)": what errors are about.
[[nodiscard]] std::string object_of(const TablePlan &plan);

/// What TablePlan::unique_keys holds, from the rest of the plan.
[[nodiscard]] std::vector<UniqueKey> unique_keys_of(const TablePlan &plan);

/// The planned column of that name on the target, as an index into TablePlan::columns.
[[nodiscard]] std::optional<std::uint32_t> find_column(const TablePlan &plan, const std::string &name);

/// For support and `walbridge plan`: lookup, columns, eligibility with reasons.
[[nodiscard]] std::string describe(const TablePlan &plan);

} // namespace walbridge::target
