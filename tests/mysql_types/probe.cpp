// probe.cpp: what walbridge would do with a database of PostgreSQL on a MySQL target, as JSON: the statements of the
// schema stage, and each row's values as they would be written. tests/mysql_types/run executes and compares them.
//   mysql_types_probe <url of the source> mysql|mariadb <database of the target>
#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/mysql/values.hpp"
#include "dialect/postgres.hpp"
#include "schema/mysql/fidelity.hpp"
#include "schema/mysql/plan.hpp"
#include "schema/mysql/presence.hpp"

#include <cstdio>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace {

using namespace walbridge;
using namespace walbridge::schema;
using dialect::mysql::ValueWriter;
using nlohmann::json;

json written(const ValueWriter &writer, std::string_view text) {
    std::string scratch;
    try {
        const auto value = writer.write(text, scratch);
        if (!value) return nullptr;
        return {{writer.binary() ? "bytes" : "text", dialect::mysql::hex_literal(*value)}};
    } catch (const dialect::mysql::ValueError &error) {
        return {{"refused", error.reason}, {"remedy", error.remedy}};
    }
}

json rows_of(pg::Session &source, const mysql::SourceTable &table,
             const std::vector<dialect::mysql::MappedType> &types) {
    std::vector<ValueWriter> writers;
    for (std::size_t i = 0; i < types.size(); ++i)
        writers.emplace_back(table.columns[i].type, types[i].column, dialect::mysql::Unfit::error);
    std::vector<std::string> names;
    for (const auto &column : table.columns) names.push_back(column.name);
    const auto rows = source.query(fmt::format("SELECT {} FROM ONLY {}", dialect::postgres::quote_list(names),
                                               dialect::postgres::quote(table.name)));
    json list = json::array();
    for (int row = 0; row < rows.rows(); ++row) {
        json values = json::array();
        for (std::size_t i = 0; i < types.size(); ++i) {
            const int column = static_cast<int>(i);
            if (rows.null(row, column)) {
                values.push_back(nullptr);
                continue;
            }
            auto value = written(writers[i], rows.get(row, column));
            value["source"] = rows.text(row, column);
            values.push_back(std::move(value));
        }
        list.push_back(std::move(values));
    }
    return list;
}

json probe(const char *url, const char *flavour, const char *database) {
    TaskConfig config;
    config.source.endpoint.url = url;
    config.names.add_schema("public", database);
    pg::Session source(config.source.endpoint, {"mysql_types", false, {{"lc_monetary", "C"}}});
    mysql::DefinitionOptions options;
    if (std::string_view(flavour) == "mariadb") options.flavour = dialect::mysql::Flavour::mariadb;
    const auto tables = mysql::read_selected_tables(config, source);
    const auto made = mysql::read_definitions(config, source, tables, options);
    json result;
    for (const auto &item : made.items)
        result["items"].push_back({{"type", item.type},
                                   {"name", item.name},
                                   {"statement", item.statement},
                                   {"presence", mysql::presence_query(item)}});
    for (const auto &left : made.left_out) result["left_out"][left.object] = left.reason;
    for (const auto &error : made.errors) result["errors"][error.object] = error.reason;

    const auto report = mysql::judge_fidelity(tables, options);
    for (const auto &judged : report)
        for (const auto &table : tables) {
            if (table.name != judged.table) continue;
            const auto &types = made.types.at(table.oid);
            json one = {{"schema", table.target.schema}, {"name", table.target.name}};
            for (std::size_t i = 0; i < types.size(); ++i)
                one["columns"].push_back({{"name", table.columns[i].name},
                                          {"source_type", table.columns[i].type.name},
                                          {"element", table.columns[i].type.element_name},
                                          {"kind", std::string(1, table.columns[i].type.kind)},
                                          {"generated", table.columns[i].generated != '\0'},
                                          {"column_type", types[i].column.column_type},
                                          {"remark", judged.columns[i].remark}});
            for (const auto &found : mysql::scan(source, judged))
                one["unfit"].push_back({found.column, found.problem, found.count});
            one["rows"] = rows_of(source, table, types);
            result["tables"].push_back(std::move(one));
        }
    return result;
}

} // namespace

int main(int count, char **arguments) try {
    if (count != 4) {
        std::fputs("usage: mysql_types_probe URL mysql|mariadb DATABASE\n", stderr);
        return 2;
    }
    std::puts(probe(arguments[1], arguments[2], arguments[3]).dump().c_str());
    return 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
}
