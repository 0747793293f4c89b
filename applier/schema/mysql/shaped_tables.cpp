// shaped_tables.cpp: see shaped_tables.hpp.
#include "schema/mysql/shaped_tables.hpp"

#include "base/error.hpp"
#include "config/table_rules.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <set>

namespace walbridge::schema::mysql {
namespace {

using dialect::mysql::SourceType;

/// Attribute numbers of the server end at 1,600.
constexpr int first_computed = 30000, first_added = 31000;

/// Of a type with one or two numbers in parentheses.
std::int32_t typmod(std::uint32_t oid, const std::vector<int> &numbers) {
    constexpr int header = 4; // the length word that text and numeric count in
    if (oid == 1700 && !numbers.empty()) return ((numbers[0] << 16) | (numbers.size() > 1 ? numbers[1] : 0)) + header;
    if (oid == 1042) return (numbers.empty() ? 1 : numbers[0]) + header;
    if (oid == 1043 && !numbers.empty()) return numbers[0] + header;
    if ((oid == 1083 || oid == 1114 || oid == 1184) && !numbers.empty()) return numbers[0];
    return -1;
}

class Shaper {
  public:
    Shaper(const TaskConfig &config, SourceTable &table, std::vector<LeftOut> &left_out)
        : config_(config), table_(table), left_out_(left_out), rule_(rule_of(config, table.name)) {}

    void run() {
        std::vector<SourceColumn> columns;
        for (auto &column : table_.columns) {
            if (!rule_.takes(column.name)) {
                removed_.insert(column.number);
                continue;
            }
            if (rule_.columns && rule_.columns->contains(column.name)) compute(column);
            column.target = config_.names.column(table_.name, column.name);
            columns.push_back(std::move(column));
        }
        add_computed(columns);
        add_own(columns);
        table_.columns = std::move(columns);
        const auto loses = [&](const std::vector<int> &numbers) {
            return std::ranges::any_of(numbers, [&](int number) { return removed_.contains(number); });
        };
        std::erase_if(table_.indexes,
                      [&](const auto &index) { return loses(index.columns) && left("index " + index.name); });
        std::erase_if(table_.constraints, [&](const auto &constraint) {
            return loses(constraint.columns) &&
                   left((constraint.type == 'c' ? "check " : "foreign key ") + constraint.name);
        });
    }

  private:
    bool left(const std::string &part) {
        left_out_.push_back(
            {to_string(table_.name) + " " + part, "a column of it is not replicated", false, table_.oid, part});
        return true;
    }

    std::optional<SourceType> given_type(const std::string &column) const {
        if (!rule_.types) return std::nullopt;
        const auto text = rule_.types->find(column);
        if (text == rule_.types->end()) return std::nullopt;
        auto type = source_type_named(text->second);
        if (!type)
            throw Error(ErrorKind::rule, fmt::format("table {}, column {}", to_string(table_.name), column),
                        fmt::format("\"{}\" is no type that is known here", text->second),
                        "Write a built-in type such as \"varchar(40)\", \"numeric(10,2)\" or \"timestamptz\".");
        return type;
    }

    void compute(SourceColumn &column) {
        column.generated = '\0';
        column.computed = true;
        auto type = given_type(column.name);
        if (!type) return;
        column.type = *std::move(type);
        column.type_sql = rule_.types->at(column.name);
        column.identity = '\0';
        column.expression.clear();
    }

    /// Columns that the source's table does not have.
    void add_computed(std::vector<SourceColumn> &columns) const {
        if (!rule_.columns) return;
        int number = first_computed;
        for (const auto &[name, expression] : *rule_.columns) {
            ++number;
            if (std::ranges::find(columns, name, &SourceColumn::name) != columns.end()) continue;
            auto type = given_type(name);
            if (!type)
                throw Error(ErrorKind::rule, fmt::format("table {}, column {}", to_string(table_.name), name),
                            "it is computed, and nothing says its type on the target",
                            fmt::format("Add types = {{ {} = \"text\" }} to its [[objects.table]].", name));
            SourceColumn column;
            column.number = number;
            column.name = name;
            column.target = config_.names.column(table_.name, name);
            column.type = *std::move(type);
            column.type_sql = rule_.types->at(name);
            column.computed = true;
            columns.push_back(std::move(column));
        }
    }

    /// Those that walbridge fills.
    void add_own(std::vector<SourceColumn> &columns) const {
        int number = first_added;
        for (const auto &[name, content] : added_columns_of(config_, table_.name)) {
            SourceColumn column;
            column.number = ++number;
            column.name = column.target = name;
            column.computed = true;
            column.type = type_of_added(content);
            column.type_sql = content == "commit_time" ? "timestamp with time zone" : "text";
            columns.push_back(std::move(column));
        }
    }

    const TaskConfig &config_;
    SourceTable &table_;
    std::vector<LeftOut> &left_out_;
    const wire::TableRule rule_;
    std::set<int> removed_;
};

} // namespace

ShapeTable table_shaper(const TaskConfig &config) {
    if (!shapes_tables(config)) return {};
    return [&config](SourceTable &table, std::vector<LeftOut> &left_out) { Shaper(config, table, left_out).run(); };
}

std::vector<SourceTable> shaped(std::vector<SourceTable> tables, const ShapeTable &shape,
                                std::vector<LeftOut> &left_out) {
    if (!shape) return tables;
    for (auto &table : tables) shape(table, left_out);
    std::map<std::uint32_t, const SourceTable *> by_oid;
    for (const auto &table : tables) by_oid.emplace(table.oid, &table);
    for (auto &table : tables)
        std::erase_if(table.constraints, [&](const SourceConstraint &constraint) {
            const auto parent = by_oid.find(constraint.foreign_table);
            if (parent == by_oid.end() || std::ranges::all_of(constraint.foreign_columns, [&](int number) {
                    return parent->second->column(number) != nullptr;
                }))
                return false;
            left_out.push_back({to_string(table.name) + " foreign key " + constraint.name,
                                "a column that it refers to is not replicated", false, table.oid,
                                "foreign key " + constraint.name});
            return true;
        });
    return tables;
}

SourceType type_of_added(const std::string &content) {
    SourceType type;
    type.oid = content == "commit_time" ? 1184 : 25;
    type.name = content == "commit_time" ? "timestamptz" : "text";
    return type;
}

std::optional<SourceType> source_type_named(const std::string &sql) {
    static const std::map<std::string, std::pair<std::uint32_t, const char *>> known{
        {"bool", {16, "bool"}},
        {"boolean", {16, "bool"}},
        {"bytea", {17, "bytea"}},
        {"int8", {20, "int8"}},
        {"bigint", {20, "int8"}},
        {"int2", {21, "int2"}},
        {"smallint", {21, "int2"}},
        {"int4", {23, "int4"}},
        {"int", {23, "int4"}},
        {"integer", {23, "int4"}},
        {"text", {25, "text"}},
        {"json", {114, "json"}},
        {"float4", {700, "float4"}},
        {"real", {700, "float4"}},
        {"float8", {701, "float8"}},
        {"double precision", {701, "float8"}},
        {"bpchar", {1042, "bpchar"}},
        {"char", {1042, "bpchar"}},
        {"character", {1042, "bpchar"}},
        {"varchar", {1043, "varchar"}},
        {"character varying", {1043, "varchar"}},
        {"date", {1082, "date"}},
        {"time", {1083, "time"}},
        {"time without time zone", {1083, "time"}},
        {"timestamp", {1114, "timestamp"}},
        {"timestamp without time zone", {1114, "timestamp"}},
        {"timestamptz", {1184, "timestamptz"}},
        {"timestamp with time zone", {1184, "timestamptz"}},
        {"numeric", {1700, "numeric"}},
        {"decimal", {1700, "numeric"}},
        {"uuid", {2950, "uuid"}},
        {"jsonb", {3802, "jsonb"}}};
    std::string name;
    std::vector<int> numbers;
    for (std::size_t at = 0; at < sql.size(); ++at) {
        const auto c = static_cast<unsigned char>(sql[at]);
        if (sql[at] == '(') {
            const auto end = sql.find(')', at);
            if (end == std::string::npos) return std::nullopt;
            for (std::size_t digit = at + 1; digit < end; ++digit) {
                int number = 0;
                const auto [behind, error] = std::from_chars(sql.data() + digit, sql.data() + end, number);
                if (error != std::errc()) continue;
                numbers.push_back(number);
                digit = static_cast<std::size_t>(behind - sql.data());
            }
            at = end;
        } else if (std::isspace(c) == 0) {
            name += static_cast<char>(std::tolower(c));
        } else if (!name.empty() && name.back() != ' ') {
            name += ' ';
        }
    }
    while (!name.empty() && name.back() == ' ') name.pop_back();
    const auto found = known.find(name);
    if (found == known.end()) return std::nullopt;
    SourceType type;
    type.oid = found->second.first;
    type.name = found->second.second;
    type.typmod = typmod(type.oid, numbers);
    return type;
}

} // namespace walbridge::schema::mysql
