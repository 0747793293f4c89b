// fidelity.cpp: the conditions are the source's mirror of dialect/mysql/values.cpp: what is refused there is counted
// here.
#include "schema/mysql/fidelity.hpp"

#include "dialect/mysql/forms.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>

namespace walbridge::schema::mysql {
namespace {

using dialect::mysql::Form;
using dialect::mysql::MappedType;
using dialect::postgres::quote_identifier;

/// Conditions on one column.
class Checks {
  public:
    Checks(const SourceColumn &column, const MappedType &type, std::vector<UnfitCheck> &checks)
        : column_(column), type_(type), checks_(checks), name_(quote_identifier(column.name)) {}

    void add() {
        const auto facts = dialect::mysql::facts_of(column_.type);
        if (!type_.column.charset.empty() && type_.column.data_type != "enum") {
            add_length(facts);
            if (facts.form == Form::array)
                add("indexes that do not begin at 1", fmt::format("{}::text LIKE '[%'", name_));
            return;
        }
        switch (facts.form) {
        case Form::decimal:
            add("NaN or infinite", fmt::format("{}::text IN ('NaN', 'Infinity', '-Infinity')", name_));
            if (!dialect::mysql::declared_digits(column_.type)) add_digits();
            break;
        case Form::floating:
            add("NaN or infinite", fmt::format("{}::text IN ('NaN', 'Infinity', '-Infinity')", name_));
            break;
        case Form::date: add_years("date", ""); break;
        case Form::timestamp: add_years("timestamp", " 00:00:00"); break;
        case Form::timestamptz: add_years("timestamptz", " 00:00:00+00"); break;
        case Form::bytes:
            if (type_.column.data_type == "varbinary")
                add(fmt::format("more than {} bytes", *type_.column.length),
                    fmt::format("octet_length({}) > {}", name_, *type_.column.length));
            break;
        default: break;
        }
    }

  private:
    void add(std::string problem, std::string condition) {
        checks_.push_back({column_.name, std::move(problem), std::move(condition)});
    }

    void add_length(const dialect::mysql::TypeFacts &facts) {
        const auto &target = type_.column;
        if (target.data_type == "longtext" || !target.length) return;
        if (facts.longest != 0 && facts.longest <= *target.length) return; // the source keeps the limit
        if (const auto length = dialect::mysql::declared_length(column_.type); length && *length <= *target.length)
            return;
        if (dialect::mysql::declared_digits(column_.type)) return;
        add(fmt::format("more than {} characters", *target.length),
            fmt::format("char_length({}::text) > {}", name_, *target.length));
    }

    void add_digits() {
        const auto &target = type_.column;
        const int before = target.precision.value_or(0) - target.scale.value_or(0);
        add(fmt::format("more than {} digits before the point", before),
            fmt::format("({0}::text NOT IN ('NaN', 'Infinity', '-Infinity') AND abs({0}) >= 1e{1})", name_, before));
        add(fmt::format("more than {} digits behind the point", target.scale.value_or(0)),
            fmt::format("min_scale({}) > {}", name_, target.scale.value_or(0)));
    }

    void add_years(const char *type, const char *midnight) {
        add("infinite", fmt::format("NOT isfinite({})", name_));
        add("before the year 1 (BC)",
            fmt::format("(isfinite({0}) AND {0} < '0001-01-01{1}'::{2})", name_, midnight, type));
        add("after the year 9999",
            fmt::format("(isfinite({0}) AND {0} >= '10000-01-01{1}'::{2})", name_, midnight, type));
    }

    const SourceColumn &column_;
    const MappedType &type_;
    std::vector<UnfitCheck> &checks_;
    const std::string name_;
};

} // namespace

std::string TableFidelity::scan_query() const {
    if (checks.empty()) return {};
    std::string sql = "SELECT count(*)";
    for (const auto &check : checks) sql += fmt::format(", count(*) FILTER (WHERE {})", check.condition);
    return sql + " FROM ONLY " + dialect::postgres::quote(table);
}

std::vector<TableFidelity> judge_fidelity(const std::vector<SourceTable> &raw, const DefinitionOptions &options) {
    std::vector<LeftOut> left_out;
    const auto tables = shaped(raw, options.shape, left_out);
    const auto policy = options.policy ? options.policy : [](const QualifiedName &, const std::string &) {
        return dialect::mysql::Unfit::error;
    };
    const auto chosen = make_definitions(raw, options).types;
    std::vector<TableFidelity> report;
    for (const auto &table : tables) {
        if (table.kind != 'r') continue;
        TableFidelity judged;
        judged.table = table.name;
        const auto &types = chosen.at(table.oid);
        for (std::size_t i = 0; i < table.columns.size(); ++i) {
            const auto &column = table.columns[i];
            const auto &type = types[i];
            judged.columns.push_back({column.name, column.type_sql, type.column.column_type, type.fidelity, type.remark,
                                      policy(table.name, column.name)});
            if (!column.computed) Checks(column, type, judged.checks).add();
        }
        report.push_back(std::move(judged));
    }
    return report;
}

std::vector<UnfitValues> scan(pg::Session &source, const TableFidelity &table) {
    std::vector<UnfitValues> found;
    const auto query = table.scan_query();
    if (query.empty()) return found;
    const auto rows = source.query(query);
    for (std::size_t i = 0; i < table.checks.size(); ++i)
        if (const auto count = rows.number(0, static_cast<int>(i) + 1); count > 0)
            found.push_back({table.checks[i].column, table.checks[i].problem, count});
    return found;
}

} // namespace walbridge::schema::mysql
