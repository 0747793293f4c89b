// decide.cpp: the order of judgement: class, selection, special forms, names, roles; then the text, proven.
#include "ddl/decision.hpp"

#include "ddl/bodies.hpp"
#include "ddl/expressions.hpp"
#include "ddl/faithful.hpp"
#include "ddl/fast_default.hpp"
#include "ddl/implied_names.hpp"
#include "ddl/mapping.hpp"
#include "ddl/moves.hpp"
#include "ddl/never.hpp"
#include "ddl/resolver.hpp"
#include "ddl/roles.hpp"
#include "ddl/selection.hpp"
#include "ddl/special_forms.hpp"
#include "ddl/subjects.hpp"
#include "ddl/table_as.hpp"
#include "ddl/tree.hpp"
#include "dialect/postgres.hpp"

#include <pg_query.pb.h>

#include <algorithm>

namespace walbridge::ddl {

namespace {

using pg_query::Node;

constexpr const char *by_hand = "Run what the statement should do on the target, then \"walbridge ddl dismiss\" it.";

constexpr const char *by_hand_or_newer = "Run what the statement should do on the target, then \"walbridge ddl "
                                         "dismiss\" it; a newer libpg_query reads newer "
                                         "forms.";

class Decider {
  public:
    Decider(const DdlStatement &statement, const Rules &rules, TargetNames &target)
        : statement_(statement), rules_(rules), resolver_(statement, rules, target), selection_(rules) {}

    Decision decide();

  private:
    /// The original text means the same on the target.
    [[nodiscard]] bool verbatim_is_right() const {
        return rules_.names->empty() && rules_.everything_selected && rules_.roles.owners && rules_.roles.grants &&
               rules_.roles.names.empty();
    }
    Decision filtered(std::string reason);
    Decision refused(std::string reason, std::string remedy = by_hand);
    Decision unreadable(const std::string &error);
    Decision gap();
    [[nodiscard]] std::optional<std::string> other_literals() const;
    [[nodiscard]] std::optional<std::string> nothing_happened(const Node &node) const;
    /// Takes unselected objects out; the reason when none is left.
    std::optional<std::string> select(Node &node, Subjects &subjects);
    void name_schema(Node &node);
    std::optional<std::string> elements_refused(const Node &node);
    std::vector<std::string> drops_elsewhere(const Node &node);
    Decision left_out(std::string reason);
    Decision finish(Node &node, Subjects &subjects);
    /// Columns with other names, and those that do not travel. Something else than a decision to go on: it is made.
    std::optional<Decision> shape(Node &node, Subjects &subjects);
    [[nodiscard]] std::optional<std::string> renamed_in_query(Node &node);
    Decision write(std::vector<std::string> before, std::vector<std::string> after);

    const DdlStatement &statement_;
    const Rules &rules_;
    Resolver resolver_;
    Selection selection_;
    pg_query::ParseResult original_, tree_;
    Decision decision_;
    bool necessary_ = false; ///< the original text would not do
    bool qualified_ = false;
    std::vector<std::string> after_; ///< to be executed behind the statement
};

Decision Decider::filtered(std::string reason) {
    decision_.action = Action::filtered;
    decision_.reason = std::move(reason);
    return std::move(decision_);
}

/// Filtered, but for what it dropped by cascade.
Decision Decider::left_out(std::string reason) {
    decision_.commands = drops_by_cascade(statement_, rules_, resolver_, selection_);
    if (decision_.commands.empty()) return filtered(std::move(reason));
    return std::move(decision_);
}

Decision Decider::refused(std::string reason, std::string remedy) {
    decision_.action = Action::refused;
    decision_.reason = std::move(reason);
    decision_.remedy = std::move(remedy);
    decision_.commands.clear();
    return std::move(decision_);
}

Decision Decider::unreadable(const std::string &error) {
    decision_.object_class = class_of_tag(statement_.tag);
    if (!rules_.classes.contains(decision_.object_class))
        return filtered("statements of class " + decision_.object_class + " are not replicated");
    if (!verbatim_is_right())
        return refused("the installed parser cannot read it (" + error +
                           "), and names, roles or the selection have to be applied to it",
                       by_hand_or_newer);
    decision_.commands.push_back(statement_.text);
    decision_.evaluates_expressions = true; // nobody knows
    return std::move(decision_);
}

/// The parser reads literals with standard_conforming_strings = on.
std::optional<std::string> Decider::other_literals() const {
    const auto setting = statement_.settings.find("standard_conforming_strings");
    if (setting == statement_.settings.end() || setting->second != "off") return std::nullopt;
    if (statement_.text.find('\\') == std::string::npos) return std::nullopt;
    return "it holds backslashes and ran with standard_conforming_strings = off";
}

Decision Decider::gap() {
    decision_.object_class = class_of_tag(statement_.tag);
    if (const auto reason = never_replicated(statement_.tag)) return filtered(*reason);
    if (!rules_.classes.contains(decision_.object_class))
        return filtered("statements of class " + decision_.object_class + " are not replicated");
    const bool concerns_us =
        statement_.objects.empty() ||
        std::any_of(statement_.objects.begin(), statement_.objects.end(), [&](const DdlObject &object) {
            if (!object.table_name.empty()) return selection_.table({object.table_schema, object.table_name});
            if (object.schema.empty()) return selection_.everything();
            if (object.class_name == "pg_class" && object.type.find("table") != std::string::npos)
                return selection_.table({object.schema, object.name});
            return selection_.touches(object.schema);
        });
    if (!concerns_us) return filtered("its objects are not selected");
    return refused("it could not be captured: " + statement_.reason,
                   "Compare the schemas (walbridge schema diff), run what is missing on the target, then dismiss it.");
}

std::optional<std::string> Decider::nothing_happened(const Node &node) const {
    if (statement_.phase != DdlStatement::Phase::end) return std::nullopt;
    const bool conditional = (node.has_create_stmt() && node.create_stmt().if_not_exists()) ||
                             (node.has_create_table_as_stmt() && node.create_table_as_stmt().if_not_exists()) ||
                             (node.has_index_stmt() && node.index_stmt().if_not_exists()) ||
                             (node.has_create_seq_stmt() && node.create_seq_stmt().if_not_exists()) ||
                             (node.has_create_schema_stmt() && node.create_schema_stmt().if_not_exists()) ||
                             (node.has_create_extension_stmt() && node.create_extension_stmt().if_not_exists()) ||
                             (node.has_create_stats_stmt() && node.create_stats_stmt().if_not_exists()) ||
                             (node.has_define_stmt() && node.define_stmt().if_not_exists());
    if (conditional && statement_.objects.empty()) return "the source had it already (IF NOT EXISTS)";
    const bool optional = (node.has_alter_table_stmt() && node.alter_table_stmt().missing_ok()) ||
                          (node.has_rename_stmt() && node.rename_stmt().missing_ok()) ||
                          (node.has_alter_object_schema_stmt() && node.alter_object_schema_stmt().missing_ok()) ||
                          (node.has_alter_seq_stmt() && node.alter_seq_stmt().missing_ok());
    if (optional && statement_.objects.empty() && !statement_.before && statement_.dropped.empty())
        return "the source did not have it (IF EXISTS)";
    return std::nullopt;
}

std::optional<std::string> Decider::select(Node &node, Subjects &subjects) {
    std::vector<int> leave_out;
    std::string first;
    const bool conditional_drop = node.has_drop_stmt() && node.drop_stmt().missing_ok();
    for (const Subject &subject : subjects.all) {
        const auto source = resolver_.subject(subject);
        std::string reason;
        if (!selection_.subject(subject, source, resolver_)) {
            const QualifiedName name = source ? *source : subject.place ? subject.place->get() : QualifiedName{};
            if (!subject.place || (name.schema.empty() && name.name.empty()))
                reason = "objects outside of schemas are not selected";
            else if (subject.kind == NameKind::schema)
                reason = "schema " + name.schema + " is not selected as a whole";
            else
                reason = (name.schema.empty() ? name.name : to_string(name)) + " is not selected";
        } else if (node.has_drop_stmt()) {
            const QualifiedName written = subject.place ? subject.place->get() : QualifiedName{};
            bool dropped = false;
            bool temporary = false;
            for (const DdlDropped &object : statement_.dropped) {
                const bool same =
                    !subject.place || subject.kind == NameKind::other ||
                    (subject.kind == NameKind::schema ? object.name == written.schema
                                                      : object.name.empty() || object.name == written.name) ||
                    object.identity.find(written.name) != std::string::npos;
                if (!same) continue;
                dropped = true;
                temporary = temporary || (object.temporary && object.name == written.name &&
                                          (written.schema.empty() || written.schema == object.schema));
            }
            if (conditional_drop && !dropped)
                reason = "the source did not have it (IF EXISTS)";
            else if (temporary)
                reason = "it was temporary";
        }
        if (reason.empty()) continue;
        if (first.empty()) first = reason;
        if (subject.item < 0) return first;
        leave_out.push_back(subject.item);
    }
    if (leave_out.empty()) return std::nullopt;
    std::sort(leave_out.begin(), leave_out.end());
    leave_out.erase(std::unique(leave_out.begin(), leave_out.end()), leave_out.end());
    if (static_cast<int>(leave_out.size()) == subjects.list->size()) return first;
    for (auto item = leave_out.rbegin(); item != leave_out.rend(); ++item) {
        subjects.list->DeleteSubrange(*item, 1);
        std::erase_if(subjects.all, [&](const Subject &subject) { return subject.item == *item; });
    }
    necessary_ = true;
    return std::nullopt;
}

Decision Decider::write(std::vector<std::string> before, std::vector<std::string> after) {
    std::string text = statement_.text;
    if (necessary_ || (qualified_ && !verbatim_is_right())) {
        if (auto written = faithful_text(tree_, original_, statement_.text))
            text = std::move(*written);
        else if (necessary_)
            return refused("this statement form cannot be rewritten faithfully");
        // else only schemas were added, and the target finds the same objects without them
    }
    decision_.commands = std::move(before);
    decision_.commands.push_back(std::move(text));
    for (std::string &command : after) decision_.commands.push_back(std::move(command));
    for (std::string &command : after_) decision_.commands.push_back(std::move(command));
    return std::move(decision_);
}

/// CREATE SCHEMA AUTHORIZATION r: the schema is called like the role.
void Decider::name_schema(Node &node) {
    auto &create = *node.mutable_create_schema_stmt();
    std::string name =
        create.authrole().roletype() == pg_query::ROLESPEC_CSTRING ? create.authrole().rolename() : statement_.role;
    for (const DdlObject &object : statement_.objects)
        if (object.class_name == "pg_namespace" && !object.name.empty()) name = object.name;
    // A role that is called otherwise on the target, or no role at all, must not change the schema's name.
    if (!rules_.roles.owners || !rules_.roles.names.empty()) necessary_ = true;
    create.set_schemaname(name);
}

std::optional<std::string> Decider::elements_refused(const Node &node) {
    if (!node.has_create_schema_stmt()) return std::nullopt;
    const auto &create = node.create_schema_stmt();
    for (const Node &element : create.schema_elts()) {
        if (element.has_create_stmt())
            decision_.created_tables.push_back({create.schemaname(), element.create_stmt().relation().relname()});
    }
    for (const auto &[table, renamed] : rules_.names->tables())
        if (create.schema_elts_size() > 0 && table.schema == create.schemaname())
            return "it creates objects inside of CREATE SCHEMA, and the task renames table " + to_string(table) +
                   " of that schema";
    return std::nullopt;
}

/// Tables that have been moved to another schema by the task do not go with their source schema.
std::vector<std::string> Decider::drops_elsewhere(const Node &node) {
    std::vector<std::string> commands;
    if (!node.has_drop_stmt() || node.drop_stmt().remove_type() != pg_query::OBJECT_SCHEMA) return commands;
    for (const DdlDropped &object : statement_.dropped) {
        const QualifiedName name{object.schema, object.name};
        if (object.type == "table" && rules_.names->tables().contains(name) &&
            rules_.names->table(name).schema != rules_.names->schema(name.schema))
            commands.push_back("DROP TABLE IF EXISTS " + dialect::postgres::quote(rules_.names->table(name)) +
                               " CASCADE");
    }
    return commands;
}

/// A column of another name that a query may mean; its tables are what the statement mentions.
std::optional<std::string> Decider::renamed_in_query(Node &node) {
    std::vector<QualifiedName> tables;
    std::set<std::string> columns;
    walk(node, [&](google::protobuf::Message &part) {
        if (auto *range = dynamic_cast<pg_query::RangeVar *>(&part))
            if (auto name = resolver_.reference(NameKind::relation, {range->schemaname(), range->relname()}))
                tables.push_back(*std::move(name));
        if (auto *reference = dynamic_cast<pg_query::ColumnRef *>(&part))
            if (!reference->fields().empty() && reference->fields().rbegin()->has_string())
                columns.insert(reference->fields().rbegin()->string().sval());
        return true;
    });
    for (const auto &table : tables)
        for (const auto &column : columns)
            if (rules_.columns.on_target(table, column) != column) return to_string(table) + "." + column;
    return std::nullopt;
}

std::optional<Decision> Decider::shape(Node &node, Subjects &subjects) {
    if (rules_.columns.empty() || subjects.all.empty()) return std::nullopt;
    if (node.has_view_stmt() || node.has_create_table_as_stmt() || node.has_rule_stmt()) {
        if (const auto column = renamed_in_query(node))
            return refused("it may read column " + *column + ", which the task renames or leaves out",
                           "Create it on the target with the names there, then dismiss the statement.");
        return std::nullopt;
    }
    if (subjects.all.front().named != pg_query::OBJECT_TABLE) return std::nullopt;
    const auto table = resolver_.subject(subjects.all.front());
    if (!table) return std::nullopt;
    const ColumnOutcome outcome = shape_columns(node, *table, rules_.columns, [&](const pg_query::RangeVar &range) {
        return resolver_.reference(NameKind::relation, {range.schemaname(), range.relname()});
    });
    if (!outcome.refused.empty())
        return refused(outcome.refused, "Run it on the target with the names there, then dismiss the statement.");
    if (!outcome.nothing_left.empty()) return left_out(outcome.nothing_left);
    necessary_ = necessary_ || outcome.changed;
    for (const std::string &action : outcome.actions)
        after_.push_back("ALTER TABLE " + dialect::postgres::quote(resolver_.on_target(NameKind::relation, *table)) +
                         " " + action);
    return std::nullopt;
}

Decision Decider::finish(Node &node, Subjects &subjects) {
    for (const Subject &subject : subjects.all)
        if (subject.creates && subject.named == pg_query::OBJECT_TABLE)
            if (const auto name = resolver_.subject(subject)) decision_.created_tables.push_back(*name);
    std::set<const void *> known;
    for (const Subject &subject : subjects.all)
        if (subject.place) known.insert(subject.place->address());
    References references = references_in(node, known);
    std::optional<QualifiedName> table;
    if (!subjects.all.empty() && subjects.all.front().named == pg_query::OBJECT_TABLE)
        table = resolver_.subject(subjects.all.front());
    const MappingOutcome mapped = map_references(references, subjects, resolver_, selection_, *rules_.names);
    if (mapped.refused)
        return refused(*mapped.refused, "Select that table as well, or run the statement without it on the target.");
    const MappingOutcome own = map_subjects(subjects, resolver_);
    necessary_ = necessary_ || mapped.necessary || own.necessary;
    qualified_ = own.qualified;
    const auto &path = statement_.settings.find("search_path");
    const bool catalog_first =
        path == statement_.settings.end() || path->second.find("pg_catalog") == std::string::npos;
    FastDefaults defaults = use_source_values(node, statement_);
    necessary_ = necessary_ || defaults.changed;
    decision_.evaluates_expressions = may_run_user_code(node, catalog_first);
    ImpliedNames implied;
    if (table && table->name != resolver_.on_target(NameKind::relation, *table).name) {
        implied = spell_out_names(node, statement_, *table, resolver_.on_target(NameKind::relation, *table));
        necessary_ = true;
    }
    for (const pg_query::ParseResult &statement : defaults.afterwards) {
        auto text = faithful_text(statement);
        if (!text) return refused("the default of a new column cannot be written faithfully");
        implied.after.push_back(std::move(*text));
    }
    return write(std::move(implied.before), std::move(implied.after));
}

Decision Decider::decide() {
    decision_.search_path = resolver_.search_path();
    if (statement_.kind == DdlStatement::Kind::gap) return gap();
    if (const auto reason = other_literals()) return unreadable(*reason);
    if (const auto error = parse(statement_.text, tree_)) return unreadable(*error);
    original_ = tree_;
    if (tree_.stmts_size() != 1) return unreadable(std::to_string(tree_.stmts_size()) + " statements in one text");
    Node *node = tree_.mutable_stmts(0)->mutable_stmt();

    if (new_table_of_query(*node) != nullptr) {
        decision_.object_class = "table";
        if (!rules_.classes.contains("table")) return filtered("statements of class table are not replicated");
        if (statement_.phase == DdlStatement::Phase::end) return std::move(decision_); // done at its start
        pg_query::ParseResult create;
        if (const auto error = create_without_query(statement_, *node, create)) return refused(*error);
        tree_ = std::move(create);
        node = tree_.mutable_stmts(0)->mutable_stmt();
        necessary_ = true;
    }
    if (node->has_create_schema_stmt() && node->create_schema_stmt().schemaname().empty()) name_schema(*node);
    if (node->has_rename_stmt()) resolver_.before_move(node->rename_stmt().newname());
    if (node->has_alter_object_schema_stmt()) resolver_.before_move({});

    Subjects subjects = subjects_of(*node);
    pg_query::ObjectType type = subjects.type;
    if (!subjects.all.empty() && subjects.all.front().named == pg_query::OBJECT_TABLE &&
        type == pg_query::OBJECT_TABLE) {
        // ALTER TABLE works on views, indexes and sequences too.
        if (const auto source = resolver_.subject(subjects.all.front())) {
            const std::string captured = resolver_.captured_type(*source);
            if (captured == "view")
                type = pg_query::OBJECT_VIEW;
            else if (captured == "materialized view")
                type = pg_query::OBJECT_MATVIEW;
            else if (captured == "index")
                type = pg_query::OBJECT_INDEX;
            else if (captured == "sequence")
                type = pg_query::OBJECT_SEQUENCE;
            else if (captured == "composite type")
                type = pg_query::OBJECT_TYPE;
        }
    }
    decision_.object_class = class_of(*node, type);
    if (const auto reason = never_replicated(*node)) return filtered(*reason);
    if (!rules_.classes.contains(decision_.object_class))
        return left_out("statements of class " + decision_.object_class + " are not replicated");
    if (const auto reason = nothing_happened(*node)) return filtered(*reason);
    const Move move = judge_move(*node, subjects, statement_.before, resolver_, selection_, *rules_.names);
    decision_.renamed_from = move.from;
    decision_.renamed_to = move.to;
    decision_.left_selection = move.left_selection;
    decision_.entered_selection = move.entered_selection;
    switch (move.verdict) {
    case Move::Verdict::none:
    case Move::Verdict::ordinary: break;
    case Move::Verdict::filtered: return filtered(move.reason);
    case Move::Verdict::refused: return refused(move.reason, move.remedy);
    case Move::Verdict::replaced: decision_.commands = move.commands; return std::move(decision_);
    }
    necessary_ = necessary_ || move.changed;
    const RoleOutcome roles = apply_role_rules(*node, rules_.roles);
    if (roles.nothing_left) return filtered(roles.reason);
    necessary_ = necessary_ || roles.changed;
    const SpecialForm form = apply_special_form(*node, selection_);
    if (!form.refused.empty() && !node->has_alter_table_stmt()) return refused(form.refused, form.remedy);
    const std::size_t named = subjects.all.size();
    if (move.verdict == Move::Verdict::none)
        if (auto reason = select(*node, subjects)) return left_out(std::move(*reason));
    if (!form.refused.empty()) return refused(form.refused, form.remedy);
    if (auto reason = elements_refused(*node))
        return refused(std::move(*reason), "Run the parts of CREATE SCHEMA as statements of their own.");
    if (subjects.all.size() < named) after_ = drops_by_cascade(statement_, rules_, resolver_, selection_);
    for (std::string &command : drops_elsewhere(*node)) after_.push_back(std::move(command));
    necessary_ = necessary_ || form.changed;
    decision_.own_transaction = form.own_transaction;
    if (const auto found = renamed_names_in_bodies(*node, *rules_.names); !found.empty())
        return refused("the function's body mentions " + found.front() + ", which has another name on the target",
                       "Create the function on the target with the names there, then dismiss the statement.");
    if (auto made = shape(*node, subjects)) return *std::move(made);
    return finish(*node, subjects);
}

} // namespace

Decision decide(const DdlStatement &statement, const Rules &rules, TargetNames &target) {
    return Decider(statement, rules, target).decide();
}

} // namespace walbridge::ddl
