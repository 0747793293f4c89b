// report.cpp: printing a case.
#include "report.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>

namespace walbridge::differential {
namespace {

std::string shown(const ColumnSpec &column, const Value &value) {
    switch (value.kind) {
    case ValueKind::null: return "NULL";
    case ValueKind::unchanged: return "(unchanged)";
    case ValueKind::text: return fmt::format("'{}'", value.bytes);
    case ValueKind::binary: break;
    }
    for (const auto &pooled : column.type->pool)
        if (pooled.binary == value.bytes) return fmt::format("'{}'", pooled.text);
    std::int64_t number = 0; // a generated column
    for (const char byte : value.bytes) number = number * 256 + static_cast<unsigned char>(byte);
    return std::to_string(number);
}

std::string shown(const TableSpec &table, Tuple tuple) {
    std::string text;
    for (std::size_t column = 0; column < tuple.size(); ++column)
        text += fmt::format("{}{} {}", column == 0 ? "(" : ", ", table.columns[column].name,
                            shown(table.columns[column], tuple[column]));
    return text + ")";
}

const TableSpec &table_of(const Schema &schema, const Relation &relation) {
    return *std::find_if(schema.tables.begin(), schema.tables.end(),
                         [&](const TableSpec &table) { return table.name == relation.name.name; });
}

std::string shown(const Schema &schema, const Change &change) {
    if (const auto *row = std::get_if<RowChange>(&change)) {
        const auto &table = table_of(schema, *row->relation);
        static constexpr const char *operations[] = {"INSERT", "UPDATE", "DELETE"};
        auto text = fmt::format("{} {}", operations[static_cast<int>(row->operation)], table.name);
        if (row->old_kind != OldTuple::none)
            text +=
                fmt::format(" old {} {}", row->old_kind == OldTuple::full ? "row" : "key", shown(table, row->old_row));
        if (!row->new_row.empty()) text += " new " + shown(table, row->new_row);
        return text;
    }
    if (const auto *truncate = std::get_if<TruncateChange>(&change)) {
        std::string text = "TRUNCATE";
        for (const auto *relation : truncate->relations) text += " " + relation->name.name;
        return text + (truncate->restart_identity ? " RESTART IDENTITY" : "");
    }
    if (const auto *unknown = std::get_if<UnidentifiedChange>(&change))
        return "unidentified change of " + unknown->relation->name.name;
    return "message";
}

std::string rows_text(const Schema &schema, const DatabaseRows &rows) {
    std::string text;
    for (std::size_t table = 0; table < rows.size(); ++table)
        for (const auto &row : rows[table]) {
            text += "  " + schema.tables[table].name + " (";
            for (std::size_t column = 0; column < schema.tables[table].columns.size(); ++column) {
                const auto value = text_of(schema.tables[table], row, column);
                text += fmt::format("{}{} {}", column == 0 ? "" : ", ", schema.tables[table].columns[column].name,
                                    value ? "'" + *value + "'" : "NULL");
            }
            text += schema.tables[table].extra_column ? ", own '" + row.own + "')\n" : ")\n";
        }
    return text.empty() ? "  none\n" : text;
}

std::string indented(const std::string &text) {
    std::istringstream lines(text);
    std::string line, out;
    while (std::getline(lines, line)) out += "    " + line + "\n";
    return out.empty() ? "    -\n" : out;
}

std::string result_text(const Schema &schema, const Seen &seen) {
    auto text = fmt::format("  {}: {} bulk batches, {} exact batches, {} fallbacks\n", seen.way,
                            seen.counters.bulk_batches, seen.counters.exact_batches, seen.counters.fallbacks);
    for (std::size_t table = 0; table < seen.result.tables.size(); ++table)
        text += fmt::format("   {}\n{}", schema.tables[table].name, indented(seen.result.tables[table]));
    text += "   conflicts\n" + indented(seen.result.conflicts);
    text += fmt::format("   progress {}; sequences {}\n", seen.result.progress, seen.result.sequences);
    if (seen.result.stop)
        text += fmt::format("   stopped: {} | {} | {}\n", seen.result.stop->kind, seen.result.stop->object,
                            seen.result.stop->reason);
    return text;
}

} // namespace

std::string report(const Case &made, const Verdict &verdict) {
    const auto &schema = *made.schema;
    static constexpr const char *policies[] = {"fail", "ignore", "overwrite"};
    std::string text = "PROBLEM " + verdict.problem + "\n\nthe target's tables\n";
    auto ddl = schema.target_sql();
    for (std::size_t at = 0; (at = ddl.find(';', at)) != std::string::npos; at += 2) ddl.replace(at, 1, ";\n");
    text += indented(ddl) + indented(schema.source_text());
    text += fmt::format("\npolicy {}, update_missing {}, delete_missing {}\n",
                        policies[static_cast<int>(made.policies.policy)], made.policies.update_missing,
                        made.policies.delete_missing);
    for (const auto &part : made.copied)
        text += fmt::format("{} was copied after {} transactions{}{}\n",
                            schema.tables[static_cast<std::size_t>(part.table)].name, part.after,
                            part.low ? fmt::format(", keys from {}", *part.low) : "",
                            part.high ? fmt::format(", keys below {}", *part.high) : "");
    text += "\nthe source's rows before\n" + rows_text(schema, made.source);
    text += "the target's rows before\n" + rows_text(schema, made.target);
    std::vector<Lsn> lsns;
    for (std::size_t number = 0; number < made.transactions.size(); ++number) lsns.push_back(Lsn{number * 16 + 16});
    if (const auto stream = replay(schema, made.source, made.transactions, lsns, 1)) {
        for (std::size_t number = 0; number < stream->transactions.size(); ++number) {
            text += fmt::format("transaction {}\n", number);
            for (const auto &change : stream->transactions[number].changes) text += "  " + shown(schema, change) + "\n";
        }
    }
    text += "\nexpected\n" + result_text(schema, verdict.reference);
    text += "got\n" + result_text(schema, verdict.other);
    return text;
}

} // namespace walbridge::differential
