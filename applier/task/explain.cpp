// explain.cpp: see explain.hpp.
#include "task/explain.hpp"

#include "source/shape.hpp"

#include "config/value_text.hpp"
#include "dialect/postgres.hpp"
#include "target/postgres/catalog.hpp"
#include "task/figures.hpp"
#include "task/row_sql.hpp"
#include "task/side_by_side.hpp"
#include "task/state_store.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_identifier;
using target::TargetTable;
using Json = nlohmann::ordered_json;

/// Records that are shown.
constexpr int latest_records = 10;
/// Values above this size are named by their length and digest.
constexpr int longest_value = 65536;

/// One side's answer.
struct Version {
    std::optional<TargetTable> table;
    std::string unknown; ///< why nothing can be said of this side; empty = it answered
    bool exists = false;
    std::vector<std::pair<std::string, std::optional<std::string>>> values;
    bool times_kept = false;                 ///< the server keeps commit times
    std::optional<std::string> committed_at; ///< nullopt = not known (any more)
    std::optional<std::string> origin;       ///< empty = written there; nullopt = not known
    std::string transaction;                 ///< xmin
};

/// Which columns the words name, with their values.
using Key = std::vector<std::pair<std::string, std::string>>;

Key parse_key(const QualifiedName &name, const TargetTable &table, const std::vector<std::string> &words) {
    const auto unique = std::ranges::find_if(table.keys, [](const auto &key) { return key.usable; });
    const auto *columns = unique == table.keys.end() ? nullptr : &unique->columns;
    Key key;
    for (const auto &word : words) {
        const auto equals = word.find('=');
        if (equals != std::string::npos && find_column(table, word.substr(0, equals)) != nullptr)
            key.emplace_back(word.substr(0, equals), word.substr(equals + 1));
        else if (columns != nullptr && key.size() < columns->size())
            key.emplace_back((*columns)[key.size()], word);
        else
            throw Error(ErrorKind::usage, word, fmt::format("{} has no such column or key", to_string(name)),
                        columns == nullptr ? "The table has no key: name columns, for example name=value."
                                           : fmt::format("Its key is {}.", config::enumerate(*columns)));
    }
    const bool named = std::ranges::any_of(words, [&](const auto &word) {
        const auto equals = word.find('=');
        return equals != std::string::npos && find_column(table, word.substr(0, equals)) != nullptr;
    });
    if (key.empty() || (!named && columns != nullptr && key.size() != columns->size()))
        throw Error(ErrorKind::usage, "key", "it is not complete",
                    columns == nullptr
                        ? "Name columns, for example name=value."
                        : fmt::format("The key of {} is {}.", to_string(name), config::enumerate(*columns)));
    return key;
}

std::string shown_value(const std::string &column) {
    const auto text = text_of("t." + quote_identifier(column));
    return fmt::format("CASE WHEN pg_catalog.octet_length({0}) > {1} THEN pg_catalog.concat('(', "
                       "pg_catalog.octet_length({0}), ' bytes, md5 ', pg_catalog.md5({0}), ')') ELSE {0} END",
                       text, longest_value);
}

void read_writer(pg::Session &session, Version &version) {
    version.times_kept = session.value("SELECT pg_catalog.current_setting('track_commit_timestamp')") == "on";
    if (!version.times_kept) return;
    const auto row =
        session.server_version() >= 140000
            ? session.query("SELECT w.timestamp, CASE WHEN w.timestamp IS NULL THEN NULL WHEN w.roident = 0 THEN '' "
                            "ELSE coalesce(o.roname, '#' || w.roident::text) END FROM "
                            "pg_catalog.pg_xact_commit_timestamp_origin($1::xid) AS w LEFT JOIN "
                            "pg_catalog.pg_replication_origin o ON o.roident = w.roident",
                            {version.transaction})
            : session.query("SELECT pg_catalog.pg_xact_commit_timestamp($1::xid), NULL", {version.transaction});
    if (row.rows() == 0) return;
    if (!row.null(0, 0)) version.committed_at = row.text(0, 0);
    if (!row.null(0, 1)) version.origin = row.text(0, 1);
}

void read_version(pg::Session &session, Version &version, const QualifiedName &name, const Key &key) {
    if (!version.table) {
        version.unknown = fmt::format("there is no table {}", to_string(name));
        return;
    }
    RowValues values;
    for (const auto &[column, value] : key) {
        const auto *there = find_column(*version.table, column);
        if (there == nullptr) {
            version.unknown = fmt::format("{} has no column {}", to_string(name), column);
            return;
        }
        values.emplace_back(there, value);
    }
    std::string selected = "t.xmin";
    for (const auto &column : version.table->columns) selected += ", " + shown_value(column.name);
    const auto condition = by_values(*version.table, values);
    pg::Result rows{nullptr};
    try {
        rows = session.query(fmt::format("SELECT {} FROM {} AS t WHERE {} LIMIT 2", selected,
                                         relation_of(*version.table), condition.sql),
                             condition.parameters);
    } catch (const SqlError &error) {
        if (!error.sqlstate().starts_with("22")) throw;
        throw Error(ErrorKind::usage, "key", error.reason(), "Write the values as PostgreSQL reads them.");
    }
    if (rows.rows() > 1)
        throw Error(ErrorKind::usage, "key", fmt::format("several rows of {} match", to_string(name)),
                    "Name the whole key.");
    version.exists = rows.rows() == 1;
    if (!version.exists) return;
    version.transaction = rows.text(0, 0);
    for (std::size_t at = 0; at < version.table->columns.size(); ++at) {
        const int column = static_cast<int>(at) + 1;
        version.values.emplace_back(version.table->columns[at].name,
                                    rows.null(0, column) ? std::nullopt : std::optional(rows.text(0, column)));
    }
    read_writer(session, version);
}

std::string written_by(const Version &version, const TaskConfig &config) {
    if (!version.times_kept) return "not known: track_commit_timestamp is off there";
    if (!version.origin) return "not known any more";
    const auto &origin = *version.origin;
    if (origin.empty()) return "written there";
    constexpr std::string_view prefix = "walbridge_";
    if (!origin.starts_with(prefix)) return "origin " + origin;
    const auto task = origin.substr(prefix.size(), origin.find(':') - prefix.size());
    const auto through = origin.ends_with(":inbox") ? ", by walbridge conflicts resolve" : "";
    return fmt::format("task {}{}{}", task, task == config.name ? " (this one)" : "", through);
}

std::string committed(const Version &version) {
    if (!version.times_kept) return "not known: track_commit_timestamp is off there";
    return version.committed_at.value_or("not known any more");
}

const std::optional<std::string> *value_in(const Version &version, const std::string &column) {
    const auto found = std::ranges::find_if(version.values, [&](const auto &value) { return value.first == column; });
    return found == version.values.end() ? nullptr : &found->second;
}

/// Columns of both sides, in the source's order, with what differs.
std::vector<SideBySideLine> compare(const Version &source, const Version &target) {
    std::vector<SideBySideLine> lines;
    const auto add = [&](const std::string &column) {
        if (std::ranges::any_of(lines, [&](const auto &line) { return line.name == column; })) return;
        const auto *left = value_in(source, column);
        const auto *right = value_in(target, column);
        lines.push_back({column,
                         {left != nullptr ? *left : std::optional<std::string>(absent_value),
                          right != nullptr ? *right : std::optional<std::string>(absent_value)},
                         left != nullptr && right != nullptr && *left != *right});
    };
    for (const auto *version : {&source, &target})
        for (const auto &[column, value] : version->values) add(column);
    return lines;
}

/// Where the task stands; lag in bytes when the source answers.
Json place_of(const TaskConfig &config, pg::Session &target, std::optional<pg::Session> &source) {
    const auto row = read_task(target, config.name);
    if (!row) return {{"state", "new"}};
    Json place{{"state", name_of(row->state)}, {"process", lock_holder(target, config.name).has_value()}};
    const auto progress =
        target.query("SELECT position, commit_time FROM walbridge.progress WHERE task = $1", {config.name});
    if (progress.rows() == 0) return place;
    place["position"] = progress.text(0, 0);
    place["commit_time"] = progress.null(0, 1) ? Json(nullptr) : Json(progress.text(0, 1));
    if (!source) return place;
    const auto behind =
        source->query("WITH l AS (SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN "
                      "pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END AS "
                      "lsn) SELECT lsn, greatest(0, pg_catalog.pg_wal_lsn_diff(lsn, $1::pg_lsn)) FROM l",
                      {progress.text(0, 0)});
    place["source_lsn"] = behind.text(0, 0);
    place["behind_bytes"] = behind.number(0, 1);
    return place;
}

/// The latest records about the row, of any task that writes to the table here.
pg::Result records_of(pg::Session &target, const QualifiedName &table, const Version &here, const Key &key) {
    // The key as the records write it; without casts that somebody made for a type of his own.
    constexpr std::uint32_t first_user_oid = 16384;
    std::string columns;
    std::vector<pg::Parameter> parameters{table.schema, table.name};
    for (const auto &[column, value] : key) {
        parameters.emplace_back(value);
        const auto &type = *find_column(*here.table, column);
        const auto typed = typed_parameter(type, parameters.size());
        columns += fmt::format("{}{} AS {}", columns.empty() ? "" : ", ",
                               type.base_type_oid < first_user_oid ? typed : text_of(typed), quote_identifier(column));
    }
    return target.query(
        fmt::format(
            "WITH k AS (SELECT pg_catalog.to_json(r.*)::jsonb AS key FROM (SELECT {}) AS r) SELECT c.id, c.task, "
            "c.at, c.kind, c.policy, c.outcome, coalesce(c.decision, ''), c.commit_lsn, "
            "pg_catalog.json_build_object('id', c.id, 'task', c.task, 'at', c.at, 'kind', c.kind, 'policy', "
            "c.policy, 'outcome', c.outcome, 'decision', c.decision, 'decided_by', c.decided_by, 'commit_lsn', "
            "c.commit_lsn, 'change', c.change, 'key', c.key, 'source_row', c.source_row, 'target_row', "
            "c.target_row)::text FROM walbridge.conflict c, k WHERE c.schema_name = $1 AND c.table_name = $2 "
            "AND (c.key @> k.key OR c.source_row @> k.key OR c.target_row @> k.key OR c.target_row @> "
            "pg_catalog.jsonb_build_array(k.key)) ORDER BY c.id DESC LIMIT {}",
            columns, latest_records),
        parameters);
}

Json version_json(const Version &version, const TaskConfig &config) {
    if (!version.unknown.empty()) return {{"exists", nullptr}, {"reason", version.unknown}};
    Json json{{"exists", version.exists}};
    if (!version.exists) return json;
    json["written_by"] = written_by(version, config);
    json["origin"] = version.origin ? Json(*version.origin) : Json(nullptr);
    json["commit_time"] = version.committed_at ? Json(*version.committed_at) : Json(nullptr);
    json["track_commit_timestamp"] = version.times_kept;
    json["transaction"] = version.transaction;
    Json row = Json::object();
    for (const auto &[column, value] : version.values) row[column] = value ? Json(*value) : Json(nullptr);
    json["row"] = std::move(row);
    return json;
}

std::string verdict_of(const Version &source, const Version &target, const std::vector<std::string> &differing) {
    if (!source.unknown.empty() || !target.unknown.empty()) return "cannot be compared";
    if (!source.exists && !target.exists) return "on neither side";
    if (!target.exists) return "only on the source";
    if (!source.exists) return "only on the target";
    return differing.empty() ? "the same on both sides" : "differs in " + config::enumerate(differing);
}

pg::Session open(const pg::Endpoint &endpoint) {
    return {
        endpoint,
        {.application_name = "walbridge:explain",
         .replication = false,
         .settings = {{"default_transaction_read_only", "on"}, {"lc_monetary", "C"}, {"statement_timeout", "60s"}}}};
}

} // namespace

std::string explain_row(const TaskConfig &config, const QualifiedName &table, const std::vector<std::string> &key_words,
                        bool json) {
    auto target = open(config.target.endpoint);
    std::optional<pg::Session> source;
    Version there, here;
    try {
        source.emplace(open(config.source.endpoint));
        source::learn_names(config, *source);
    } catch (const Error &error) {
        there.unknown = error.reason();
    }
    auto source_name = table;
    auto target_name = config.names.table(table);
    if (source) there.table = target::read_table(*source, source_name);
    here.table = target::read_table(target, target_name);
    if (const auto other = name_on_source(config.names, table); !there.table && other != table) {
        source_name = other; // the target's name was given
        target_name = table;
        if (source) there.table = target::read_table(*source, source_name);
        here.table = target::read_table(target, target_name);
    }
    if (!there.table && !here.table)
        throw Error(ErrorKind::usage, to_string(table), "neither side has such a table",
                    "Write SCHEMA.TABLE as the source calls it.");
    const auto key = parse_key(table, there.table ? *there.table : *here.table, key_words);
    // The source first: what it wrote meanwhile is not held against the target.
    if (source) read_version(*source, there, source_name, key);
    read_version(target, here, target_name, key);
    const auto lines = compare(there, here);
    std::vector<std::string> differing;
    for (const auto &line : lines)
        if (line.differs) differing.push_back(line.name);
    const auto verdict = verdict_of(there, here, differing);
    const bool known = state_installed(target);
    const auto place = known ? place_of(config, target, source) : Json{{"state", "new"}};
    std::optional<pg::Result> records;
    if (known && here.table && here.unknown.empty()) records.emplace(records_of(target, target_name, here, key));
    const int count = records ? records->rows() : 0;

    if (json) {
        Json document{{"task", config.name},
                      {"table", {{"source", to_string(source_name)}, {"target", to_string(target_name)}}}};
        for (const auto &[column, value] : key) document["key"][column] = value;
        document["verdict"] = verdict;
        document["differs"] = differing;
        document["source"] = version_json(there, config);
        document["target"] = version_json(here, config);
        document["progress"] = place;
        auto text = document.dump(2, ' ', false, Json::error_handler_t::replace);
        // Made by the server: numbers keep every digit.
        text.erase(text.rfind('\n'));
        text += ",\n  \"conflicts\": [";
        for (int row = 0; row < count; ++row) text += (row == 0 ? "\n    " : ",\n    ") + records->text(row, 8);
        return text + (count == 0 ? "]\n}\n" : "\n  ]\n}\n");
    }
    std::string keys;
    for (const auto &[column, value] : key) keys += fmt::format("{}{} = {}", keys.empty() ? "" : ", ", column, value);
    std::string text = fmt::format("row:        {} of {}\n", keys, describe_pair(source_name, target_name));
    text += fmt::format("verdict:    {}\n", verdict);
    for (const auto &[side, version] : {std::pair{"source", &there}, std::pair{"target", &here}}) {
        const auto name = fmt::format("{}:", side);
        if (!version->unknown.empty())
            text += fmt::format("{:<11} not known: {}\n", name, version->unknown);
        else if (!version->exists)
            text += fmt::format("{:<11} the row does not exist\n", name);
        else if (!version->times_kept)
            text += fmt::format(
                "{:<11} exists; who wrote it and when is not known: track_commit_timestamp is off there\n", name);
        else
            text += fmt::format("{:<11} {}, committed {}\n", name, written_by(*version, config), committed(*version));
    }
    text += fmt::format("task:       {}, {}", config.name, place.value("state", ""));
    if (place.contains("position")) text += fmt::format(", applied up to {}", place["position"].get<std::string>());
    if (place.contains("behind_bytes"))
        text += fmt::format(", the source is at {}, {} ahead", place["source_lsn"].get<std::string>(),
                            human_bytes(static_cast<double>(place["behind_bytes"].get<std::int64_t>())));
    text += "\n";
    if (!lines.empty()) text += side_by_side({"source", "target"}, lines);
    if (count == 0) return text + "conflicts:  none is recorded about it\n";
    text += "conflicts:  the latest first\n";
    for (int row = 0; row < count; ++row)
        text += fmt::format("  {:>6}  {}  {}  policy {}  {}{}{}  at {}\n", records->get(row, 0), records->get(row, 2),
                            records->get(row, 3), records->get(row, 4), records->get(row, 5),
                            records->get(row, 6).empty() ? "" : ", decided: " + records->text(row, 6),
                            records->get(row, 1) == config.name ? "" : ", task " + records->text(row, 1),
                            records->get(row, 7));
    return text;
}

} // namespace walbridge::task
