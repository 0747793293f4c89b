// session.cpp: see session.hpp.
#include "base/sql/session.hpp"

#include "base/error.hpp"

#include <charconv>
#include <fmt/format.h>

namespace walbridge::sql {

long long Rows::number(int row, int column) const {
    const auto text = this->text(row, column);
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
        throw Error(ErrorKind::internal, "query result", fmt::format("expected an integer, got \"{}\"", text));
    return value;
}

std::optional<std::string> Session::ask_value(const Statement &statement, const std::vector<Parameter> &parameters) {
    const auto rows = ask(statement, parameters);
    if (rows.rows() == 0) return std::nullopt;
    return rows.cell(0, 0);
}

} // namespace walbridge::sql
