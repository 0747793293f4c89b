// ddl_applier.cpp: order, execution, policy.
#include "apply/ddl_applier.hpp"

#include "base/error.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <regex>

namespace walbridge::apply {
namespace {

using target::DdlCommands;
using target::DdlFailure;
using target::DdlState;

DdlJournal::About about(const ddl::Decision &decision) {
    return {decision.object_class, decision.search_path, decision.commands};
}

class CatalogNames final : public ddl::TargetNames {
  public:
    explicit CatalogNames(target::DdlTarget &target) : target_(target) {}
    bool relation_exists(const QualifiedName &name) override { return target_.relation_exists(name); }
    bool type_exists(const QualifiedName &name) override { return target_.type_exists(name); }
    bool routine_exists(const QualifiedName &name) override { return target_.routine_exists(name); }
    bool schema_exists(const std::string &name) override { return target_.schema_exists(name); }

  private:
    target::DdlTarget &target_;
};

/// Whether the statement gives a column values that the target could not compute alike: it mentions the column, and
/// adds columns or computes values.
bool touches(const std::string &text, const std::string &column) {
    static const std::regex computing(R"(\b(using|add)\b)", std::regex::icase);
    if (!std::regex_search(text, computing)) return false;
    const auto lower = [](std::string word) {
        std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
        return word;
    };
    const auto in_word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; };
    const auto all = lower(text), word = lower(column);
    for (auto at = all.find(word); at != std::string::npos; at = all.find(word, at + 1)) {
        const auto end = at + word.size();
        if ((at == 0 || !in_word(all[at - 1])) && (end == all.size() || !in_word(all[end]))) return true;
    }
    return false;
}

/// ALTER TABLE that leaves columns and name alone: constraints, triggers, policies, storage.
bool spares_columns(const std::string &text) {
    static const std::regex columns(R"(\b(column|type|rename|schema|default|identity|generated|not\s+null)\b)",
                                    std::regex::icase);
    static const std::regex others(
        R"(\b(constraint|primary\s+key|unique|check|foreign\s+key|exclude|trigger|rule|row\s+level|replica|owner|cluster|partition|inherit|statistics|set\s*\(|reset\s*\()\b)",
        std::regex::icase);
    return !std::regex_search(text, columns) && std::regex_search(text, others);
}

bool says_already_so(const std::string &sqlstate) {
    static const std::set<std::string> states{"42P07", "42710", "42723", "42P06", "42701", "42P16",
                                              "42P01", "42704", "42883", "42703", "3F000"};
    return states.contains(sqlstate);
}

} // namespace

DdlApplier::DdlApplier(const TaskConfig &config, target::TargetSession &session, SyncFilter &filter,
                       DdlVerifier verifier)
    : session_(session), filter_(filter), verifier_(std::move(verifier)), rules_(config),
      journal_(config, session, "Nothing of its transaction was applied.") {}

bool DdlApplier::take(const MessageChange &message, const ChangePlace &place, std::uint64_t full_xid, bool untouched) {
    auto admitted = journal_.admit(verifier_, message, place, full_xid, untouched);
    if (!admitted) return false;
    bool changed = false;
    for (const auto &arrival : order_.take(std::move(*admitted))) changed = perform(arrival) || changed;
    return changed;
}

bool DdlApplier::finish() {
    bool changed = false;
    for (const auto &message : order_.rest()) changed = perform(message) || changed;
    while (!staging_.empty()) changed = complete(staging_.begin()->second.number) || changed;
    return changed;
}

bool DdlApplier::perform(const DdlArrival &message) {
    const auto &statement = message.statement;
    Entry unnumbered;
    bool changed = false;
    if (statement.number == 0) return begin(message, unnumbered);
    const auto [at, fresh] = entries_.try_emplace(statement.number);
    auto &entry = at->second;
    if (fresh) changed = begin(message, entry);
    if (statement.phase == DdlStatement::Phase::rewrite && entry.executed) stage(statement);
    if (statement.phase == DdlStatement::Phase::end) changed = complete(statement.number) || changed;
    return changed;
}

/// Tables that the task file speaks of by patterns have to be known before the statement is judged.
void DdlApplier::learn_names(const DdlStatement &statement) const {
    for (const auto &object : statement.objects)
        if (object.class_name == "pg_class" && object.sub == 0 &&
            (object.type.ends_with("table") || object.type.ends_with("view")))
            rules_.names().learn_table({object.schema, object.name});
}

bool DdlApplier::begin(const DdlArrival &message, Entry &entry) {
    const auto &statement = message.statement;
    // The end of what turned out to be nothing: only those that ran inside of it count.
    if (statement.kind == DdlStatement::Kind::statement && statement.text.empty()) return false;
    const auto state = journal_.recorded_state(message);
    if (journal_.dismissed(message, state)) return false;
    learn_names(statement);
    ddl::Decision decision;
    if (statement.kind == DdlStatement::Kind::gap) {
        if (!rules_.rules().everything_selected && !concerns(statement, rules_.selection())) return false;
        CatalogNames names(session_.ddl());
        // Of a kind that is never followed, or switched off: what is not known of it does not matter.
        if (ddl::decide(statement, rules_.rules(), names).action == ddl::Action::filtered) return false;
        journal_.fail_gap(message, about(decision));
        return false;
    }
    const auto held = copied(statement, message.place.commit_lsn);
    if (held == Copied::yes) {
        log::debug("the copied table has this change already", {{"statement", shown(statement.text)}});
        return false;
    }
    CatalogNames names(session_.ddl());
    decision = ddl::decide(statement, rules_.rules(), names);
    if (decision.left_selection)
        journal_.leave(message, about(decision), decision.renamed_from.value_or(QualifiedName{}));
    if (decision.entered_selection && decision.renamed_to) enter_selection(statement, *decision.renamed_to);
    switch (decision.action) {
    case ddl::Action::filtered: return false;
    case ddl::Action::refused: journal_.fail(message, about(decision), decision.reason, decision.remedy); return false;
    case ddl::Action::execute: break;
    }
    entry.executed = execute(message, decision, held, state == target::name_of(DdlState::failed));
    return entry.executed;
}

/// Nothing of the table is here: it is copied under a snapshot of its own, and what comes of it until then is in that.
void DdlApplier::enter_selection(const DdlStatement &statement, const QualifiedName &table) {
    auto oid = statement.before_oid;
    for (const auto &object : statement.objects)
        if (oid == 0 && object.class_name == "pg_class") oid = object.oid;
    log::info("a table was renamed into the selection and is copied", {{"table", to_string(table)}});
    session_.ddl().request_copy(oid, table);
    SyncChunk whole;
    whole.sync_lsn = Lsn{std::numeric_limits<std::uint64_t>::max()};
    filter_.add(oid, table, whole);
    aftermath_.entered.push_back(table);
}

/// True when its rewritten rows, if there are any, belong to the target.
bool DdlApplier::execute(const DdlArrival &message, const ddl::Decision &decision, Copied copied, bool failed_before) {
    const auto &statement = message.statement;
    if (!decision.commands.empty()) {
        const DdlCommands commands{decision.commands, statement.role, decision.search_path, statement.settings,
                                   decision.evaluates_expressions};
        if (const auto failure = run(message, decision, commands)) {
            const bool recognised = (copied == Copied::possibly && says_already_so(failure->sqlstate)) ||
                                    session_.ddl().already_so(rules_.in_target_names(statement), commands, *failure);
            if (!recognised) {
                journal_.fail(message, about(decision), *failure);
                return false;
            }
            ++journal_.counters.recognised;
            log::info("what a statement does is so on the target already",
                      {{"statement", shown(statement.text)}, {"answer", failure->describe()}});
            auto record = DdlJournal::record_of(message, about(decision), DdlState::recognised);
            record.reason = failure->describe();
            session_.ddl().record(record);
            aftermath_.created.insert(aftermath_.created.end(), decision.created_tables.begin(),
                                      decision.created_tables.end());
            return copied == Copied::no; // rewritten rows bring the source's values in any case
        }
        ++journal_.counters.applied;
        log::info("executed DDL of the source", {{"tag", statement.tag},
                                                 {"statement", shown(statement.text)},
                                                 {"role", statement.role},
                                                 {"position", to_string(message.place.commit_lsn)}});
        if (failed_before) session_.ddl().record(DdlJournal::record_of(message, about(decision), DdlState::retried));
    }
    aftermath_.created.insert(aftermath_.created.end(), decision.created_tables.begin(), decision.created_tables.end());
    return true;
}

std::optional<DdlFailure> DdlApplier::run(const DdlArrival &message, const ddl::Decision &decision,
                                          const DdlCommands &commands) {
    if (!decision.own_transaction) return session_.ddl().execute(commands);
    if (!message.untouched || std::ranges::any_of(entries_, [](const auto &entry) { return entry.second.executed; }))
        return DdlFailure{{}, "it cannot run inside a transaction, and its transaction holds other changes", {}, {}, {},
                          {}};
    std::optional<QualifiedName> made;
    for (const auto &object : message.statement.objects)
        if (object.tag == "CREATE INDEX") made = QualifiedName{rules_.names().schema(object.schema), object.name};
    session_.rollback(); // so far it has only read
    auto failure = session_.ddl().execute_alone(commands, made);
    session_.begin();
    return failure;
}

void DdlApplier::stage(const DdlStatement &statement) {
    if (!statement.rewritten) return;
    const auto table = rules_.names().table(*statement.rewritten);
    if (!session_.ddl().relation_exists(table)) return;
    staging_[statement.rewritten_oid] = {statement.number,
                                         session_.ddl().create_staging(statement.rewritten_oid, table),
                                         table,
                                         statement.text,
                                         false,
                                         {}};
}

std::optional<QualifiedName> DdlApplier::staging(const Relation &rewritten) {
    const auto found = staging_.find(rewritten.rewrite_of);
    if (found == staging_.end()) return std::nullopt;
    auto &staging = found->second;
    if (!staging.known) {
        staging.known = true;
        for (const auto &column : rewritten.columns) staging.columns.push_back(column.name);
    }
    return staging.name;
}

/// Puts the rewritten rows of the statement's tables in place.
bool DdlApplier::complete(std::uint64_t number) {
    bool changed = false;
    for (auto at = staging_.begin(); at != staging_.end();) {
        const auto &staging = at->second;
        if (staging.number != number) {
            ++at;
            continue;
        }
        if (staging.known) {
            std::vector<std::string> match;
            for (const auto &column : staging.columns)
                if (!touches(staging.text, column)) match.push_back(column);
            session_.ddl().merge_staging(staging.name, staging.table, staging.columns, match);
        }
        at = staging_.erase(at);
        changed = true;
    }
    return changed;
}

/// A table that was copied under a snapshot younger than the statement has its columns already, and whatever the schema
/// stage made for it. (Objects are known by OID; of indexes, triggers and the like their table by name.)
DdlApplier::Copied DdlApplier::copied(const DdlStatement &statement, Lsn commit_lsn) const {
    if (filter_.empty()) return Copied::no;
    bool concerned = false;
    const auto look = [&](const TableSync *sync) {
        if (sync != nullptr && SyncFilter::of_table(*sync, commit_lsn) != SyncVerdict::apply) concerned = true;
    };
    if (statement.before_oid != 0) look(filter_.table(statement.before_oid));
    if (statement.rewritten_oid != 0) look(filter_.table(statement.rewritten_oid));
    for (const auto &object : statement.objects) {
        if (object.class_name == "pg_class") look(filter_.table(object.oid));
        if (!object.table_name.empty()) look(filter_.table(QualifiedName{object.table_schema, object.table_name}));
    }
    for (const auto &object : statement.dropped)
        if (object.class_name == "pg_class") look(filter_.table(object.oid));
    if (!concerned) return Copied::no;
    if (statement.tag != "ALTER TABLE" || spares_columns(statement.text)) return Copied::possibly;
    return Copied::yes;
}

DdlAftermath DdlApplier::committed() {
    auto aftermath = std::move(aftermath_);
    forgotten();
    return aftermath;
}

void DdlApplier::forgotten() {
    verifier_.start_over();
    order_.clear();
    entries_.clear();
    staging_.clear();
    aftermath_ = {};
}

} // namespace walbridge::apply
