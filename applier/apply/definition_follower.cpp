// definition_follower.cpp: the model, its steps, and their commands.
#include "apply/definition_follower.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "ddl/subjects.hpp"
#include "schema/mysql/constraint_names.hpp"
#include "schema/mysql/definition_json.hpp"
#include "target/kind.hpp"
#include "target/mysql/value_policy.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>

namespace walbridge::apply {
namespace {

using schema::mysql::SourceTable;
using target::DdlState;

constexpr const char *by_hand = "Make the same change on the target by hand.";

/// What the failures of definitions are about, whatever the statement says.
const DdlJournal::About of_tables{"table", {}, {}};

std::vector<SourceTable> tables_of(const DefinitionModel &model, const Oids &chosen) {
    std::vector<SourceTable> tables;
    for (const auto oid : chosen)
        if (const auto found = model.find(oid); found != model.end()) tables.push_back(found->second);
    return tables;
}

std::string described(const std::vector<schema::mysql::LeftOut> &list) {
    std::string text;
    for (const auto &left : list) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", left.object, left.reason);
    return text;
}

/// Values that rows from before ADD COLUMN show, by the table's OID.
std::vector<schema::mysql::MissingValue> missing_values(const DdlStatement &statement, const DefinitionModel &after) {
    std::vector<schema::mysql::MissingValue> values;
    for (const auto &missing : statement.missing)
        for (const auto &[oid, table] : after)
            if (table.name == missing.table) values.push_back({oid, missing.column, missing.value});
    return values;
}

} // namespace

DefinitionFollower::DefinitionFollower(const TaskConfig &config, target::TargetSession &session, SyncFilter &filter,
                                       DdlVerifier verifier)
    : config_(config), session_(session), filter_(filter), verifier_(std::move(verifier)),
      selection_(config.objects.include, config.objects.exclude), options_{.flavour = target::flavour(config),
                                                                           .policy =
                                                                               target::mysql::value_policy(config),
                                                                           .shape =
                                                                               schema::mysql::table_shaper(config)},
      journal_(config, session,
               "Of its transaction, the target holds what came before its last executed DDL, because MySQL commits DDL "
               "by itself; the rest was not applied.") {}

bool DefinitionFollower::take(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid,
                              bool untouched) {
    const auto arrival = journal_.admit(verifier_, message, place, full_xid, untouched);
    return arrival && perform(*arrival);
}

/// Its rewritten rows may still come.
void DefinitionFollower::taken_before(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid) {
    const auto arrival = journal_.admit(verifier_, message, place, full_xid, false);
    if (!arrival || arrival->statement.phase != DdlStatement::Phase::rewrite) return;
    const auto oid = arrival->statement.rewritten_oid;
    load_model();
    const auto table = model_->find(oid);
    if (table == model_->end() || copied(oid, place.commit_lsn)) return;
    if (journal_.recorded_state(*arrival) != target::name_of(DdlState::dismissed))
        rewritten_[oid] = table->second.target;
}

/// Definitions are those of the moment at which a message was written: the stream's order is theirs.
bool DefinitionFollower::perform(const DdlArrival &message) {
    const auto &statement = message.statement;
    if (statement.kind == DdlStatement::Kind::gap) return gap(message);
    if (statement.text.empty()) return false;
    for (const auto &object : statement.objects) // what the task file speaks of by patterns
        if (object.class_name == "pg_class" && object.sub == 0 && object.type.ends_with("table"))
            config_.names.learn_table({object.schema, object.name});
    load_model();
    DefinitionStep step;
    try {
        step = definition_step(*model_, statement,
                               {selection_, config_.names,
                                [&](const QualifiedName &table) { return config_.objects.leaves_out_ddl(table); },
                                [&](std::uint32_t oid) { return copied(oid, message.place.commit_lsn); }});
    } catch (const std::invalid_argument &error) {
        throw Error(ErrorKind::internal, "DDL message at " + to_string(message.place.commit_lsn),
                    fmt::format("its definitions cannot be read: {}", error.what()));
    }
    const auto state = journal_.recorded_state(message);
    const bool dismissed = journal_.dismissed(message, state);
    if (!dismissed && (says_too_little(statement, selection_) || !statement.definitions_failure.empty())) {
        const bool failed = !statement.definitions_failure.empty();
        journal_.fail(
            message, of_tables,
            "its message does not say how the tables look: " +
                (failed ? "the capture could not read them (" + statement.definitions_failure + ")"
                        : "the source's walbridge library is older than this program"),
            std::string(failed ? "" : "Update walbridge on the source; its sessions have to connect again. ") +
                by_hand);
        return false;
    }
    if (dismissed) {
        store(step);
        return true; // somebody may have changed the target's tables in its place
    }
    for (const auto oid : step.left) journal_.leave(message, of_tables, step.before.at(oid).name);
    if (!step.unknown.empty()) {
        journal_.fail(message, of_tables, step.unknown,
                      std::string(by_hand) +
                          " Later statements about the table are followed again when it was dismissed.");
        store(step);
        return false;
    }
    return execute(message, step, state == target::name_of(DdlState::failed));
}

/// What happened is not known, and whether it matters only roughly.
bool DefinitionFollower::gap(const DdlArrival &message) {
    const auto &statement = message.statement;
    if (journal_.dismissed(message, journal_.recorded_state(message))) return true;
    const bool changes_tables = statement.tag.find("TABLE") != std::string::npos ||
                                statement.tag.find("INDEX") != std::string::npos ||
                                statement.tag.find("TYPE") != std::string::npos || statement.tag == "SELECT INTO" ||
                                statement.tag.find("DOMAIN") != std::string::npos;
    if (changes_tables && concerns(statement, selection_)) journal_.fail_gap(message, of_tables);
    return false;
}

/// What the target has to do; the names that its constraints get are noted in the step.
schema::mysql::Changes DefinitionFollower::changes_of(const DdlStatement &statement, DefinitionStep &step) const {
    const auto concerned = related(step.before, step.after, step.touched);
    auto before = concerned;
    for (const auto oid : step.left) before.erase(oid); // they stay on the target as they are
    const auto old_tables = tables_of(step.before, before);
    auto tables = tables_of(step.after, concerned);
    schema::mysql::settle_names(old_tables, tables);
    for (const auto &table : tables)
        if (step.touched.contains(table.oid)) step.after.insert_or_assign(table.oid, table);
    return schema::mysql::change_tables(old_tables, tables, step.emptied, missing_values(statement, step.after),
                                        options_);
}

/// True when the target's tables may have changed.
bool DefinitionFollower::execute(const DdlArrival &message, DefinitionStep &step, bool failed_before) {
    const auto changes = changes_of(message.statement, step);
    DdlJournal::About about{ddl::class_of_tag(message.statement.tag), {}, {}};
    std::vector<target::CommittingCommand> commands;
    for (const auto &command : changes.commands) {
        commands.push_back({command.sql, command.tables});
        about.commands.push_back(command.sql);
    }
    std::vector<schema::mysql::LeftOut> missing;
    for (const auto &left : changes.left_out) {
        if (!left.minor) missing.push_back(left);
        log::warning("left out on the target", {{"object", left.object}, {"reason", left.reason}});
    }
    if (!changes.errors.empty() || !missing.empty()) {
        const auto reason = described(changes.errors.empty() ? missing : changes.errors);
        journal_.fail(message, about, "MySQL has nothing like it: " + reason, by_hand);
        if (!changes.errors.empty()) return false; // the model stays as it was, as the target does
    }
    if (!commands.empty()) {
        const auto failure =
            session_.ddl().execute_committing(commands, {message.place.commit_lsn, message.place.number});
        if (failure) {
            journal_.fail(message, about, *failure);
            store(step);
            return true;
        }
        ++journal_.counters.applied;
        log::info("followed DDL of the source", {{"tag", message.statement.tag},
                                                 {"statement", shown(message.statement.text)},
                                                 {"commands", commands.size()},
                                                 {"position", to_string(message.place.commit_lsn)}});
        if (failed_before) session_.ddl().record(DdlJournal::record_of(message, about, DdlState::retried));
    } else {
        log::debug("nothing on the target follows from a statement", {{"statement", shown(message.statement.text)}});
    }
    settle(step);
    store(step);
    return !commands.empty();
}

/// What follows from an executed step besides its commands.
void DefinitionFollower::settle(const DefinitionStep &step) {
    for (const auto oid : step.emptied) rewritten_[oid] = step.after.at(oid).target;
    for (const auto oid : step.created)
        if (oid != 0) aftermath_.created.push_back(step.after.at(oid).name);
    for (const auto &[oid, reason] : step.copies) {
        const auto &name = step.after.at(oid).name;
        log::info("a table is to be copied", {{"table", to_string(name)}, {"reason", reason}});
        session_.ddl().request_copy(oid, name);
        SyncChunk whole;
        whole.sync_lsn = Lsn{std::numeric_limits<std::uint64_t>::max()};
        filter_.add(oid, name, whole);
        aftermath_.entered.push_back(name);
    }
}

/// The model is the step's from here on, in the open transaction.
void DefinitionFollower::store(const DefinitionStep &step) {
    for (const auto oid : step.touched) {
        const auto table = step.after.find(oid);
        if (table == step.after.end()) {
            session_.ddl().forget_table_definition(oid);
            model_->erase(oid);
        } else {
            session_.ddl().store_table_definition(oid, schema::mysql::to_json(table->second));
            model_->insert_or_assign(oid, table->second);
        }
    }
}

bool DefinitionFollower::copied(std::uint32_t oid, Lsn commit_lsn) const {
    const auto *sync = oid == 0 ? nullptr : filter_.table(oid);
    return sync != nullptr && SyncFilter::of_table(*sync, commit_lsn) != SyncVerdict::apply;
}

void DefinitionFollower::load_model() {
    if (model_) return;
    model_.emplace();
    for (const auto &[oid, definition] : session_.ddl().table_definitions())
        for (auto &table : schema::mysql::tables_from_json("[" + definition + "]", config_.names))
            model_->emplace(oid, std::move(table));
}

std::optional<QualifiedName> DefinitionFollower::staging(const Relation &rewritten) {
    const auto found = rewritten_.find(rewritten.rewrite_of);
    return found == rewritten_.end() ? std::nullopt : std::optional(found->second);
}

DdlAftermath DefinitionFollower::committed() {
    auto aftermath = std::move(aftermath_);
    aftermath_ = {};
    rewritten_.clear();
    verifier_.start_over();
    return aftermath;
}

void DefinitionFollower::forgotten() {
    model_.reset();
    aftermath_ = {};
    rewritten_.clear();
    verifier_.start_over();
}

} // namespace walbridge::apply
