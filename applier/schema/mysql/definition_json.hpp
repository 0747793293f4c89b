// definition_json.hpp: the source's tables as JSON: as its DDL messages carry them and as the applier keeps them.
//
//   {"oid":16400,"schema":"public","name":"item","kind":"r","comment":"...",
//    "columns":[{"number":1,"name":"id","type":{"oid":23,"name":"int4","kind":"b","typmod":-1,"element_oid":0,
//                "element_name":"","enum_labels":["a"]},"type_sql":"integer","not_null":true,"identity":"a",
//                "generated":"s","expression":"...","comment":"..."}],
//    "indexes":[{"name":"item_pkey","method":"btree","primary":true,"unique":true,"immediate":true,"valid":true,
//                "partial":true,"expressions":true,"exclusion":true,"nulls_not_distinct":true,"replica_identity":true,
//                "columns":[1,2],"descending":[false,true],"comment":"..."}],
//    "constraints":[{"name":"k","type":"c","deferrable":true,"validated":true,"columns":[1],"foreign_table":16390,
//                "foreign_columns":[1],"on_update":"a","on_delete":"a","match":"s","sets_some_columns":true,
//                "expression":"(price >= 0)","target_name":"item_k"}]}
//
// Members that are false, 0, empty or null may be missing and are not written, but for number, name and typmod. Without
// a member, kinds of types are 'b', of tables 'r', typmod is -1, actions are 'a' and match 's'; immediate, valid and
// validated are false. Members of other names mean nothing.
#pragma once

#include "change/name_map.hpp"
#include "schema/mysql/source_tables.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace walbridge::schema::mysql {

[[nodiscard]] std::string to_json(const SourceTable &table);

/// Of an array of tables; their names on the target are those of `names`. Throws std::invalid_argument that names what
/// is wrong.
[[nodiscard]] std::vector<SourceTable> tables_from_json(std::string_view array, const NameMap &names);

} // namespace walbridge::schema::mysql
