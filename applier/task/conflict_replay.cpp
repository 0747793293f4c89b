// conflict_replay.cpp: see conflict_replay.hpp. A recorded row becomes text values by the target's own type functions,
// and only if the way back from them gives the record again.
#include "task/conflict_replay.hpp"

#include "dialect/postgres.hpp"
#include "schema/column_rules.hpp"
#include "source/shape.hpp"
#include "target/postgres/catalog.hpp"
#include "target/postgres/statements.hpp"
#include "target/postgres/user_code.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_identifier;
using target::TargetColumn;
using target::TargetTable;

[[noreturn]] void refuse(const RecordedConflict &conflict, const std::string &reason, const std::string &remedy) {
    throw Error(ErrorKind::conflict, fmt::format("conflict {} in {}", conflict.id, to_string(conflict.table)), reason,
                remedy);
}

/// What stands in a record for a value that was too long for it.
bool is_shortened(const nlohmann::json &value) {
    if (value.is_object()) return value.size() == 2 && value.contains("bytes") && value.contains("md5");
    if (!value.is_string()) return false;
    const auto &text = value.get_ref<const std::string &>();
    return text.size() > 8 && text.starts_with("(") && text.ends_with(" bytes)") &&
           text.find_first_not_of("0123456789", 1) == text.size() - 7;
}

/// A row as records show it (apply_session_conflicts.cpp): jsonb of it, or its length and digest.
constexpr const char *shown_row = "CASE WHEN pg_catalog.length(s.shown) <= 65536 THEN s.shown::jsonb ELSE "
                                  "pg_catalog.jsonb_build_object('bytes', pg_catalog.length(s.shown), 'md5', "
                                  "pg_catalog.md5(s.shown)) END::text";

void put(RowValues &values, const TargetColumn &column, pg::Parameter value) {
    for (auto &[known, old] : values)
        if (known == &column) {
            old = std::move(value);
            return;
        }
    values.emplace_back(&column, std::move(value));
}

} // namespace

ConflictReplay::ConflictReplay(const TaskConfig &config, pg::Session &target)
    : config_(config), target_(target), role_(config, target) {}

pg::Result ConflictReplay::run(const TargetTable &table, const std::string &sql,
                               const std::vector<pg::Parameter> &parameters) {
    if (table.acting_owner.empty()) return target_.query(sql, parameters);
    // What waits for the end of the transaction would run as ourselves.
    if (table.firing_triggers) target_.execute("SET CONSTRAINTS ALL IMMEDIATE");
    role_.enter_owner(table.acting_owner);
    auto result = target_.query(sql, parameters);
    role_.leave_owner();
    return result;
}

std::vector<ConflictReplay::FoundRow> ConflictReplay::find_rows(const TargetTable &table, const RowCondition &condition,
                                                                bool one) {
    if (condition.sql.empty()) return {};
    const auto rows = run(table,
                          fmt::format("SELECT s.tableoid, s.ctid, {} FROM (SELECT t.tableoid, t.ctid, "
                                      "pg_catalog.to_json(t.*)::text AS shown FROM {} AS t WHERE {}{} FOR UPDATE) AS s",
                                      shown_row, relation_of(table), condition.sql, one ? " LIMIT 1" : ""),
                          condition.parameters);
    std::vector<FoundRow> found;
    for (int row = 0; row < rows.rows(); ++row)
        found.push_back({rows.text(row, 0), rows.text(row, 1), rows.text(row, 2)});
    return found;
}

std::vector<ConflictReplay::FoundRow> ConflictReplay::rows_in_the_way(const TargetTable &table, const RowValues &values,
                                                                      const std::vector<FoundRow> &own) {
    std::vector<FoundRow> found;
    for (const auto &key : table.keys)
        for (auto &row : find_rows(table, by_key(key, values)))
            if (std::ranges::find(own, row) == own.end() && std::ranges::find(found, row) == found.end())
                found.push_back(std::move(row));
    return found;
}

std::optional<RowValues> ConflictReplay::from_record(const TargetTable &table, const std::string &json,
                                                     std::string &why) {
    const auto row = nlohmann::json::parse(json);
    if (is_shortened(row)) {
        why = "the row was too long for the record";
        return std::nullopt;
    }
    std::string columns, texts, again, generated;
    std::vector<const TargetColumn *> order;
    for (const auto &[name, value] : row.items()) {
        const auto *column = find_column(table, name);
        if (column == nullptr) {
            why = fmt::format("the target has no column {}", name);
            return std::nullopt;
        }
        if (column->generated) {
            generated += fmt::format(" - {}", dialect::postgres::quote_literal(name));
            continue;
        }
        if (is_shortened(value)) {
            why = fmt::format("the value of column {} was too long for the record", name);
            return std::nullopt;
        }
        const auto quoted = quote_identifier(name);
        const auto *comma = order.empty() ? "" : ", ";
        columns += fmt::format("{}{} {}", comma, quoted, target::statements::type_of(*column));
        texts += fmt::format("{}{}", comma, text_of("r." + quoted));
        again += fmt::format("{}r.{}", comma, quoted);
        order.push_back(column);
    }
    if (order.empty()) return RowValues{};
    target_.execute("SAVEPOINT walbridge_record");
    try {
        const auto made =
            run(table,
                fmt::format("SELECT (SELECT pg_catalog.to_json(x.*)::jsonb FROM (SELECT {}) AS x)::text = "
                            "($1::jsonb{})::text, {} FROM pg_catalog.jsonb_to_record($1::jsonb) AS r({})",
                            again, generated, texts, columns),
                {json});
        target_.execute("RELEASE SAVEPOINT walbridge_record");
        if (!made.flag(0, 0)) {
            why = "the record does not hold the values exactly";
            return std::nullopt;
        }
        RowValues values;
        for (std::size_t at = 0; at < order.size(); ++at) {
            const int column = static_cast<int>(at) + 1;
            values.emplace_back(order[at],
                                made.null(0, column) ? pg::Parameter{} : pg::Parameter{made.text(0, column)});
        }
        return values;
    } catch (const SqlError &error) {
        if (error.recovery() != Recovery::stop) throw;
        target_.execute("ROLLBACK TO SAVEPOINT walbridge_record; RELEASE SAVEPOINT walbridge_record");
        why = "the values cannot be read from the record: " + error.reason();
        return std::nullopt;
    }
}

RowValues ConflictReplay::unique_values(const TargetTable &table, const std::string &json) {
    nlohmann::json names = nlohmann::json::array();
    for (const auto &key : table.keys)
        if (key.usable)
            for (const auto &column : key.columns) names.push_back(column);
    const auto values = target_.value("SELECT pg_catalog.jsonb_object_agg(e.key, e.value)::text FROM "
                                      "pg_catalog.jsonb_each($1::jsonb) AS e WHERE $2::jsonb ? e.key",
                                      {json, names.dump()});
    std::string why;
    return values ? from_record(table, *values, why).value_or(RowValues{}) : RowValues{};
}

std::optional<RowValues> ConflictReplay::from_source(const TargetTable &table, const RowValues &key, std::string &why) {
    try {
        if (!source_)
            source_.emplace(config_.source.endpoint,
                            pg::ConnectOptions{config_.application_name("inbox"),
                                               false,
                                               {{"default_transaction_read_only", "on"}, {"lc_monetary", "C"}}});
        source::learn_names(config_, *source_);
        const auto name = name_on_source(config_.names, table.name);
        if (schema::changes_rows(config_, name)) { // what the source holds is not what travels
            why =
                "the task's rules choose or compute what is replicated of the table: walbridge resync copies it again";
            return std::nullopt;
        }
        const auto there = target::read_table(*source_, name);
        if (!there) {
            why = fmt::format("the source has no table {}", to_string(name));
            return std::nullopt;
        }
        RowValues known;
        for (const auto &[column, value] : key)
            if (const auto *same = find_column(*there, column->name)) known.emplace_back(same, value);
        const auto condition = by_values(*there, known);
        std::string texts;
        std::vector<const TargetColumn *> order;
        for (const auto &column : there->columns) {
            const auto *same = find_column(table, column.name);
            if (same == nullptr || same->generated) continue;
            texts += (order.empty() ? "" : ", ") + text_of("t." + quote_identifier(column.name));
            order.push_back(same);
        }
        if (condition.sql.empty() || order.empty()) {
            why = "the record does not tell which row of the source it is";
            return std::nullopt;
        }
        const auto found = source_->query(
            fmt::format("SELECT {} FROM {} AS t WHERE {} LIMIT 1", texts, relation_of(*there), condition.sql),
            condition.parameters);
        if (found.rows() == 0) {
            why = "the source no longer has the row";
            return std::nullopt;
        }
        asked_source_ = true;
        RowValues values;
        for (std::size_t at = 0; at < order.size(); ++at) {
            const int column = static_cast<int>(at);
            values.emplace_back(order[at],
                                found.null(0, column) ? pg::Parameter{} : pg::Parameter{found.text(0, column)});
        }
        return values;
    } catch (const Error &error) {
        why = "the source cannot be asked: " + error.reason();
        return std::nullopt;
    }
}

RowValues ConflictReplay::row_to_write(const RecordedConflict &conflict, const TargetTable &table, const RowValues &key,
                                       const std::string &edit, bool whole) {
    const auto lacks = [&](const RowValues &values) -> const TargetColumn * {
        for (const auto &column : table.columns)
            if (!column.generated && find_value(values, column.name) == nullptr) return &column;
        return nullptr;
    };
    std::string why;
    auto base = nlohmann::json::parse(conflict.source_row);
    const bool of_target = base.empty() && !conflict.target_rows.empty(); // a DELETE has no row of its own
    const auto &recorded = of_target ? conflict.target_rows.front() : conflict.source_row;
    RowValues edited;
    if (!edit.empty()) {
        const auto wanted = nlohmann::json::parse(edit);
        for (const auto &[name, value] : wanted.items()) {
            const auto *column = find_column(table, name);
            if (column == nullptr || column->generated)
                throw Error(ErrorKind::usage, "--edit",
                            fmt::format("{} {} column {}", to_string(table.name),
                                        column == nullptr ? "has no" : "computes its", name),
                            "Name columns of the target's table.");
        }
        // Word for word what the operator wrote: the way back from the type need not give it again ("1e3", "now").
        std::string columns, texts;
        for (const auto &[name, value] : wanted.items()) {
            const auto quoted = quote_identifier(name);
            columns += fmt::format("{}{} {}", columns.empty() ? "" : ", ", quoted,
                                   target::statements::type_of(*find_column(table, name)));
            texts += (texts.empty() ? "" : ", ") + text_of("r." + quoted);
        }
        try {
            const auto made =
                run(table, fmt::format("SELECT {} FROM pg_catalog.jsonb_to_record($1::jsonb) AS r({})", texts, columns),
                    {edit});
            int at = 0;
            for (const auto &[name, value] : wanted.items()) {
                edited.emplace_back(find_column(table, name),
                                    made.null(0, at) ? pg::Parameter{} : pg::Parameter{made.text(0, at)});
                ++at;
            }
        } catch (const SqlError &error) {
            if (!error.sqlstate().starts_with("22")) throw;
            throw Error(ErrorKind::usage, "--edit", error.reason(), "Write values that the columns can hold.");
        }
    }
    // What the operator gives need not have been recorded.
    auto rest = nlohmann::json::parse(recorded.empty() ? "{}" : recorded);
    std::string left_out;
    for (const auto &[column, value] : edited)
        if (rest.contains(column->name)) left_out += " - " + dialect::postgres::quote_literal(column->name);
    const auto without_edited =
        left_out.empty()
            ? recorded
            : target_.value(fmt::format("SELECT ($1::jsonb{})::text", left_out), {recorded}).value_or("{}");
    auto values = from_record(table, without_edited.empty() ? "{}" : without_edited, why);
    const auto complete = [&](RowValues row) {
        for (const auto &[column, value] : edited) put(row, *column, value);
        return row;
    };
    if (values) {
        auto row = complete(*values);
        const auto *missing = whole ? lacks(row) : nullptr;
        if (missing == nullptr) return row;
        // Columns that only the target has take their defaults; those of the source did not change and did not travel.
        why = fmt::format("column {} did not travel with the change", missing->name);
        if (const auto now = from_source(table, values->empty() ? key : *values, why)) {
            bool only_here = true;
            for (const auto &[column, value] : *now) only_here = only_here && find_value(row, column->name) != nullptr;
            if (only_here) {
                asked_source_ = false;
                return row;
            }
            return complete(*now);
        }
    } else {
        const auto reason = why;
        auto row_key = unique_values(table, conflict.source_row); // an UPDATE may have moved the row
        if (by_values(table, row_key).sql.empty()) row_key = key;
        if (const auto now = from_source(table, row_key, why)) return complete(*now);
        why = reason + "; " + why;
    }
    refuse(conflict, why,
           "Write the missing columns with --edit, or bring the row from the source with walbridge verify --repair.");
}

void ConflictReplay::guard(const RecordedConflict &conflict, const std::vector<FoundRow> &own,
                           const std::vector<FoundRow> &others) {
    const auto left = left_.find({conflict.table, conflict.key});
    const auto &expected = left == left_.end() ? conflict.target_rows : left->second;
    const auto known = [](const std::vector<std::string> &rows, const FoundRow &row) {
        return std::ranges::find(rows, row.shown) != rows.end();
    };
    const char *const remedy = "Look at both rows with walbridge explain; --force does it nevertheless.";
    for (const auto &row : expected)
        if (std::ranges::none_of(own, [&](const auto &found) { return found.shown == row; }) &&
            std::ranges::none_of(others, [&](const auto &found) { return found.shown == row; }))
            refuse(conflict, "the target's row is not as it was recorded any more", remedy);
    // An UPDATE that met other rows may be recorded without its own.
    const bool own_may_be_unnamed = conflict.operation == "update" && !conflict.target_rows.empty();
    for (const auto &row : own)
        if (!known(expected, row) && !known(conflict.target_rows, row) && !own_may_be_unnamed)
            refuse(conflict, "the target has a row now that was not there: " + row.shown, remedy);
    for (const auto &row : others)
        if (!known(expected, row) && !known(conflict.target_rows, row))
            refuse(conflict, "the target has a row now that was not there: " + row.shown, remedy);
    if (!conflict.later.empty())
        refuse(
            conflict, fmt::format("conflict {} is a later change of the same row", conflict.later),
            fmt::format("Decide about both in one command (walbridge conflicts resolve TASK.toml {} {} ...), or only "
                        "about the later one.",
                        conflict.id, conflict.later));
}

void ConflictReplay::remove(const TargetTable &table, const FoundRow &row) {
    static_cast<void>(run(
        table, fmt::format("DELETE FROM {} AS t WHERE t.tableoid = $1::oid AND t.ctid = $2::tid", relation_of(table)),
        {row.table, row.place}));
}

std::string ConflictReplay::write(const TargetTable &table, const RowValues &values, const std::vector<FoundRow> &own) {
    std::string names, list, set;
    std::vector<pg::Parameter> parameters;
    auto whole = values;
    bool replaced = false;
    if (!own.empty()) {
        // A GENERATED ALWAYS identity takes a value only where the row is made.
        for (const auto &[column, value] : values)
            if (column->identity_always) {
                const auto now =
                    target_.value(fmt::format("SELECT {} FROM {} AS t WHERE t.tableoid = $1::oid AND t.ctid = $2::tid",
                                              text_of("t." + quote_identifier(column->name)), relation_of(table)),
                                  {own.front().table, own.front().place});
                replaced = replaced || now != value;
            }
        if (replaced)
            for (const auto &column : table.columns)
                if (!column.generated && find_value(values, column.name) == nullptr)
                    whole.emplace_back(
                        &column,
                        target_.value(fmt::format("SELECT {} FROM {} AS t WHERE t.tableoid = $1::oid "
                                                  "AND t.ctid = $2::tid",
                                                  text_of("t." + quote_identifier(column.name)), relation_of(table)),
                                      {own.front().table, own.front().place}));
    }
    for (const auto &[column, value] : whole) {
        const auto name = quote_identifier(column->name);
        if (!own.empty() && !replaced && column->identity_always) continue;
        parameters.push_back(value);
        const auto parameter = typed_parameter(*column, parameters.size());
        names += (names.empty() ? "" : ", ") + name;
        list += (list.empty() ? "" : ", ") + parameter;
        set += fmt::format("{}{} = {}", set.empty() ? "" : ", ", name, parameter);
    }
    const auto written = [&](const pg::Result &result) {
        if (result.rows() != 1)
            throw Error(ErrorKind::target_shape, "table " + to_string(table.name),
                        "a trigger or a rule of the target keeps the row from being written",
                        "Disable it for replica sessions, or write the row by hand.");
        return FoundRow{result.text(0, 0), result.text(0, 1), {}};
    };
    FoundRow row;
    std::string done = "updated";
    if (own.empty() || replaced) {
        if (replaced) remove(table, own.front());
        row = written(run(table,
                          names.empty()
                              ? fmt::format("INSERT INTO {} AS t DEFAULT VALUES RETURNING t.tableoid, t.ctid",
                                            dialect::postgres::quote(table.name))
                              : fmt::format("INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE VALUES ({}) RETURNING "
                                            "t.tableoid, t.ctid",
                                            dialect::postgres::quote(table.name), names, list),
                          parameters));
        if (own.empty()) done = "inserted";
    } else if (!set.empty()) {
        parameters.insert(parameters.end(), {own.front().table, own.front().place});
        row = written(run(table,
                          fmt::format("UPDATE {} AS t SET {} WHERE t.tableoid = ${}::oid AND t.ctid = ${}::tid "
                                      "RETURNING t.tableoid, t.ctid",
                                      relation_of(table), set, parameters.size() - 1, parameters.size()),
                          parameters));
    } else {
        row = own.front();
    }
    leaving_->second.clear();
    const auto now = find_rows(table, {"t.tableoid = $1::oid AND t.ctid = $2::tid", {row.table, row.place}});
    for (const auto &found : now) {
        leaving_->second.push_back(found.shown);
        written_ = found.shown;
    }
    return done;
}

void ConflictReplay::check_unenforced(const RecordedConflict &conflict, const TargetTable &table, const FoundRow &row) {
    for (const auto &constraint : table.unenforced) {
        std::string condition;
        for (std::size_t at = 0; at < constraint.columns.size(); ++at)
            condition += fmt::format(" AND t.{0} {1} own.{0}", quote_identifier(constraint.columns[at]),
                                     constraint.operators[at]);
        const auto twice = run(table,
                               fmt::format("SELECT count(*) FROM {0} AS t, {0} AS own WHERE own.tableoid = $1::oid AND "
                                           "own.ctid = $2::tid{1}",
                                           relation_of(table), condition),
                               {row.table, row.place});
        if (twice.number(0, 0) > 1)
            refuse(conflict, fmt::format("the row would violate constraint {}", constraint.name),
                   "Remove the other row, or write another one with --edit.");
    }
}

std::string ConflictReplay::apply(const RecordedConflict &conflict, ConflictAction action, const std::string &edit,
                                  bool unguarded) {
    written_.clear();
    asked_source_ = false;
    auto table = target::read_table(target_, conflict.table);
    if (!table) refuse(conflict, "the target has no such table any more", "Close the record with --skip.");
    table->acting_owner = target::acting_owner(target_, role_, table->oid);
    leaving_.emplace(Key{conflict.table, conflict.key}, std::vector<std::string>{});
    std::string why;
    const auto key = from_record(*table, conflict.key, why);
    if (!key || key->empty())
        refuse(conflict, key ? "the record holds no key" : why,
               "Write the row by hand and close the record with --skip.");
    const auto own = find_rows(*table, by_values(*table, *key), true);
    if (conflict.operation == "delete" && action != ConflictAction::edit) {
        if (!unguarded) guard(conflict, own, {});
        if (own.empty()) return "the target has no such row: there is nothing to do";
        remove(*table, own.front());
        return "deleted the target's row";
    }
    const auto values = row_to_write(conflict, *table, *key, action == ConflictAction::edit ? edit : "", own.empty());
    const auto others = rows_in_the_way(*table, values, own);
    const auto refuse_for_others = [&](const std::string &remedy) {
        if (!others.empty())
            refuse(conflict, "another row of the target holds a unique value of it: " + others.front().shown, remedy);
    };
    if (action == ConflictAction::edit) refuse_for_others("Write other values, or remove that row.");
    if (!unguarded) {
        // The rows that the change itself met, whatever is written now.
        auto met = rows_in_the_way(*table, unique_values(*table, conflict.source_row), own);
        for (const auto &row : others)
            if (std::ranges::find(met, row) == met.end()) met.push_back(row);
        guard(conflict, own, met);
    }
    if (action == ConflictAction::replay) refuse_for_others("--overwrite removes it; --edit writes other values.");
    for (const auto &row : others) remove(*table, row);
    std::string done;
    try {
        done = write(*table, values, own);
    } catch (const SqlError &error) {
        if (!error.sqlstate().starts_with("23")) throw; // a constraint of the target
        refuse(conflict, error.reason(), "Write other values with --edit, or mend what stands in the way.");
    }
    for (const auto &row : find_rows(*table, by_values(*table, values), true)) check_unenforced(conflict, *table, row);
    return fmt::format("{} the target's row{}{}", done,
                       others.empty() ? "" : fmt::format(", removed {} in its way", others.size()),
                       asked_source_ ? ", with the row as the source has it now" : "");
}

void ConflictReplay::committed() {
    if (leaving_) left_.insert_or_assign(leaving_->first, leaving_->second);
    leaving_.reset();
}

} // namespace walbridge::task
