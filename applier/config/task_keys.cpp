// task_keys.cpp: the rows of the table.
#include "config/task_keys.hpp"

#include "base/mysql/endpoint.hpp"
#include "config/value_text.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::config {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t minute = 60'000, kilobyte = 1024, megabyte = 1024 * kilobyte, gigabyte = 1024 * megabyte;

const std::string &text(const Value &value) { return std::get<std::string>(value); }
std::int64_t number(const Value &value) { return std::get<std::int64_t>(value); }
milliseconds time(const Value &value) { return milliseconds(number(value)); }

bool holds(const Value &value, std::string_view word) {
    const auto &words = std::get<std::vector<std::string>>(value);
    return std::ranges::find(words, word) != words.end();
}

const std::vector<std::string> policies{"fail", "ignore", "overwrite", "last-update-wins", "first-update-wins"};

std::vector<Key> task_section() {
    return {
        {.path = "task.name",
         .type = KeyType::text,
         .fallback = "",
         .required = true,
         .help = "Name of the task, [a-z0-9_]{1,40}, not ending in _sync_ and a number; unique on the source cluster "
                 "and on the target cluster. The slot is walbridge_<name>.",
         .store = [](TaskConfig &task, const Value &value) { task.name = text(value); }},
        {.path = "task.stages",
         .type = KeyType::text_list,
         .fallback = R"(["schema", "full", "incremental"])",
         .help = "What the task does. Without incremental it ends when the copy is done.",
         .choices = {"schema", "full", "incremental"},
         .store =
             [](TaskConfig &task, const Value &value) {
                 task.schema_stage = holds(value, "schema");
                 task.full_stage = holds(value, "full");
                 task.incremental_stage = holds(value, "incremental");
             }},
        {.path = "task.reverse_of",
         .type = KeyType::text,
         .fallback = "",
         .help = "Name of the task that this one is the way back of while both run: two-way synchronisation. Written "
                 "by walbridge reverse.",
         .store = [](TaskConfig &task, const Value &value) { task.reverse_of = text(value); }},
    };
}

/// What [source] and [target] have in common; the loader reads the secrets itself.
void add_endpoint(std::vector<Key> &keys, const std::string &side, void (*store_url)(TaskConfig &, const Value &)) {
    keys.push_back({.path = side + ".url",
                    .type = KeyType::text,
                    .fallback = "",
                    .required = true,
                    .help = "libpq connection string of the " + side +
                            ", for example postgresql://role@host:5432/database?sslmode=verify-full" +
                            (side == "target" ? "; of MySQL and MariaDB mysql://user@host:3306/database?"
                                                "ssl-mode=verify_identity (docs/mysql.md)."
                                              : "."),
                    .store = store_url});
    keys.push_back({.path = side + ".password_env",
                    .type = KeyType::text,
                    .fallback = "",
                    .help = "Name of the environment variable that holds the password."});
    keys.push_back({.path = side + ".password_file",
                    .type = KeyType::text,
                    .fallback = "",
                    .help = "File whose first line is the password; nobody but its owner may read it. Without either, "
                            "libpq's .pgpass is used."});
    keys.push_back(
        {.path = side + ".key_passphrase_env",
         .type = KeyType::text,
         .fallback = "",
         .help = "Name of the environment variable that holds the passphrase of the client's TLS key (sslkey)."});
    keys.push_back({.path = side + ".key_passphrase_file",
                    .type = KeyType::text,
                    .fallback = "",
                    .help = "File whose first line is the passphrase of the client's TLS key."});
}

std::vector<Key> source_section() {
    std::vector<Key> keys;
    add_endpoint(keys, "source", [](TaskConfig &task, const Value &value) { task.source.endpoint.url = text(value); });
    keys.push_back({.path = "source.heartbeat",
                    .type = KeyType::duration,
                    .fallback = "10s",
                    .low = 0,
                    .high = 60 * minute,
                    .help = "How often a heartbeat message is written to the source's WAL, so that lag is measured end "
                            "to end; 0 = never.",
                    .store = [](TaskConfig &task, const Value &value) { task.source.heartbeat = time(value); }});
    keys.push_back({.path = "source.replica_identity",
                    .type = KeyType::text,
                    .fallback = "report",
                    .help = "What happens to tables without a usable replica identity: report = a precheck error with "
                            "the statement to run, "
                            "set = walbridge runs ALTER TABLE ... REPLICA IDENTITY FULL.",
                    .choices = {"report", "set"},
                    .store = [](TaskConfig &task, const Value &value) { task.source.replica_identity = text(value); }});
    keys.push_back({.path = "source.decoding_memory",
                    .type = KeyType::size,
                    .fallback = "",
                    .low = 64 * kilobyte,
                    .high = 1024 * gigabyte,
                    .help = "logical_decoding_work_mem for this task's stream: what exceeds it is streamed "
                            "while it is in progress; not given: the source's own setting.",
                    .store = [](TaskConfig &task, const Value &value) {
                        task.source.decoding_memory = static_cast<std::size_t>(number(value));
                    }});
    keys.push_back({.path = "source.compression",
                    .type = KeyType::text,
                    .fallback = "none",
                    .help = "How the source compresses the change stream: none, lz4 or zstd. Worth its processor time "
                            "where the network is the limit.",
                    .choices = {"none", "lz4", "zstd"},
                    .store = [](TaskConfig &task, const Value &value) { task.source.compression = text(value); }});
    return keys;
}

std::vector<Key> target_section() {
    const std::string later = "this version writes to PostgreSQL, MySQL and MariaDB only";
    std::vector<Key> keys;
    keys.push_back({.path = "target.kind",
                    .type = KeyType::text,
                    .fallback = "postgresql",
                    .help = "Kind of the target server.",
                    .choices = {"postgresql", "mysql", "mariadb"},
                    .refused = {{"polardb", later}, {"polardb-o", later}},
                    .store = [](TaskConfig &task, const Value &value) { task.target.kind = text(value); }});
    add_endpoint(keys, "target", [](TaskConfig &task, const Value &value) { task.target.endpoint.url = text(value); });
    keys.push_back({.path = "target.create",
                    .type = KeyType::boolean,
                    .fallback = "false",
                    .help = "Whether run creates the target database when it does not exist, with the source's "
                            "encoding and locale; else precheck prints the CREATE DATABASE.",
                    .store = [](TaskConfig &task, const Value &value) { task.target.create = std::get<bool>(value); }});
    return keys;
}

std::vector<Key> objects_section() {
    return {
        {.path = "objects.include",
         .type = KeyType::text_list,
         .fallback = R"(["*.*"])",
         .help = "Tables to replicate, as patterns schema.table with * and ?.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.objects.include = std::get<std::vector<std::string>>(value); }},
        {.path = "objects.exclude",
         .type = KeyType::text_list,
         .fallback = "[]",
         .help = "Tables to leave out, as patterns; exclude wins.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.objects.exclude = std::get<std::vector<std::string>>(value); }},
        {.path = "objects.large_objects",
         .type = KeyType::text,
         .fallback = "refuse",
         .help = "Large objects of the source, whose changes no stream carries: copy = once, in the full stage, refuse "
                 "= a precheck error when a selected table can refer to them, ignore = left behind.",
         .choices = {"copy", "refuse", "ignore"},
         .store = [](TaskConfig &task, const Value &value) { task.objects.large_objects = text(value); }},
        {.path = "objects.case",
         .type = KeyType::text,
         .fallback = "as-source",
         .help = "Letters of the target's names of schemas, tables and columns that no entry renames: as-source, lower "
                 "or upper (ASCII letters).",
         .choices = {"as-source", "lower", "upper"}},
        {.path = "objects.existing",
         .type = KeyType::text,
         .fallback = "precheck",
         .help = "Tables that the target has already: precheck = refused when they hold rows or differ, proceed = they "
                 "are used as they are (docs/existing-tables.md).",
         .choices = {"precheck", "proceed"},
         .store = [](TaskConfig &task, const Value &value) { task.objects.existing = text(value); }},
        {.path = "objects.existing_rows",
         .type = KeyType::text,
         .fallback = "keep",
         .help = "With existing = \"proceed\", what the copy does with a row whose key the target has: keep = the "
                 "target's row stays, overwrite = the source's row wins.",
         .choices = {"keep", "overwrite"},
         .store = [](TaskConfig &task, const Value &value) { task.objects.existing_rows = text(value); }},
        {.path = "objects.schema[].name",
         .type = KeyType::text,
         .required = true,
         .help = "A schema of the source that has another name on the target, or a pattern with * and ? for several; "
                 "names with other characters stand in double quotes."},
        {.path = "objects.schema[].rename",
         .type = KeyType::text,
         .required = true,
         .help = "Its name on the target; $1 stands for what the first * or ? of a pattern matched."},
        {.path = "objects.table[].name",
         .type = KeyType::text,
         .required = true,
         .help =
             "A table of the source as schema.table, or a pattern with * and ? for several; names with other "
             "characters stand in double quotes. Exact names win over patterns, the first pattern over later ones."},
        {.path = "objects.table[].rename",
         .type = KeyType::text,
         .help = "Its name on the target, schema.table, or the table's name alone: in the schema that its own becomes. "
                 "$1 stands for what the first * or ? of a pattern matched."},
        {.path = "objects.table[].where",
         .type = KeyType::text,
         .help =
             "SQL condition over the table's columns: only rows for which it is true are brought (docs/filters.md)."},
        {.path = "objects.table[].columns",
         .type = KeyType::text_map,
         .help =
             "SQL by column, evaluated on the source: { email = \"md5(email)\" } in place of the column's value, or "
             "as one more column of the target (docs/filters.md)."},
        {.path = "objects.table[].types",
         .type = KeyType::text_map,
         .help = "SQL type by column of `columns`; not given: the replaced column's own, or the expression's."},
        {.path = "objects.table[].include_columns",
         .type = KeyType::text_list,
         .help = "Columns to replicate, as patterns with * and ?; not given: all."},
        {.path = "objects.table[].exclude_columns",
         .type = KeyType::text_list,
         .help = "Columns to leave out, as patterns; exclude wins."},
        {.path = "objects.table[].rename_columns",
         .type = KeyType::text_map,
         .help = "Names of columns on the target: { email = \"mail\", \"x_*\" = \"y_$1\" }."},
        {.path = "objects.table[].add_columns",
         .type = KeyType::text_map,
         .help = "Columns that the target's table has besides, and what walbridge writes there: { changed_at = "
                 "\"commit_time\" }; operation, commit_time, lsn, source or task."},
        {.path = "objects.table[].operations",
         .type = KeyType::text_list,
         .help = "What is followed of the table; not given: everything. The copy is not concerned.",
         .choices = {"insert", "update", "delete", "truncate", "ddl"}},
        {.path = "objects.table[].conflict",
         .type = KeyType::text,
         .help = "How conflicts of the table are decided; wins over the section [conflict].",
         .choices = policies},
        {.path = "objects.table[].values",
         .type = KeyType::text_map,
         .help = "What becomes of values that columns of a MySQL or MariaDB target cannot hold (docs/types-mysql.md): "
                 "{ column = \"null\" }; error (the default), null, clamp or text."},
        {.path = "objects.with",
         .type = KeyType::unsupported,
         .help = "the choice of dependent objects is not part of this version"},
        {.path = "schema.owner",
         .type = KeyType::text,
         .fallback = "keep",
         .help = "Owners of created objects: keep = the role of the same name as on the source, map = the role that "
                 "[roles] names, none = the role that walbridge connects with.",
         .choices = {"keep", "map", "none"},
         .store = [](TaskConfig &task, const Value &value) { task.schema.owner = text(value); }},
        {.path = "schema.grants",
         .type = KeyType::text,
         .fallback = "keep",
         .help = "Grants on created objects: keep the source's, map = to the roles that [roles] names, or none.",
         .choices = {"keep", "map", "none"},
         .store = [](TaskConfig &task, const Value &value) { task.schema.grants = text(value); }},
        {.path = "roles",
         .type = KeyType::text_map,
         .fallback = "",
         .help =
             "Roles of the source and what they are called on the target, for owners and grants that are mapped and "
             "for replicated DDL; others keep their name.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.roles = std::get<std::map<std::string, std::string>>(value); }},
        {.path = "schema.check",
         .type = KeyType::text,
         .fallback = "start",
         .help = "When the definitions of both sides are compared: start = once the incremental stage has caught up "
                 "after a start "
                 "(drift is logged and counted in the status, it never stops the task), off = never.",
         .choices = {"start", "off"},
         .store = [](TaskConfig &task, const Value &value) { task.schema.check = text(value); }},
    };
}

std::vector<Key> copy_section() {
    return {
        {.path = "copy.workers",
         .type = KeyType::integer,
         .fallback = "2",
         .low = 1,
         .high = 64,
         .help = "Tables and chunks copied side by side.",
         .store = [](TaskConfig &task, const Value &value) { task.copy.workers = static_cast<int>(number(value)); }},
        {.path = "copy.index_workers",
         .type = KeyType::integer,
         .fallback = "2",
         .low = 1,
         .high = 64,
         .help = "Indexes built side by side.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.copy.index_workers = static_cast<int>(number(value)); }},
        {.path = "copy.analyze",
         .type = KeyType::boolean,
         .fallback = "true",
         .help = "Gather statistics of each table on the target behind its data and indexes.",
         .store = [](TaskConfig &task, const Value &value) { task.copy.analyze = std::get<bool>(value); }},
        {.path = "copy.chunk_bytes",
         .type = KeyType::size,
         .fallback = "256MB",
         .low = 64 * kilobyte,
         .high = 1024 * gigabyte,
         .help = "Size on disk of a chunk of a large table.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.copy.chunk_bytes = static_cast<std::uint64_t>(number(value)); }},
        {.path = "copy.key_chunk_bytes",
         .type = KeyType::size,
         .fallback = "1GB",
         .low = 64 * kilobyte,
         .high = std::int64_t{1024} * 1024 * gigabyte,
         .help = "From this size on a table is split by its key, so that a killed copy resumes inside the table.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.copy.key_chunk_bytes = static_cast<std::uint64_t>(number(value)); }},
    };
}

std::vector<Key> apply_section() {
    return {
        {.path = "apply.bulk",
         .type = KeyType::boolean,
         .fallback = "true",
         .help =
             "Apply runs of changes in bulk and fall back to the exact path on any surprise; false = exact path only.",
         .store = [](TaskConfig &task, const Value &value) { task.apply.bulk = std::get<bool>(value); }},
        {.path = "apply.copy_rows",
         .type = KeyType::integer,
         .fallback = "256",
         .low = 1,
         .high = 10'000'000,
         .help = "Runs of inserts from this length on go through COPY.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.apply.copy_rows = static_cast<std::size_t>(number(value)); }},
        {.path = "apply.workers",
         .type = KeyType::integer,
         .fallback = "1",
         .low = 1,
         .high = 32,
         .help = "Sessions that apply transactions without common keys side by side; commits keep the source's order.",
         .store = [](TaskConfig &task, const Value &value) { task.apply.workers = static_cast<int>(number(value)); }},
        {.path = "apply.batch_rows",
         .type = KeyType::integer,
         .fallback = "20000",
         .low = 1,
         .high = 10'000'000,
         .help = "Changes of one target transaction, at most.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.apply.batch_rows = static_cast<std::size_t>(number(value)); }},
        {.path = "apply.batch_bytes",
         .type = KeyType::size,
         .fallback = "16MB",
         .low = 64 * kilobyte,
         .high = gigabyte,
         .help = "Bytes of changes of one target transaction, at most.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.apply.batch_bytes = static_cast<std::size_t>(number(value)); }},
        {.path = "apply.queue_bytes",
         .type = KeyType::size,
         .fallback = "64MB",
         .low = megabyte,
         .high = 4 * gigabyte,
         .help = "Received and not yet decoded bytes, at most.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.apply.queue_bytes = static_cast<std::size_t>(number(value)); }},
        {.path = "apply.synchronous_commit",
         .type = KeyType::boolean,
         .fallback = "false",
         .help = "Whether each target transaction waits for its flush. Safe either way: the source is told durable "
                 "positions only.",
         .store = [](TaskConfig &task, const Value &value) { task.apply.synchronous_commit = std::get<bool>(value); }},
        {.path = "apply.lock_timeout",
         .type = KeyType::duration,
         .fallback = "30s",
         .low = 100,
         .high = 60 * minute,
         .help = "How long a target transaction waits for a lock before it is retried.",
         .store = [](TaskConfig &task, const Value &value) { task.apply.lock_timeout = time(value); }},
        {.path = "apply.streaming",
         .type = KeyType::boolean,
         .fallback = "true",
         .help = "Receive large transactions while they are in progress on the source (14 and newer); false = after "
                 "their commit, spilled by the source.",
         .store = [](TaskConfig &task, const Value &value) { task.apply.streaming = std::get<bool>(value); }},
        {.path = "apply.stream_sessions",
         .type = KeyType::integer,
         .fallback = "2",
         .low = 0,
         .high = 64,
         .help = "How many transactions in progress are applied as they come, each in a session of its own; further "
                 "ones wait for their commit in a spool.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.apply.stream_sessions = static_cast<int>(number(value)); }},
        {.path = "apply.spool_memory",
         .type = KeyType::size,
         .fallback = "32MB",
         .low = 64 * kilobyte,
         .high = gigabyte,
         .help = "Changes of transactions in progress held in memory, at most; the rest goes to unnamed files.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.apply.spool_memory = static_cast<std::size_t>(number(value)); }},
        {.path = "apply.spool_directory",
         .type = KeyType::text,
         .fallback = "",
         .help = "Folder of those files; it must hold the largest transactions in progress. Not given: the system's "
                 "folder for temporary files.",
         .store = [](TaskConfig &task, const Value &value) { task.apply.spool_directory = text(value); }},
    };
}

const std::vector<std::string> ddl_classes{
    "all",      "none",       "table",    "index", "sequence", "view",      "materialized-view",
    "function", "aggregate",  "operator", "cast",  "type",     "trigger",   "rule",
    "policy",   "statistics", "comment",  "grant", "schema",   "extension", "other"};

std::vector<Key> ddl_section() {
    return {
        {.path = "ddl.classes",
         .type = KeyType::text_list,
         .fallback = R"("all")",
         .help = "Which DDL of the source is executed on the target: \"all\", \"none\", or a list of classes.",
         .choices = ddl_classes,
         .word_or_list = true,
         .store = [](TaskConfig &task,
                     const Value &value) { task.ddl.classes = std::get<std::vector<std::string>>(value); }},
        {.path = "ddl.on_error",
         .type = KeyType::text,
         .fallback = "stop",
         .help =
             "A statement that the target refuses, or that cannot be followed: stop = the task stops before anything "
             "of its transaction is visible, skip = it is recorded and passed over.",
         .choices = {"stop", "skip"},
         .store = [](TaskConfig &task, const Value &value) { task.ddl.on_error = text(value); }},
        {.path = "ddl.trust",
         .type = KeyType::text,
         .fallback = "extension",
         .help = "Statements that may run functions of users (defaults, checks, queries): extension = only where "
                 "walbridge's extension on the target confines them, source = whoever may run DDL on the source may do "
                 "anything on the target.",
         .choices = {"extension", "source"},
         .store = [](TaskConfig &task, const Value &value) { task.ddl.trust = text(value); }},
        {.path = "ddl.run_as",
         .type = KeyType::text,
         .fallback = "",
         .help =
             "Role of the target that every statement runs as; not given: the role of the same name as on the source.",
         .store = [](TaskConfig &task, const Value &value) { task.ddl.run_as = text(value); }},
    };
}

/// How one kind of conflict is decided, where it differs from conflict.policy.
template <const char *kind> Key kind_policy(std::string help) {
    return {.path = std::string("conflict.") + kind,
            .type = KeyType::text,
            .help = std::move(help) + " Not given: conflict.policy.",
            .choices = policies,
            .store = [](TaskConfig &task, const Value &value) {
                task.conflict.by_kind[kind] = parse_conflict_policy(text(value));
            }};
}

constexpr char insert_exists[] = "insert_exists", update_exists[] = "update_exists",
               update_origin_differs[] = "update_origin_differs", delete_origin_differs[] = "delete_origin_differs",
               multiple_unique_conflicts[] = "multiple_unique_conflicts";

std::vector<Key> conflict_section() {
    return {
        {.path = "conflict.policy",
         .type = KeyType::text,
         .fallback = "fail",
         .help = "What wins when a row meets another state on the target: fail = the task stops, ignore = the target's "
                 "row, overwrite = the source's row, last-update-wins and first-update-wins = by the time of the "
                 "commits.",
         .choices = policies,
         .store = [](TaskConfig &task,
                     const Value &value) { task.conflict.policy = parse_conflict_policy(text(value)); }},
        kind_policy<insert_exists>("An INSERT that meets a row with the same value in a unique key."),
        kind_policy<update_exists>("An UPDATE whose new values meet another row."),
        kind_policy<multiple_unique_conflicts>("An INSERT or UPDATE that meets several rows."),
        kind_policy<update_origin_differs>("An UPDATE of a row that was last written by somebody else."),
        kind_policy<delete_origin_differs>("A DELETE of a row that was last written by somebody else."),
        {.path = "conflict.update_missing",
         .type = KeyType::text,
         .fallback = "insert",
         .help = "An update whose row the target does not have.",
         .choices = {"insert", "ignore", "fail"},
         .store = [](TaskConfig &task, const Value &value) { task.conflict.update_missing = text(value); }},
        {.path = "conflict.delete_missing",
         .type = KeyType::text,
         .fallback = "ignore",
         .help = "A delete whose row the target does not have.",
         .choices = {"ignore", "fail"},
         .store = [](TaskConfig &task, const Value &value) { task.conflict.delete_missing = text(value); }},
        {.path = "conflict.origins",
         .type = KeyType::text,
         .fallback = "auto",
         .help = "Whether UPDATE and DELETE of rows that somebody else wrote last are conflicts; needs "
                 "track_commit_timestamp on the target. auto = where commit times decide.",
         .choices = {"auto", "on", "off"},
         .store = [](TaskConfig &task, const Value &value) { task.conflict.origins = text(value); }},
        {.path = "conflict.tie",
         .type = KeyType::text,
         .fallback = "source",
         .help = "Whose row wins when both were committed at the same time; the way back has the opposite.",
         .choices = {"source", "target"},
         .store = [](TaskConfig &task, const Value &value) { task.conflict.tie = text(value); }},
        {.path = "conflict.keep",
         .type = KeyType::duration,
         .fallback = "720h",
         .help = "Age at which records of decided conflicts are removed; \"0s\" = never.",
         .store = [](TaskConfig &task, const Value &value) { task.conflict.keep = time(value); }},
        {.path = "conflict.max_offset",
         .type = KeyType::duration,
         .fallback = "1s",
         .low = 1,
         .help = "How far the clocks of source and target may be apart where commit times decide.",
         .store = [](TaskConfig &task, const Value &value) { task.conflict.max_offset = time(value); }},
    };
}

std::vector<Key> policy_section() {
    return {
        {.path = "retry.connection",
         .type = KeyType::duration,
         .fallback = "720min",
         .low = 10 * minute,
         .high = 1440 * minute,
         .help = "How long failed connections are retried before the task fails, 10min to 1440min.",
         .store =
             [](TaskConfig &task, const Value &value) {
                 task.retry.connection = std::chrono::duration_cast<std::chrono::minutes>(time(value));
             }},
        {.path = "retry.other",
         .type = KeyType::duration,
         .fallback = "10min",
         .low = minute,
         .high = 1440 * minute,
         .help = "How long other curable errors are retried, 1min to 1440min and less than retry.connection.",
         .store =
             [](TaskConfig &task, const Value &value) {
                 task.retry.other = std::chrono::duration_cast<std::chrono::minutes>(time(value));
             }},
        {.path = "precheck.acknowledge",
         .type = KeyType::text_list,
         .fallback = "[]",
         .help = "Ids of precheck warnings that were read and accepted; errors cannot be acknowledged.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.precheck.acknowledge = std::get<std::vector<std::string>>(value); }},
        {.path = "log.format",
         .type = KeyType::text,
         .fallback = "text",
         .help = "Form of log lines.",
         .choices = {"text", "json"},
         .store =
             [](TaskConfig &task, const Value &value) {
                 task.log.format = text(value) == "json" ? log::Format::json : log::Format::text;
             }},
        {.path = "log.level",
         .type = KeyType::text,
         .fallback = "info",
         .help = "Least severe log lines written.",
         .choices = {"debug", "info", "warning", "error"},
         .store = [](TaskConfig &task, const Value &value) { task.log.level = log::parse_level(text(value)).value(); }},
        {.path = "labels",
         .type = KeyType::text_map,
         .fallback = "",
         .help = "Free names and values, shown in the status of the task.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.labels = std::get<std::map<std::string, std::string>>(value); }},
    };
}

std::vector<Key> pace_section() {
    std::vector<Key> keys;
    const auto limit = [&](const std::string &name, KeyType type, const std::string &help, auto store) {
        keys.push_back({.path = "throttle." + name,
                        .type = type,
                        .fallback = "0",
                        .low = 0,
                        .high = 1024 * gigabyte,
                        .help = help + " 0 = no limit.",
                        .store = store});
    };
    limit("copy_queries", KeyType::integer, "Queries of the copy on the source per second.",
          [](TaskConfig &task, const Value &value) {
              task.throttle.copy_queries = static_cast<std::uint64_t>(number(value));
          });
    limit("copy_rows", KeyType::integer, "Rows of the copy per second.", [](TaskConfig &task, const Value &value) {
        task.throttle.copy_rows = static_cast<std::uint64_t>(number(value));
    });
    limit("copy_bytes", KeyType::size, "Bytes of the copy per second.", [](TaskConfig &task, const Value &value) {
        task.throttle.copy_bytes = static_cast<std::uint64_t>(number(value));
    });
    limit("apply_rows", KeyType::integer, "Changes applied per second.", [](TaskConfig &task, const Value &value) {
        task.throttle.apply_rows = static_cast<std::uint64_t>(number(value));
    });
    limit("apply_bytes", KeyType::size, "Bytes of changes applied per second.",
          [](TaskConfig &task, const Value &value) {
              task.throttle.apply_bytes = static_cast<std::uint64_t>(number(value));
          });
    keys.push_back({.path = "sequences.interval",
                    .type = KeyType::duration,
                    .fallback = "5s",
                    .low = 0,
                    .high = 60 * minute,
                    .help = "How often the values of the selected sequences are brought to the target; 0 = never.",
                    .store = [](TaskConfig &task, const Value &value) { task.sequences.interval = time(value); }});
    return keys;
}

std::vector<Key> source_guard_section() {
    return {
        {.path = "source_guard.replica_lag",
         .type = KeyType::duration,
         .fallback = "0s",
         .low = 0,
         .high = 24L * 60 * minute,
         .help = "Copy and verification hold while a standby of the source replays later than this; 0s = never.",
         .store = [](TaskConfig &task, const Value &value) { task.guard.replica_lag = time(value); }},
        {.path = "source_guard.active_sessions",
         .type = KeyType::integer,
         .fallback = "0",
         .low = 0,
         .high = 1'000'000,
         .help = "They hold while more sessions than this run a statement on the source; 0 = never.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.guard.active_sessions = static_cast<int>(number(value)); }},
        {.path = "source_guard.query",
         .type = KeyType::text,
         .fallback = "",
         .help = "They hold while this query on the source answers true.",
         .store = [](TaskConfig &task, const Value &value) { task.guard.query = text(value); }},
        {.path = "source_guard.action",
         .type = KeyType::text,
         .fallback = "stop",
         .help = "What holding means: stop = nothing is read, slow = a tenth of the pace before.",
         .choices = {"stop", "slow"},
         .store = [](TaskConfig &task, const Value &value) { task.guard.action = text(value); }},
        {.path = "source_guard.interval",
         .type = KeyType::duration,
         .fallback = "5s",
         .low = 100,
         .high = 60 * minute,
         .help = "Time between two looks at the source.",
         .store = [](TaskConfig &task, const Value &value) { task.guard.interval = time(value); }},
    };
}

std::vector<Key> guard_section() {
    return {
        {.path = "slot.retained_warning",
         .type = KeyType::size,
         .fallback = "10GB",
         .low = 0,
         .high = 1024 * gigabyte,
         .help = "WAL retained for the slot from which on an alert is sent; 0 = never.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.slot.retained_warning = static_cast<std::uint64_t>(number(value)); }},
        {.path = "slot.retained_limit",
         .type = KeyType::size,
         .fallback = "0",
         .low = 0,
         .high = 1024 * gigabyte,
         .help = "WAL retained for the slot that is too much; 0 = no limit.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.slot.retained_limit = static_cast<std::uint64_t>(number(value)); }},
        {.path = "slot.on_limit",
         .type = KeyType::text,
         .fallback = "alert",
         .help = "What happens at slot.retained_limit: alert, or drop = the slot is dropped to save the source and the "
                 "task fails for good.",
         .choices = {"alert", "drop"},
         .refused = {{"spool", "spooling to the applier's disk is not part of this version"}},
         .store = [](TaskConfig &task, const Value &value) { task.slot.on_limit = text(value); }},
        {.path = "slot.failover",
         .type = KeyType::text,
         .fallback = "auto",
         .help = "Whether the slot is synchronised to standbys (PostgreSQL 17 and newer): auto = where the server can.",
         .choices = {"auto", "on", "off"},
         .store = [](TaskConfig &task, const Value &value) { task.slot.failover = text(value); }},
        {.path = "alert.webhook",
         .type = KeyType::text,
         .fallback = "",
         .help = "URL that receives each alert as a POST of JSON.",
         .store = [](TaskConfig &task, const Value &value) { task.alert.webhook = text(value); }},
        {.path = "alert.webhook_token_env",
         .type = KeyType::text,
         .fallback = "",
         .help = "Name of the environment variable with the bearer token of the webhook."},
        {.path = "alert.webhook_token_file",
         .type = KeyType::text,
         .fallback = "",
         .help = "File whose first line is the bearer token of the webhook."},
        {.path = "alert.command",
         .type = KeyType::text,
         .fallback = "",
         .help = "Command run by the shell for each alert, with its JSON on standard input.",
         .store = [](TaskConfig &task, const Value &value) { task.alert.command = text(value); }},
        {.path = "alert.lag",
         .type = KeyType::duration,
         .fallback = "5min",
         .low = 0,
         .high = 1440 * minute,
         .help = "Lag from which on an alert is sent; 0 = never.",
         .store = [](TaskConfig &task, const Value &value) { task.alert.lag = time(value); }},
        {.path = "alert.retrying",
         .type = KeyType::duration,
         .fallback = "1min",
         .low = 0,
         .high = 1440 * minute,
         .help = "How long a failure is retried before an alert is sent; 0 = never.",
         .store = [](TaskConfig &task, const Value &value) { task.alert.retrying = time(value); }},
        {.path = "alert.xmin_age",
         .type = KeyType::integer,
         .fallback = "100000000",
         .low = 0,
         .high = 2'000'000'000,
         .help = "Age in transactions of the slot's catalog_xmin from which on an alert is sent; 0 = never.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.alert.xmin_age = static_cast<std::uint64_t>(number(value)); }},
    };
}

std::vector<Key> cut_section() {
    return {
        {.path = "verify.workers",
         .type = KeyType::integer,
         .fallback = "2",
         .low = 1,
         .high = 64,
         .help = "Tables and ranges compared side by side.",
         .store = [](TaskConfig &task, const Value &value) { task.verify.workers = static_cast<int>(number(value)); }},
        {.path = "verify.bytes_per_second",
         .type = KeyType::size,
         .fallback = "0",
         .low = 0,
         .high = 1024 * gigabyte,
         .help = "Bytes read per second on each side by a verification; 0 = no limit.",
         .store = [](TaskConfig &task,
                     const Value &value) { task.verify.bytes_per_second = static_cast<std::uint64_t>(number(value)); }},
        {.path = "switchover.grace",
         .type = KeyType::duration,
         .fallback = "5s",
         .low = 0,
         .high = 60 * minute,
         .help = "How long sessions of the source may go on by themselves before the switchover ends them.",
         .store = [](TaskConfig &task, const Value &value) { task.switchover.grace = time(value); }},
        {.path = "switchover.drain",
         .type = KeyType::duration,
         .fallback = "60s",
         .low = 1000,
         .high = 1440 * minute,
         .help = "How long the target may need to reach the fence before the switchover is undone.",
         .store = [](TaskConfig &task, const Value &value) { task.switchover.drain = time(value); }},
        {.path = "switchover.verify",
         .type = KeyType::text,
         .fallback = "changed",
         .help = "What is verified behind the fence: changed = the rows changed since the last full verification, "
                 "count, full, none.",
         .choices = {"changed", "count", "full", "none"},
         .store = [](TaskConfig &task, const Value &value) { task.switchover.verify = text(value); }},
    };
}

std::vector<Key> build() {
    std::vector<Key> keys;
    for (auto &&section : {task_section(), source_section(), target_section(), objects_section(), copy_section(),
                           apply_section(), ddl_section(), pace_section(), source_guard_section(), guard_section(),
                           cut_section(), conflict_section(), policy_section()})
        keys.insert(keys.end(), section.begin(), section.end());
    return keys;
}

} // namespace

const std::vector<Key> &task_keys() {
    static const auto keys = build();
    return keys;
}

const Key *find_key(std::string_view path) {
    const auto found = std::ranges::find(task_keys(), path, &Key::path);
    return found == task_keys().end() ? nullptr : &*found;
}

std::string written(const Key &key, const Value &value) {
    const auto quoted = [](const std::string &word) {
        std::string out = "\"";
        for (const char c : word) {
            if (c == '"' || c == '\\') out += '\\';
            out += c;
        }
        return out + "\"";
    };
    if (key.path == "alert.webhook" || key.path == "alert.command") return text(value).empty() ? "\"\"" : "(given)";
    if (key.path.ends_with(".url"))
        return quoted(my::is_url(text(value)) ? my::redact(text(value)) : pg::redact(text(value)));
    if (const auto *flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
    if (const auto *amount = std::get_if<std::int64_t>(&value)) {
        if (key.type == KeyType::duration) return quoted(format_duration(milliseconds(*amount)));
        if (key.type == KeyType::size) return quoted(format_size(static_cast<std::uint64_t>(*amount)));
        return std::to_string(*amount);
    }
    if (const auto *word = std::get_if<std::string>(&value)) return quoted(*word);
    std::string out;
    if (const auto *words = std::get_if<std::vector<std::string>>(&value)) {
        for (const auto &word : *words) out += (out.empty() ? "" : ", ") + quoted(word);
        return "[" + out + "]";
    }
    for (const auto &[name, entry] : std::get<std::map<std::string, std::string>>(value))
        out += (out.empty() ? "" : ", ") + quoted(name) + " = " + quoted(entry);
    return "{ " + out + " }";
}

bool is_list(std::string_view path) {
    const auto prefix = std::string(path) + "[].";
    return std::ranges::any_of(task_keys(), [&](const Key &key) { return key.path.starts_with(prefix); });
}

std::vector<std::string> sections() {
    std::vector<std::string> names;
    for (const auto &key : task_keys()) {
        auto name = key.path.substr(0, key.path.find('.'));
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

std::string describe(KeyType type) {
    switch (type) {
    case KeyType::text: return "a string";
    case KeyType::boolean: return "true or false";
    case KeyType::integer: return "a whole number";
    case KeyType::duration: return "a duration such as \"10s\" (ms, s, min, h, d)";
    case KeyType::size: return "a size such as \"64MB\" (kB, MB, GB, TB) or a number of bytes";
    case KeyType::text_list: return "a list of strings";
    case KeyType::text_map: return "a table of strings";
    case KeyType::unsupported: return "not supported";
    }
    return {};
}

std::string reference() {
    std::string out;
    for (const auto &key : task_keys()) {
        if (key.type == KeyType::unsupported) continue;
        out += key.path + "\n    " + key.help + "\n    " + describe(key.type);
        if (!key.choices.empty()) out += ": " + enumerate(key.choices);
        if (key.required)
            out += "; required";
        else if (!key.fallback.empty())
            out += "; default " + key.fallback;
        out += "\n";
    }
    return out;
}

} // namespace walbridge::config
