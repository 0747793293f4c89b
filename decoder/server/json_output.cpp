// json_output.cpp: the lines. Field order is fixed: kind, what it is about, values, then the optional positions.
#include "server/json_output.hpp"

#include "server/guard.hpp"

#include <algorithm>

namespace walbridge {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

void append_quoted(std::string &out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
            if (static_cast<unsigned char>(c) < 0x20) {
                out += "\\u00";
                out += hex_digits[static_cast<unsigned char>(c) >> 4];
                out += hex_digits[c & 15];
            } else {
                out += c;
            }
        }
    }
    out += '"';
}

bool is_plain_identifier(std::string_view name) {
    if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
    return std::all_of(name.begin(), name.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

void append_identifier(std::string &out, std::string_view name) {
    if (is_plain_identifier(name)) {
        out += name;
        return;
    }
    out += '"';
    for (const char c : name) {
        if (c == '"') out += '"';
        out += c;
    }
    out += '"';
}

std::string qualified(std::string_view schema, std::string_view name) {
    std::string text;
    append_identifier(text, schema);
    text += '.';
    append_identifier(text, name);
    return text;
}

// Types of the system go without their schema.
std::string type_name(const wire::TypeRef &type) {
    if (type.schema == "pg_catalog") return std::string(type.name);
    return qualified(type.schema, type.name);
}

bool is_number(std::string_view text) {
    // PostgreSQL prints JSON's numbers, and besides them NaN and Infinity.
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
    });
}

void append_value(std::string &out, const ColumnPlan &column, std::string_view text) {
    if (column.json == JsonForm::boolean && (text == "t" || text == "f"))
        out += text == "t" ? "true" : "false";
    else if (column.json == JsonForm::number && is_number(text))
        out += text;
    else
        append_quoted(out, text);
}

std::string_view identity_name(char identity) {
    switch (identity) {
    case 'n': return "nothing";
    case 'f': return "full";
    case 'i': return "index";
    default: return "default";
    }
}

void append_padded(std::string &out, std::uint64_t value, std::size_t digits) {
    const std::string text = std::to_string(value);
    if (text.size() < digits) out.append(digits - text.size(), '0');
    out += text;
}

// ISO 8601 in UTC, by the civil calendar.
std::string iso_time(wire::Microseconds time) {
    constexpr std::int64_t day = 86'400'000'000;
    std::int64_t days = time / day;
    std::int64_t rest = time % day;
    if (rest < 0) {
        rest += day;
        --days;
    }
    // Counted from 0000-03-01, so that the leap day is the last one of its year.
    const std::int64_t shifted = days + 730'425;
    const std::int64_t era = (shifted >= 0 ? shifted : shifted - 146'096) / 146'097;
    const std::int64_t of_era = shifted - era * 146'097;
    const std::int64_t year_of_era = (of_era - of_era / 1'460 + of_era / 36'524 - of_era / 146'096) / 365;
    const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const std::int64_t month_from_march = (5 * of_year + 2) / 153;
    const std::int64_t day_of_month = of_year - (153 * month_from_march + 2) / 5 + 1;
    const std::int64_t month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
    const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
    std::string text;
    append_padded(text, static_cast<std::uint64_t>(year), 4);
    text += '-';
    append_padded(text, static_cast<std::uint64_t>(month), 2);
    text += '-';
    append_padded(text, static_cast<std::uint64_t>(day_of_month), 2);
    text += 'T';
    append_padded(text, static_cast<std::uint64_t>(rest / 3'600'000'000), 2);
    text += ':';
    append_padded(text, static_cast<std::uint64_t>(rest / 60'000'000 % 60), 2);
    text += ':';
    append_padded(text, static_cast<std::uint64_t>(rest / 1'000'000 % 60), 2);
    text += '.';
    append_padded(text, static_cast<std::uint64_t>(rest % 1'000'000), 6);
    text += 'Z';
    return text;
}

void append_hex(std::string &out, std::uint32_t value) {
    bool started = false;
    for (int shift = 28; shift >= 0; shift -= 4) {
        const unsigned digit = (value >> shift) & 15;
        started = started || digit != 0 || shift == 0;
        if (started) out += "0123456789ABCDEF"[digit];
    }
}

void count(wire::Tally *first, wire::Tally *second) {
    if (first != nullptr) ++first->changes;
    if (second != nullptr) ++second->changes;
}

} // namespace

// ---- building blocks

void JsonOutput::start(std::string_view kind) {
    line_ = "{\"kind\":";
    append_quoted(line_, kind);
}

void JsonOutput::send() {
    line_ += '}';
    if (line_.size() >= 0x3fffff00)
        refuse(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a row is too large for format=json",
               "Use format=binary, which has no such limit.");
    sink_.send(line_);
    if (line_.capacity() > (1u << 20)) std::string().swap(line_);
}

void JsonOutput::field(std::string_view name) {
    line_ += ',';
    append_quoted(line_, name);
    line_ += ':';
}

void JsonOutput::text_field(std::string_view name, std::string_view value) {
    field(name);
    append_quoted(line_, value);
}

void JsonOutput::number_field(std::string_view name, std::uint64_t value) {
    field(name);
    line_ += std::to_string(value);
}

void JsonOutput::true_field(std::string_view name) {
    field(name);
    line_ += "true";
}

void JsonOutput::xid_field(std::string_view name, wire::Xid xid) {
    if (options_.include_xids && xid != 0) number_field(name, xid);
}

void JsonOutput::lsn_field(std::string_view name, wire::Lsn lsn) {
    if (!options_.include_lsns) return;
    field(name);
    line_ += '"';
    append_hex(line_, static_cast<std::uint32_t>(lsn >> 32));
    line_ += '/';
    append_hex(line_, static_cast<std::uint32_t>(lsn));
    line_ += '"';
}

void JsonOutput::time_field(std::string_view name, wire::Microseconds time) {
    if (options_.include_timestamps) text_field(name, iso_time(time));
}

void JsonOutput::origin_fields(std::string_view origin, wire::Lsn lsn) {
    if (origin.empty()) return;
    text_field("origin", origin);
    lsn_field("origin_lsn", lsn);
}

void JsonOutput::tuple_field(std::string_view name, const RelationPlan &plan, std::span<const wire::ColumnValue> values,
                             bool key_only) {
    field(name);
    line_ += '{';
    std::size_t at = 0;
    bool first = true;
    bool any_unchanged = false;
    for (std::size_t i = 0; i < plan.columns.size(); ++i) {
        if (key_only && !plan.columns[i].key) continue;
        const wire::ColumnValue &value = values[at++];
        if (value.kind == wire::ValueKind::unchanged) {
            any_unchanged = true;
            continue;
        }
        if (!first) line_ += ',';
        first = false;
        append_quoted(line_, plan.shape.columns[i].name);
        line_ += ':';
        if (value.kind == wire::ValueKind::null)
            line_ += "null";
        else
            append_value(line_, plan.columns[i], value.bytes);
    }
    line_ += '}';
    if (!any_unchanged) return;
    field("unchanged");
    char separator = '[';
    at = 0;
    for (std::size_t i = 0; i < plan.columns.size(); ++i) {
        if (key_only && !plan.columns[i].key) continue;
        if (values[at++].kind != wire::ValueKind::unchanged) continue;
        line_ += separator;
        append_quoted(line_, plan.shape.columns[i].name);
        separator = ',';
    }
    line_ += ']';
}

// ---- relations and changes

void JsonOutput::write_relation(wire::RelationNumber, const RelationPlan &plan) {
    const wire::Relation &shape = plan.shape;
    start("relation");
    text_field("relation", qualified(shape.schema, shape.name));
    if (shape.rewrite_of != 0) number_field("rewrite_of", shape.rewrite_of);
    if (shape.kind == 'p') true_field("partitioned");
    text_field("identity", identity_name(shape.identity));
    field("columns");
    char separator = '[';
    for (const wire::Column &column : shape.columns) {
        line_ += separator;
        separator = ',';
        line_ += "{\"name\":";
        append_quoted(line_, column.name);
        text_field("type", type_name(column.type));
        if (column.typmod != -1) {
            field("typmod");
            line_ += std::to_string(column.typmod);
        }
        if (column.element.oid != 0)
            text_field(column.type.category == 'd' ? "base" : "element", type_name(column.element));
        if (!column.collation_name.empty())
            text_field("collation", qualified(column.collation_schema, column.collation_name));
        if (column.has(wire::column_flag::key)) true_field("key");
        if (column.has(wire::column_flag::identity_always)) text_field("generated", "always as identity");
        if (column.has(wire::column_flag::identity_by_default)) text_field("generated", "by default as identity");
        if (column.has(wire::column_flag::generated)) text_field("generated", "stored");
        if (column.has(wire::column_flag::not_null)) true_field("not_null");
        if (!column.labels.empty()) {
            field("labels");
            char comma = '[';
            for (const std::string_view label : column.labels) {
                line_ += comma;
                append_quoted(line_, label);
                comma = ',';
            }
            line_ += ']';
        }
        line_ += '}';
    }
    line_ += separator == '[' ? "[]" : "]";
    send();
}

void JsonOutput::write(const RelationPlan &plan, const wire::RowChange &record, wire::Tally &first,
                       wire::Tally *second) {
    const char *kind = "";
    switch (record.kind) {
    case wire::RecordKind::insert: kind = "insert"; break;
    case wire::RecordKind::update: kind = "update"; break;
    case wire::RecordKind::erase: kind = "delete"; break;
    default: kind = "unidentified"; break;
    }
    start(kind);
    if (record.kind == wire::RecordKind::unidentified)
        text_field("operation", record.operation == 'U' ? "update" : "delete");
    text_field("relation", qualified(plan.shape.schema, plan.shape.name));
    if (plan.shape.rewrite_of != 0) number_field("rewrite_of", plan.shape.rewrite_of);
    xid_field("xid", record.subxid);
    if (record.old_kind == wire::OldTuple::key) tuple_field("key", plan, record.old_values, true);
    if (record.old_kind == wire::OldTuple::full) tuple_field("old", plan, record.old_values, false);
    const bool has_new = record.kind != wire::RecordKind::erase && record.operation != 'D';
    if (has_new) tuple_field("new", plan, record.new_values, false);
    send();
    count(&first, second);
}

void JsonOutput::write(std::span<const RelationPlan *const> plans, const wire::Truncate &record, wire::Tally &first,
                       wire::Tally *second) {
    start("truncate");
    field("relations");
    char separator = '[';
    for (const RelationPlan *plan : plans) {
        line_ += separator;
        append_quoted(line_, qualified(plan->shape.schema, plan->shape.name));
        separator = ',';
    }
    line_ += ']';
    xid_field("xid", record.subxid);
    if (record.cascade) true_field("cascade");
    if (record.restart_identity) true_field("restart_identity");
    send();
    count(&first, second);
}

void JsonOutput::write(const wire::Message &record, wire::Tally *first, wire::Tally *second) {
    start("message");
    field("transactional");
    line_ += record.transactional ? "true" : "false";
    xid_field("xid", record.subxid);
    lsn_field("lsn", record.lsn);
    text_field("prefix", record.prefix);
    if (encoding_is_valid_(record.content)) {
        text_field("content", record.content);
    } else {
        field("content_hex");
        line_ += '"';
        for (const char c : record.content) {
            line_ += hex_digits[static_cast<unsigned char>(c) >> 4];
            line_ += hex_digits[c & 15];
        }
        line_ += '"';
    }
    send();
    count(first, second);
}

// ---- transactions

void JsonOutput::write(const wire::Begin &record) {
    start("begin");
    xid_field("xid", record.xid);
    lsn_field("commit_lsn", record.commit_lsn);
    time_field("commit_time", record.commit_time);
    origin_fields(record.origin, record.origin_lsn);
    send();
}

void JsonOutput::write(const wire::Commit &record) {
    start("commit");
    number_field("counter", record.counter);
    number_field("changes", record.changes);
    lsn_field("commit_lsn", record.commit_lsn);
    lsn_field("end_lsn", record.end_lsn);
    time_field("commit_time", record.commit_time);
    send();
}

void JsonOutput::write(const wire::BeginPrepare &record) {
    start("begin_prepare");
    text_field("gid", record.gid);
    xid_field("xid", record.xid);
    lsn_field("prepare_lsn", record.prepare_lsn);
    time_field("prepare_time", record.prepare_time);
    origin_fields(record.origin, record.origin_lsn);
    send();
}

void JsonOutput::write(const wire::Prepare &record) {
    start("prepare");
    text_field("gid", record.gid);
    number_field("changes", record.changes);
    xid_field("xid", record.xid);
    lsn_field("prepare_lsn", record.prepare_lsn);
    lsn_field("end_lsn", record.end_lsn);
    time_field("prepare_time", record.prepare_time);
    send();
}

void JsonOutput::write(const wire::CommitPrepared &record) {
    start("commit_prepared");
    text_field("gid", record.gid);
    number_field("counter", record.counter);
    xid_field("xid", record.xid);
    lsn_field("commit_lsn", record.commit_lsn);
    lsn_field("end_lsn", record.end_lsn);
    time_field("commit_time", record.commit_time);
    origin_fields(record.origin, record.origin_lsn);
    send();
}

void JsonOutput::write(const wire::RollbackPrepared &record) {
    start("rollback_prepared");
    text_field("gid", record.gid);
    xid_field("xid", record.xid);
    lsn_field("prepare_end_lsn", record.prepare_end_lsn);
    lsn_field("rollback_end_lsn", record.rollback_end_lsn);
    time_field("prepare_time", record.prepare_time);
    time_field("rollback_time", record.rollback_time);
    send();
}

void JsonOutput::write(const wire::StreamStart &record) {
    start("stream_start");
    xid_field("xid", record.xid);
    if (record.first_block) true_field("first");
    origin_fields(record.origin, 0);
    send();
}

void JsonOutput::write(const wire::StreamStop &record) {
    start("stream_stop");
    number_field("changes", record.changes);
    send();
}

void JsonOutput::write(const wire::StreamAbort &record) {
    start("stream_abort");
    field("whole");
    line_ += record.xid == record.subxid ? "true" : "false";
    xid_field("xid", record.xid);
    xid_field("subxid", record.subxid);
    lsn_field("abort_lsn", record.abort_lsn);
    send();
}

void JsonOutput::write(const wire::StreamCommit &record) {
    start("stream_commit");
    number_field("counter", record.counter);
    number_field("changes", record.changes);
    xid_field("xid", record.xid);
    lsn_field("commit_lsn", record.commit_lsn);
    lsn_field("end_lsn", record.end_lsn);
    time_field("commit_time", record.commit_time);
    send();
}

void JsonOutput::write(const wire::StreamPrepare &record) {
    start("stream_prepare");
    text_field("gid", record.gid);
    number_field("changes", record.changes);
    xid_field("xid", record.xid);
    lsn_field("prepare_lsn", record.prepare_lsn);
    lsn_field("end_lsn", record.end_lsn);
    time_field("prepare_time", record.prepare_time);
    send();
}

} // namespace walbridge
