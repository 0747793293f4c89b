// ddl_rules.cpp: task file to rules, source names to target names.
#include "apply/ddl_rules.hpp"

#include "dialect/postgres.hpp"
#include "schema/column_rules.hpp"

#include <algorithm>

namespace walbridge::apply {
namespace {

bool is_relation(const std::string &type) {
    return type == "table" || type == "index" || type == "view" || type == "materialized view" || type == "sequence" ||
           type == "foreign table" || type == "table column";
}

} // namespace

DdlRules::DdlRules(const TaskConfig &config) : selection_(config.objects.include, config.objects.exclude) {
    rules_.selection = &selection_;
    rules_.everything_selected = config.objects.exclude.empty() &&
                                 std::ranges::find(config.objects.include, "*.*") != config.objects.include.end();
    rules_.names = &config.names;
    rules_.columns = schema::column_rules(config);
    if (config.ddl.classes.size() == 1 && config.ddl.classes.front() == "all")
        rules_.classes = {ddl::class_names().begin(), ddl::class_names().end()};
    else if (!config.ddl.off())
        rules_.classes = {config.ddl.classes.begin(), config.ddl.classes.end()};
    rules_.roles.owners = config.schema.owner != "none";
    rules_.roles.grants = config.schema.grants != "none";
    rules_.roles.names = config.roles;
    rules_.table_follows_ddl = [&config](const QualifiedName &table) { return !config.objects.leaves_out_ddl(table); };
}

DdlStatement DdlRules::in_target_names(DdlStatement statement) const {
    if (names().empty()) return statement;
    for (auto &object : statement.objects) {
        if (is_relation(object.type) && !object.name.empty()) {
            const auto target = names().table({object.schema, object.name});
            object.schema = target.schema;
            object.name = target.name;
            object.identity = dialect::postgres::quote(target);
        } else if (const auto schema = names().schema(object.schema); schema != object.schema) {
            // identity: schema.rest, with the schema quoted where it has to be
            const auto dot = object.identity.find(object.identity.starts_with('"') ? "\"." : ".");
            if (dot == std::string::npos) continue;
            const auto rest = object.identity.find('.', dot);
            object.identity = dialect::postgres::quote_identifier(schema) + object.identity.substr(rest);
            object.schema = schema;
        }
    }
    for (auto &dropped : statement.dropped) {
        if (dropped.address_names.size() >= 2 && is_relation(dropped.type)) {
            const auto target = names().table({dropped.address_names[0], dropped.address_names[1]});
            dropped.address_names[0] = target.schema;
            dropped.address_names[1] = target.name;
        } else if (!dropped.schema.empty() && !dropped.address_names.empty() &&
                   dropped.address_names[0] == dropped.schema) {
            dropped.address_names[0] = names().schema(dropped.schema);
        }
    }
    return statement;
}

} // namespace walbridge::apply
