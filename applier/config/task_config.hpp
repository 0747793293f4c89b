// task_config.hpp: a task as its file describes it: plain data with the defaults. Read by load_task_config
// (task_file.hpp); every key is documented in docs/configuration.md.
#pragma once

#include "base/log.hpp"
#include "base/postgres/session.hpp"
#include "change/name_map.hpp"
#include "config/conflict_policy.hpp"
#include "wire/table_rules.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace walbridge {

struct TaskConfig {
    std::string name; ///< [a-z0-9_]{1,40}
    bool schema_stage = true, full_stage = true, incremental_stage = true;

    struct Source {
        pg::Endpoint endpoint{"source", {}, {}};
        std::chrono::milliseconds heartbeat{std::chrono::seconds(10)}; ///< heartbeat message interval; 0 = off
        std::string replica_identity = "report";                       ///< or "set": decision 14
        std::size_t decoding_memory = 0;  ///< logical_decoding_work_mem of our walsender; 0 = the server's own setting
        std::string compression = "none"; ///< of the change stream: or "lz4", "zstd"
    } source;

    struct Target {
        std::string kind = "postgresql";
        pg::Endpoint endpoint{"target", {}, {}};
        bool create = false; ///< `run` creates the database when it is missing [O-16]
    } target;

    struct Objects {
        std::vector<std::string> include{"*.*"}; ///< patterns as in decoder/wire/object_selection.hpp
        std::vector<std::string> exclude;
        std::string large_objects = "refuse";                                 ///< copy, refuse, ignore [O-20]
        std::vector<std::pair<std::string, wire::ObjectPattern>> without_ddl; ///< tables whose operations leave DDL out
        wire::TableRules rules; ///< rows, columns and operations of tables: where, columns, operations ... [O-06..O-08]
        /// Columns of the target that say where a row came from, by table and name: operation, commit_time, lsn,
        /// source, task.
        std::vector<std::pair<wire::ObjectPattern, std::map<std::string, std::string>>> added_columns;
        std::string existing = "precheck";  ///< or "proceed": tables that are on the target already [O-09]
        std::string existing_rows = "keep"; ///< or "overwrite": what the copy does where a row is there already
        /// What becomes of values that the target cannot hold, by table and column of the source: error, null, clamp,
        /// text.
        std::map<QualifiedName, std::map<std::string, std::string>> values;

        /// DDL of the table is not followed.
        [[nodiscard]] bool leaves_out_ddl(const QualifiedName &table) const {
            return std::ranges::any_of(
                without_ddl, [&](const auto &entry) { return entry.second.matches(table.schema, table.name); });
        }
    } objects;

    NameMap names; ///< what schemas and tables are called on the target: [[objects.schema]], [[objects.table]]

    struct Schema {
        std::string owner = "keep";  ///< keep, map (by `roles`), none
        std::string grants = "keep"; ///< keep, map (by `roles`), none
        std::string check = "start"; ///< start, off: comparing the definitions of both sides
    } schema;

    std::map<std::string, std::string> roles; ///< role of the source -> role of the target; others keep their name

    struct Copy {
        int workers = 2;                                      ///< tables and chunks copied side by side
        std::uint64_t chunk_bytes = std::uint64_t{256} << 20; ///< heap bytes of a chunk
        std::uint64_t key_chunk_bytes =
            std::uint64_t{1} << 30; ///< from this size on, chunks by key so that a killed copy resumes inside the table
        int index_workers = 2;      ///< index builds side by side
        bool analyze = true;        ///< gather statistics of each table behind its data and indexes [F-09]
    } copy;

    /// Limits per second, 0 = none; changed while running by `walbridge throttle set` (requirements F-06, I-13).
    struct Throttle {
        std::uint64_t copy_queries = 0; ///< COPY commands and catalog queries of the copy on the source
        std::uint64_t copy_rows = 0, copy_bytes = 0;
        std::uint64_t apply_rows = 0, apply_bytes = 0;
    } throttle;

    /// When copy and verification leave the source alone for a while (docs/source-guard.md) [B-12].
    struct SourceGuard {
        std::chrono::milliseconds replica_lag{0}; ///< of any standby of the source in replaying; 0 = not looked at
        int active_sessions = 0;                  ///< other sessions that run a statement; 0 = not looked at
        std::string query;                        ///< true = hold; empty = none
        std::string action = "stop";              ///< stop, or slow: copy at a tenth of the pace
        std::chrono::milliseconds interval{std::chrono::seconds(5)}; ///< between two looks
        [[nodiscard]] bool on() const { return replica_lag.count() > 0 || active_sessions > 0 || !query.empty(); }
    } guard;

    struct Sequences {
        std::chrono::milliseconds interval{std::chrono::seconds(5)}; ///< between two readings on the source; 0 = never
    } sequences;

    /// The WAL that the slot retains on the source (docs/slot-guard.md).
    struct Slot {
        std::uint64_t retained_warning = std::uint64_t{10} << 30; ///< bytes; an alert from here on; 0 = never
        std::uint64_t retained_limit = 0;                         ///< bytes; 0 = none
        std::string on_limit = "alert"; ///< or "drop": the slot is dropped and the task fails for good
        std::string failover = "auto";  ///< auto (where the server can: 17+), on, off
    } slot;

    struct Alert {
        std::string webhook;       ///< URL that receives a POST of JSON; empty = none
        std::string webhook_token; ///< secret, sent as a bearer token
        std::string command;       ///< run by the shell with the JSON on its standard input; empty = none
        std::chrono::milliseconds lag{std::chrono::minutes(5)};      ///< 0 = never
        std::chrono::milliseconds retrying{std::chrono::minutes(1)}; ///< of failing before an alert; 0 = never
        std::uint64_t xmin_age = 100'000'000; ///< transactions that the slot's catalog_xmin is old; 0 = never
    } alert;

    struct Verify {
        int workers = 2;                    ///< tables and ranges compared side by side
        std::uint64_t bytes_per_second = 0; ///< read on each side; 0 = no limit
    } verify;

    struct Switchover {
        std::chrono::milliseconds grace{std::chrono::seconds(5)};  ///< sessions of the source get to end by themselves
        std::chrono::milliseconds drain{std::chrono::seconds(60)}; ///< longest wait for the target to reach the fence
        std::string verify = "changed";                            ///< changed, count, full, none
    } switchover;

    struct Apply {
        bool bulk = true;               ///< false: exact path only
        std::size_t batch_rows = 20000; ///< changes of one target transaction
        std::size_t batch_bytes = std::size_t{16} << 20;
        std::size_t queue_bytes = std::size_t{64} << 20; ///< received and not yet decoded
        bool synchronous_commit = false; ///< of the apply session; feedback is of durable positions either way
        std::chrono::milliseconds lock_timeout{std::chrono::seconds(30)};
        bool streaming = true;       ///< receive large transactions while they are in progress (source 14 and newer)
        std::size_t copy_rows = 256; ///< runs of inserts from this length on go through COPY
        int workers = 1;             ///< runs of transactions applied side by side
        int stream_sessions = 2; ///< of those, how many at a time are applied as they come; 0 = none before its commit
        std::size_t spool_memory = std::size_t{32} << 20; ///< of all streamed transactions; beyond it they go to files
        std::string spool_directory;                      ///< empty = the system's folder for temporary files
    } apply;

    struct Conflict {
        ConflictPolicy policy = ConflictPolicy::fail;
        std::map<std::string, ConflictPolicy> by_kind;    ///< "insert_exists" and the others; wins over `policy`
        std::map<QualifiedName, ConflictPolicy> by_table; ///< the source's names; wins over `by_kind`
        std::string update_missing = "insert";            ///< insert, ignore, fail
        std::string delete_missing = "ignore";            ///< ignore, fail
        std::string origins =
            "auto";                 ///< on, off, auto: whether rows that others wrote are conflicts for UPDATE, DELETE
        std::string tie = "source"; ///< or "target": whose row wins when both were committed at the same time
        std::chrono::milliseconds keep{std::chrono::hours(24 * 30)}; ///< age of records that go; 0 = never
        std::chrono::milliseconds max_offset{1000}; ///< of the clocks, where commit times decide [C-07]

        [[nodiscard]] bool decided_by_time() const {
            const auto timed = [](const auto &entry) { return by_time(entry.second); };
            return by_time(policy) || std::any_of(by_kind.begin(), by_kind.end(), timed) ||
                   std::any_of(by_table.begin(), by_table.end(), timed);
        }
        /// Whether UPDATE and DELETE look at who wrote the target's row.
        [[nodiscard]] bool detects_origins() const {
            return origins == "on" || (origins == "auto" && decided_by_time());
        }
    } conflict;

    /// DDL of the source (docs/ddl.md).
    struct Ddl {
        std::vector<std::string> classes{"all"}; ///< {"all"}, {"none"} or names of ddl::class_names()
        std::string on_error = "stop";           ///< or "skip"
        std::string trust = "extension";         ///< or "source": see target/postgres/acting_role.hpp
        std::string run_as;                      ///< role of the target for every statement; empty = the source's role

        [[nodiscard]] bool off() const { return classes.size() == 1 && classes.front() == "none"; }
    } ddl;

    struct Retry {
        std::chrono::minutes connection{720}; ///< 10-1440
        std::chrono::minutes other{10};       ///< 1-1440, less than `connection`
    } retry;

    struct Precheck {
        std::vector<std::string> acknowledge; ///< ids of warnings that were accepted
    } precheck;

    struct Logging {
        log::Format format = log::Format::text;
        log::Level level = log::Level::info;
    } log;

    std::map<std::string, std::string> labels; ///< shown in logs and status

    /// Keys that the file gives, as one would write their values, without secrets: for `walbridge plan`.
    std::map<std::string, std::string> given;

    /// Not of the file: the task that this one brings tables for, which go over to it once they are caught up [M-07].
    std::string sync_of;
    /// The task that this one is the way back of, while both run: two-way synchronisation [M-05]. Empty = none.
    std::string reverse_of;
    /// Not of the file: the task that ends when this one begins (the way back that a switchover prepares).
    std::string succeeds;

    /// The target's role for a role of the source, where roles are mapped.
    [[nodiscard]] std::string role_on_target(const std::string &role) const {
        const auto found = roles.find(role);
        return found == roles.end() ? role : found->second;
    }
    [[nodiscard]] std::string slot_name() const { return "walbridge_" + name; }
    /// Of an apply session: the first one's is walbridge_<task>, the others' walbridge_<task>:<n>; those for streamed
    /// transactions are 1 ... apply.stream_sessions. What a sync task writes is its parent's, so its origins are
    /// walbridge_<parent>:sync and walbridge_<parent>:sync:<n>: whoever knows the parent's knows them.
    [[nodiscard]] std::string origin_name(int session = 0) const {
        return "walbridge_" + (sync_of.empty() ? name : sync_of + ":sync") +
               (session == 0 ? "" : ":" + std::to_string(session));
    }
    /// Of a session that copies rows, from 1 on.
    [[nodiscard]] std::string copy_origin_name(int session) const {
        return origin_name() + ":copy" + std::to_string(session);
    }
    /// Sessions that may copy rows side by side, each with a replication origin.
    [[nodiscard]] int copy_sessions() const { return schema_stage || full_stage ? std::max(copy.workers, 1) : 0; }
    /// Sessions that may apply side by side, each with a replication origin.
    [[nodiscard]] int apply_sessions() const { return first_worker() + (apply.workers > 1 ? apply.workers : 0); }
    /// Number of the first worker's session.
    [[nodiscard]] int first_worker() const { return 1 + (apply.streaming ? apply.stream_sessions : 0); }
    /// application_name of every session of the task: `walbridge_<task>:<what>`.
    [[nodiscard]] std::string application_name(const std::string &what) const {
        return "walbridge_" + name + ":" + what;
    }
};

} // namespace walbridge
