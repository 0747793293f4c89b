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
#include <cctype>
#include <fmt/format.h>
#include <limits>
#include <stdexcept>

namespace walbridge::apply {
namespace {

using schema::mysql::SourceTable;
using target::DdlFailure;
using target::DdlState;

constexpr const char *by_hand = "Make the same change on the target by hand.";

schema::mysql::DefinitionOptions options_of(const TaskConfig &config) {
    return {
        .flavour = target::flavour(config),
        .policy = [&config](const QualifiedName &table,
                            const std::string &column) { return target::mysql::value_policy(config, table, column); },
        .lower_case_tables = false};
}

using Model = std::map<std::uint32_t, SourceTable>;
using Oids = std::set<std::uint32_t>;

std::vector<SourceTable> tables_of(const Model &model, const Oids &chosen) {
    std::vector<SourceTable> tables;
    for (const auto oid : chosen)
        if (const auto found = model.find(oid); found != model.end()) tables.push_back(found->second);
    return tables;
}

/// Names of constraints, which are unique in a database, by database.
std::set<std::pair<std::string, std::string>> constraints_of(const SourceTable &table) {
    std::set<std::pair<std::string, std::string>> names;
    for (const auto &constraint : table.constraints) {
        auto name = constraint.name;
        std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        names.emplace(table.target.schema, std::move(name));
    }
    return names;
}

/// The touched tables, whatever foreign keys connect with them, and those whose constraints have names of theirs: all
/// that has a say in what becomes of them. Of ten thousand tables a statement concerns a few.
Oids related(const Model &before, const Model &after, const Oids &touched) {
    std::map<std::uint32_t, Oids> neighbours;
    for (const auto *model : {&before, &after})
        for (const auto &[oid, table] : *model)
            for (const auto &constraint : table.constraints)
                if (constraint.type == 'f') {
                    neighbours[oid].insert(constraint.foreign_table);
                    neighbours[constraint.foreign_table].insert(oid);
                }
    auto chosen = touched;
    for (std::vector<std::uint32_t> open(touched.begin(), touched.end()); !open.empty();) {
        const auto oid = open.back();
        open.pop_back();
        for (const auto next : neighbours[oid])
            if (chosen.insert(next).second) open.push_back(next);
    }
    std::set<std::pair<std::string, std::string>> names;
    for (const auto oid : touched)
        if (const auto table = after.find(oid); table != after.end()) names.merge(constraints_of(table->second));
    if (names.empty()) return chosen;
    for (const auto &[oid, table] : after)
        if (!chosen.contains(oid) &&
            std::ranges::any_of(constraints_of(table), [&](const auto &name) { return names.contains(name); }))
            chosen.insert(oid);
    return chosen;
}

std::string described(const std::vector<schema::mysql::LeftOut> &list) {
    std::string text;
    for (const auto &left : list) text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", left.object, left.reason);
    return text;
}

bool makes_tables(const std::string &tag) {
    return tag.starts_with("CREATE") || tag == "SELECT INTO" || tag.starts_with("IMPORT");
}

bool equal_but_for_name(schema::mysql::SourceIndex a, const schema::mysql::SourceIndex &b) {
    a.name = b.name;
    return a == b;
}

/// A definition shows what its own transaction sees. What another one made beside it, and committed first, is part of
/// the table all the same: statements that do not lock each other out make indexes (and name them), and labels of enums
/// come while a table that uses them is altered.
void keep_unseen(const DdlStatement &statement, const SourceTable &known, SourceTable &told) {
    const auto by_name = [](const auto &list, const std::string &name) {
        return std::ranges::find_if(list, [&](const auto &entry) { return entry.name == name; });
    };
    const bool beside_others =
        statement.tag == "CREATE INDEX" || statement.tag == "ALTER INDEX" || statement.tag == "COMMENT";
    for (const auto &index : known.indexes) {
        if (!beside_others || by_name(told.indexes, index.name) != told.indexes.end()) continue;
        const bool renamed = std::ranges::any_of(told.indexes, [&](const auto &other) {
            return by_name(known.indexes, other.name) == known.indexes.end() && equal_but_for_name(other, index);
        });
        if (!(renamed && statement.tag == "ALTER INDEX")) told.indexes.push_back(index);
    }
    for (auto &column : told.columns) {
        const auto *before = known.column(column.number);
        auto &labels = column.type.enum_labels;
        if (before == nullptr || before->type.oid != column.type.oid || statement.tag == "ALTER TYPE" ||
            before->type.enum_labels.size() <= labels.size())
            continue;
        const auto &more = before->type.enum_labels;
        if (std::ranges::all_of(labels,
                                [&](const auto &label) { return std::ranges::find(more, label) != more.end(); }))
            labels = more;
    }
}

/// Tables that the statement made or changed; the capture tells how all of them look. (An index may be one of a
/// materialized view.)
bool says_too_little(const DdlStatement &statement, const wire::ObjectSelection &selection) {
    if (!statement.definitions.empty() || statement.phase != DdlStatement::Phase::end) return false;
    return std::ranges::any_of(statement.objects, [&](const DdlObject &object) {
        return object.class_name == "pg_class" && object.type == "table" && object.tag != "COMMENT" &&
               selection.matches(object.schema, object.name);
    });
}

/// Values that rows from before ADD COLUMN show, by the table's OID.
std::vector<schema::mysql::MissingValue> missing_values(const DdlStatement &statement, const Model &after) {
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
      selection_(config.objects.include, config.objects.exclude), options_(options_of(config)),
      journal_(config, session,
               "Of its transaction, the target holds what came before its last executed DDL, because MySQL commits DDL "
               "by itself; the rest was not applied.") {}

std::optional<DdlArrival> DefinitionFollower::read(const MessageChange &message, const ChangePlace &place,
                                                   std::uint64_t full_xid, bool untouched) {
    auto verdict = verifier_.verify(message.content, full_xid);
    if (const auto *refusal = std::get_if<DdlVerifier::Refusal>(&verdict)) {
        journal_.refuse(place, refusal->reason);
        return std::nullopt;
    }
    const auto json = message.content.substr(message.content.find('\n') + 1);
    return DdlArrival{std::get<DdlStatement>(std::move(verdict)), std::string(json), place, untouched};
}

bool DefinitionFollower::take(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid,
                              bool untouched) {
    const auto arrival = read(message, place, full_xid, untouched);
    return arrival && perform(*arrival);
}

/// Its rewritten rows may still come.
void DefinitionFollower::taken_before(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid) {
    const auto arrival = read(message, place, full_xid, false);
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
    load_model();
    Step step;
    try {
        step = step_of(statement, message.place.commit_lsn);
    } catch (const std::invalid_argument &error) {
        throw Error(ErrorKind::internal, "DDL message at " + to_string(message.place.commit_lsn),
                    fmt::format("its definitions cannot be read: {}", error.what()));
    }
    const auto state = journal_.recorded_state(message);
    const bool dismissed = journal_.dismissed(message, state);
    if (!dismissed && says_too_little(statement, selection_)) {
        journal_.fail(message, {"table", {}, {}},
                      {{},
                       "its message does not say how the tables look: the source's walbridge library is older than "
                       "this program",
                       {},
                       {},
                       {},
                       "Update walbridge on the source; its sessions have to connect "
                       "again. Make this change on the target by hand."});
        return false;
    }
    if (dismissed) {
        store(step);
        return true; // somebody may have changed the target's tables in its place
    }
    for (const auto oid : step.left) journal_.leave(message, {"table", {}, {}}, model_->at(oid).name);
    if (!step.unknown.empty()) {
        journal_.fail(message, {"table", {}, {}},
                      {{},
                       step.unknown,
                       {},
                       {},
                       {},
                       std::string(by_hand) + " Later statements about the table are followed again when it was "
                                              "dismissed."});
        store(step);
        return false;
    }
    return execute(message, step, state == target::name_of(DdlState::failed));
}

/// What happened is not known, and whether it matters only roughly.
bool DefinitionFollower::gap(const DdlArrival &message) {
    const auto &statement = message.statement;
    if (journal_.dismissed(message, journal_.recorded_state(message))) return true;
    const bool concerns =
        statement.objects.empty() || std::ranges::any_of(statement.objects, [&](const auto &object) {
            if (!object.table_name.empty()) return selection_.matches(object.table_schema, object.table_name);
            return object.schema.empty() || object.name.empty() || selection_.matches(object.schema, object.name);
        });
    const bool of_tables = statement.tag.find("TABLE") != std::string::npos ||
                           statement.tag.find("INDEX") != std::string::npos ||
                           statement.tag.find("TYPE") != std::string::npos || statement.tag == "SELECT INTO" ||
                           statement.tag.find("DOMAIN") != std::string::npos;
    if (concerns && of_tables)
        journal_.fail(message, {"table", {}, {}},
                      {{}, "the source ran DDL that was not captured: " + statement.reason, {}, {}, {}, {}});
    return false;
}

DefinitionFollower::Step DefinitionFollower::step_of(const DdlStatement &statement, Lsn commit_lsn) {
    Step step{*model_, {}, {}, {}, {}, {}, {}};
    std::set<std::uint32_t> told;
    if (!statement.definitions.empty())
        for (auto &table : schema::mysql::tables_from_json(statement.definitions, config_.names)) {
            told.insert(table.oid);
            take_definition(statement, std::move(table), commit_lsn, step);
        }
    for (const auto &dropped : statement.dropped)
        if (dropped.class_name == "pg_class" && dropped.sub == 0 && !copied(dropped.oid, commit_lsn))
            take_drop(dropped, told, step);
    take_composites(statement, commit_lsn, step);
    if (statement.phase == DdlStatement::Phase::rewrite && step.after.contains(statement.rewritten_oid) &&
        !copied(statement.rewritten_oid, commit_lsn))
        step.emptied.insert(statement.rewritten_oid);
    step.touched.merge(Oids(step.emptied));
    for (const auto &[oid, reason] : step.copied) step.touched.insert(oid);
    return step;
}

void DefinitionFollower::take_definition(const DdlStatement &statement, SourceTable table, Lsn commit_lsn, Step &step) {
    const auto oid = table.oid;
    const bool selected = selection_.matches(table.name.schema, table.name.name);
    if (config_.objects.without_ddl.contains(table.name)) return;
    if (copied(oid, commit_lsn)) return; // under a snapshot that shows it, and more
    if (const auto announced = step.after.find(0);
        oid != 0 && announced != step.after.end() && announced->second.name == table.name) {
        auto known = std::move(announced->second);
        known.oid = oid;
        step.after.erase(announced);
        model_->erase(0);
        model_->insert_or_assign(oid, known);
        session_.ddl().forget_table_definition(0);
        session_.ddl().store_table_definition(oid, schema::mysql::to_json(known));
    }
    const bool known = step.after.contains(oid);
    if (!selected) {
        if (!known) return;
        step.left.insert(oid);
        step.touched.insert(oid);
        step.after.erase(oid);
        return;
    }
    if (!known) {
        if (statement.before && statement.before_oid == oid &&
            !selection_.matches(statement.before->schema, statement.before->name))
            step.copied.emplace(oid, "it was renamed into the selection");
        else if (oid == 0 || makes_tables(statement.tag))
            step.created.push_back(oid);
        else
            step.unknown = fmt::format("how table {} was before the statement is not known: an earlier statement about "
                                       "it was not followed",
                                       to_string(table.name));
    }
    if (known) keep_unseen(statement, step.after.at(oid), table);
    step.touched.insert(oid);
    step.after.insert_or_assign(oid, std::move(table));
}

/// Values of composite types are text on the target, which changes with the type's attributes, in rows that the source
/// does not touch.
void DefinitionFollower::take_composites(const DdlStatement &statement, Lsn commit_lsn, Step &step) const {
    for (const auto &object : statement.objects) {
        if (object.class_name != "pg_class" || object.type != "composite type") continue;
        for (const auto &[oid, table] : step.after) {
            const bool uses = std::ranges::any_of(table.columns, [&](const auto &column) {
                return (column.type.kind == 'c' && column.type.name == object.name) ||
                       (column.type.kind == 'a' && column.type.element_name == object.name);
            });
            if (uses && table.kind == 'r' && !copied(oid, commit_lsn))
                step.copied.emplace(oid, "the composite type " + object.identity + " was changed");
        }
    }
}

void DefinitionFollower::take_drop(const DdlDropped &dropped, const std::set<std::uint32_t> &told, Step &step) const {
    if (dropped.type != "index") {
        const auto table = step.after.find(dropped.oid);
        if (table == step.after.end() || config_.objects.without_ddl.contains(table->second.name)) return;
        step.touched.insert(dropped.oid);
        step.after.erase(table);
        return;
    }
    for (auto &[oid, table] : step.after) {
        if (table.name.schema != dropped.schema || told.contains(oid) ||
            config_.objects.without_ddl.contains(table.name))
            continue;
        if (std::erase_if(table.indexes, [&](const auto &index) { return index.name == dropped.name; }) != 0)
            step.touched.insert(oid);
    }
}

/// What the target has to do; the names that its constraints get are noted in the step.
schema::mysql::Changes DefinitionFollower::changes_of(const DdlStatement &statement, Step &step) const {
    const auto concerned = related(*model_, step.after, step.touched);
    auto before = concerned;
    for (const auto oid : step.left) before.erase(oid); // they stay on the target as they are
    const auto old_tables = tables_of(*model_, before);
    auto tables = tables_of(step.after, concerned);
    schema::mysql::settle_names(old_tables, tables);
    for (const auto &table : tables)
        if (step.touched.contains(table.oid)) step.after.insert_or_assign(table.oid, table);
    return schema::mysql::change_tables(old_tables, tables, step.emptied, missing_values(statement, step.after),
                                        options_);
}

/// True when the target's tables may have changed.
bool DefinitionFollower::execute(const DdlArrival &message, Step &step, bool failed_before) {
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
        journal_.fail(message, about, {{}, "MySQL has nothing like it: " + reason, {}, {}, {}, by_hand});
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
    settle(message, step);
    store(step);
    return !commands.empty();
}

/// What follows from an executed step besides its commands.
void DefinitionFollower::settle(const DdlArrival &message, const Step &step) {
    for (const auto oid : step.emptied) rewritten_[oid] = step.after.at(oid).target;
    if (message.statement.phase == DdlStatement::Phase::end)
        for (const auto oid : step.created) aftermath_.created.push_back(step.after.at(oid).name);
    for (const auto &[oid, reason] : step.copied) {
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
void DefinitionFollower::store(const Step &step) {
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
