// digest.hpp: SQL that computes the same digest of a row on both sides. Pure functions.
//
// Exact: two values have one digest only when not even their last digit, scale, sign of zero or trailing blank differs
// (apart from 2^-64). Independent of settings, local oids, physical column order and, in the portable form, of the
// encodings of the two databases. The digest of a row is a bigint; digests of many rows are added up.
#pragma once

#include "source/catalog.hpp"

#include <string>
#include <vector>

namespace walbridge::verify {

/// A column of both sides.
struct ColumnPair {
    std::string name;
    std::string source, target; ///< SQL expressions of the same type, whose values are compared
    std::uint32_t type = 0;     ///< of both, when it is a built-in one that is digested as it is; 0 = text
};

/// How rows are made into digests.
enum class DigestForm {
    hashed,  ///< every value by the hash function of its type: needs 14 on both sides and one encoding
    portable ///< the send form of the whole row
};

/// SQL of a value that is the same on two servers whose functions digest alike in the hashed form.
[[nodiscard]] std::string probe_sql();

/// Matches columns by name. Throws Error(target_shape) when the target lacks one.
[[nodiscard]] std::vector<ColumnPair> pair_columns(const source::Table &source, const source::Table &target);

enum class Side { source, target };

/// Digest of the row made of these columns.
[[nodiscard]] std::string digest_sql(const std::vector<ColumnPair> &columns, Side side, DigestForm form);

} // namespace walbridge::verify
