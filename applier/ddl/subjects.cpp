// subjects.cpp: where each kind of statement keeps the names of its objects. The grammar has many ways of doing it;
// this is the one place that knows them.
#include "ddl/subjects.hpp"

namespace walbridge::ddl {

using pg_query::Node;
using pg_query::ObjectType;

namespace {

class Collector {
  public:
    Subjects result;

    void relation(pg_query::RangeVar &range, ObjectType type, bool creates = false) {
        add(NamePlace(range), NameKind::relation, type, type, creates);
    }
    /// A part of a table: an index to be created, a trigger ...
    void part(pg_query::RangeVar &table, ObjectType type) {
        add(NamePlace(table), NameKind::relation, type, pg_query::OBJECT_TABLE, false);
    }
    void part(Nodes &names, ObjectType type) {
        add(NamePlace(names, 1), NameKind::relation, type, pg_query::OBJECT_TABLE, false);
    }
    void list(Nodes &names, NameKind kind, ObjectType type, bool creates = false, int head = 0) {
        add(NamePlace(names, 0, head), kind, type, type, creates);
    }
    void schema(std::string &name, bool creates = false) {
        add(NamePlace::of_schema(name), NameKind::schema, pg_query::OBJECT_SCHEMA, pg_query::OBJECT_SCHEMA, creates);
    }
    void global(ObjectType type, bool creates = false) { add(std::nullopt, NameKind::other, type, type, creates); }
    /// An object as DROP, COMMENT, ALTER ... OWNER and others write it.
    void object(Node &node, ObjectType type);
    void objects(Nodes &nodes, ObjectType type) {
        result.list = &nodes;
        for (int i = 0; i < nodes.size(); ++i) {
            item_ = i;
            object(*nodes.Mutable(i), type);
        }
        item_ = -1;
    }

  private:
    void add(std::optional<NamePlace> place, NameKind kind, ObjectType type, ObjectType named, bool creates) {
        if (result.type == pg_query::OBJECT_TYPE_UNDEFINED) result.type = type;
        result.all.push_back({place, kind, type, named, creates, item_});
    }

    int item_ = -1;
};

void Collector::object(Node &node, ObjectType type) {
    if (node.has_range_var()) return relation(*node.mutable_range_var(), type);
    switch (type) {
    case pg_query::OBJECT_TABLE:
    case pg_query::OBJECT_FOREIGN_TABLE:
    case pg_query::OBJECT_VIEW:
    case pg_query::OBJECT_MATVIEW:
    case pg_query::OBJECT_SEQUENCE:
    case pg_query::OBJECT_INDEX: return list(*node.mutable_list()->mutable_items(), NameKind::relation, type);
    case pg_query::OBJECT_COLUMN:
    case pg_query::OBJECT_TABCONSTRAINT:
    case pg_query::OBJECT_TRIGGER:
    case pg_query::OBJECT_RULE:
    case pg_query::OBJECT_POLICY: return part(*node.mutable_list()->mutable_items(), type);
    case pg_query::OBJECT_TYPE:
    case pg_query::OBJECT_DOMAIN:
    case pg_query::OBJECT_DOMCONSTRAINT:
        if (node.has_type_name()) return list(*node.mutable_type_name()->mutable_names(), NameKind::type, type);
        if (node.has_list() && node.list().items_size() > 0 && node.list().items(0).has_type_name())
            return list(*node.mutable_list()->mutable_items(0)->mutable_type_name()->mutable_names(), NameKind::type,
                        type);
        return list(*node.mutable_list()->mutable_items(), NameKind::type, type);
    case pg_query::OBJECT_FUNCTION:
    case pg_query::OBJECT_PROCEDURE:
    case pg_query::OBJECT_ROUTINE:
    case pg_query::OBJECT_AGGREGATE:
        return list(*node.mutable_object_with_args()->mutable_objname(), NameKind::routine, type);
    case pg_query::OBJECT_OPERATOR:
        return list(*node.mutable_object_with_args()->mutable_objname(), NameKind::other, type);
    case pg_query::OBJECT_OPCLASS:
    case pg_query::OBJECT_OPFAMILY: return list(*node.mutable_list()->mutable_items(), NameKind::other, type, false, 1);
    case pg_query::OBJECT_COLLATION:
    case pg_query::OBJECT_CONVERSION:
    case pg_query::OBJECT_STATISTIC_EXT:
    case pg_query::OBJECT_TSCONFIGURATION:
    case pg_query::OBJECT_TSDICTIONARY:
    case pg_query::OBJECT_TSPARSER:
    case pg_query::OBJECT_TSTEMPLATE: return list(*node.mutable_list()->mutable_items(), NameKind::other, type);
    case pg_query::OBJECT_SCHEMA: return schema(*node.mutable_string()->mutable_sval());
    default: return global(type);
    }
}

void collect(Node &statement, Collector &to) {
    switch (statement.node_case()) {
    case Node::kCreateStmt:
        return to.relation(*statement.mutable_create_stmt()->mutable_relation(), pg_query::OBJECT_TABLE, true);
    case Node::kCreateForeignTableStmt:
        return to.relation(*statement.mutable_create_foreign_table_stmt()->mutable_base_stmt()->mutable_relation(),
                           pg_query::OBJECT_FOREIGN_TABLE, true);
    case Node::kCreateTableAsStmt: {
        auto &stmt = *statement.mutable_create_table_as_stmt();
        return to.relation(*stmt.mutable_into()->mutable_rel(), stmt.objtype(), true);
    }
    case Node::kAlterTableStmt: {
        auto &stmt = *statement.mutable_alter_table_stmt();
        if (stmt.objtype() == pg_query::OBJECT_TYPE) // ALTER TYPE ... ADD ATTRIBUTE
            return to.relation(*stmt.mutable_relation(), pg_query::OBJECT_TYPE);
        return to.relation(*stmt.mutable_relation(), stmt.objtype());
    }
    case Node::kIndexStmt: return to.part(*statement.mutable_index_stmt()->mutable_relation(), pg_query::OBJECT_INDEX);
    case Node::kCreateSeqStmt:
        return to.relation(*statement.mutable_create_seq_stmt()->mutable_sequence(), pg_query::OBJECT_SEQUENCE, true);
    case Node::kAlterSeqStmt:
        return to.relation(*statement.mutable_alter_seq_stmt()->mutable_sequence(), pg_query::OBJECT_SEQUENCE);
    case Node::kViewStmt:
        return to.relation(*statement.mutable_view_stmt()->mutable_view(), pg_query::OBJECT_VIEW, true);
    case Node::kRefreshMatViewStmt:
        return to.relation(*statement.mutable_refresh_mat_view_stmt()->mutable_relation(), pg_query::OBJECT_MATVIEW);
    case Node::kReindexStmt: {
        auto &stmt = *statement.mutable_reindex_stmt();
        if (!stmt.has_relation()) return to.global(pg_query::OBJECT_INDEX);
        if (stmt.kind() == pg_query::REINDEX_OBJECT_TABLE)
            return to.part(*stmt.mutable_relation(), pg_query::OBJECT_INDEX);
        return to.relation(*stmt.mutable_relation(), pg_query::OBJECT_INDEX);
    }
    case Node::kCreateTrigStmt:
        return to.part(*statement.mutable_create_trig_stmt()->mutable_relation(), pg_query::OBJECT_TRIGGER);
    case Node::kRuleStmt: return to.part(*statement.mutable_rule_stmt()->mutable_relation(), pg_query::OBJECT_RULE);
    case Node::kCreatePolicyStmt:
        return to.part(*statement.mutable_create_policy_stmt()->mutable_table(), pg_query::OBJECT_POLICY);
    case Node::kAlterPolicyStmt:
        return to.part(*statement.mutable_alter_policy_stmt()->mutable_table(), pg_query::OBJECT_POLICY);
    case Node::kCreateStatsStmt: {
        // Judged by its table; the name of the statistics object itself comes second.
        auto &stmt = *statement.mutable_create_stats_stmt();
        for (auto &relation : *stmt.mutable_relations())
            if (relation.has_range_var()) to.part(*relation.mutable_range_var(), pg_query::OBJECT_STATISTIC_EXT);
        return;
    }
    case Node::kAlterStatsStmt:
        return to.list(*statement.mutable_alter_stats_stmt()->mutable_defnames(), NameKind::other,
                       pg_query::OBJECT_STATISTIC_EXT);
    case Node::kCreateFunctionStmt: {
        auto &stmt = *statement.mutable_create_function_stmt();
        return to.list(*stmt.mutable_funcname(), NameKind::routine,
                       stmt.is_procedure() ? pg_query::OBJECT_PROCEDURE : pg_query::OBJECT_FUNCTION, true);
    }
    case Node::kAlterFunctionStmt: {
        auto &stmt = *statement.mutable_alter_function_stmt();
        return to.list(*stmt.mutable_func()->mutable_objname(), NameKind::routine, stmt.objtype());
    }
    case Node::kDefineStmt: {
        auto &stmt = *statement.mutable_define_stmt();
        const NameKind kind = stmt.kind() == pg_query::OBJECT_TYPE        ? NameKind::type
                              : stmt.kind() == pg_query::OBJECT_AGGREGATE ? NameKind::routine
                                                                          : NameKind::other;
        return to.list(*stmt.mutable_defnames(), kind, stmt.kind(), true);
    }
    case Node::kAlterOperatorStmt:
        return to.list(*statement.mutable_alter_operator_stmt()->mutable_opername()->mutable_objname(), NameKind::other,
                       pg_query::OBJECT_OPERATOR);
    case Node::kCreateOpClassStmt:
        return to.list(*statement.mutable_create_op_class_stmt()->mutable_opclassname(), NameKind::other,
                       pg_query::OBJECT_OPCLASS, true);
    case Node::kCreateOpFamilyStmt:
        return to.list(*statement.mutable_create_op_family_stmt()->mutable_opfamilyname(), NameKind::other,
                       pg_query::OBJECT_OPFAMILY, true);
    case Node::kAlterOpFamilyStmt:
        return to.list(*statement.mutable_alter_op_family_stmt()->mutable_opfamilyname(), NameKind::other,
                       pg_query::OBJECT_OPFAMILY);
    case Node::kCreateCastStmt: return to.global(pg_query::OBJECT_CAST, true);
    case Node::kCompositeTypeStmt:
        return to.relation(*statement.mutable_composite_type_stmt()->mutable_typevar(), pg_query::OBJECT_TYPE, true);
    case Node::kCreateEnumStmt:
        return to.list(*statement.mutable_create_enum_stmt()->mutable_type_name(), NameKind::type,
                       pg_query::OBJECT_TYPE, true);
    case Node::kCreateRangeStmt:
        return to.list(*statement.mutable_create_range_stmt()->mutable_type_name(), NameKind::type,
                       pg_query::OBJECT_TYPE, true);
    case Node::kAlterEnumStmt:
        return to.list(*statement.mutable_alter_enum_stmt()->mutable_type_name(), NameKind::type,
                       pg_query::OBJECT_TYPE);
    case Node::kAlterTypeStmt:
        return to.list(*statement.mutable_alter_type_stmt()->mutable_type_name(), NameKind::type,
                       pg_query::OBJECT_TYPE);
    case Node::kCreateDomainStmt:
        return to.list(*statement.mutable_create_domain_stmt()->mutable_domainname(), NameKind::type,
                       pg_query::OBJECT_DOMAIN, true);
    case Node::kAlterDomainStmt:
        return to.list(*statement.mutable_alter_domain_stmt()->mutable_type_name(), NameKind::type,
                       pg_query::OBJECT_DOMAIN);
    case Node::kDropStmt: {
        auto &stmt = *statement.mutable_drop_stmt();
        to.objects(*stmt.mutable_objects(), stmt.remove_type());
        to.result.type = stmt.remove_type();
        return;
    }
    case Node::kCommentStmt: {
        auto &stmt = *statement.mutable_comment_stmt();
        return to.object(*stmt.mutable_object(), stmt.objtype());
    }
    case Node::kSecLabelStmt: {
        auto &stmt = *statement.mutable_sec_label_stmt();
        return to.object(*stmt.mutable_object(), stmt.objtype());
    }
    case Node::kGrantStmt: {
        auto &stmt = *statement.mutable_grant_stmt();
        const bool by_schema = stmt.targtype() == pg_query::ACL_TARGET_ALL_IN_SCHEMA;
        return to.objects(*stmt.mutable_objects(), by_schema ? pg_query::OBJECT_SCHEMA : stmt.objtype());
    }
    case Node::kAlterDefaultPrivilegesStmt: {
        bool in_schemas = false;
        for (auto &option : *statement.mutable_alter_default_privileges_stmt()->mutable_options()) {
            if (!option.has_def_elem() || option.def_elem().defname() != "schemas") continue;
            in_schemas = true;
            to.objects(*option.mutable_def_elem()->mutable_arg()->mutable_list()->mutable_items(),
                       pg_query::OBJECT_SCHEMA);
        }
        if (!in_schemas) to.global(pg_query::OBJECT_DEFACL);
        return;
    }
    case Node::kRenameStmt: {
        auto &stmt = *statement.mutable_rename_stmt();
        ObjectType type = stmt.rename_type();
        if (type == pg_query::OBJECT_SCHEMA) return to.schema(*stmt.mutable_subname());
        if (stmt.has_relation()) {
            if (type == pg_query::OBJECT_COLUMN) type = stmt.relation_type();
            const bool is_part = type == pg_query::OBJECT_TRIGGER || type == pg_query::OBJECT_POLICY ||
                                 type == pg_query::OBJECT_RULE || type == pg_query::OBJECT_TABCONSTRAINT;
            return is_part ? to.part(*stmt.mutable_relation(), type) : to.relation(*stmt.mutable_relation(), type);
        }
        if (!stmt.has_object()) return to.global(type);
        return to.object(*stmt.mutable_object(), type);
    }
    case Node::kAlterObjectSchemaStmt: {
        auto &stmt = *statement.mutable_alter_object_schema_stmt();
        if (stmt.has_relation()) return to.relation(*stmt.mutable_relation(), stmt.object_type());
        return to.object(*stmt.mutable_object(), stmt.object_type());
    }
    case Node::kAlterOwnerStmt: {
        auto &stmt = *statement.mutable_alter_owner_stmt();
        if (stmt.has_relation()) return to.relation(*stmt.mutable_relation(), stmt.object_type());
        return to.object(*stmt.mutable_object(), stmt.object_type());
    }
    case Node::kAlterObjectDependsStmt: {
        auto &stmt = *statement.mutable_alter_object_depends_stmt();
        // Only triggers and materialized views come with a relation here.
        if (stmt.has_relation() && stmt.object_type() == pg_query::OBJECT_TRIGGER)
            return to.part(*stmt.mutable_relation(), stmt.object_type());
        if (stmt.has_relation()) return to.relation(*stmt.mutable_relation(), stmt.object_type());
        return to.object(*stmt.mutable_object(), stmt.object_type());
    }
    case Node::kCreateSchemaStmt: return to.schema(*statement.mutable_create_schema_stmt()->mutable_schemaname(), true);
    case Node::kCreateExtensionStmt: return to.global(pg_query::OBJECT_EXTENSION, true);
    case Node::kAlterExtensionStmt:
    case Node::kAlterExtensionContentsStmt: return to.global(pg_query::OBJECT_EXTENSION);
    case Node::kCreateConversionStmt:
        return to.list(*statement.mutable_create_conversion_stmt()->mutable_conversion_name(), NameKind::other,
                       pg_query::OBJECT_CONVERSION, true);
    case Node::kAlterCollationStmt:
        return to.list(*statement.mutable_alter_collation_stmt()->mutable_collname(), NameKind::other,
                       pg_query::OBJECT_COLLATION);
    case Node::kAlterTsdictionaryStmt:
        return to.list(*statement.mutable_alter_tsdictionary_stmt()->mutable_dictname(), NameKind::other,
                       pg_query::OBJECT_TSDICTIONARY);
    case Node::kAlterTsconfigurationStmt:
        return to.list(*statement.mutable_alter_tsconfiguration_stmt()->mutable_cfgname(), NameKind::other,
                       pg_query::OBJECT_TSCONFIGURATION);
    default: return to.global(pg_query::OBJECT_TYPE_UNDEFINED);
    }
}

} // namespace

Subjects subjects_of(Node &statement) {
    Collector collector;
    collect(statement, collector);
    return std::move(collector.result);
}

} // namespace walbridge::ddl
