// reverse_task_test.cpp: a way back that follows other tables than the way there, or that loses where a secret is.
#include "reverse/reverse_task.hpp"

#include "config/task_file.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

using namespace walbridge;
using reverse::derive_reverse;

namespace {

/// A folder of its own, removed at the end.
class Folder {
  public:
    Folder() : path_(std::filesystem::temp_directory_path() / ("walbridge-reverse-" + std::to_string(getpid()))) {
        std::filesystem::create_directories(path_);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    [[nodiscard]] std::string file(const std::string &text) const {
        const auto path = path_ / "orders.toml";
        std::ofstream(path) << text;
        return path.string();
    }
    [[nodiscard]] std::filesystem::path path() const { return path_; }

  private:
    std::filesystem::path path_;
};

const std::string head = R"([task]
name = "orders"
[source]
url = "postgresql://a@old:5432/shop"
password_env = "OLD_PASSWORD"
heartbeat = "2s"
[target]
kind = "postgresql"
url = "postgresql://b@new:5433/shop"
password_env = "NEW_PASSWORD"
)";

reverse::ReverseTask reverse_of(const Folder &folder, const std::string &rest,
                                reverse::Purpose purpose = reverse::Purpose::successor) {
    setenv("OLD_PASSWORD", "old secret", 1);
    setenv("NEW_PASSWORD", "new secret", 1);
    const auto file = folder.file(head + rest);
    return derive_reverse(load_task_config(file), file, "orders_back", purpose);
}

} // namespace

BOOST_AUTO_TEST_CASE(servers_change_places_and_secrets_stay_where_they_are) {
    const Folder folder;
    const auto reverse = reverse_of(folder, "[apply]\nworkers = 3\n[throttle]\ncopy_rows = 5\n");
    BOOST_TEST(reverse.config.name == "orders_back");
    BOOST_TEST(reverse.config.source.endpoint.url == "postgresql://b@new:5433/shop");
    BOOST_TEST(reverse.config.target.endpoint.url == "postgresql://a@old:5432/shop");
    BOOST_TEST(reverse.config.source.endpoint.password == "new secret");
    BOOST_TEST(reverse.config.target.endpoint.password == "old secret");
    BOOST_TEST(reverse.text.find("secret") == std::string::npos);
    BOOST_TEST(!reverse.config.full_stage);
    BOOST_TEST(!reverse.config.schema_stage);
    BOOST_TEST(reverse.config.incremental_stage);
    BOOST_TEST(reverse.config.source.heartbeat.count() == 2000);
    BOOST_TEST(reverse.config.apply.workers == 3);
    BOOST_TEST(reverse.config.throttle.copy_rows == 0U);
    BOOST_TEST(reverse.file == (folder.path() / "orders_back.toml").string());
}

BOOST_AUTO_TEST_CASE(names_and_patterns_are_inverted) {
    const Folder folder;
    const auto reverse = reverse_of(folder, R"([objects]
include = ["public.*", "sales.inv*", '"My Shop".*', "audit.log"]
exclude = ["public.tmp_*"]
[[objects.schema]]
name = "public"
rename = "crm"
[[objects.schema]]
name = '"My Shop"'
rename = '"A.B"'
[[objects.table]]
name = "audit.log"
rename = "history.trail"
[schema]
owner = "map"
[roles]
app = "billing"
)");
    const auto &objects = reverse.config.objects;
    const std::vector<std::string> include{"crm.*", "sales.inv*", "\"A.B\".*", "history.trail", "history.trail"};
    BOOST_TEST(objects.include == include, boost::test_tools::per_element());
    BOOST_TEST(objects.exclude == std::vector<std::string>{"crm.tmp_*"}, boost::test_tools::per_element());
    BOOST_TEST(reverse.config.names.schema("crm") == "public");
    BOOST_TEST(reverse.config.names.schema("A.B") == "My Shop");
    BOOST_TEST((reverse.config.names.table({"history", "trail"}) == QualifiedName{"audit", "log"}));
    BOOST_TEST(reverse.config.role_on_target("billing") == "app");
}

BOOST_AUTO_TEST_CASE(carried_large_objects_do_not_stand_in_the_way_back) {
    const Folder folder;
    BOOST_TEST(reverse_of(folder, "[objects]\nlarge_objects = \"copy\"\n").config.objects.large_objects == "copy");
    BOOST_TEST(reverse_of(folder, "[objects]\nlarge_objects = \"ignore\"\n").config.objects.large_objects == "ignore");
    BOOST_TEST(reverse_of(folder, "").config.objects.large_objects == "refuse");
}

BOOST_AUTO_TEST_CASE(two_roles_on_one_have_no_way_back) {
    const Folder folder;
    BOOST_CHECK_EXCEPTION((void)reverse_of(folder, "[schema]\nowner = \"map\"\n[roles]\na = \"x\"\nb = \"x\"\n"), Error,
                          [](const Error &error) {
                              return error.kind() == ErrorKind::switchover_refused &&
                                     error.remedy().find("--no-reverse") != std::string::npos;
                          });
}

BOOST_AUTO_TEST_CASE(the_file_is_the_owners_and_is_never_written_over_another) {
    const Folder folder;
    const auto reverse = reverse_of(folder, "");
    write_file(reverse);
    write_file(reverse); // the same text is no other file
    struct stat about {};
    BOOST_TEST(stat(reverse.file.c_str(), &about) == 0);
    BOOST_TEST((about.st_mode & 077) == 0U);
    std::ofstream(reverse.file) << "somebody's";
    BOOST_CHECK_THROW(write_file(reverse), Error);
}

BOOST_AUTO_TEST_CASE(a_way_back_beside_its_task_leaves_ddl_and_sequences_alone) {
    const Folder folder;
    const auto reverse = reverse_of(folder,
                                    "[schema]\nowner = \"map\"\ncheck = \"off\"\n[roles]\na = \"x\"\nb = \"x\"\n"
                                    "[ddl]\non_error = \"skip\"\n[sequences]\ninterval = \"1s\"\n",
                                    reverse::Purpose::two_way);
    BOOST_TEST(reverse.config.reverse_of == "orders");
    BOOST_TEST(reverse.config.succeeds == "");
    BOOST_TEST(reverse.config.ddl.off());
    BOOST_TEST(reverse.config.sequences.interval.count() == 0);
    BOOST_TEST(reverse.config.schema.check == "off");
    BOOST_TEST(reverse.config.roles.empty()); // two roles on one matter to DDL alone
    BOOST_TEST(reverse.config.conflict.tie == "target");
    BOOST_TEST(reverse_of(folder, "").config.reverse_of == "");
    BOOST_TEST(reverse_of(folder, "").config.succeeds == "orders");
}

BOOST_AUTO_TEST_CASE(policies_come_along_under_the_other_names_and_ties_go_to_the_same_node) {
    const Folder folder;
    const auto reverse = reverse_of(folder, R"([objects]
include = ["sales.*", "audit.*"]
[[objects.schema]]
name = "sales"
rename = "shop"
[[objects.table]]
name = "audit.log"
rename = "history.trail"
conflict = "ignore"
[[objects.table]]
name = "sales.orders"
conflict = "last-update-wins"
[conflict]
policy = "overwrite"
tie = "target"
update_missing = "ignore"
)",
                                    reverse::Purpose::two_way);
    const auto &conflict = reverse.config.conflict;
    BOOST_TEST((conflict.policy == ConflictPolicy::overwrite));
    BOOST_TEST(conflict.tie == "source");
    BOOST_TEST(conflict.update_missing == "ignore");
    BOOST_TEST_REQUIRE(conflict.by_table.size() == 2U);
    BOOST_TEST((conflict.by_table.at({"history", "trail"}) == ConflictPolicy::ignore));
    BOOST_TEST((conflict.by_table.at({"shop", "orders"}) == ConflictPolicy::last_update_wins));
    BOOST_TEST((reverse.config.names.table({"shop", "orders"}) == QualifiedName{"sales", "orders"}));
}
