// object_graph.cpp: reads objects.sql and dependencies.sql.
#include "source/object_graph.hpp"

#include "source/catalog/sql.hpp"

namespace walbridge::source {

ObjectGraph read_object_graph(pg::Session &session) {
    ObjectGraph graph;
    const auto oid = [](const pg::Result &rows, int row, int column) {
        return static_cast<std::uint32_t>(rows.number(row, column));
    };
    const auto letter = [](const pg::Result &rows, int row, int column) {
        const auto text = rows.get(row, column);
        return text.empty() ? '\0' : text.front();
    };
    const auto objects = session.query(sql::objects);
    for (int row = 0; row < objects.rows(); ++row)
        graph.add({{oid(objects, row, 0), oid(objects, row, 1)},
                   letter(objects, row, 2),
                   objects.text(row, 3),
                   objects.text(row, 4),
                   oid(objects, row, 5)});
    const auto edges = session.query(sql::dependencies);
    for (int row = 0; row < edges.rows(); ++row)
        graph.depend({oid(edges, row, 0), oid(edges, row, 1)}, {oid(edges, row, 2), oid(edges, row, 3)},
                     letter(edges, row, 4));
    return graph;
}

} // namespace walbridge::source
