// unsupported.cpp: reads unsupported.sql.
#include "source/unsupported.hpp"

#include "source/catalog/sql.hpp"

namespace walbridge::source {

std::vector<Unsupported> read_unsupported(pg::Session &session) {
    const auto rows = session.query(sql::unsupported);
    std::vector<Unsupported> found;
    for (int row = 0; row < rows.rows(); ++row)
        found.push_back(
            {{rows.text(row, 0), rows.text(row, 1)}, rows.text(row, 2), rows.text(row, 3), rows.text(row, 4)});
    return found;
}

} // namespace walbridge::source
