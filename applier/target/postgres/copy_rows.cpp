// copy_rows.cpp: tuples of a binary COPY.
#include "target/postgres/copy_rows.hpp"

#include "target/postgres/row_bindings.hpp"

namespace walbridge::target {
namespace {

constexpr std::size_t piece = std::size_t{64} << 10;
/// Signature, flags, length of the header's extension.
constexpr std::string_view header("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);
constexpr std::string_view trailer("\377\377", 2);

void append32(std::string &bytes, std::uint32_t number) {
    const char raw[4] = {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
                         static_cast<char>(number >> 8), static_cast<char>(number)};
    bytes.append(raw, 4);
}

} // namespace

bool copyable(const TablePlan &plan, const statements::ColumnList &columns, std::span<const Row> rows) {
    for (const auto index : columns) {
        const auto &column = plan.columns[index];
        if (!column.same_type) return false;
        const bool text = receives_text(column.target.base_type_oid);
        for (const auto &row : rows) {
            const auto kind = row[index].kind;
            if (kind == ValueKind::unchanged || (kind == ValueKind::text && !text)) return false;
        }
    }
    return !columns.empty();
}

void CopyRows::append_row(Row row) {
    const auto count = columns_.size();
    bytes_ += static_cast<char>(count >> 8);
    bytes_ += static_cast<char>(count);
    for (const auto index : columns_) {
        const auto &value = row[index];
        if (value.kind == ValueKind::null) {
            append32(bytes_, 0xFFFFFFFFu);
            continue;
        }
        append32(bytes_, static_cast<std::uint32_t>(value.bytes.size()));
        bytes_.append(value.bytes);
    }
}

const std::string &CopyRows::next() {
    bytes_.clear();
    if (!header_) bytes_.append(header);
    header_ = true;
    while (at_ < rows_.size() && bytes_.size() < piece) append_row(rows_[at_++]);
    if (at_ == rows_.size() && !trailer_) {
        bytes_.append(trailer);
        trailer_ = true;
    }
    return bytes_;
}

} // namespace walbridge::target
