// ddl_journal.cpp: records, warnings, the error that stops a task.
#include "apply/ddl_journal.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <variant>

namespace walbridge::apply {
namespace {

using target::DdlRecord;
using target::DdlState;

constexpr std::size_t longest_shown = 1000;

/// Statements without a number are known by their place.
std::uint64_t change_of(const DdlArrival &message) { return message.statement.number == 0 ? message.place.number : 0; }

} // namespace

bool concerns(const DdlStatement &gap, const wire::ObjectSelection &selection) {
    return gap.objects.empty() || std::ranges::any_of(gap.objects, [&](const DdlObject &object) {
               if (!object.table_name.empty()) return selection.matches(object.table_schema, object.table_name);
               return object.schema.empty() || object.name.empty() || selection.matches(object.schema, object.name);
           });
}

std::string shown(const std::string &statement) {
    return statement.size() <= longest_shown ? statement : statement.substr(0, longest_shown) + " …";
}

DdlRecord DdlJournal::record_of(const DdlArrival &message, const About &about, DdlState state) {
    DdlRecord record;
    record.commit_lsn = message.place.commit_lsn;
    record.number = message.statement.number;
    record.change = change_of(message);
    record.state = state;
    record.tag = message.statement.tag;
    record.object_class = about.object_class;
    record.text = message.statement.text;
    record.role = message.statement.role;
    record.search_path = about.search_path;
    record.commands = about.commands;
    record.message = message.json;
    return record;
}

std::string DdlJournal::recorded_state(const DdlArrival &message) {
    return session_.ddl()
        .recorded_state(message.place.commit_lsn, message.statement.number, change_of(message))
        .value_or("");
}

bool DdlJournal::dismissed(const DdlArrival &message, const std::string &state) {
    if (state != target::name_of(DdlState::dismissed)) return false;
    ++counters.skipped;
    log::info("a dismissed statement is passed over", {{"statement", shown(message.statement.text)}});
    return true;
}

std::optional<DdlArrival> DdlJournal::admit(DdlVerifier &verifier, const MessageChange &message,
                                            const ChangePlace &place, std::uint64_t full_xid, bool untouched) {
    auto verdict = verifier.verify(message.content, full_xid);
    if (const auto *refusal = std::get_if<DdlVerifier::Refusal>(&verdict)) {
        refuse(place, refusal->reason);
        return std::nullopt;
    }
    const auto json = message.content.substr(message.content.find('\n') + 1);
    return DdlArrival{std::get<DdlStatement>(std::move(verdict)), std::string(json), place, untouched};
}

/// A message that is no statement of the source's capture.
void DdlJournal::refuse(const ChangePlace &place, const std::string &reason) {
    ++counters.refused;
    log::warning("a message that claims to be DDL of the source is refused",
                 {{"reason", reason}, {"transaction", to_string(place.commit_lsn)}, {"change", place.number}});
    DdlRecord record;
    record.commit_lsn = place.commit_lsn;
    record.change = place.number;
    record.state = DdlState::refused;
    record.reason = reason;
    session_.ddl().record(record);
}

void DdlJournal::leave(const DdlArrival &message, const About &about, const QualifiedName &table) {
    auto record = record_of(message, about, DdlState::left);
    record.reason = fmt::format("table {} was renamed out of the selection; its rows are not followed from here on",
                                to_string(table));
    log::warning(record.reason, {{"position", to_string(message.place.commit_lsn)}});
    session_.ddl().record(record);
}

void DdlJournal::fail(const DdlArrival &message, const About &about, const target::DdlFailure &failure) {
    const auto &statement = message.statement;
    const bool gap = statement.kind == DdlStatement::Kind::gap;
    const bool skip = config_.ddl.on_error == "skip";
    auto record = record_of(message, about, !skip ? DdlState::failed : gap ? DdlState::gap : DdlState::skipped);
    (failure.sqlstate.empty() ? record.reason : record.error) = failure.describe();
    if (skip) {
        ++counters.skipped;
        const auto id = session_.ddl().record(record);
        log::warning("a DDL statement of the source is passed over (ddl.on_error = \"skip\")",
                     {{"id", id}, {"statement", shown(statement.text)}, {"reason", failure.describe()}});
        return;
    }
    session_.rollback();
    const auto place = to_string(message.place.commit_lsn);
    const auto id = session_.ddl().record(record);
    throw Error(ErrorKind::ddl, fmt::format("DDL of the source ({})", statement.tag.empty() ? "gap" : statement.tag),
                fmt::format("{}; statement: {}; role: {}; transaction at {}", failure.describe(),
                            statement.text.empty() ? "(not known)" : shown(statement.text),
                            statement.role.empty() ? "(not known)" : statement.role, place),
                fmt::format("{} {} Then start the task again. Or do without the "
                            "statement (after doing by hand what is wanted of it): walbridge ddl dismiss TASK.toml {}",
                            left_standing_,
                            failure.remedy.empty()
                                ? std::string(gap ? "See on the source what was changed, and do the same on the target."
                                                  : "Mend what stands in its way on the target.")
                                : failure.remedy,
                            id));
}

void DdlJournal::fail(const DdlArrival &message, const About &about, std::string reason, std::string remedy) {
    target::DdlFailure failure;
    failure.message = std::move(reason);
    failure.remedy = std::move(remedy);
    fail(message, about, failure);
}

void DdlJournal::fail_gap(const DdlArrival &message, const About &about) {
    fail(message, about, "the source ran DDL that was not captured: " + message.statement.reason);
}

} // namespace walbridge::apply
