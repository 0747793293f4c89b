// identity_test.cpp: the table of what a source may say and what follows from it.
#include "task/identity.hpp"

#include <boost/test/unit_test.hpp>
#include <functional>

using namespace walbridge;
using namespace walbridge::task;

namespace {

StoredIdentity stored() {
    StoredIdentity identity;
    identity.system = "7000000000000000001";
    identity.timeline = 3;
    identity.database = "shop";
    identity.database_oid = 16384;
    identity.slot = "walbridge_orders";
    identity.plugin = "walbridge";
    identity.slot_created = Lsn{100};
    identity.position = Lsn{5000};
    identity.slot_transactions = 40;
    identity.slot_confirmed = Lsn{4900};
    return identity;
}

ServerIdentity server() {
    ServerIdentity identity;
    identity.system = "7000000000000000001";
    identity.timeline = 3;
    identity.history = {{1, Lsn{1000}}, {2, Lsn{2000}}};
    identity.flushed = Lsn{9000};
    identity.database = "shop";
    identity.database_oid = 16384;
    identity.slot = ServerIdentity::Slot{"walbridge", "shop", Lsn{4900}, "reserved", 41};
    return identity;
}

struct Case {
    const char *name;
    std::function<void(StoredIdentity &, ServerIdentity &)> change;
    std::optional<ErrorKind> expected;
};

const std::vector<Case> cases{
    {"nothing changed", [](auto &, auto &) {}, std::nullopt},
    {"the slot is confirmed exactly up to our position",
     [](auto &, auto &now) { now.slot->confirmed_flush = Lsn{5000}; }, std::nullopt},
    {"the WAL ends exactly at our position", [](auto &, auto &now) { now.flushed = Lsn{5000}; }, std::nullopt},

    // An idle night: restarts, crashes, statistics reset. Nothing of it is an error by itself.
    {"the source crashed and its statistics began again", [](auto &, auto &now) { now.slot->transactions = 0; },
     std::nullopt},
    {"the statistics are gone", [](auto &, auto &now) { now.slot->transactions.reset(); }, std::nullopt},
    {"the slot fell back to an older confirmed position after a crash",
     [](auto &, auto &now) { now.slot->confirmed_flush = Lsn{200}; }, std::nullopt},
    {"version 13 counts nothing",
     [](auto &then, auto &now) {
         then.slot_transactions.reset();
         now.slot->transactions.reset();
     },
     std::nullopt},
    {"the database was renamed",
     [](auto &, auto &now) {
         now.database = "store";
         now.slot->database = "store";
     },
     std::nullopt},
    {"WAL is kept beyond wal_keep_size", [](auto &, auto &now) { now.slot->wal_status = "unreserved"; }, std::nullopt},

    // Failover.
    {"a promoted source whose timeline left ours after our position",
     [](auto &, auto &now) {
         now.timeline = 4;
         now.history.push_back({3, Lsn{5000}});
     },
     std::nullopt},
    {"a promoted source that left our timeline before our position",
     [](auto &, auto &now) {
         now.timeline = 4;
         now.history.push_back({3, Lsn{4999}});
     },
     ErrorKind::source_restored},
    {"a timeline that does not descend from ours", [](auto &, auto &now) { now.timeline = 4; },
     ErrorKind::source_restored},
    {"an older timeline answers",
     [](auto &, auto &now) {
         now.timeline = 2;
         now.history.pop_back();
     },
     ErrorKind::source_restored},
    {"a promoted source without the slot",
     [](auto &, auto &now) {
         now.timeline = 4;
         now.history.push_back({3, Lsn{5000}});
         now.slot.reset();
     },
     ErrorKind::slot_missing},

    {"a promoted source with the slot, as far as it was synchronised",
     [](auto &, auto &now) {
         now.timeline = 4;
         now.history.push_back({3, Lsn{5000}});
         now.slot->confirmed_flush = Lsn{4000};
         now.slot->transactions = 0;
     },
     std::nullopt},
    {"a promoted source whose copy of the slot was never completed",
     [](auto &, auto &now) {
         now.timeline = 4;
         now.history.push_back({3, Lsn{5000}});
         now.slot->temporary = true;
     },
     ErrorKind::slot_missing},
    {"a promoted source whose copy of the slot is invalid",
     [](auto &, auto &now) {
         now.timeline = 4;
         now.history.push_back({3, Lsn{5000}});
         now.slot->invalidated = "wal_removed";
     },
     ErrorKind::slot_lost},
    {"a promoted source where somebody made a slot of the name",
     [](auto &, auto &now) {
         now.timeline = 4;
         now.history.push_back({3, Lsn{5000}});
         now.slot->confirmed_flush = Lsn{5001};
     },
     ErrorKind::slot_advanced},
    {"a slot that the server gave up for idleness", [](auto &, auto &now) { now.slot->invalidated = "idle_timeout"; },
     ErrorKind::slot_lost},
    {"a slot without WAL", [](auto &, auto &now) { now.slot->has_restart_lsn = false; }, ErrorKind::slot_lost},

    // Another source.
    {"another cluster", [](auto &, auto &now) { now.system = "7000000000000000002"; }, ErrorKind::source_replaced},
    {"another cluster is told before everything else",
     [](auto &, auto &now) {
         now.system = "7";
         now.timeline = 1;
         now.database_oid = 1;
         now.slot.reset();
     },
     ErrorKind::source_replaced},
    {"another database under the same name",
     [](auto &, auto &now) {
         now.database_oid = 20000;
         now.slot.reset();
     },
     ErrorKind::database_replaced},

    // Back in time.
    {"the WAL ends before our position", [](auto &, auto &now) { now.flushed = Lsn{4999}; },
     ErrorKind::source_restored},
    {"a restored source that wrote on is remembered",
     [](auto &then, auto &now) {
         then.restored_before = true;
         now.slot->confirmed_flush = Lsn{300};
     },
     ErrorKind::source_restored},
    {"after a restored source the right one answers again", [](auto &then, auto &) { then.restored_before = true; },
     std::nullopt},
    {"after a restored source a promoted standby of the right one answers",
     [](auto &then, auto &now) {
         then.restored_before = true;
         now.timeline = 4;
         now.history.push_back({3, Lsn{5000}});
         now.slot->confirmed_flush = Lsn{300};
     },
     std::nullopt},

    // The slot.
    {"the slot is gone", [](auto &, auto &now) { now.slot.reset(); }, ErrorKind::slot_missing},
    {"the slot has another plugin", [](auto &, auto &now) { now.slot->plugin = "pgoutput"; },
     ErrorKind::slot_recreated},
    {"the slot belongs to another database", [](auto &, auto &now) { now.slot->database = "other"; },
     ErrorKind::slot_recreated},
    {"the server invalidated the slot", [](auto &, auto &now) { now.slot->wal_status = "lost"; }, ErrorKind::slot_lost},
    {"the slot moved past our position", [](auto &, auto &now) { now.slot->confirmed_flush = Lsn{5001}; },
     ErrorKind::slot_advanced},
    {"the slot moved and counts fewer transactions than before",
     [](auto &, auto &now) {
         now.slot->confirmed_flush = Lsn{5001};
         now.slot->transactions = 39;
     },
     ErrorKind::slot_recreated},
    {"the slot moved and counts nothing where we saw some",
     [](auto &, auto &now) {
         now.slot->confirmed_flush = Lsn{5001};
         now.slot->transactions = 0;
     },
     ErrorKind::slot_recreated},
    {"the slot moved on version 13",
     [](auto &then, auto &now) {
         then.slot_transactions.reset();
         now.slot->transactions.reset();
         now.slot->confirmed_flush = Lsn{5001};
     },
     ErrorKind::slot_advanced},
};

} // namespace

BOOST_AUTO_TEST_SUITE(identity)

BOOST_AUTO_TEST_CASE(the_verdict_follows_the_table) {
    for (const auto &[name, change, expected] : cases) {
        auto then = stored();
        auto now = server();
        change(then, now);
        const auto verdict = judge_identity(then, now);
        BOOST_TEST(verdict.has_value() == expected.has_value(), name << (verdict ? ": " + verdict->reason() : ""));
        if (!verdict || !expected) continue;
        BOOST_TEST((verdict->kind() == *expected), name << ": " << name_of(verdict->kind()));
        BOOST_TEST((!verdict->object().empty() && !verdict->reason().empty() && !verdict->remedy().empty()), name);
    }
}

BOOST_AUTO_TEST_CASE(without_statistics_the_reason_names_both_explanations) {
    auto then = stored();
    auto now = server();
    then.slot_transactions.reset();
    now.slot->confirmed_flush = Lsn{6000};
    const auto verdict = judge_identity(then, now);
    BOOST_REQUIRE(verdict.has_value());
    BOOST_TEST((verdict->reason().find("advanced it, or dropped it and created it again") != std::string::npos),
               verdict->reason());
}

BOOST_AUTO_TEST_CASE(a_history_file_is_read_with_its_comments) {
    const auto ends = parse_timeline_history(
        "# a comment\n1\t0/3000000\tno recovery target specified\n\n2\t16/B374D848\tbefore 2024-01-01 00:00:00\n");
    BOOST_REQUIRE(ends.size() == 2u);
    BOOST_TEST(ends[0].timeline == 1u);
    BOOST_TEST(to_string(ends[0].end) == "0/3000000");
    BOOST_TEST(ends[1].timeline == 2u);
    BOOST_TEST(to_string(ends[1].end) == "16/B374D848");
    BOOST_TEST(parse_timeline_history("").empty());
    BOOST_TEST(parse_timeline_history("1\n1\tnonsense\tx\n").empty());
}

BOOST_AUTO_TEST_CASE(after_a_promotion_the_remedy_is_a_list_of_what_to_do) {
    auto then = stored();
    auto now = server();
    now.timeline = 4;
    now.history.push_back({3, Lsn{5000}});
    now.slot.reset();
    now.version = 150020;
    const auto without = judge_identity(then, now).value();
    BOOST_TEST(without.reason().find("timeline 3 ended at 0/1388") != std::string::npos);
    for (const auto *part :
         {"1. The target holds everything", "up to 0/1388", "2. If the old primary", "reset --truncate", "4. "})
        BOOST_TEST(without.remedy().find(part) != std::string::npos, part);
    BOOST_TEST(without.remedy().find("sync_replication_slots") == std::string::npos); // 15 knows no such thing
    now.version = 170002;
    const auto newer = judge_identity(then, now).value();
    for (const auto *part :
         {"sync_replication_slots", "synchronized_standby_slots", "hot_standby_feedback", "walbridge_orders"})
        BOOST_TEST(newer.remedy().find(part) != std::string::npos, part);
    // The target is ahead of the new primary: the range is named.
    now.history.back().end = Lsn{4096};
    const auto lost = judge_identity(then, now).value();
    BOOST_TEST(lost.exit_code() == 24);
    BOOST_TEST(lost.reason().find("between 0/1000 and 0/1388") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
