// values.hpp: values of PostgreSQL, in their text form, as MySQL and MariaDB store them. docs/types-mysql.md has one
// row per type; its table and this code are compared by a test.
//
// The text form is that of a session with ISO dates in UTC, `postgres` intervals, extra_float_digits = 3, hex bytea and
// lc_monetary = C: what the copy's COPY and the stream (plugin option binary=off) both give, so that there is one
// conversion.
#pragma once

#include "dialect/mysql/forms.hpp"
#include "dialect/mysql/types.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge::dialect::mysql {

/// Why a value does not fit, without its table and column, which the caller knows.
struct ValueError {
    std::string reason; ///< "infinity is no date of MySQL"
    std::string remedy;
};

/// Writes the values of one column. Immutable; used by several threads at once.
///
/// What the server would change without an error is refused here: digits and fractions of seconds that it would round,
/// spaces it would cut, labels it would take for numbers. What it refuses by itself under a strict sql_mode (an integer
/// out of range) is left to it.
class ValueWriter {
  public:
    ValueWriter(const SourceType &source, const ColumnType &target, Unfit policy);

    /// The value as the server stores it: characters of the column's set, or bytes. The view is `text` itself or
    /// `scratch`, or lives as long as the writer. nullopt: NULL, by policy.
    /// Throws ValueError when the column cannot hold it under the policy `error`.
    [[nodiscard]] std::optional<std::string_view> write(std::string_view text, std::string &scratch) const;
    /// Whether write() may give anything but `text` itself; false lets callers pass values on unread.
    [[nodiscard]] bool converts() const { return way_ != Way::pass; }
    /// Whether the column holds bytes, not characters: such values go into SQL text as x'...'.
    [[nodiscard]] bool binary() const { return binary_; }

  private:
    using Written = std::optional<std::string_view>;
    enum class Way {
        pass,
        characters, ///< limited by characters_ and bytes_
        unpadded,   ///< without spaces at the end, then as `characters`
        decimal,    ///< digits for a decimal or integer column
        floating,
        boolean,    ///< t and f as 1 and 0
        bytes,      ///< \x... as bytes
        uuid_bytes, ///< a uuid as 16 bytes
        bits,       ///< 0101 as the bytes of a number
        integer_bits,
        date,
        time,
        datetime,
        array,
        hstore,
        label,
    };

    [[nodiscard]] Way choose() const;
    /// What the policy makes of a value that does not fit; `nearest` is nullopt where there is none.
    [[nodiscard]] Written unfit(std::string reason, std::optional<std::string_view> nearest, std::string &scratch,
                                std::string remedy = {}) const;
    [[nodiscard]] Written within_length(std::string_view text, std::string &scratch) const;
    [[nodiscard]] Written decimal(std::string_view text, std::string &scratch) const;
    [[nodiscard]] Written floating(std::string_view text, std::string &scratch) const;
    [[nodiscard]] Written bytes(std::string_view text, std::string &scratch) const;
    [[nodiscard]] Written bits(std::string_view text, std::string &scratch) const;
    [[nodiscard]] Written date(std::string_view text, std::string &scratch) const;
    [[nodiscard]] Written datetime(std::string_view text, std::string &scratch) const;
    [[nodiscard]] Written time(std::string_view text, std::string &scratch) const;

    SourceType source_;
    ColumnType target_;
    Unfit policy_;
    Form form_;
    bool binary_ = false;
    std::size_t most_characters_ = 0, most_bytes_ = 0; ///< 0 = no limit
    std::vector<std::string> labels_;                  ///< of an ENUM column, sorted
    Way way_;
};

/// The labels of an ENUM or SET column out of its column_type.
[[nodiscard]] std::vector<std::string> labels_of(const ColumnType &column);

} // namespace walbridge::dialect::mysql
