// references.cpp: a walk with the scopes of SQL in mind.
#include "ddl/references.hpp"

#include <google/protobuf/message.h>

#include <array>
#include <map>
#include <string>
#include <string_view>

namespace walbridge::ddl {

namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using pg_query::Node;
using pg_query::RangeVar;

/// Functions whose first argument is the text of a relation's name.
bool takes_relation_name(const Nodes &function) {
    static const std::set<std::string> names = {"nextval",
                                                "currval",
                                                "setval",
                                                "pg_get_serial_sequence",
                                                "pg_relation_size",
                                                "pg_table_size",
                                                "pg_total_relation_size",
                                                "to_regclass"};
    const auto parts = strings(function);
    return !parts.empty() && names.contains(parts.back());
}

/// Parameters of CREATE TYPE, AGGREGATE, OPERATOR, TEXT SEARCH ... whose value is written like a type but names a
/// function.
bool names_a_routine(const std::string &parameter) {
    static const std::set<std::string> names = {"sfunc",   "finalfunc", "combinefunc",  "serialfunc", "deserialfunc",
                                                "msfunc",  "minvfunc",  "mfinalfunc",   "sfunc1",     "input",
                                                "output",  "receive",   "send",         "typmod_in",  "typmod_out",
                                                "analyze", "subscript", "function",     "procedure",  "restrict",
                                                "join",    "canonical", "subtype_diff", "gettoken",   "start",
                                                "end",     "lextypes",  "headline",     "init",       "lexize"};
    return names.contains(parameter);
}

/// The other parameters that are written like a type and are none, or may be none.
bool names_something_else(const std::string &parameter) {
    static const std::set<std::string> names = {"parallel",   "finalfunc_modify", "mfinalfunc_modify",
                                                "sortop",     "commutator",       "negator",
                                                "provider",   "alignment",        "storage",
                                                "category",   "locale",           "lc_collate",
                                                "lc_ctype",   "collation",        "subtype_opclass",
                                                "template",   "parser",           "copy",
                                                "dictionary", "passedbyvalue",    "multirange_type_name"};
    return names.contains(parameter);
}

class Walker {
  public:
    explicit Walker(const std::set<const void *> &known) : known_(known) {}

    References result;

    void visit(Message &message);

  private:
    struct Scope {
        std::set<std::string> with;
        std::map<std::string, RangeVar *> tables; ///< visible name; null when it is an alias or something else
    };

    void children(Message &message, const std::set<std::string> &leave_out = {});
    void query(Message &message);
    void with_clause(pg_query::WithClause &clause);
    void see(Message &from, Scope &scope);
    void relation(RangeVar &range, Reference::Use use);
    void list(Nodes &names, NameKind kind, int tail = 0);
    void literal(Node &node, NameKind kind);
    void column(pg_query::ColumnRef &column);
    void parameter(pg_query::DefElem &element);
    [[nodiscard]] bool is_with_query(const std::string &name) const;

    const std::set<const void *> &known_;
    std::vector<Scope> scopes_;
    bool of_index_ = false;
};

bool Walker::is_with_query(const std::string &name) const {
    for (const Scope &scope : scopes_)
        if (scope.with.contains(name)) return true;
    return false;
}

void Walker::relation(RangeVar &range, Reference::Use use) {
    if (known_.contains(&range) || range.relname().empty()) return;
    if (range.schemaname().empty() && is_with_query(range.relname())) return;
    result.names.push_back({NamePlace(range), NameKind::relation, use});
}

void Walker::list(Nodes &names, NameKind kind, int tail) {
    if (known_.contains(&names)) return;
    const NamePlace place(names, tail);
    if (!place.get().name.empty()) result.names.push_back({place, kind, Reference::Use::other});
}

void Walker::literal(Node &node, NameKind kind) {
    if (!node.has_a_const() || !node.a_const().has_sval()) return;
    std::string &text = *node.mutable_a_const()->mutable_sval()->mutable_sval();
    if (text.empty() || (text.front() >= '0' && text.front() <= '9')) return; // an oid
    const NamePlace place = kind == NameKind::schema ? NamePlace::of_schema(text) : NamePlace::in_literal(text);
    const QualifiedName name = place.get();
    if (!name.name.empty() || !name.schema.empty()) result.names.push_back({place, kind, Reference::Use::other});
}

void Walker::see(Message &from, Scope &scope) {
    // The items of FROM, joins opened up; what stands inside of a subquery is not visible.
    auto *node = dynamic_cast<Node *>(&from);
    if (node == nullptr) return;
    if (node->has_range_var()) {
        RangeVar &range = *node->mutable_range_var();
        if (range.has_alias())
            scope.tables.insert_or_assign(range.alias().aliasname(), nullptr);
        else
            scope.tables.insert_or_assign(range.relname(), &range);
    } else if (node->has_join_expr()) {
        auto &join = *node->mutable_join_expr();
        see(*join.mutable_larg(), scope);
        see(*join.mutable_rarg(), scope);
        if (join.has_alias()) scope.tables.insert_or_assign(join.alias().aliasname(), nullptr);
    } else if (node->has_range_subselect()) {
        scope.tables.insert_or_assign(node->range_subselect().alias().aliasname(), nullptr);
    } else if (node->has_range_function()) {
        if (node->range_function().has_alias())
            scope.tables.insert_or_assign(node->range_function().alias().aliasname(), nullptr);
    } else if (node->has_range_table_func()) {
        if (node->range_table_func().has_alias())
            scope.tables.insert_or_assign(node->range_table_func().alias().aliasname(), nullptr);
    } else if (node->has_range_table_sample()) {
        see(*node->mutable_range_table_sample()->mutable_relation(), scope);
    }
}

void Walker::with_clause(pg_query::WithClause &clause) {
    // Without RECURSIVE a query sees only those before it.
    auto &names = scopes_.back().with;
    if (clause.recursive())
        for (const Node &query : clause.ctes()) names.insert(query.common_table_expr().ctename());
    for (Node &query : *clause.mutable_ctes()) {
        const std::size_t scope = scopes_.size() - 1;
        visit(query);
        scopes_[scope].with.insert(query.common_table_expr().ctename());
    }
}

void Walker::query(Message &message) {
    scopes_.emplace_back();
    const auto *reflection = message.GetReflection();
    const auto *type = message.GetDescriptor();
    if (const FieldDescriptor *with = type->FindFieldByName("with_clause");
        with != nullptr && reflection->HasField(message, with))
        with_clause(static_cast<pg_query::WithClause &>(*reflection->MutableMessage(&message, with)));
    for (const char *name : {"from_clause", "using_clause"}) {
        const FieldDescriptor *field = type->FindFieldByName(name);
        if (field == nullptr) continue;
        for (int i = 0; i < reflection->FieldSize(message, field); ++i)
            see(*reflection->MutableRepeatedMessage(&message, field, i), scopes_.back());
    }
    if (const FieldDescriptor *target = type->FindFieldByName("relation");
        target != nullptr && reflection->HasField(message, target)) {
        auto &range = static_cast<RangeVar &>(*reflection->MutableMessage(&message, target));
        if (range.has_alias())
            scopes_.back().tables.insert_or_assign(range.alias().aliasname(), nullptr);
        else
            scopes_.back().tables.insert_or_assign(range.relname(), &range);
        // A WITH query cannot be the target of INSERT, UPDATE or DELETE.
        if (!known_.contains(&range))
            result.names.push_back({NamePlace(range), NameKind::relation, Reference::Use::query});
        children(message, {"with_clause", "relation"});
    } else {
        if (const FieldDescriptor *source = type->FindFieldByName("source_relation");
            source != nullptr && reflection->HasField(message, source))
            see(*reflection->MutableMessage(&message, source), scopes_.back());
        children(message, {"with_clause"});
    }
    scopes_.pop_back();
}

void Walker::column(pg_query::ColumnRef &column) {
    const auto parts = strings(column.fields());
    const bool star = column.fields_size() > 0 && column.fields(column.fields_size() - 1).has_a_star();
    const std::size_t names = parts.size() + (star ? 1 : 0);
    if (names < 2) return;
    const std::string &table = parts[names - 2];
    ColumnUse use{&column, nullptr, false};
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend() && !use.of_query; ++scope) {
        const auto found = scope->tables.find(table);
        if (found == scope->tables.end()) continue;
        use.of_query = true;
        use.table = found->second;
    }
    result.columns.push_back(use);
}

void Walker::parameter(pg_query::DefElem &element) {
    if (!element.has_arg()) return;
    Node &value = *element.mutable_arg();
    if (value.has_type_name()) {
        Nodes &names = *value.mutable_type_name()->mutable_names();
        if (names_a_routine(element.defname())) return list(names, NameKind::routine);
        if (names_something_else(element.defname())) return list(names, NameKind::other);
    }
    if (value.has_list() && (element.defname() == "owned_by" || element.defname() == "sequence_name"))
        return list(*value.mutable_list()->mutable_items(), NameKind::relation,
                    element.defname() == "owned_by" ? 1 : 0);
    if (value.has_list() &&
        (element.defname() == "sortop" || element.defname() == "commutator" || element.defname() == "negator"))
        return list(*value.mutable_list()->mutable_items(), NameKind::other);
    if (value.has_list() && element.defname() == "from") // CREATE COLLATION ... FROM
        return list(*value.mutable_list()->mutable_items(), NameKind::other);
    if (element.defname() == "schema" && value.has_string()) { // CREATE EXTENSION ... SCHEMA
        result.names.push_back(
            {NamePlace::of_schema(*value.mutable_string()->mutable_sval()), NameKind::schema, Reference::Use::other});
        return;
    }
    if (value.has_variable_set_stmt()) { // CREATE FUNCTION ... SET search_path
        auto &setting = *value.mutable_variable_set_stmt();
        if (setting.name() != "search_path") return;
        for (Node &argument : *setting.mutable_args()) literal(argument, NameKind::schema);
        return;
    }
    visit(value);
}

void Walker::visit(Message &message) {
    if (auto *select = dynamic_cast<pg_query::SelectStmt *>(&message)) return query(*select);
    if (auto *insert = dynamic_cast<pg_query::InsertStmt *>(&message)) return query(*insert);
    if (auto *update = dynamic_cast<pg_query::UpdateStmt *>(&message)) return query(*update);
    if (auto *remove = dynamic_cast<pg_query::DeleteStmt *>(&message)) return query(*remove);
    if (auto *merge = dynamic_cast<pg_query::MergeStmt *>(&message)) return query(*merge);
    if (dynamic_cast<pg_query::LockingClause *>(&message) != nullptr) return; // names of FROM, not of tables
    if (auto *range = dynamic_cast<RangeVar *>(&message))
        return relation(*range, scopes_.empty() ? Reference::Use::other : Reference::Use::query);
    if (auto *create = dynamic_cast<pg_query::CreateStmt *>(&message)) {
        for (Node &parent : *create->mutable_inh_relations())
            if (parent.has_range_var()) relation(*parent.mutable_range_var(), Reference::Use::parent);
        return children(message, {"inh_relations"});
    }
    if (auto *alter = dynamic_cast<pg_query::AlterTableStmt *>(&message)) {
        of_index_ = alter->objtype() == pg_query::OBJECT_INDEX; // ATTACH PARTITION joins two indexes then
    } else if (auto *command = dynamic_cast<pg_query::AlterTableCmd *>(&message)) {
        if (command->def().has_range_var() &&
            (command->subtype() == pg_query::AT_AddInherit || command->subtype() == pg_query::AT_DropInherit))
            return relation(*command->mutable_def()->mutable_range_var(), Reference::Use::parent);
    } else if (auto *partition = dynamic_cast<pg_query::PartitionCmd *>(&message)) {
        if (partition->has_name())
            relation(*partition->mutable_name(), of_index_ ? Reference::Use::other : Reference::Use::parent);
        return children(message, {"name"});
    } else if (auto *constraint = dynamic_cast<pg_query::Constraint *>(&message)) {
        if (constraint->has_pktable()) relation(*constraint->mutable_pktable(), Reference::Use::foreign_key);
        for (Node &exclusion : *constraint->mutable_exclusions())
            if (exclusion.list().items_size() == 2 && exclusion.list().items(1).has_list())
                list(*exclusion.mutable_list()->mutable_items(1)->mutable_list()->mutable_items(), NameKind::other);
        return children(message, {"pktable"});
    } else if (auto *like = dynamic_cast<pg_query::TableLikeClause *>(&message)) {
        return relation(*like->mutable_relation(), Reference::Use::like);
    } else if (auto *type = dynamic_cast<pg_query::TypeName *>(&message)) {
        if (type->pct_type())
            list(*type->mutable_names(), NameKind::relation, 1);
        else
            list(*type->mutable_names(), NameKind::type);
        return children(message, {"names"});
    } else if (auto *call = dynamic_cast<pg_query::FuncCall *>(&message)) {
        list(*call->mutable_funcname(), NameKind::routine);
        if (call->args_size() > 0 && takes_relation_name(call->funcname()))
            literal(*call->mutable_args(0), NameKind::relation);
        return children(message, {"funcname"});
    } else if (auto *cast = dynamic_cast<pg_query::TypeCast *>(&message)) {
        const auto names = strings(cast->type_name().names());
        const std::string type_name = names.empty() ? std::string() : names.back();
        if (cast->type_name().array_bounds_size() == 0) {
            if (type_name == "regclass")
                literal(*cast->mutable_arg(), NameKind::relation);
            else if (type_name == "regtype")
                literal(*cast->mutable_arg(), NameKind::type);
            else if (type_name == "regproc")
                literal(*cast->mutable_arg(), NameKind::routine);
            else if (type_name == "regnamespace")
                literal(*cast->mutable_arg(), NameKind::schema);
        }
    } else if (auto *column_ref = dynamic_cast<pg_query::ColumnRef *>(&message)) {
        return column(*column_ref);
    } else if (auto *expression = dynamic_cast<pg_query::A_Expr *>(&message)) {
        list(*expression->mutable_name(), NameKind::other);
        return children(message, {"name"});
    } else if (auto *link = dynamic_cast<pg_query::SubLink *>(&message)) {
        list(*link->mutable_oper_name(), NameKind::other);
    } else if (auto *sort = dynamic_cast<pg_query::SortBy *>(&message)) {
        list(*sort->mutable_use_op(), NameKind::other);
    } else if (auto *collate = dynamic_cast<pg_query::CollateClause *>(&message)) {
        list(*collate->mutable_collname(), NameKind::other);
    } else if (auto *element = dynamic_cast<pg_query::IndexElem *>(&message)) {
        list(*element->mutable_collation(), NameKind::other);
        list(*element->mutable_opclass(), NameKind::other);
    } else if (auto *key = dynamic_cast<pg_query::PartitionElem *>(&message)) {
        list(*key->mutable_collation(), NameKind::other);
        list(*key->mutable_opclass(), NameKind::other);
    } else if (auto *trigger = dynamic_cast<pg_query::CreateTrigStmt *>(&message)) {
        list(*trigger->mutable_funcname(), NameKind::routine);
        return children(message, {"funcname", "args"});
    } else if (auto *object = dynamic_cast<pg_query::ObjectWithArgs *>(&message)) {
        list(*object->mutable_objname(), NameKind::routine);
    } else if (auto *operator_class = dynamic_cast<pg_query::CreateOpClassStmt *>(&message)) {
        list(*operator_class->mutable_opfamilyname(), NameKind::other);
    } else if (auto *item = dynamic_cast<pg_query::CreateOpClassItem *>(&message)) {
        list(*item->mutable_order_family(), NameKind::other);
    } else if (auto *statistics = dynamic_cast<pg_query::CreateStatsStmt *>(&message)) {
        list(*statistics->mutable_defnames(), NameKind::other);
    } else if (auto *conversion = dynamic_cast<pg_query::CreateConversionStmt *>(&message)) {
        list(*conversion->mutable_func_name(), NameKind::routine);
    } else if (auto *method = dynamic_cast<pg_query::CreateAmStmt *>(&message)) {
        list(*method->mutable_handler_name(), NameKind::routine);
    } else if (auto *language = dynamic_cast<pg_query::CreatePLangStmt *>(&message)) {
        list(*language->mutable_plhandler(), NameKind::routine);
        list(*language->mutable_plinline(), NameKind::routine);
        list(*language->mutable_plvalidator(), NameKind::routine);
    } else if (auto *configuration = dynamic_cast<pg_query::AlterTSConfigurationStmt *>(&message)) {
        for (Node &dictionary : *configuration->mutable_dicts())
            if (dictionary.has_list()) list(*dictionary.mutable_list()->mutable_items(), NameKind::other);
    } else if (auto *definition = dynamic_cast<pg_query::DefElem *>(&message)) {
        return parameter(*definition);
    }
    children(message);
}

void Walker::children(Message &message, const std::set<std::string> &leave_out) {
    const auto *reflection = message.GetReflection();
    std::vector<const FieldDescriptor *> fields;
    reflection->ListFields(message, &fields);
    for (const FieldDescriptor *field : fields) {
        if (field->cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || leave_out.contains(field->name())) continue;
        if (!field->is_repeated()) {
            visit(*reflection->MutableMessage(&message, field));
            continue;
        }
        for (int i = 0; i < reflection->FieldSize(message, field); ++i)
            visit(*reflection->MutableRepeatedMessage(&message, field, i));
    }
}

} // namespace

References references_in(Node &statement, const std::set<const void *> &known) {
    Walker walker(known);
    walker.visit(statement);
    return std::move(walker.result);
}

} // namespace walbridge::ddl
