// task_file_test.cpp: what a task file may say, and how it is told that it may not.
#include "base/error.hpp"
#include "config/task_file.hpp"

#include <boost/test/unit_test.hpp>

using namespace walbridge;

namespace {

const std::string minimal = "[task]\nname = \"orders\"\n[source]\nurl = \"postgresql://repl@a/shop\"\n[target]\nurl = "
                            "\"postgresql://w@b/shop\"\n";

struct Refusal {
    std::string object, reason, remedy;
};

Refusal refusal_of(const std::string &text) {
    try {
        (void)parse_task_config(text, "orders.toml");
    } catch (const Error &error) {
        BOOST_TEST((error.kind() == ErrorKind::configuration));
        return {error.object(), error.reason(), error.remedy()};
    }
    BOOST_FAIL("accepted: " + text);
    return {};
}

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

} // namespace

BOOST_AUTO_TEST_SUITE(task_file)

BOOST_AUTO_TEST_CASE(a_minimal_file_gets_the_defaults) {
    const auto task = parse_task_config(minimal, "orders.toml");
    BOOST_TEST(task.name == "orders");
    BOOST_TEST(task.slot_name() == "walbridge_orders");
    BOOST_TEST((task.schema_stage && task.full_stage && task.incremental_stage));
    BOOST_TEST(task.retry.connection.count() == 720);
    BOOST_TEST((task.conflict.policy == ConflictPolicy::fail));
}

BOOST_AUTO_TEST_CASE(every_section_is_read) {
    const auto task = parse_task_config(minimal + R"(
[objects]
include = ["public.*", "\"My Schema\".\"a.b\""]
exclude = ["public.audit_*"]
[copy]
workers = 8
chunk_bytes = "64MB"
[apply]
bulk = false
lock_timeout = "1500ms"
batch_bytes = 1048576
[conflict]
policy = "overwrite"
[retry]
connection = "10min"
other = "9min"
[precheck]
acknowledge = ["source.transactions"]
[log]
level = "debug"
[labels]
team = "sales"
)",
                                        "orders.toml");
    BOOST_TEST(task.objects.include.size() == 2u);
    BOOST_TEST(task.copy.workers == 8);
    BOOST_TEST(task.copy.chunk_bytes == std::uint64_t{64} << 20);
    BOOST_TEST(!task.apply.bulk);
    BOOST_TEST(task.apply.lock_timeout.count() == 1500);
    BOOST_TEST(task.apply.batch_bytes == 1048576u);
    BOOST_TEST((task.conflict.policy == ConflictPolicy::overwrite));
    BOOST_TEST(task.retry.other.count() == 9);
    BOOST_TEST(task.precheck.acknowledge.front() == "source.transactions");
    BOOST_TEST((task.log.level == log::Level::debug));
    BOOST_TEST(task.labels.at("team") == "sales");
}

BOOST_AUTO_TEST_CASE(an_unknown_key_is_named_with_its_line_and_the_nearest_one) {
    const auto refusal = refusal_of(minimal + "[retry]\nconection = \"720min\"\n");
    BOOST_TEST(refusal.object == "orders.toml:8: retry.conection");
    BOOST_TEST(refusal.reason == "unknown key");
    BOOST_TEST(contains(refusal.remedy, "retry.connection"));
    BOOST_TEST(contains(refusal_of(minimal + "[tsk]\nname = \"x\"\n").remedy, "task"));
    BOOST_TEST(contains(refusal_of("tsk = 1\n" + minimal).object, "orders.toml:1: tsk"));
    BOOST_TEST(contains(refusal_of(minimal + "[log]\nworkers = 2\n").remedy, "copy.workers"));
}

BOOST_AUTO_TEST_CASE(a_bad_value_is_refused_with_what_is_accepted) {
    struct Case {
        const char *section, *line, *expected;
    };
    for (const auto &[section, line, expected] :
         {Case{"retry", "connection = \"9min\"", "10min to 1d"},
          {"retry", "connection = \"1441min\"", "10min to 1d"},
          {"retry", "other = \"30s\"", "1min to 1d"},
          {"retry", "connection = \"soon\"", "For example"},
          {"retry", "connection = 720", "For example"},
          {"copy", "workers = 0", "1 to 64"},
          {"copy", "workers = \"2\"", "For example"},
          {"copy", "chunk_bytes = \"1kB\"", "64kB"},
          {"apply", "bulk = \"yes\"", "For example: true"},
          {"objects", "include = \"public.*\"", "For example"},
          {"objects", "include = [1]", "For example"},
          {"objects", "include = [\"nodot\"]", "schema.table"},
          {"conflict", "policy = \"overwite\"", "overwrite"},
          {"conflict", "policy = \"last-update-wins\"\norigins = \"off\"", "Remove the key"},
          {"conflict", "update_exists = \"newest\"", "first-update-wins"},
          {"source2", "x = 1", "source"}}) {
        const auto refusal = refusal_of(minimal + "[" + section + "]\n" + line + "\n");
        BOOST_TEST(contains(refusal.remedy, expected), line << " -> " << refusal.reason << " / " << refusal.remedy);
        BOOST_TEST(contains(refusal.object, "orders.toml:"), refusal.object);
    }
}

BOOST_AUTO_TEST_CASE(conflicts_are_decided_by_kind_and_by_table) {
    const auto task = parse_task_config(minimal + R"(
[conflict]
policy = "last-update-wins"
update_exists = "overwrite"
tie = "target"
keep = "1h"
[[objects.table]]
name = "shop.item"
conflict = "ignore"
)",
                                        "orders.toml");
    BOOST_TEST((task.conflict.policy == ConflictPolicy::last_update_wins));
    BOOST_TEST((task.conflict.by_kind.at("update_exists") == ConflictPolicy::overwrite));
    BOOST_TEST((task.conflict.by_table.at({"shop", "item"}) == ConflictPolicy::ignore));
    BOOST_TEST(task.conflict.tie == "target");
    BOOST_TEST(task.conflict.decided_by_time());
    BOOST_TEST(task.conflict.detects_origins());
    BOOST_TEST(!parse_task_config(minimal, "orders.toml").conflict.detects_origins());
    BOOST_TEST(task.names.empty());
}

BOOST_AUTO_TEST_CASE(roles_are_named_where_they_are_mapped) {
    const auto task = parse_task_config(
        minimal + "[schema]\nowner = \"map\"\n[roles]\nclerk = \"office\"\n\"The Boss\" = \"boss\"\n", "orders.toml");
    BOOST_TEST(task.schema.grants == "keep");
    BOOST_TEST(task.role_on_target("clerk") == "office");
    BOOST_TEST(task.role_on_target("The Boss") == "boss");
    BOOST_TEST(task.role_on_target("other") == "other");
    BOOST_TEST(contains(refusal_of(minimal + "[schema]\ngrants = \"map\"\n").remedy, "[roles]"));
    BOOST_TEST(contains(refusal_of(minimal + "[roles]\nclerk = \"office\"\n").remedy, "schema.owner = \"map\""));
    BOOST_TEST(contains(refusal_of(minimal + "[schema]\nowner = \"kep\"\n").remedy, "keep, map or none"));
}

BOOST_AUTO_TEST_CASE(the_other_window_is_shorter_than_that_of_connections) {
    BOOST_TEST(contains(refusal_of(minimal + "[retry]\nconnection = \"10min\"\nother = \"10min\"\n").object,
                        "orders.toml:9: retry.other"));
    BOOST_TEST(contains(refusal_of(minimal + "[retry]\nconnection = \"10min\"\n").object, "retry.other"));
}

BOOST_AUTO_TEST_CASE(what_does_not_exist_yet_is_refused_by_name) {
    BOOST_TEST(contains(refusal_of(minimal + "[[objects.table]]\nname = \"public.t\"\n").object, "objects.table"));
    const std::string polardb =
        "[task]\nname = \"orders\"\n[source]\nurl = \"dbname=a\"\n[target]\nkind = \"polardb\"\nurl = \"dbname=b\"\n";
    BOOST_TEST(contains(refusal_of(polardb).reason, "\"polardb\" is not supported"));
}

BOOST_AUTO_TEST_CASE(a_mysql_target_has_rules_of_its_own) {
    const std::string head = "[task]\nname = \"orders\"\n[source]\nurl = \"dbname=a\"\n[target]\nkind = \"mariadb\"\n";
    const auto with = [&](const std::string &url, const std::string &more = {}) {
        return head + "url = \"" + url + "\"\n" + more;
    };
    const std::string url = "mysql://w@10.0.0.7:3307/shop";
    const auto task = parse_task_config(with(url), "orders.toml");
    BOOST_TEST(task.names.schema("public") == "shop");
    BOOST_TEST(task.names.schema("sales") == "sales");
    BOOST_TEST(!task.ddl.off());
    const auto renamed =
        parse_task_config(with(url, "[[objects.schema]]\nname = \"public\"\nrename = \"crm\"\n"), "orders.toml");
    BOOST_TEST(renamed.names.schema("public") == "crm");
    BOOST_TEST(contains(refusal_of(with("mysql://w@10.0.0.7/")).reason, "names no database"));
    BOOST_TEST(contains(refusal_of(with("dbname=b")).object, "target.url"));
    BOOST_TEST(contains(refusal_of(with(url, "[conflict]\npolicy = \"last-update-wins\"\n")).reason, "when a row"));
    BOOST_TEST(contains(refusal_of(with(url, "[objects]\nlarge_objects = \"copy\"\n")).reason, "large objects"));
}

BOOST_AUTO_TEST_CASE(schemas_and_tables_get_other_names) {
    const auto task = parse_task_config(minimal + R"(
[[objects.table]]
name = "public.customer"
rename = "client"
[[objects.table]]
name = "public.\"Or.der\""
rename = "\"Sales\".\"Or der\""
[[objects.table]]
name = "Other.T"
rename = "Other.t"
[[objects.schema]]
name = "public"
rename = "crm"
)",
                                        "orders.toml");
    const auto target = [&](const char *schema, const char *name) {
        return to_string(task.names.table({schema, name}));
    };
    BOOST_TEST(target("public", "customer") == "crm.client"); // the schema's own rename counts wherever it stands
    BOOST_TEST(target("public", "Or.der") == "Sales.Or der");
    BOOST_TEST(target("public", "anything") == "crm.anything");
    BOOST_TEST(target("Other", "T") == "Other.t");
    BOOST_TEST(target("Other", "t2") == "Other.t2");
    BOOST_TEST(target("other", "T") == "other.T");
    BOOST_TEST(task.names.describe({"public", "customer"}) == "public.customer (crm.client on the target)");
    BOOST_TEST(parse_task_config(minimal, "orders.toml").names.empty());
}

BOOST_AUTO_TEST_CASE(renames_that_cannot_be_are_told_with_their_line) {
    const auto table = [](const std::string &name, const std::string &rename) {
        return "[[objects.table]]\nname = '" + name + "'\nrename = '" + rename + "'\n";
    };
    const auto schema = [](const std::string &name, const std::string &rename) {
        return "[[objects.schema]]\nname = '" + name + "'\nrename = '" + rename + "'\n";
    };
    for (const auto &[text, expected] : std::vector<std::pair<std::string, std::string>>{
             {table("public.a", "x.t") + table("public.b", "x.t"), "public.a and public.b would both be x.t"},
             {schema("a", "x") + schema("b", "x"), "schemas a and b would both be x"},
             {schema("a", "x") + schema("a", "y"), "schema a is renamed twice"},
             {table("a.t", "x") + table("a.t", "y"), "table a.t is renamed twice"},
             {schema("public", "crm") + table("public.a", "t") + table("crm.b", "crm.t"), "would both be crm.t"},
             {table("public.a*", "t_$2"), "asks for $2, and \"public.a*\" has 1"},
             {schema("a*", "b_$2"), "asks for $2"},
             {table("public.a", "t?"), "is a pattern"},
             {table("customer", "t"), "is not schema.table"},
             {table("public.a", "x.y.z"), "is not schema.table"},
             {schema("a.b", "x"), "is not the name of a schema"},
             {table("public.\"a", "t"), "is not closed"},
             {table("public.\"a\"b", "t"), "unexpected text"},
             {table("public.a b", "t"), "needs double quotes"},
             {table("public.", "t"), "is empty"},
             {table("public.a", std::string(64, 'x')), "longer than the 63 bytes"},
             {schema("public", "pg_x"), "not for replicated objects"},
             {table("public.a", "walbridge.a"), "not for replicated objects"}}) {
        const auto refusal = refusal_of(minimal + text);
        BOOST_TEST(contains(refusal.reason, expected), text << " -> " << refusal.reason);
        BOOST_TEST(contains(refusal.object, "orders.toml:"), refusal.object);
    }
    BOOST_TEST(contains(refusal_of(minimal + "[[objects.table]]\nname = 'a.b'\nrenam = 'x'\n").remedy,
                        "objects.table[].rename"));
    BOOST_TEST(contains(refusal_of(minimal + "[[objects.table]]\nrename = 'x'\n").object, "objects.table[].name"));
    BOOST_TEST(contains(refusal_of(minimal + "[objects]\ntable = 1\n").remedy, "[[objects.table]]"));
}

BOOST_AUTO_TEST_CASE(ddl_of_a_table_can_be_left_out) {
    const std::string rows = "[[objects.table]]\nname = 'a.b'\noperations = ['insert', 'update', 'delete', 'truncate'";
    const auto without = parse_task_config(minimal + rows + "]\n", "orders.toml");
    BOOST_TEST(without.objects.leaves_out_ddl({"a", "b"}));
    BOOST_TEST(!without.objects.leaves_out_ddl({"a", "c"}));
    BOOST_TEST(without.objects.rules.empty());
    BOOST_TEST(without.names.empty());
    BOOST_TEST(parse_task_config(minimal + rows + ", 'ddl']\n", "orders.toml").objects.without_ddl.empty());
    const auto inserts =
        parse_task_config(minimal + "[[objects.table]]\nname = 'a.*'\noperations = ['insert', 'ddl']\n", "orders.toml");
    BOOST_TEST(!inserts.objects.leaves_out_ddl({"a", "b"}));
    BOOST_TEST((*inserts.objects.rules.of("a", "b").operations == wire::Operations{true, false, false, false}));
    BOOST_TEST(contains(refusal_of(minimal + "[[objects.table]]\nname = 'a.b'\noperations = ['dll']\n").remedy, "ddl"));
}

BOOST_AUTO_TEST_CASE(names_by_pattern_and_case) {
    auto task = parse_task_config(minimal + R"(
[objects]
case = "lower"
[[objects.schema]]
name = "tenant_*"
rename = "t$1"
[[objects.table]]
name = "public.inv_*"
rename = "billing.invoice_$1"
[[objects.table]]
name = "public.inv_special"
rename = "special"
[[objects.table]]
name = "*.*"
rename_columns = { "x_*" = "y_$1", x_keep = "x_keep", Id = "KEY" }
)",
                                  "orders.toml");
    for (const auto *name : {"inv_a", "inv_special", "Other", "plain"}) task.names.learn_table({"public", name});
    task.names.learn_table({"tenant_7", "inv_a"});
    const auto there = [&](const char *schema, const char *name) {
        return to_string(task.names.table({schema, name}));
    };
    BOOST_TEST(there("public", "inv_a") == "billing.invoice_a");
    BOOST_TEST(there("public", "inv_special") == "public.special");
    BOOST_TEST(there("public", "Other") == "public.other");
    BOOST_TEST(there("public", "plain") == "public.plain");
    BOOST_TEST(there("public", "inv_unknown") == "public.inv_unknown"); // a sequence, as far as is known
    BOOST_TEST(there("tenant_7", "inv_a") == "t7.inv_a");
    BOOST_TEST((task.names.renamed_to({"billing", "invoice_a"}) == QualifiedName{"public", "inv_a"}));
    const auto column = [&](const char *name) { return task.names.column({"public", "plain"}, name); };
    BOOST_TEST(column("x_one") == "y_one");
    BOOST_TEST(column("x_keep") == "x_keep");
    BOOST_TEST(column("Id") == "KEY");
    BOOST_TEST(column("Other") == "other");
    const auto copy = task.names;
    BOOST_TEST((copy.given() == task.names.given()));
    BOOST_TEST(to_string(copy.table({"public", "inv_a"})) == "billing.invoice_a");
}

BOOST_AUTO_TEST_CASE(renames_of_columns_that_nothing_has) {
    const auto task = parse_task_config(minimal + R"(
[[objects.table]]
name = "public.*"
rename_columns = { id = "number", naem = "title", "x_*" = "y_$1" }
[[objects.table]]
name = "public.parts"
rename_columns = { n = "count", m = "mass" }
[[objects.table]]
name = "public.nobody"
rename_columns = { id = "number" }
)",
                                        "orders.toml");
    task.names.learn_partition({"other", "parts_1"}, {"public", "parts"});
    const auto idle = task.names.idle_columns(
        {{{"public", "a"}, {"id"}}, {{"public", "b"}, {"name", "x_1"}}, {{"other", "parts_1"}, {"n", "naem_"}}});
    BOOST_REQUIRE_EQUAL(idle.size(), 2);
    BOOST_TEST(contains(idle[0], "naem"));
    BOOST_TEST(contains(idle[0], "public"));
    BOOST_TEST(contains(idle[1], "\"m\" of \"public\".\"parts\""));
}

BOOST_AUTO_TEST_CASE(rules_of_tables) {
    const auto task = parse_task_config(minimal + R"toml(
[[objects.table]]
name = "public.*"
where = "region = 'EU'"
exclude_columns = ["secret*"]
[[objects.table]]
name = "public.customer"
where = "true"
columns = { email = "md5(email)", year = "extract(year from born)" }
types = { email = "text" }
add_columns = { changed_at = "commit_time" }
)toml",
                                        "orders.toml");
    const auto customer = task.objects.rules.of("public", "customer");
    BOOST_TEST(*customer.where == "true"); // the exact name wins, though it stands below
    BOOST_TEST(!customer.takes("secret_1"));
    BOOST_TEST(customer.types->at("email") == "text");
    BOOST_TEST(*task.objects.rules.of("public", "other").where == "region = 'EU'");
    BOOST_TEST(task.objects.rules.of("crm", "other").empty());
    BOOST_TEST(task.objects.added_columns.at(0).second.at("changed_at") == "commit_time");
    const auto entry = [](const std::string &keys) { return minimal + "[[objects.table]]\nname = 'a.b'\n" + keys; };
    BOOST_TEST(contains(refusal_of(entry("where = ' '\n")).reason, "the condition is empty"));
    BOOST_TEST(contains(refusal_of(entry("columns = { a = '' }\n")).reason, "expression for column a is empty"));
    BOOST_TEST(contains(refusal_of(entry("types = { a = 'text' }\n")).reason, "has no expression"));
    BOOST_TEST(contains(refusal_of(entry("add_columns = { a = 'when' }\n")).remedy, "commit_time"));
    BOOST_TEST(contains(refusal_of(entry("")).reason, "says nothing"));
    BOOST_TEST(contains(refusal_of(minimal + "[[objects.table]]\nname = 'a.*'\nconflict = 'ignore'\n").reason,
                        "is a pattern"));
    BOOST_TEST(contains(refusal_of(minimal + "[objects]\nexisting_rows = 'overwrite'\n").remedy, "proceed"));
}

BOOST_AUTO_TEST_CASE(required_keys_are_asked_for) {
    BOOST_TEST(contains(refusal_of("[task]\nname = \"orders\"\n").object, "source.url"));
    BOOST_TEST(
        contains(refusal_of("[source]\nurl = \"dbname=a\"\n[target]\nurl = \"dbname=b\"\n").object, "task.name"));
    BOOST_TEST(contains(
        refusal_of("[task]\nname = \"Orders\"\n[source]\nurl = \"dbname=a\"\n[target]\nurl = \"dbname=b\"\n").object,
        "orders.toml:2: task.name"));
    BOOST_TEST(contains(
        refusal_of("[task]\nname = \"o\"\nstages = []\n[source]\nurl = \"dbname=a\"\n[target]\nurl = \"dbname=b\"\n")
            .object,
        "orders.toml:3"));
}

BOOST_AUTO_TEST_CASE(a_connection_string_is_checked_without_connecting) {
    const auto with_source = [](const std::string &url) {
        return "[task]\nname = \"o\"\n[source]\nurl = \"" + url + "\"\n[target]\nurl = \"dbname=b\"\n";
    };
    BOOST_TEST(contains(refusal_of(with_source("host=a")).reason, "names no database"));
    BOOST_TEST(contains(refusal_of(with_source("postgresql://a/shop?nonsense=1")).object, "orders.toml:4: source.url"));
}

BOOST_AUTO_TEST_CASE(broken_toml_is_told_with_its_line) {
    BOOST_TEST(contains(refusal_of("[task\nname = 1").object, "orders.toml:1"));
}

BOOST_AUTO_TEST_CASE(a_missing_file_is_an_error_of_the_task_file) {
    BOOST_CHECK_EXCEPTION((void)load_task_config("/nonexistent/x.toml"), Error,
                          [](const Error &error) { return error.exit_code() == 3; });
}

BOOST_AUTO_TEST_CASE(given_keys_are_kept_as_written_and_without_secrets) {
    const auto task = parse_task_config("[task]\nname = \"t\"\nstages = [\"full\"]\n[source]\nurl = "
                                        "\"postgresql://a:hidden@h/d\"\nheartbeat = \"90s\"\n[target]\nurl = "
                                        "\"dbname=b\"\n[copy]\nchunk_bytes = 1048576\n[alert]\nwebhook = "
                                        "\"http://h/token\"\n",
                                        "t.toml");
    const auto &given = task.given;
    BOOST_TEST(given.at("task.stages") == "[\"full\"]");
    BOOST_TEST(given.at("source.heartbeat") == "\"90s\"");
    BOOST_TEST(given.at("copy.chunk_bytes") == "\"1MB\"");
    BOOST_TEST(given.at("alert.webhook") == "(given)");
    BOOST_TEST(given.at("source.url").find("hidden") == std::string::npos);
    BOOST_TEST(!given.contains("copy.workers"));
}

BOOST_AUTO_TEST_SUITE_END()
