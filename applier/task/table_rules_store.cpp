// table_rules_store.cpp: see table_rules_store.hpp.
#include "task/table_rules_store.hpp"

#include "base/log.hpp"
#include "config/table_rules.hpp"
#include "source/shape.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace walbridge::task {
namespace {

std::vector<source::Table> read_tables(const TaskConfig &config) {
    pg::Session source(config.source.endpoint, {config.application_name("catalog"), false, {}});
    auto tables = source::read_tables(source, source::Unlogged::bring);
    source::learn_partitions(config.names, tables);
    return tables;
}

struct Stored {
    QualifiedName name;
    std::string rule;
    bool begun = false; ///< something of it is on the target
};

std::map<std::uint32_t, Stored> stored_rules(sql::Session &control, const std::string &task) {
    const auto rows =
        control.ask({"SELECT source_oid, schema_name, table_name, max(rule), max(CASE WHEN done OR "
                     "started_at IS NOT NULL THEN 1 ELSE 0 END) FROM walbridge.table_sync WHERE task = $1 "
                     "GROUP BY 1, 2, 3",
                     "SELECT source_oid, schema_name, table_name, max(`rule`), max(CASE WHEN done OR "
                     "started_at IS NOT NULL THEN 1 ELSE 0 END) FROM walbridge.table_sync WHERE task = $1 "
                     "GROUP BY 1, 2, 3"},
                    {task});
    std::map<std::uint32_t, Stored> found;
    for (int row = 0; row < rows.rows(); ++row)
        found[static_cast<std::uint32_t>(rows.number(row, 0))] = {
            {rows.text(row, 1), rows.text(row, 2)}, rows.text(row, 3), rows.flag(row, 4)};
    return found;
}

wire::TableRules rules_in_force(sql::Session &control, const std::string &task) {
    const auto text = control.ask_value("SELECT rules FROM walbridge.task WHERE task = $1", {task});
    return text ? wire::parse_rules(*text) : wire::TableRules{};
}

void set_rule(sql::Session &control, const std::string &task, std::uint32_t oid, const std::string &rule) {
    control.ask({"UPDATE walbridge.table_sync SET rule = $3 WHERE task = $1 AND source_oid = $2::oid",
                 "UPDATE walbridge.table_sync SET `rule` = $3 WHERE task = $1 AND source_oid = $2"},
                {task, std::to_string(oid), rule});
}

/// Nothing has a rule, and nothing had one.
bool without_rules(sql::Session &control, const TaskConfig &config) {
    return config.objects.rules.empty() &&
           !control.ask_value({"SELECT 1 FROM walbridge.table_sync WHERE task = $1 AND rule <> '' UNION ALL SELECT 1 "
                               "FROM walbridge.task WHERE task = $1 AND rules IS NOT NULL LIMIT 1",
                               "SELECT 1 FROM walbridge.table_sync WHERE task = $1 AND `rule` <> '' UNION ALL SELECT 1 "
                               "FROM walbridge.task WHERE task = $1 AND rules IS NOT NULL LIMIT 1"},
                              {config.name});
}

} // namespace

std::string stored_rule(const wire::TableRules &rules, const NameMap &names, const QualifiedName &table) {
    auto rule = rule_of(rules, names, table);
    rule.operations.reset();
    return rule.empty() ? std::string() : wire::to_json(rule);
}

void note_rules(sql::Session &control, const TaskConfig &config) {
    if (config.objects.rules.empty()) return;
    const auto tables = read_tables(config);
    for (const auto &[oid, stored] : stored_rules(control, config.name))
        if (const auto table = std::ranges::find(tables, oid, &source::Table::oid); table != tables.end())
            set_rule(control, config.name, oid, stored_rule(config.objects.rules, config.names, table->name));
    note_rules_in_force(control, config);
}

bool begin_again_by_rules(sql::Session &control, const TaskConfig &config) {
    if (without_rules(control, config)) return false;
    const auto tables = read_tables(config);
    bool again = false;
    sql::in_transaction(control, [&] {
        for (const auto &[oid, stored] : stored_rules(control, config.name)) {
            const auto table = std::ranges::find(tables, oid, &source::Table::oid);
            if (table == tables.end()) continue;
            const auto rule = stored_rule(config.objects.rules, config.names, table->name);
            if (rule == stored.rule) continue;
            set_rule(control, config.name, oid, rule);
            if (!stored.begun) continue;
            again = true;
            log::info("the table's rule was changed: its copy begins again", {{"table", to_string(stored.name)}});
            // As if the table had been rewritten on the source: emptied and copied anew, with the columns it has.
            control.ask({"UPDATE walbridge.table_sync SET done = false, started_at = pg_catalog.now(), fingerprint = "
                         "'0' || coalesce(pg_catalog.substr(fingerprint, nullif(pg_catalog.strpos(fingerprint, ':'), "
                         "0)), '') WHERE task = $1 AND source_oid = $2::oid",
                         "UPDATE walbridge.table_sync SET done = 0, started_at = now(6), fingerprint = concat('0', "
                         "coalesce(substr(fingerprint, nullif(locate(':', fingerprint), 0)), '')) WHERE task = $1 AND "
                         "source_oid = $2"},
                        {config.name, std::to_string(oid)});
        }
        note_rules_in_force(control, config);
    });
    return again;
}

std::vector<QualifiedName> tables_by_other_rules(sql::Session &control, const TaskConfig &config) {
    if (without_rules(control, config)) return {};
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    const auto tables = read_tables(config);
    const auto stored = stored_rules(control, config.name);
    const auto before = rules_in_force(control, config.name);
    std::vector<QualifiedName> changed;
    for (const auto &table : tables) {
        if (table.kind != 'r' || !selection.matches(table.name.schema, table.name.name)) continue;
        const auto known = stored.find(table.oid);
        const auto had = known != stored.end() ? known->second.rule : stored_rule(before, config.names, table.name);
        if (stored_rule(config.objects.rules, config.names, table.name) != had) changed.push_back(table.name);
    }
    return changed;
}

void note_rules_in_force(sql::Session &control, const TaskConfig &config) {
    control.ask("UPDATE walbridge.task SET rules = nullif($2, '') WHERE task = $1",
                {config.name, config.objects.rules.empty() ? std::string() : wire::to_json(config.objects.rules)});
}

} // namespace walbridge::task
