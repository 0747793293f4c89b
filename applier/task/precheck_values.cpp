// precheck_values.cpp: what a MySQL or MariaDB target makes of each column, and which values of the source do not fit.
#include "schema/mysql/fidelity.hpp"
#include "schema/mysql/plan.hpp"
#include "target/kind.hpp"
#include "target/mysql/value_policy.hpp"
#include "task/precheck_checks.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

const char *name_of(dialect::mysql::Fidelity fidelity) {
    switch (fidelity) {
    case dialect::mysql::Fidelity::exact: return "exact";
    case dialect::mysql::Fidelity::lossy: return "lossy";
    case dialect::mysql::Fidelity::impossible: return "impossible";
    }
    return "";
}

const char *name_of(dialect::mysql::Unfit policy) {
    switch (policy) {
    case dialect::mysql::Unfit::error: return "error";
    case dialect::mysql::Unfit::null: return "null";
    case dialect::mysql::Unfit::clamp: return "clamp";
    case dialect::mysql::Unfit::text: return "text";
    }
    return "";
}

/// Values that do not fit, sorted by whether a policy says what becomes of them.
struct Unfit {
    std::vector<std::string> refused, decided;
};

void look_at(PrecheckContext &context, pg::Session &source, const schema::mysql::TableFidelity &table, Unfit &unfit) {
    const auto first = context.report.columns.size();
    for (const auto &column : table.columns)
        context.report.columns.push_back({to_string(table.table), column.column, column.source_type, column.target_type,
                                          name_of(column.fidelity), column.remark, name_of(column.policy), 0});
    for (const auto &found : schema::mysql::scan(source, table)) {
        for (auto at = first; at < context.report.columns.size(); ++at) {
            auto &column = context.report.columns[at];
            if (column.column != found.column) continue;
            column.unfit += found.count;
            (column.policy == "error" ? unfit.refused : unfit.decided)
                .push_back(fmt::format("{}.{}: {} {}", column.table, column.column, found.count, found.problem));
        }
    }
}

} // namespace

void check_values(PrecheckContext &context) {
    const auto &config = context.config;
    context.run("mysql.values", context.source, [&](pg::Session &source) {
        const schema::mysql::DefinitionOptions options{.flavour = target::flavour(config),
                                                       .policy = target::mysql::value_policy(config),
                                                       .shape = schema::mysql::table_shaper(config)};
        source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0");
        Unfit unfit;
        for (const auto &table :
             schema::mysql::judge_fidelity(schema::mysql::read_selected_tables(config, source), options))
            look_at(context, source, table, unfit);
        source.rollback_quietly();
        constexpr std::size_t shown = 20;
        if (!unfit.refused.empty())
            return context.error(
                "mysql.values", fmt::format("values do not fit the target: {}", some_of(unfit.refused, shown)),
                "Mend them on the source, or say what becomes of them: values = { column = \"null\" } in "
                "[[objects.table]] (docs/types-mysql.md).");
        if (!unfit.decided.empty())
            return context.warning(
                "mysql.values",
                fmt::format("values will be changed as the task file says: {}", some_of(unfit.decided, shown)),
                "Nothing, if that is meant.");
        context.ok("mysql.values", "every value fits its column of the target");
    });
}

} // namespace walbridge::task
