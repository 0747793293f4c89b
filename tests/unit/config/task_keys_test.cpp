// task_keys_test.cpp: the table of keys agrees with itself, with the defaults of TaskConfig, and with the
// documentation.
#include "config/task_file.hpp"
#include "config/task_keys.hpp"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <set>
#include <sstream>

using namespace walbridge;
using namespace walbridge::config;

BOOST_AUTO_TEST_SUITE(keys)

BOOST_AUTO_TEST_CASE(every_key_is_listed_once_and_explained) {
    std::set<std::string> seen;
    for (const auto &key : task_keys()) {
        BOOST_TEST(seen.insert(key.path).second, key.path);
        BOOST_TEST(!key.help.empty(), key.path);
        BOOST_TEST((find_key(key.path) == &key), key.path);
    }
    BOOST_TEST(find_key("task.nme") == nullptr);
}

/// A file that writes every default out must mean the same as one that leaves them all out.
BOOST_AUTO_TEST_CASE(the_documented_defaults_are_the_real_ones) {
    const std::string required = "[task]\nname = \"t\"\n[source]\nurl = \"dbname=a\"\n[target]\nurl = \"dbname=b\"\n";
    std::ostringstream full;
    full << required;
    std::string section = "target";
    std::map<std::string, std::string> lines;
    for (const auto &key : task_keys()) {
        if (key.fallback.empty()) continue;
        const auto dot = key.path.find('.');
        const bool bare =
            key.type == KeyType::boolean || key.type == KeyType::integer || key.type == KeyType::text_list;
        lines[key.path.substr(0, dot)] +=
            key.path.substr(dot + 1) + " = " + (bare ? key.fallback : "\"" + key.fallback + "\"") + "\n";
    }
    std::ostringstream file;
    file << "[task]\nname = \"t\"\n"
         << lines["task"] << "[source]\nurl = \"dbname=a\"\n"
         << lines["source"] << "[target]\nurl = \"dbname=b\"\n"
         << lines["target"];
    for (const auto &[name, body] : lines)
        if (name != "task" && name != "source" && name != "target") file << "[" << name << "]\n" << body;
    const auto left_out = parse_task_config(required, "short.toml"),
               written = parse_task_config(file.str(), "long.toml");
    BOOST_TEST(written.schema_stage == left_out.schema_stage);
    BOOST_TEST((written.source.heartbeat == left_out.source.heartbeat));
    BOOST_TEST(written.source.replica_identity == left_out.source.replica_identity);
    BOOST_TEST(written.target.kind == left_out.target.kind);
    BOOST_TEST(written.objects.include == left_out.objects.include, boost::test_tools::per_element());
    BOOST_TEST(written.schema.owner == left_out.schema.owner);
    BOOST_TEST(written.schema.grants == left_out.schema.grants);
    BOOST_TEST(written.copy.workers == left_out.copy.workers);
    BOOST_TEST(written.copy.index_workers == left_out.copy.index_workers);
    BOOST_TEST(written.copy.chunk_bytes == left_out.copy.chunk_bytes);
    BOOST_TEST(written.copy.key_chunk_bytes == left_out.copy.key_chunk_bytes);
    BOOST_TEST(written.apply.bulk == left_out.apply.bulk);
    BOOST_TEST(written.apply.batch_rows == left_out.apply.batch_rows);
    BOOST_TEST(written.apply.batch_bytes == left_out.apply.batch_bytes);
    BOOST_TEST(written.apply.queue_bytes == left_out.apply.queue_bytes);
    BOOST_TEST(written.apply.synchronous_commit == left_out.apply.synchronous_commit);
    BOOST_TEST((written.apply.lock_timeout == left_out.apply.lock_timeout));
    BOOST_TEST(written.apply.streaming == left_out.apply.streaming);
    BOOST_TEST(written.apply.stream_sessions == left_out.apply.stream_sessions);
    BOOST_TEST(written.apply.spool_memory == left_out.apply.spool_memory);
    BOOST_TEST((written.conflict.policy == left_out.conflict.policy));
    BOOST_TEST(written.conflict.update_missing == left_out.conflict.update_missing);
    BOOST_TEST(written.conflict.delete_missing == left_out.conflict.delete_missing);
    BOOST_TEST(written.conflict.origins == left_out.conflict.origins);
    BOOST_TEST(written.conflict.tie == left_out.conflict.tie);
    BOOST_TEST((written.conflict.keep == left_out.conflict.keep));
    BOOST_TEST((written.conflict.max_offset == left_out.conflict.max_offset));
    BOOST_TEST((written.retry.connection == left_out.retry.connection));
    BOOST_TEST((written.retry.other == left_out.retry.other));
    BOOST_TEST((written.log.format == left_out.log.format));
    BOOST_TEST((written.log.level == left_out.log.level));
}

BOOST_AUTO_TEST_CASE(the_documentation_names_every_key) {
    std::ifstream in(std::string(SOURCE_FOLDER) + "/docs/configuration.md");
    if (!in) return; // a build without its documentation
    std::ostringstream content;
    content << in.rdbuf();
    for (const auto &key : task_keys()) {
        if (key.type == KeyType::unsupported) continue;
        const auto name = key.path.substr(key.path.find('.') == std::string::npos ? 0 : key.path.find('.') + 1);
        BOOST_TEST((content.str().find(name) != std::string::npos), "docs/configuration.md does not name " << key.path);
    }
}

BOOST_AUTO_TEST_SUITE_END()
