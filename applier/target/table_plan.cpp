// table_plan.cpp: matching columns, choosing the lookup key, judging eligibility for the bulk path.
#include "target/table_plan.hpp"

#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/postgres.hpp"
#include "target/mysql/column_types.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

namespace walbridge::target {
namespace {

constexpr std::uint32_t first_user_oid = 16384;

bool same_set(std::vector<std::string> left, std::vector<std::string> right) {
    std::sort(left.begin(), left.end());
    std::sort(right.begin(), right.end());
    return left == right;
}

std::string qualified_type(const std::string &schema, const std::string &name) {
    return dialect::postgres::quote_identifier(schema) + "." + dialect::postgres::quote_identifier(name);
}

/// The target's name of a source type. A table's row type is called like the table.
QualifiedName type_on_target(const NameMap &names, const std::string &schema, const std::string &name) {
    return names.table({schema, name});
}

/// The target's name of a collation given as schema.name; nullopt when dots leave open which part is the schema.
std::optional<std::string> collation_on_target(const NameMap &names, const std::string &collation) {
    const auto dot = collation.find('.');
    if (names.schemas().empty() || dot == std::string::npos) return collation;
    if (collation.find('.', dot + 1) != std::string::npos) return std::nullopt;
    return names.schema(collation.substr(0, dot)) + collation.substr(dot);
}

PlannedColumn plan_mysql_column(PlannedColumn column, const Column &source) {
    const auto type = mysql::source_type_of(source);
    auto equality = mysql::equality_of(type, *column.target.mysql);
    // Values that do not fit become one and the same.
    if (column.target.unfit == dialect::mysql::Unfit::clamp) equality = mysql::Equality::weaker;
    column.same_type = false;
    column.tells_apart = equality != mysql::Equality::weaker;
    column.target.exact_equality = equality == mysql::Equality::exact;
    column.target.has_equality = true;
    column.writer =
        std::make_shared<const dialect::mysql::ValueWriter>(type, *column.target.mysql, column.target.unfit);
    return column;
}

PlannedColumn plan_column(const Column &source, std::uint32_t index, const TargetColumn &target, const NameMap &names) {
    PlannedColumn column;
    column.source = index;
    column.target = target;
    column.added = source.added != Added::no;
    if (target.mysql) return plan_mysql_column(std::move(column), source);
    const bool domain = source.type_kind == 'd';
    const auto source_base = domain && source.base_type_oid != 0 ? source.base_type_oid : source.type_oid;
    if (source_base < first_user_oid) {
        column.same_type = source_base == target.base_type_oid;
        column.source_type = domain ? qualified_type(source.base_type_schema, source.base_type_name)
                                    : qualified_type(source.type_schema, source.type_name);
    } else {
        column.same_type = type_on_target(names, source.type_schema, source.type_name) ==
                           QualifiedName{target.type_schema, target.type_name};
    }
    return column;
}

/// What gives a table of the target a column of the source.
std::string add_column(const TargetTable &table, const Column &source, const NameMap &names) {
    if (table.mysql)
        return fmt::format("ALTER TABLE {} ADD COLUMN {} {};", dialect::mysql::quote(table.name),
                           dialect::mysql::quote_identifier(source.name),
                           dialect::mysql::map_type(mysql::source_type_of(source), *table.mysql, source.key).sql);
    const auto type = type_on_target(names, source.type_schema, source.type_name);
    return fmt::format("ALTER TABLE {} ADD COLUMN {} {};", dialect::postgres::quote(table.name),
                       dialect::postgres::quote_identifier(source.name), qualified_type(type.schema, type.name));
}

void match_columns(const Relation &relation, TablePlan &plan, const NameMap &names, Lacking lacking) {
    for (std::uint32_t index = 0; index < relation.columns.size(); ++index) {
        const auto &source = relation.columns[index];
        const auto found = std::find_if(plan.table.columns.begin(), plan.table.columns.end(),
                                        [&](const TargetColumn &target) { return target.name == source.name; });
        if (found == plan.table.columns.end()) {
            if (source.generated) continue; // derived on the source; the target need not have it
            if (lacking == Lacking::leave_out) {
                plan.left_out.push_back(source.name);
                continue;
            }
            throw Error(
                ErrorKind::target_shape, to_string(relation.name) + "." + source.name,
                "the target table lacks this column of the source",
                fmt::format("Run on the target: {} then resume the task.", add_column(plan.table, source, names)));
        }
        if (found->generated) {
            if (!source.generated) plan.left_out.push_back(source.name);
            continue;
        }
        plan.columns.push_back(plan_column(source, index, *found, names));
    }
}

bool take_key(TablePlan &plan, const std::vector<std::string> &names) {
    std::vector<std::uint32_t> key;
    for (const auto &name : names) {
        const auto index = find_column(plan, name);
        if (!index) return false;
        key.push_back(*index);
    }
    plan.key = std::move(key);
    return true;
}

void take_operators(TablePlan &plan, const TargetKey &key) {
    for (std::size_t position = 0; position < key.columns.size(); ++position)
        if (const auto index = find_column(plan, key.columns[position]); index && position < key.operators.size())
            plan.columns[*index].equality = key.operators[position];
}

bool finds_one_row(const TargetKey &key) { return key.usable && key.immediate; }

/// Under FULL any immediate unique key over NOT NULL columns finds the row as well as all columns do, and far faster.
void choose_lookup_full(const Relation &, TablePlan &plan) {
    for (const bool primary : {true, false})
        for (const auto &key : plan.table.keys) {
            if (key.primary != primary || !finds_one_row(key)) continue;
            const bool complete = std::all_of(key.columns.begin(), key.columns.end(), [&](const std::string &name) {
                const auto index = find_column(plan, name);
                return index && plan.columns[*index].target.not_null;
            });
            if (complete && take_key(plan, key.columns)) {
                take_operators(plan, key);
                plan.lookup = Lookup::unique_key;
                return;
            }
        }
    plan.lookup = Lookup::full_row;
}

void choose_lookup(const Relation &relation, TablePlan &plan) {
    if (relation.identity == ReplicaIdentity::full) return choose_lookup_full(relation, plan);
    if (relation.key_columns.empty()) return;
    std::vector<std::string> names;
    for (const auto index : relation.key_columns) names.push_back(relation.columns[index].name);
    if (!take_key(plan, names)) return; // a key over generated columns: nothing to look rows up by
    plan.lookup = Lookup::key;
    for (const auto &key : plan.table.keys)
        if (finds_one_row(key) && same_set(key.columns, names)) {
            plan.lookup = Lookup::unique_key;
            take_operators(plan, key);
            return;
        }
}

/// Whether key values that rows of the source hold at the same time differ on the target too. Of the same type and
/// collation they do, where the source has the key as well (under FULL it need not); a target that finds more values
/// equal (another collation, timestamps as dates) can meet a conflict between changes of one batch.
bool tells_apart(const Relation &relation, const PlannedColumn &column, const NameMap &names) {
    const auto &source = relation.columns[column.source];
    if (column.target.mysql)
        return relation.identity == ReplicaIdentity::full ? column.target.exact_equality : column.tells_apart;
    if (column.same_type && relation.identity == ReplicaIdentity::full) return column.target.exact_equality;
    if (column.same_type)
        return column.target.exact_equality || collation_on_target(names, source.collation) == column.target.collation;
    const auto base = source.type_kind == 'd' ? source.base_type_oid : source.type_oid;
    const auto integer = [](std::uint32_t oid) { return oid == 20 || oid == 21 || oid == 23; };
    const auto text = [](std::uint32_t oid) { return oid == 25 || oid == 1043; };
    return column.target.exact_equality && ((integer(base) && integer(column.target.base_type_oid)) ||
                                            (text(base) && text(column.target.base_type_oid)));
}

void judge(TablePlan &plan, const NameMap &names) {
    auto &reasons = plan.not_bulk;
    plan.extra_unique_keys = !std::ranges::all_of(plan.unique_keys, &UniqueKey::lookup);
    for (const auto index : plan.key)
        if (!tells_apart(*plan.relation, plan.columns[index], names)) plan.extra_unique_keys = true;
    if (plan.lookup != Lookup::unique_key && plan.lookup != Lookup::none)
        plan.inserts_only.emplace_back("no immediate unique key of the target covers the replica identity");
    if (!plan.table.unenforced.empty())
        reasons.emplace_back("deferrable or exclusion constraints, which replica sessions do not enforce");
    if (plan.table.exclusion_constraints) plan.extra_unique_keys = true;
    if (plan.table.firing_triggers)
        reasons.emplace_back(plan.table.mysql ? "triggers" : "triggers enabled ALWAYS or REPLICA");
    if (plan.table.rules) reasons.emplace_back("rules");
    if (plan.table.row_security) reasons.emplace_back("row-level security applies to the applier's role");
    if (plan.table.kind != 'r' && plan.table.kind != 'p') reasons.emplace_back("not a table");
    if (plan.writes_identity_always)
        plan.inserts_only.emplace_back("an identity column GENERATED ALWAYS outside the key");
    for (const auto &column : plan.columns)
        if (column.target.cast_function_from_text)
            reasons.push_back(fmt::format("column {} has a user-defined cast from text", column.target.name));
}

/// False: equality is more than equality of the bytes that travel.
bool take_comparable(const TablePlan &plan, const TargetKey &key, std::vector<std::uint32_t> &columns) {
    for (const auto &name : key.columns) {
        const auto index = find_column(plan, name);
        if (!index) return false;
        const auto &column = plan.columns[*index];
        if (!(column.same_type || column.target.mysql) || !column.target.exact_equality) return false;
        columns.push_back(column.source);
    }
    return key.usable;
}

} // namespace

std::vector<UniqueKey> unique_keys_of(const TablePlan &plan) {
    std::vector<std::string> lookup;
    for (const auto index : plan.key) lookup.push_back(plan.columns[index].target.name);
    std::vector<UniqueKey> keys;
    for (const auto &key : plan.table.keys) {
        auto &unique = keys.emplace_back();
        unique.lookup = plan.lookup == Lookup::unique_key && same_set(key.columns, lookup);
        unique.nulls_not_distinct = key.nulls_not_distinct;
        unique.comparable = take_comparable(plan, key, unique.columns);
    }
    return keys;
}

std::optional<std::uint32_t> find_column(const TablePlan &plan, const std::string &name) {
    for (std::uint32_t index = 0; index < plan.columns.size(); ++index)
        if (plan.columns[index].target.name == name) return index;
    return std::nullopt;
}

TablePlan make_table_plan(const Relation &relation, TargetTable table, const NameMap &names, Lacking lacking) {
    TablePlan plan;
    plan.relation = &relation;
    plan.table = std::move(table);
    match_columns(relation, plan, names, lacking);
    if (plan.columns.empty() && !plan.left_out.empty())
        throw Error(ErrorKind::target_shape, object_of(plan), "the two sides have no column in common",
                    "Give the target's table the source's columns, or leave the table out with objects.exclude.");
    choose_lookup(relation, plan);
    for (const auto index : plan.key) plan.columns[index].key = true;
    plan.writes_identity_always =
        std::any_of(plan.columns.begin(), plan.columns.end(),
                    [](const PlannedColumn &column) { return column.target.identity_always && !column.key; });
    plan.unique_keys = unique_keys_of(plan);
    judge(plan, names);
    return plan;
}

std::string object_of(const TablePlan &plan) { return "table " + describe_pair(plan.relation->name, plan.table.name); }

std::string describe(const TablePlan &plan) {
    static constexpr const char *lookups[] = {"unique key", "key without unique index", "full row", "none"};
    std::string text = fmt::format("{}: {} columns, lookup by {}", to_string(plan.table.name), plan.columns.size(),
                                   lookups[static_cast<int>(plan.lookup)]);
    if (!plan.key.empty()) {
        text += " (";
        for (const auto index : plan.key) text += (text.back() == '(' ? "" : ", ") + plan.columns[index].target.name;
        text += ")";
    }
    for (std::size_t place = 0; place < plan.left_out.size(); ++place)
        text += (place == 0 ? ", without " : ", ") + plan.left_out[place];
    if (!plan.table.acting_owner.empty())
        text += fmt::format(", written as role {} (it runs code of users)", plan.table.acting_owner);
    if (plan.bulk_eligible()) return text + ", bulk";
    text += plan.bulk_inserts() ? ", inserts in bulk, the rest row by row:" : ", row by row:";
    for (const auto &reason : plan.bulk_inserts() ? plan.inserts_only : plan.not_bulk) text += " " + reason + ";";
    text.pop_back();
    return text;
}

} // namespace walbridge::target
