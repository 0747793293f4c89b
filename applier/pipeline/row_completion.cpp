// row_completion.cpp: see row_completion.hpp.
#include "pipeline/row_completion.hpp"

#include "base/log.hpp"
#include "config/table_rules.hpp"
#include "dialect/postgres.hpp"
#include "source/catalog.hpp"
#include "source/shape.hpp"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <thread>

namespace walbridge::pipeline {
namespace {

using dialect::postgres::quote;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// A commit becomes visible right behind its WAL, and later only where a synchronous standby has to confirm it.
constexpr std::chrono::seconds visible_within{60};
constexpr milliseconds longest_pause{250};

std::string table_of(const Relation &relation) { return "table " + to_string(relation.name); }

std::string whole_identity(const Relation &relation) {
    return fmt::format("Run on the source: ALTER TABLE {} REPLICA IDENTITY FULL; then start the task over (walbridge "
                       "reset --truncate).",
                       quote(relation.name));
}

bool lacks_values(const RowChange &change) {
    return std::ranges::any_of(change.new_row, [](const Value &value) { return value.kind == ValueKind::unchanged; });
}

/// The value of a key column in the row as it is after the change; a long one that is unchanged stands in the old key.
const Value &new_key_value(const RowChange &change, std::uint32_t column) {
    const auto &value = change.new_row[column];
    return value.kind == ValueKind::unchanged && !change.old_row.empty() ? change.old_row[column] : value;
}

/// Whether a column that the source does not have may be there under another name.
bool may_be_renamed(const Column &missing, const Relation &relation, const source::Table &table,
                    const source::Shape &shape) {
    return std::ranges::any_of(table.columns, [&](const source::Column &column) {
        const auto *shaped = shape.find(column.name);
        const bool known = shaped != nullptr &&
                           std::ranges::find(relation.columns, shaped->target, &Column::name) != relation.columns.end();
        return !known && column.type_oid == missing.type_oid;
    });
}

/// For columns that may not be null.
std::optional<std::string_view> empty_value(const Column &column) {
    if (column.type_kind == 'a') return "{}";
    switch (column.type_kind == 'd' && column.base_type_oid != 0 ? column.base_type_oid : column.type_oid) {
    case 17:   // bytea
    case 25:   // text
    case 1042: // bpchar
    case 1043: // varchar
    case 1562: // varbit
    case 3614: // tsvector
        return "";
    case 114:  // json
    case 3802: // jsonb
        return "null";
    case 1700: return "0"; // numeric
    default: return std::nullopt;
    }
}

} // namespace

/// How the values of a row are read.
struct RowCompletion::Lookup {
    /// $1 the transaction, then the key; answers: visible, found, then the columns. Empty: the table is gone.
    std::string sql;
    std::vector<int> answer_column; ///< by column of the relation; 0 = the source does not have it
    std::vector<bool> dropped;      ///< by column of the relation: gone, and not to be found under another name
    std::vector<bool> not_null;     ///< by column of the relation: on the source, whatever an expression makes of it
    std::vector<Oid> types;         ///< of the parameters

    /// What the source holds in a column; it lives as long as the batch.
    Value value(const pg::Result &row, const Relation &relation, std::size_t column, ChangeBatch &batch) const {
        const auto answer = answer_column[column];
        if (answer == 0)
            throw Error(ErrorKind::unidentified, table_of(relation),
                        fmt::format("a row came into its filter without column {}, which the source does not have "
                                    "under this name any more",
                                    relation.columns[column].name),
                        whole_identity(relation));
        if (row.null(0, answer)) return {};
        return {ValueKind::text, batch.copy(row.get(0, answer))};
    }

    /// What stands in a column of a row that the source does not have any more, until its deletion comes, or in a
    /// column until that is dropped.
    Value stand_in(const Relation &relation, std::size_t column) const {
        if (!not_null[column]) return {};
        if (const auto empty = empty_value(relation.columns[column])) return {ValueKind::text, *empty};
        throw Error(ErrorKind::unidentified, table_of(relation),
                    fmt::format("a row came into its filter without column {}, and the source does not have the row "
                                "any more",
                                relation.columns[column].name),
                    whole_identity(relation));
    }
};

RowCompletion::RowCompletion(const TaskConfig &config, std::function<bool()> ended)
    : config_(config), ended_(std::move(ended)) {}

RowCompletion::~RowCompletion() = default;

bool RowCompletion::may_be_needed(const TaskConfig &config) {
    const auto &rules = config.objects.rules;
    for (std::size_t entry = 0; entry < rules.size(); ++entry)
        if (rules.rule(entry).where) return true;
    return false;
}

pg::Session &RowCompletion::source() {
    if (!source_)
        source_.emplace(config_.source.endpoint, pg::ConnectOptions{config_.application_name("complete"), false, {}});
    return *source_;
}

std::unique_ptr<RowCompletion::Lookup> RowCompletion::make_lookup(const Relation &relation) {
    auto lookup = std::make_unique<Lookup>();
    lookup->answer_column.assign(relation.columns.size(), 0);
    lookup->dropped.assign(relation.columns.size(), false);
    for (const auto &column : relation.columns) lookup->not_null.push_back(column.not_null);
    const auto table = source::read_table(source(), relation.oid);
    if (!table) return lookup; // dropped, with all of its rows
    const auto shape = source::Shaper(config_, source()).shape(*table);
    std::string columns;
    std::string condition = shape.where.empty() ? "true" : shape.where;
    int answers = 1;
    for (std::size_t index = 0; index < relation.columns.size(); ++index) {
        const auto found =
            std::ranges::find(shape.columns, relation.columns[index].name, &source::ShapedColumn::target);
        if (found == shape.columns.end()) {
            lookup->dropped[index] = !may_be_renamed(relation.columns[index], relation, *table, shape);
            continue;
        }
        lookup->answer_column[index] = ++answers;
        lookup->not_null[index] = found->own != nullptr && found->own->not_null;
        columns += fmt::format(", {} AS value{}", found->sql, answers);
    }
    for (const auto key : relation.key_columns) {
        const auto &column = relation.columns[key];
        const auto found = std::ranges::find(shape.columns, column.name, &source::ShapedColumn::target);
        if (found == shape.columns.end())
            throw Error(ErrorKind::unidentified, table_of(relation),
                        fmt::format("a row came into its filter without its long values, and the source does not have "
                                    "column {} of its key any more",
                                    column.name),
                        whole_identity(relation));
        lookup->types.push_back(column.type_oid);
        condition += fmt::format(" AND {} = ${}", found->sql, lookup->types.size() + 1);
    }
    std::string answer;
    for (int number = 2; number <= answers; ++number) answer += fmt::format(", there.value{}", number);
    // One statement, one snapshot: the row is as it is after the transaction, or later.
    lookup->sql =
        fmt::format("SELECT pg_catalog.txid_visible_in_snapshot($1::text::bigint, pg_catalog.txid_current_snapshot()), "
                    "there.found{} "
                    "FROM (SELECT 1) one LEFT JOIN (SELECT true AS found{} FROM ONLY {} WHERE {}) there ON true",
                    answer, columns, quote(table->name), condition);
    return lookup;
}

const RowCompletion::Lookup *RowCompletion::lookup_of(const Relation &relation) {
    const auto known = lookups_.find(relation.number);
    if (known != lookups_.end()) return known->second.get();
    const bool filtered = relation.rewrite_of == 0 && rule_of(config_, relation.name).where.has_value();
    return lookups_.emplace(relation.number, filtered ? make_lookup(relation) : nullptr).first->second.get();
}

/// The row as the source has it now that the transaction is visible; nullopt when it has not.
std::optional<pg::Result> RowCompletion::read(const Lookup &lookup, const RowChange &change,
                                              const TransactionBegin &begin) {
    if (lookup.sql.empty()) return std::nullopt;
    const auto transaction = std::to_string(begin.full_xid);
    std::vector<std::string> texts; // with the zero byte that the text form ends with
    texts.reserve(lookup.types.size());
    std::vector<Oid> types{0};
    std::vector<const char *> values{transaction.c_str()};
    std::vector<int> lengths{0}, formats{0};
    for (std::size_t at = 0; at < lookup.types.size(); ++at) {
        const auto &value = new_key_value(change, change.relation->key_columns[at]);
        const bool binary = value.kind == ValueKind::binary;
        if (!binary) texts.emplace_back(value.bytes);
        types.push_back(lookup.types[at]);
        values.push_back(!value.present() ? nullptr : binary ? value.bytes.data() : texts.back().c_str());
        lengths.push_back(static_cast<int>(value.bytes.size()));
        formats.push_back(binary ? 1 : 0);
    }
    const auto began = steady_clock::now();
    bool told = false;
    for (auto pause = milliseconds(2);; pause = std::min(pause * 2, longest_pause)) {
        pg::Result rows(PQexecParams(source().raw(), lookup.sql.c_str(), static_cast<int>(values.size()), types.data(),
                                     values.data(), lengths.data(), formats.data(), 0));
        if (PQresultStatus(rows.raw()) != PGRES_TUPLES_OK) source().raise(rows.raw(), lookup.sql);
        if (rows.flag(0, 0)) return rows.null(0, 1) ? std::nullopt : std::optional(std::move(rows));
        const auto waited = steady_clock::now() - began;
        const auto reason = fmt::format("the commit of transaction {} at {} is in the WAL and nobody can see it yet",
                                        begin.xid, to_string(begin.commit_lsn));
        if (ended_() || waited > visible_within)
            throw Error(ErrorKind::resource, table_of(*change.relation), reason,
                        "It waits for a synchronous standby of the source (synchronous_standby_names, "
                        "pg_stat_replication). A row that it moved into the filter can be read when it is visible.");
        if (!told && waited > std::chrono::seconds(5)) {
            log::warning("a row of the source is waited for",
                         {{"table", to_string(change.relation->name)}, {"reason", reason}});
            told = true;
        }
        std::this_thread::sleep_for(pause);
    }
}

/// The same; what was known of the table is read anew where the table has changed since.
std::optional<pg::Result> RowCompletion::read_now(const RowChange &change, const TransactionBegin &begin) {
    try {
        return read(*lookup_of(*change.relation), change, begin);
    } catch (const SqlError &error) {
        if (!error.sqlstate().starts_with("42")) throw;
        lookups_.erase(change.relation->number);
        return read(*lookup_of(*change.relation), change, begin);
    }
}

void RowCompletion::complete(RowChange &change, const TransactionBegin &begin, bool in_progress, ChangeBatch &batch) {
    const bool comes_in = change.operation == RowOperation::insert;
    const bool moves = change.operation == RowOperation::update && change.old_kind == OldTuple::key;
    if ((!comes_in && !moves) || !lacks_values(change) || lookup_of(*change.relation) == nullptr) return;
    if (in_progress) throw WholeTransactionsWanted{};
    const auto row = read_now(change, begin);
    const auto &lookup = *lookup_of(*change.relation);
    const auto whole = batch.allocate_values(change.new_row.size());
    std::ranges::copy(change.new_row, whole.begin());
    for (std::size_t index = 0; index < whole.size(); ++index) {
        if (whole[index].kind != ValueKind::unchanged) continue;
        if (moves && change.relation->columns[index].key) continue; // a long key that stays travelled as the old one
        if (row && !lookup.dropped[index]) {
            whole[index] = lookup.value(*row, *change.relation, index, batch);
            batch.bytes += whole[index].bytes.size();
        } else if (comes_in) {
            whole[index] = lookup.stand_in(*change.relation, index);
        } // else the row's deletion comes, or the column's; until then it keeps what it has
    }
    change.new_row = whole;
}

} // namespace walbridge::pipeline
