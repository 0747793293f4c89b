// insert_rows.cpp: COPY for PostgreSQL, INSERT with many rows for MySQL.
#include "base/sql/insert_rows.hpp"

#include "base/postgres/session.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace walbridge::sql {
namespace {

/// Parameters of one INSERT; a prepared statement of MySQL takes 65,535 at most.
constexpr std::size_t parameters_at_once = 10'000;

void copy_rows(pg::Session &session, const std::string &copy, const std::vector<std::vector<Parameter>> &rows) {
    std::string text;
    const auto flush = [&] {
        if (PQputCopyData(session.raw(), text.data(), static_cast<int>(text.size())) != 1) session.raise(nullptr, copy);
        text.clear();
    };
    session.execute(copy);
    for (const auto &row : rows) {
        for (std::size_t i = 0; i < row.size(); ++i) {
            if (i > 0) text += '\t';
            if (!row[i]) {
                text += "\\N";
                continue;
            }
            for (const char c : *row[i]) switch (c) {
                case '\\': text += "\\\\"; break;
                case '\n': text += "\\n"; break;
                case '\r': text += "\\r"; break;
                case '\t': text += "\\t"; break;
                default: text += c;
                }
        }
        text += '\n';
        if (text.size() > 65536) flush();
    }
    if (!text.empty()) flush();
    if (PQputCopyEnd(session.raw(), nullptr) != 1) session.raise(nullptr, copy);
    const pg::Result result(PQgetResult(session.raw()));
    while (PGresult *more = PQgetResult(session.raw())) PQclear(more);
    if (PQresultStatus(result.raw()) != PGRES_COMMAND_OK) session.raise(result.raw(), copy);
}

void insert_many(Session &session, const std::string &head, std::size_t columns,
                 const std::vector<std::vector<Parameter>> &rows) {
    const auto at_once = std::max<std::size_t>(parameters_at_once / columns, 1);
    for (std::size_t first = 0; first < rows.size(); first += at_once) {
        std::string text = head;
        std::vector<Parameter> parameters;
        for (auto row = first; row < std::min(first + at_once, rows.size()); ++row) {
            text += row == first ? "(" : ", (";
            for (const auto &value : rows[row]) {
                parameters.push_back(value);
                text += fmt::format("{}${}", &value == rows[row].data() ? "" : ", ", parameters.size());
            }
            text += ")";
        }
        session.ask(text, parameters);
    }
}

} // namespace

void insert_rows(Session &session, const std::string &table, const std::vector<std::string> &columns,
                 const std::vector<std::vector<Parameter>> &rows) {
    if (rows.empty()) return;
    const auto target = fmt::format("{} ({})", table, fmt::join(columns, ", "));
    if (session.dialect() == Dialect::postgres)
        return copy_rows(static_cast<pg::Session &>(session), fmt::format("COPY {} FROM STDIN", target), rows);
    insert_many(session, fmt::format("INSERT INTO {} VALUES ", target), columns.size(), rows);
}

} // namespace walbridge::sql
