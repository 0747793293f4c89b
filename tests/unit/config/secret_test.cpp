// secret_test.cpp: secrets are read from where nobody else can read them, and their files are checked first.
#include "base/error.hpp"
#include "config/secret.hpp"
#include "config/task_file.hpp"

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace walbridge;
namespace fs = std::filesystem;

namespace {

struct SecretFile {
    explicit SecretFile(const std::string &content,
                        fs::perms permissions = fs::perms::owner_read | fs::perms::owner_write) {
        char name[] = "/tmp/walbridge_secret_XXXXXX";
        const int descriptor = mkstemp(name);
        BOOST_REQUIRE(descriptor >= 0);
        path = name;
        std::ofstream(path) << content;
        fs::permissions(path, permissions);
    }
    ~SecretFile() { fs::remove(path); }
    SecretFile(const SecretFile &) = delete;
    SecretFile &operator=(const SecretFile &) = delete;
    std::string path;
};

bool is_configuration(const Error &error) { return error.kind() == ErrorKind::configuration; }

} // namespace

BOOST_AUTO_TEST_SUITE(secrets)

BOOST_AUTO_TEST_CASE(the_first_line_of_a_file_is_the_secret) {
    const SecretFile file("top secret\nsecond line\n");
    BOOST_TEST(config::secret_from_file("k", file.path) == "top secret");
}

BOOST_AUTO_TEST_CASE(a_file_that_others_can_read_is_refused) {
    const SecretFile file("x\n", fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
    BOOST_CHECK_EXCEPTION((void)config::secret_from_file("k", file.path), Error,
                          [&](const Error &error) { return error.remedy() == "chmod 600 " + file.path; });
}

BOOST_AUTO_TEST_CASE(missing_and_empty_files_are_refused) {
    const SecretFile empty("\n");
    BOOST_CHECK_EXCEPTION((void)config::secret_from_file("k", empty.path), Error, is_configuration);
    BOOST_CHECK_EXCEPTION((void)config::secret_from_file("k", "/nonexistent/password"), Error, is_configuration);
    BOOST_CHECK_EXCEPTION((void)config::secret_from_file("k", "/tmp"), Error, is_configuration);
}

BOOST_AUTO_TEST_CASE(a_task_file_takes_its_secrets_from_both_places) {
    const SecretFile file("from file\n");
    setenv("WALBRIDGE_TEST_PASSWORD", "from environment", 1);
    const std::string text = "[task]\nname = \"o\"\n[source]\nurl = \"dbname=a\"\npassword_env = "
                             "\"WALBRIDGE_TEST_PASSWORD\"\nkey_passphrase_env = \"WALBRIDGE_TEST_PASSWORD\"\n"
                             "[target]\nurl = \"dbname=b\"\npassword_file = \"" +
                             file.path + "\"\n";
    const auto task = parse_task_config(text, "o.toml");
    BOOST_TEST(task.source.endpoint.password == "from environment");
    BOOST_TEST(task.target.endpoint.password == "from file");
    BOOST_TEST(pg::parameter(task.source.endpoint.url, "sslpassword").value() == "from environment");
    BOOST_TEST((pg::redact(task.source.endpoint.url).find("from environment") == std::string::npos));
    BOOST_CHECK_EXCEPTION((void)parse_task_config(text + "password_env = \"WALBRIDGE_TEST_PASSWORD\"\n", "o.toml"),
                          Error, is_configuration);
    unsetenv("WALBRIDGE_TEST_PASSWORD");
    BOOST_CHECK_EXCEPTION((void)parse_task_config(text, "o.toml"), Error, is_configuration);
}

BOOST_AUTO_TEST_SUITE_END()
