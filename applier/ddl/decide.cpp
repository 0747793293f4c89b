// decide.cpp: the order of judgement: class, selection, special forms, names, roles; then the text, proven.
#include "ddl/decision.hpp"

#include "ddl/expressions.hpp"
#include "ddl/faithful.hpp"
#include "ddl/mapping.hpp"
#include "ddl/never.hpp"
#include "ddl/resolver.hpp"
#include "ddl/roles.hpp"
#include "ddl/selection.hpp"
#include "ddl/subjects.hpp"
#include "ddl/table_as.hpp"
#include "ddl/tree.hpp"

#include <pg_query.pb.h>

#include <algorithm>

namespace walbridge::ddl {

namespace {

using pg_query::Node;

constexpr const char *by_hand = "Run what the statement should do on the target, then \"walbridge ddl dismiss\" it.";

class Decider {
  public:
    Decider(const DdlStatement &statement, const Rules &rules, TargetNames &target)
        : statement_(statement), rules_(rules), resolver_(statement, rules, target), selection_(rules) {}

    Decision decide();

  private:
    [[nodiscard]] bool verbatim_is_right() const {
        return rules_.names->empty() && rules_.everything_selected && rules_.roles.owners && rules_.roles.grants &&
               rules_.roles.names.empty();
    }
    Decision filtered(std::string reason);
    Decision refused(std::string reason, std::string remedy = by_hand);
    Decision unreadable(const std::string &error);
    [[nodiscard]] std::optional<std::string> nothing_happened(const Node &node) const;
    /// Takes unselected objects out; the reason when none is left.
    std::optional<std::string> select(Node &node, Subjects &subjects);
    Decision finish(Node &node, Subjects &subjects);
    Decision write(const Node &node);

    const DdlStatement &statement_;
    const Rules &rules_;
    Resolver resolver_;
    Selection selection_;
    pg_query::ParseResult tree_;
    Decision decision_;
    bool necessary_ = false; ///< the original text would not do
    bool qualified_ = false;
};

Decision Decider::filtered(std::string reason) {
    decision_.action = Action::filtered;
    decision_.reason = std::move(reason);
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
                       std::string(by_hand) + " A newer libpg_query reads newer forms.");
    decision_.commands.push_back(statement_.text);
    decision_.evaluates_expressions = true; // nobody knows
    return std::move(decision_);
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
                temporary = temporary || (object.temporary && object.name == written.name && written.schema.empty());
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

Decision Decider::write(const Node &) {
    const bool only_qualified = !necessary_ && qualified_;
    if (!necessary_ && (!qualified_ || verbatim_is_right())) {
        decision_.commands.insert(decision_.commands.begin(), statement_.text);
        return std::move(decision_);
    }
    if (auto text = faithful_text(tree_))
        decision_.commands.insert(decision_.commands.begin(), *text);
    else if (only_qualified)
        decision_.commands.insert(decision_.commands.begin(), statement_.text);
    else
        return refused("this statement form cannot be rewritten faithfully");
    return std::move(decision_);
}

Decision Decider::finish(Node &node, Subjects &subjects) {
    for (const Subject &subject : subjects.all)
        if (subject.creates && subject.named == pg_query::OBJECT_TABLE)
            if (const auto name = resolver_.subject(subject)) decision_.created_tables.push_back(*name);
    std::set<const void *> known;
    for (const Subject &subject : subjects.all)
        if (subject.place) known.insert(subject.place->address());
    References references = references_in(node, known);
    const MappingOutcome mapped = map_references(references, subjects, resolver_, selection_, *rules_.names);
    if (mapped.refused)
        return refused(*mapped.refused, "Select that table as well, or run the statement without it on the target.");
    const MappingOutcome own = map_subjects(subjects, resolver_);
    necessary_ = necessary_ || mapped.necessary || own.necessary;
    qualified_ = own.qualified;
    const auto &path = statement_.settings.find("search_path");
    const bool catalog_first =
        path == statement_.settings.end() || path->second.find("pg_catalog") == std::string::npos;
    decision_.evaluates_expressions = may_run_user_code(node, catalog_first);
    return write(node);
}

Decision Decider::decide() {
    decision_.search_path = resolver_.search_path();
    if (statement_.kind == DdlStatement::Kind::gap) {
        decision_.object_class = class_of_tag(statement_.tag);
        return refused(
            "it could not be captured: " + statement_.reason,
            "Compare the schemas (walbridge schema diff), run what is missing on the target, then dismiss it.");
    }
    if (const auto error = parse(statement_.text, tree_)) return unreadable(*error);
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
    if (node->has_create_schema_stmt() && node->create_schema_stmt().schemaname().empty() &&
        !statement_.objects.empty())
        node->mutable_create_schema_stmt()->set_schemaname(statement_.objects.front().name);

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
        return filtered("statements of class " + decision_.object_class + " are not replicated");
    if (const auto reason = nothing_happened(*node)) return filtered(*reason);
    if (auto reason = select(*node, subjects)) return filtered(*reason);
    const RoleOutcome roles = apply_role_rules(*node, rules_.roles);
    if (roles.nothing_left) return filtered(roles.reason);
    necessary_ = necessary_ || roles.changed;
    return finish(*node, subjects);
}

} // namespace

Decision decide(const DdlStatement &statement, const Rules &rules, TargetNames &target) {
    return Decider(statement, rules, target).decide();
}

} // namespace walbridge::ddl
