// row_writer.hpp: a row of the source's COPY in text form, as LOAD DATA reads it or as INSERT writes it. Pure.
#pragma once

#include "dialect/mysql/values.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::copy::mysql {

struct Field {
    std::string name;
    dialect::mysql::ValueWriter writer;
};

/// Why a row cannot be written: the place of its column, and what ValueWriter says.
struct FieldError {
    std::size_t field = 0;
    dialect::mysql::ValueError error;
    std::string row; ///< its beginning, for people
};

/// Appends the row for LOAD DATA with fields that end in a tab, lines in a newline, and escapes by backslash. Bytes are
/// hexadecimal digits. `scratch` is kept between calls to save allocations. Throws FieldError.
void append_load_line(std::string &out, std::string_view row, const std::vector<Field> &fields, std::string &scratch);

/// Appends `(1, 'a', x'00')`. Throws FieldError.
void append_insert_row(std::string &sql, std::string_view row, const std::vector<Field> &fields, std::string &scratch);

} // namespace walbridge::copy::mysql
