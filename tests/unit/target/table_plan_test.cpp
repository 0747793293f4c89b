// table_plan_test.cpp: how rows find their target: a wrong lookup changes the wrong row.
#include "target/table_plan.hpp"

#include "base/error.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;
using namespace walbridge::target;

namespace {

Relation relation(ReplicaIdentity identity = ReplicaIdentity::primary_key) {
    Relation table;
    table.name = {"public", "t"};
    table.identity = identity;
    for (const auto *name : {"id", "a"}) {
        Column column;
        column.name = name;
        column.type_oid = 23;
        column.type_schema = "pg_catalog";
        column.type_name = "int4";
        table.columns.push_back(column);
    }
    if (identity == ReplicaIdentity::full)
        table.key_columns = {0, 1};
    else if (identity != ReplicaIdentity::nothing)
        table.key_columns = {0};
    return table;
}

TargetTable target_table() {
    TargetTable table;
    table.name = {"public", "t"};
    for (const auto *name : {"a", "id"}) { // another order than on the source
        TargetColumn column;
        column.name = name;
        column.type_schema = "pg_catalog";
        column.type_name = "int4";
        column.type_oid = column.base_type_oid = 23;
        column.not_null = column.name == "id";
        table.columns.push_back(column);
    }
    TargetKey key;
    key.name = "t_pkey";
    key.columns = {"id"};
    key.operators = {"OPERATOR(pg_catalog.=)"};
    key.primary = true;
    table.keys.push_back(key);
    return table;
}

} // namespace

BOOST_AUTO_TEST_SUITE(table_plans)

BOOST_AUTO_TEST_CASE(types_of_a_renamed_schema_are_the_same_types) {
    auto source = relation();
    source.columns[1].type_oid = 20000;
    source.columns[1].type_schema = "public";
    source.columns[1].type_name = "mood";
    auto table = target_table();
    table.name = {"crm", "client"};
    table.columns[0].type_oid = table.columns[0].base_type_oid = 30000;
    table.columns[0].type_schema = "crm";
    table.columns[0].type_name = "mood";
    NameMap names;
    names.add_schema("public", "crm");
    BOOST_TEST(make_table_plan(source, table, names).columns[1].same_type);
    BOOST_TEST(!make_table_plan(source, table).columns[1].same_type);
    BOOST_TEST(object_of(make_table_plan(source, table, names)) == "table public.t (crm.client on the target)");
}

BOOST_AUTO_TEST_CASE(a_collation_of_a_renamed_schema_is_the_same_collation) {
    auto source = relation();
    source.columns[0].type_oid = 25;
    source.columns[0].type_name = "text";
    source.columns[0].collation = "public.german";
    auto table = target_table();
    table.columns[1].type_oid = table.columns[1].base_type_oid = 25;
    table.columns[1].type_name = "text";
    table.columns[1].collation = "crm.german";
    NameMap names;
    names.add_schema("public", "crm");
    BOOST_TEST(!make_table_plan(source, table, names).extra_unique_keys);
    BOOST_TEST(make_table_plan(source, table).extra_unique_keys);
    source.columns[0].collation = "public.a.b"; // whose schema?
    table.columns[1].collation = "crm.a.b";
    BOOST_TEST(make_table_plan(source, table, names).extra_unique_keys);
}

BOOST_AUTO_TEST_CASE(a_primary_key_makes_the_table_eligible_for_bulk) {
    const auto source = relation();
    const auto plan = make_table_plan(source, target_table());
    BOOST_TEST((plan.lookup == Lookup::unique_key));
    BOOST_TEST(plan.bulk_eligible());
    BOOST_TEST(!plan.extra_unique_keys);
    BOOST_TEST(plan.columns[plan.key.front()].target.name == "id");
}

BOOST_AUTO_TEST_CASE(a_deferrable_key_of_the_target_does_not_count_as_unique) {
    const auto source = relation();
    auto table = target_table();
    table.keys.front().immediate = false;
    const auto plan = make_table_plan(source, table);
    BOOST_TEST((plan.lookup == Lookup::key));
    BOOST_TEST(!plan.bulk_eligible());
}

BOOST_AUTO_TEST_CASE(a_partial_unique_index_does_not_find_rows_but_keeps_the_order) {
    const auto source = relation();
    auto table = target_table();
    auto partial = table.keys.front();
    partial.primary = partial.usable = false;
    partial.columns = {"a"};
    table.keys.push_back(partial);
    const auto plan = make_table_plan(source, table);
    BOOST_TEST((plan.lookup == Lookup::unique_key));
    BOOST_TEST(plan.extra_unique_keys);
}

BOOST_AUTO_TEST_CASE(identity_full_uses_the_targets_primary_key) {
    const auto source = relation(ReplicaIdentity::full);
    const auto plan = make_table_plan(source, target_table());
    BOOST_TEST((plan.lookup == Lookup::unique_key));
}

BOOST_AUTO_TEST_CASE(identity_full_without_a_key_compares_every_column) {
    const auto source = relation(ReplicaIdentity::full);
    auto table = target_table();
    table.keys.clear();
    const auto plan = make_table_plan(source, table);
    BOOST_TEST((plan.lookup == Lookup::full_row));
    BOOST_TEST(!plan.bulk_eligible());
}

BOOST_AUTO_TEST_CASE(no_identity_allows_inserts_in_bulk_only) {
    const auto source = relation(ReplicaIdentity::nothing);
    auto table = target_table();
    table.keys.clear();
    const auto plan = make_table_plan(source, table);
    BOOST_TEST((plan.lookup == Lookup::none));
    BOOST_TEST(plan.bulk_eligible());
}

BOOST_AUTO_TEST_CASE(a_missing_column_is_named_with_its_remedy) {
    const auto source = relation();
    auto table = target_table();
    table.columns.erase(table.columns.begin());
    BOOST_CHECK_EXCEPTION(static_cast<void>(make_table_plan(source, table)), Error, [](const Error &error) {
        return error.kind() == ErrorKind::target_shape && error.object() == "public.t.a" &&
               error.remedy().find("ALTER TABLE \"public\".\"t\" ADD COLUMN \"a\"") != std::string::npos;
    });
}

BOOST_AUTO_TEST_CASE(a_generated_column_of_the_target_is_never_written) {
    const auto source = relation();
    auto table = target_table();
    table.columns.front().generated = true;
    const auto plan = make_table_plan(source, table);
    BOOST_TEST(plan.columns.size() == 1u);
}

BOOST_AUTO_TEST_CASE(triggers_that_fire_in_replica_sessions_rule_bulk_out) {
    const auto source = relation();
    auto table = target_table();
    table.firing_triggers = true;
    const auto plan = make_table_plan(source, table);
    BOOST_TEST(!plan.bulk_eligible());
    BOOST_TEST(describe(plan).find("triggers") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(a_key_whose_values_the_target_may_find_equal_keeps_the_order) {
    const auto keeps_order = [](auto change) {
        auto source = relation();
        auto table = target_table();
        auto &key = table.columns[1];
        key.exact_equality = true;
        change(source.columns[0], key);
        return make_table_plan(source, table).extra_unique_keys;
    };
    const auto text = [](Column &source, TargetColumn &target) {
        source.type_oid = target.type_oid = target.base_type_oid = 25;
        source.type_name = target.type_name = "text";
    };
    BOOST_TEST(!keeps_order([](Column &, TargetColumn &) {}));
    BOOST_TEST(!keeps_order([](Column &source, TargetColumn &) { source.type_oid = 21; })); // int2 to int4
    BOOST_TEST(keeps_order([](Column &source, TargetColumn &) { source.type_oid = 1700; }));
    BOOST_TEST(!keeps_order([](Column &source, TargetColumn &target) { // numeric on both sides
        source.type_oid = target.type_oid = target.base_type_oid = 1700;
        target.exact_equality = false;
    }));
    auto full = relation(ReplicaIdentity::full); // of which the source may hold 1.0 and 1.00
    auto numeric = target_table();
    full.columns[0].type_oid = numeric.columns[1].type_oid = numeric.columns[1].base_type_oid = 1700;
    BOOST_TEST(make_table_plan(full, numeric).extra_unique_keys);
    BOOST_TEST(keeps_order([&](Column &source, TargetColumn &target) {
        text(source, target);
        target.exact_equality = false;
        target.collation = "public.case_insensitive";
    }));
    BOOST_TEST(!keeps_order([&](Column &source, TargetColumn &target) {
        text(source, target);
        target.exact_equality = false;
        source.collation = target.collation = "public.case_insensitive";
    }));
}

BOOST_AUTO_TEST_CASE(what_the_target_lacks_is_left_out_where_the_task_goes_on_with_its_tables) {
    auto source = relation(ReplicaIdentity::full);
    auto extra = source.columns.back();
    extra.name = "extra";
    source.columns.push_back(extra);
    source.key_columns.push_back(2);
    BOOST_CHECK_THROW(static_cast<void>(make_table_plan(source, target_table())), Error);
    const auto plan = make_table_plan(source, target_table(), {}, Lacking::leave_out);
    BOOST_TEST(plan.columns.size() == 2U);
    BOOST_TEST(plan.left_out == std::vector<std::string>{"extra"}, boost::test_tools::per_element());
    BOOST_TEST((plan.lookup == Lookup::unique_key));
    BOOST_TEST(describe(plan).find("without extra") != std::string::npos);
    for (auto &column : source.columns) column.name += "_";
    BOOST_CHECK_THROW(static_cast<void>(make_table_plan(source, target_table(), {}, Lacking::leave_out)), Error);
}

BOOST_AUTO_TEST_CASE(a_key_that_is_left_out_finds_no_row) {
    const auto source = relation();
    auto table = target_table();
    std::erase_if(table.columns, [](const auto &column) { return column.name == "id"; });
    table.keys.clear();
    BOOST_TEST((make_table_plan(source, table, {}, Lacking::leave_out).lookup == Lookup::none));
}

BOOST_AUTO_TEST_SUITE_END()
