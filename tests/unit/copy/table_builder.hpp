// table_builder.hpp: tables as the catalog reader would return them.
#pragma once

#include "source/catalog.hpp"

#include <string>
#include <utility>

namespace walbridge::test {

inline source::Column column(int number, std::string name, std::uint32_t type_oid, std::string type) {
    source::Column c;
    c.number = number;
    c.name = std::move(name);
    c.type_oid = type_oid;
    c.type = std::move(type);
    return c;
}

/// public.t (id bigint primary key, note text) with the given heap.
inline source::Table table(std::uint64_t pages = 0, std::uint64_t bytes = 0) {
    source::Table t;
    t.oid = 16400;
    t.filenode = 16400;
    t.name = {"public", "t"};
    t.pages = pages;
    t.bytes = bytes;
    t.estimated_rows = 1000;
    t.columns = {column(1, "id", 20, "bigint"), column(2, "note", 25, "text")};
    t.columns.front().not_null = true;
    t.indexes = {{"t_pkey", true, true, true, true, false, false, false, {1}}};
    return t;
}

} // namespace walbridge::test
