// column_types.cpp: keys first, because a value that a key has no room for is refused; then the width of the row.
#include "schema/mysql/column_types.hpp"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

namespace walbridge::schema::mysql {
namespace {

using dialect::mysql::map_type;
using dialect::mysql::MapOptions;
using dialect::mysql::MappedType;

constexpr std::size_t bytes_of_a_long_column = 12; ///< what longtext and longblob leave in the row

/// What each key column may take of the keys it is part of.
std::map<int, std::size_t> key_room(const SourceTable &table, dialect::mysql::Flavour flavour,
                                    const std::vector<std::vector<int>> &keys, const UnfitPolicy &policy) {
    std::map<int, std::size_t> room;
    for (const auto &key : keys) {
        std::vector<std::size_t> sizes;
        for (const int number : key) {
            const auto *column = table.column(number);
            if (column == nullptr) continue;
            MapOptions options;
            options.key_column = true;
            options.unfit = policy(table.name, column->name);
            sizes.push_back(map_type(column->type, flavour, options).key_bytes);
        }
        const auto shares = share_out(sizes, dialect::mysql::most_key_bytes);
        for (std::size_t i = 0; i < shares.size(); ++i) {
            auto &known = room.try_emplace(key[i], dialect::mysql::most_key_bytes).first->second;
            if (shares[i] < sizes[i]) known = std::min(known, shares[i]);
        }
    }
    return room;
}

} // namespace

bool is_whole_key(const SourceIndex &index) {
    return index.unique && index.valid && index.immediate && !index.partial && !index.expressions && !index.exclusion &&
           !index.nulls_not_distinct && index.columns.size() <= most_key_parts;
}

std::vector<std::size_t> share_out(const std::vector<std::size_t> &sizes, std::size_t room) {
    std::vector<std::size_t> order(sizes.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return sizes[i]; });
    auto shares = sizes;
    for (std::size_t done = 0; done < order.size(); ++done) {
        const auto fair =
            room / (order.size() - done) / dialect::mysql::bytes_per_character * dialect::mysql::bytes_per_character;
        auto &share = shares[order[done]];
        share = std::min(share, fair);
        room -= share;
    }
    return shares;
}

std::vector<MappedType> choose_types(const SourceTable &table, dialect::mysql::Flavour flavour,
                                     const std::vector<std::vector<int>> &more_keys, const UnfitPolicy &policy) {
    auto keys = more_keys;
    for (const auto &index : table.indexes)
        if (is_whole_key(index)) keys.push_back(index.columns);
    const auto room = key_room(table, flavour, keys, policy);

    // Rows of MariaDB hold 8,126 bytes. Of a column that may have more than 255 they can do with a pointer; shorter
    // ones they hold whole, so that many of them are too much. MySQL needs a pointer's room at most of all of them.
    constexpr std::size_t in_row = 8126, row_header = 40, pointer = 22, longest_within = 255, shortest_outside = 64;
    const auto is_variable = [](const MappedType &type) {
        return (!type.column.charset.empty() && type.column.data_type != "enum") ||
               type.column.data_type == "varbinary" || type.column.data_type == "longblob";
    };
    const auto bytes_in_row = [&](const SourceColumn &column, const MappedType &type) {
        const bool primary =
            !table.indexes.empty() && table.indexes.front().primary &&
            std::ranges::find(table.indexes.front().columns, column.number) != table.indexes.front().columns.end();
        return !primary && is_variable(type) && (type.key_bytes == 0 || type.key_bytes > longest_within)
                   ? pointer
                   : type.row_bytes;
    };

    std::vector<MappedType> types;
    std::size_t width = (table.columns.size() + 7) / 8;
    const auto map = [&](const SourceColumn &column, bool off_row, std::size_t shortest = 0) {
        MapOptions options;
        options.shortest = shortest;
        options.unfit = policy(table.name, column.name);
        options.off_row = off_row;
        if (const auto found = room.find(column.number); found != room.end()) {
            options.key_column = true;
            options.key_bytes = found->second;
        }
        return map_type(column.type, flavour, options);
    };
    std::size_t inside = row_header + width;
    for (const auto &column : table.columns) {
        types.push_back(map(column, false));
        inside += bytes_in_row(column, types.back());
    }
    for (std::size_t length = longest_within;
         length > pointer && inside > in_row && flavour == dialect::mysql::Flavour::mariadb; --length)
        for (std::size_t i = 0; i < types.size() && inside > in_row; ++i) {
            if (room.contains(table.columns[i].number) || !is_variable(types[i]) || types[i].key_bytes != length)
                continue;
            inside -= bytes_in_row(table.columns[i], types[i]);
            types[i] = map(table.columns[i], false, shortest_outside);
            inside += bytes_in_row(table.columns[i], types[i]);
        }
    for (const auto &type : types) width += type.row_bytes;
    while (width > dialect::mysql::most_row_bytes) {
        std::size_t widest = types.size();
        for (std::size_t i = 0; i < types.size(); ++i)
            if (!room.contains(table.columns[i].number) && types[i].row_bytes > bytes_of_a_long_column &&
                (widest == types.size() || types[i].row_bytes > types[widest].row_bytes))
                widest = i;
        if (widest == types.size()) break; // the server will say so
        auto narrow = map(table.columns[widest], true);
        if (narrow.row_bytes >= types[widest].row_bytes) break;
        width -= types[widest].row_bytes - narrow.row_bytes;
        types[widest] = std::move(narrow);
    }
    return types;
}

} // namespace walbridge::schema::mysql
