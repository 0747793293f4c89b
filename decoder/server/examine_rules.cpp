// examine_rules.cpp: compiles every expression of the rules for every table that they concern, as decoding would.
// An expression that does not compile is a row of the result: it fails in a subtransaction of its own.
#include "server/examine_rules.hpp"

#include "server/filter.hpp"
#include "server/identity.hpp"
#include "server/row_expression.hpp"
#include "server/row_rules.hpp"
#include "server/ruled_table.hpp"
#include "server/subtransaction.hpp"
#include "server/text_encoding.hpp"
#include "server/text_settings.hpp"

#include <optional>
#include <set>

extern "C" {
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"
}

namespace walbridge {

namespace {

enum Column {
    schema_name,
    table_name,
    item,
    column_name,
    expression_text,
    type_oid,
    type_name,
    uses,
    outside_identity,
    problem,
    position,
    hint,
    column_count,
};

struct ResultRow {
    Datum values[column_count] = {};
    bool nulls[column_count];

    ResultRow() { std::fill_n(nulls, static_cast<int>(column_count), true); }
    void set(Column column, Datum value) {
        values[column] = value;
        nulls[column] = false;
    }
    void set_text(Column column, const std::string &text) {
        const char *bytes = text.c_str();
        set(column, call([&] { return CStringGetTextDatum(bytes); }));
    }
};

/// What is to be said of one table.
struct Subject {
    Relation table;
    std::string schema; ///< server's encoding
    ReplicaIdentity identity;
    bool holds_rows; ///< not a partitioned table, whose rows stand in its partitions
};

class Report {
  public:
    explicit Report(FunctionCallInfo call_info) {
        call([&] {
            auto *result = reinterpret_cast<ReturnSetInfo *>(call_info->resultinfo);
            if (result == nullptr || !IsA(result, ReturnSetInfo) || (result->allowedModes & SFRM_Materialize) == 0)
                ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                                errmsg("set-valued function called in context that cannot accept a set")));
            const MemoryContext former = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
            if (get_call_result_type(call_info, nullptr, &shape_) != TYPEFUNC_COMPOSITE)
                elog(ERROR, "return type must be a row type");
            shape_ = CreateTupleDescCopy(shape_);
            rows_ = tuplestore_begin_heap(true, false, work_mem);
            result->returnMode = SFRM_Materialize;
            result->setResult = rows_;
            result->setDesc = shape_;
            MemoryContextSwitchTo(former);
        });
    }
    void add(ResultRow &row) {
        call([&] { tuplestore_putvalues(rows_, shape_, row.values, row.nulls); });
    }

  private:
    TupleDesc shape_ = nullptr;
    Tuplestorestate *rows_ = nullptr;
};

ResultRow row_about(const Subject &subject, const char *what) {
    ResultRow row;
    row.set_text(schema_name, subject.schema);
    row.set_text(table_name, RelationGetRelationName(subject.table));
    row.set_text(item, what);
    return row;
}

/// Names of columns as text[].
Datum names_of(TupleDesc columns, const std::vector<int> &attributes) {
    const int count = static_cast<int>(attributes.size());
    const int *numbers = attributes.data();
    return call([&] {
        auto *names = static_cast<Datum *>(palloc(sizeof(Datum) * static_cast<Size>(count + 1)));
        for (int i = 0; i < count; ++i)
            names[i] = CStringGetTextDatum(NameStr(TupleDescAttr(columns, numbers[i] - 1)->attname));
        return PointerGetDatum(construct_array(names, count, TEXTOID, -1, false, TYPALIGN_INT));
    });
}

/// Fills in what compiling says. must_be_judged: of old rows too, of which there may be the identity alone.
void examine_expression(const Subject &subject, const std::string &utf8, ExpressionGoal goal, const std::string *type,
                        bool must_be_judged, ResultRow &row) {
    const TupleDesc columns = RelationGetDescr(subject.table);
    const ExpressionScope scope{columns, subject.schema.c_str(), RelationGetRelationName(subject.table)};
    const char *text = utf8.c_str();
    const int size = static_cast<int>(utf8.size());
    const char *type_text = type != nullptr ? type->c_str() : nullptr;
    const int type_size = type != nullptr ? static_cast<int>(type->size()) : 0;
    RowExpression compiled;
    const char *shown = nullptr;
    bool in_expression = false;
    const ErrorData *failure = call([&] {
        ErrorData *const error = attempt([&] {
            shown = pg_any_to_server(text, size, PG_UTF8);
            if (type_text != nullptr) goal = goal_of_type(pg_any_to_server(type_text, type_size, PG_UTF8));
            in_expression = true;
            compiled = compile_expression(shown, scope, goal);
            (void)prepare_expression(compiled);
        });
        if (error != nullptr && !is_about_rule(error->sqlerrcode)) ReThrowError(error);
        return error;
    });
    if (shown != nullptr) row.set_text(expression_text, shown);
    if (failure != nullptr) {
        row.set_text(problem, failure->message != nullptr ? failure->message : "");
        if (failure->hint != nullptr) row.set_text(hint, failure->hint);
        const int end = shown != nullptr ? call([&] { return pg_mbstrlen(shown); }) + 1 : 1;
        const int at = failure->cursorpos - expression_position_offset;
        if (in_expression && at > 0) row.set(position, Int32GetDatum(std::min(at, end)));
        return;
    }
    std::vector<int> reads;
    std::vector<int> outside;
    for (int attribute = -1; (attribute = bms_next_member(compiled.columns, attribute)) >= 0;) {
        reads.push_back(attribute);
        if (must_be_judged && subject.holds_rows && !subject.identity.has(attribute)) outside.push_back(attribute);
    }
    const Oid oid = goal.condition ? BOOLOID : compiled.type;
    const int32 typmod = goal.condition ? -1 : compiled.typmod;
    row.set(type_oid, ObjectIdGetDatum(oid));
    row.set_text(type_name, call([&] { return format_type_with_typemod(oid, typmod); }));
    row.set(uses, names_of(columns, reads));
    row.set(outside_identity, names_of(columns, outside));
}

/// In the plugin's own encoding, as rules hold them.
std::vector<std::string> column_names(const Relation table) {
    const TupleDesc columns = RelationGetDescr(table);
    std::vector<std::string> names;
    for (int i = 0; i < columns->natts; ++i)
        if (!TupleDescAttr(columns, i)->attisdropped)
            names.push_back(to_utf8(NameStr(TupleDescAttr(columns, i)->attname)));
    return names;
}

void examine_lists(const Subject &subject, const wire::TableRule &rule, const std::vector<RuledColumn> &travelling,
                   Report &report) {
    const TupleDesc columns = RelationGetDescr(subject.table);
    if (rule.include_columns) {
        const std::vector<std::string> own = column_names(subject.table);
        for (const std::string &pattern : *rule.include_columns) {
            if (std::any_of(own.begin(), own.end(),
                            [&](const std::string &name) { return wire::wildcard_match(pattern, name); }))
                continue;
            ResultRow row = row_about(subject, "columns");
            row.set_text(problem, "the pattern \"" + to_server(pattern) + "\" in include_columns matches no column");
            report.add(row);
        }
    }
    if (rule.types) {
        for (const auto &[name, type] : *rule.types) {
            if (rule.columns && rule.columns->find(name) != rule.columns->end()) continue;
            ResultRow row = row_about(subject, "columns");
            row.set_text(column_name, to_server(name));
            row.set_text(problem, "types names column \"" + to_server(name) + "\", for which there is no expression");
            report.add(row);
        }
    }
    if (travelling.empty()) {
        ResultRow row = row_about(subject, "columns");
        row.set_text(problem, "no column is left");
        report.add(row);
    }
    if (!subject.holds_rows || subject.identity.full) return;
    for (const int attribute : subject.identity.columns) {
        if (std::any_of(travelling.begin(), travelling.end(),
                        [&](const RuledColumn &column) { return column.attribute == attribute; }))
            continue;
        const char *schema = subject.schema.c_str();
        const char *table = RelationGetRelationName(subject.table);
        const std::string name = NameStr(TupleDescAttr(columns, attribute - 1)->attname);
        ResultRow row = row_about(subject, "columns");
        row.set_text(column_name, name);
        row.set_text(problem, "column \"" + name +
                                  "\" of the replica identity is left out: updates and deletes could not be told");
        row.set_text(hint, std::string("Let the column travel, or ALTER TABLE ") + call([&] {
                               return quote_qualified_identifier(schema, table);
                           }) + " REPLICA IDENTITY FULL.");
        report.add(row);
    }
}

void examine_table(const Subject &subject, const wire::TableRule &rule, Report &report) {
    if (rule.where) {
        ResultRow row = row_about(subject, "where");
        ExpressionGoal goal;
        goal.condition = true;
        examine_expression(subject, *rule.where, goal, nullptr, true, row);
        report.add(row);
    }
    const std::vector<RuledColumn> travelling = ruled_columns(RelationGetDescr(subject.table), rule);
    for (const RuledColumn &column : travelling) {
        if (column.expression == nullptr) continue;
        ResultRow row = row_about(subject, "column");
        row.set_text(column_name, to_server(column.name));
        ExpressionGoal goal;
        if (column.type == nullptr && column.attribute != 0) {
            const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(subject.table), column.attribute - 1);
            goal.type = attribute->atttypid;
            goal.typmod = attribute->atttypmod;
        }
        const bool in_key = column.attribute != 0 && subject.identity.has(column.attribute);
        examine_expression(subject, *column.expression, goal, column.type, in_key, row);
        report.add(row);
    }
    examine_lists(subject, rule, travelling, report);
}

/// Tables of users, as the catalog lists them.
std::vector<Oid> all_tables() {
    Oid *found = nullptr;
    int count = 0;
    call([&] {
        int room = 256;
        found = static_cast<Oid *>(palloc(sizeof(Oid) * static_cast<Size>(room)));
        const Relation catalog = table_open(RelationRelationId, AccessShareLock);
        const SysScanDesc scan = systable_beginscan(catalog, InvalidOid, false, nullptr, 0, nullptr);
        for (HeapTuple tuple = systable_getnext(scan); HeapTupleIsValid(tuple); tuple = systable_getnext(scan)) {
            const auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
            if ((form->relkind != RELKIND_RELATION && form->relkind != RELKIND_PARTITIONED_TABLE) ||
                form->relpersistence != RELPERSISTENCE_PERMANENT || form->oid < FirstNormalObjectId)
                continue;
            if (count == room) {
                room *= 2;
                found = static_cast<Oid *>(repalloc(found, sizeof(Oid) * static_cast<Size>(room)));
            }
            found[count++] = form->oid;
        }
        systable_endscan(scan);
        table_close(catalog, AccessShareLock);
    });
    std::vector<Oid> tables;
    for (int i = 0; i < count; ++i) tables.push_back(found[i]);
    return tables;
}

/// What of the entries concerns something: a name that is spelled wrong would leave a column in that is to be left out.
class Concerned {
  public:
    explicit Concerned(const wire::TableRules &rules) : rules_(rules), tables_(rules.size()), excluded_(rules.size()) {}

    /// `names`: the table's own, then those of the partitioned tables above it, whose entries concern its columns too.
    void see(const std::vector<wire::TableName> &names, const Relation table) {
        for (std::size_t entry = 0; entry < rules_.size(); ++entry) {
            if (!names.empty() && rules_.matches(entry, names.front())) tables_[entry] = true;
            const auto &excluded = rules_.rule(entry).exclude_columns;
            if (!excluded || excluded_[entry].size() == excluded->size() ||
                std::none_of(names.begin(), names.end(), [&](const auto &name) { return rules_.matches(entry, name); }))
                continue;
            for (const std::string &column : column_names(table))
                for (const std::string &pattern : *excluded)
                    if (wire::wildcard_match(pattern, column)) excluded_[entry].insert(pattern);
        }
    }

    void report(Report &report) const {
        for (std::size_t entry = 0; entry < rules_.size(); ++entry) {
            if (!tables_[entry]) {
                add(report, "the pattern \"" + to_server(rules_.pattern(entry)) + "\" matches no table");
                continue;
            }
            if (!rules_.rule(entry).exclude_columns) continue;
            for (const std::string &pattern : *rules_.rule(entry).exclude_columns)
                if (excluded_[entry].count(pattern) == 0)
                    add(report, "the pattern \"" + to_server(pattern) + "\" in exclude_columns of \"" +
                                    to_server(rules_.pattern(entry)) + "\" matches no column");
        }
    }

  private:
    static void add(Report &report, const std::string &what) {
        ResultRow row;
        row.set_text(item, "table");
        row.set_text(problem, what);
        report.add(row);
    }

    const wire::TableRules &rules_;
    std::vector<char> tables_;
    std::vector<std::set<std::string>> excluded_;
};

void examine_all(const wire::TableRules &rules, Report &report) {
    const MemoryContext per_table =
        call([] { return AllocSetContextCreate(CurrentMemoryContext, "walbridge rules", ALLOCSET_DEFAULT_SIZES); });
    Concerned concerned(rules);
    struct Found {
        wire::TableName name;
        Oid oid;
    };
    std::vector<Found> tables;
    for (const Oid oid : all_tables()) {
        const char *name = call([&] { return get_rel_name(oid); });
        const char *schema = call([&] { return get_namespace_name(get_rel_namespace(oid)); });
        if (name != nullptr && schema != nullptr) tables.push_back({{to_utf8(schema), to_utf8(name)}, oid});
    }
    std::sort(tables.begin(), tables.end(), [](const Found &a, const Found &b) { return a.name < b.name; });
    for (const Found &found : tables) {
        const MemoryContextScope scope(per_table);
        // The lock is not kept: this is a look at the present, and there may be more tables than locks.
        const Relation table = call([&] {
            CHECK_FOR_INTERRUPTS();
            return try_relation_open(found.oid, AccessShareLock);
        });
        if (table == nullptr) continue;
        if (is_replicable(table, found.name.first)) {
            const std::vector<wire::TableName> names = names_for_rules(table, partitioned_above(table));
            concerned.see(names, table);
            const wire::TableRule rule = rules.of(names);
            if (!rule.empty()) {
                const Oid schema = RelationGetNamespace(table);
                const Subject subject{table, call([&] { return get_namespace_name(schema); }), replica_identity(table),
                                      table->rd_rel->relkind == RELKIND_RELATION};
                examine_table(subject, rule, report);
            }
        }
        call([&] {
            relation_close(table, AccessShareLock);
            MemoryContextReset(per_table);
        });
    }
    concerned.report(report);
}

} // namespace

Datum examine_rules(FunctionCallInfo call_info) {
    enter("examine_rules", [&] {
        const char *json = call([&] { return text_to_cstring(DatumGetTextPP(call_info->args[0].value)); });
        std::optional<wire::TableRules> rules;
        try {
            rules = wire::parse_rules(to_utf8(json));
        } catch (const wire::PatternError &e) {
            const std::string reason = e.what();
            refuse(ERRCODE_INVALID_PARAMETER_VALUE, "these are not rules: " + reason);
        }
        Report report(call_info);
        // As while decoding. After an error the end of the transaction restores them.
        const int level = call([] { return begin_text_settings(); });
        examine_all(*rules, report);
        call([&] { end_text_settings(level); });
    });
    return static_cast<Datum>(0);
}

} // namespace walbridge
