// row_rules.cpp: evaluating conditions and expressions, and judging updates by both of their rows.
#include "server/row_rules.hpp"

#include "server/compat.hpp"
#include "wire/protocol.hpp"

#include <algorithm>
#include <cstring>

extern "C" {
#include "access/detoast.h"
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
}

namespace walbridge {

namespace {

int code_of(const char *state) { return MAKE_SQLSTATE(state[0], state[1], state[2], state[3], state[4]); }

bool contains(const std::vector<int> &numbers, int number) {
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

// What went wrong, without the value that it went wrong with.
const char *condition_name(int code) {
    switch (code) {
    case ERRCODE_DIVISION_BY_ZERO: return "division by zero";
    case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE: return "numeric value out of range";
    case ERRCODE_INVALID_TEXT_REPRESENTATION: return "invalid text representation";
    case ERRCODE_INVALID_DATETIME_FORMAT: return "invalid datetime format";
    case ERRCODE_DATETIME_VALUE_OUT_OF_RANGE: return "datetime field overflow";
    case ERRCODE_INTERVAL_FIELD_OVERFLOW: return "interval field overflow";
    case ERRCODE_STRING_DATA_RIGHT_TRUNCATION: return "value too long";
    case ERRCODE_INVALID_PARAMETER_VALUE: return "invalid parameter value";
    case ERRCODE_INVALID_REGULAR_EXPRESSION: return "invalid regular expression";
    case ERRCODE_ARRAY_SUBSCRIPT_ERROR: return "array subscript error";
    case ERRCODE_SUBSTRING_ERROR: return "substring error";
    case ERRCODE_UNTRANSLATABLE_CHARACTER: return "untranslatable character";
    case ERRCODE_CHARACTER_NOT_IN_REPERTOIRE: return "character not in repertoire";
    case ERRCODE_PROGRAM_LIMIT_EXCEEDED: return "program limit exceeded";
    case ERRCODE_INVALID_ESCAPE_SEQUENCE: return "invalid escape sequence";
    case ERRCODE_DATA_EXCEPTION: return "data exception";
    default: return "error";
    }
}

constexpr std::size_t most_shown_columns = 8;
constexpr int most_shown_bytes = 64;

} // namespace

int rule_unusable() { return code_of(wire::rule_error::unusable); }
int rule_failed_row() { return code_of(wire::rule_error::failed_row); }

bool is_about_rule(int code) {
    const int category = ERRCODE_TO_CATEGORY(code);
    return category != ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION) &&
           category != ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES) &&
           category != ERRCODE_TO_CATEGORY(ERRCODE_TRANSACTION_ROLLBACK) &&
           category != ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR) && code != ERRCODE_DATA_CORRUPTED &&
           code != ERRCODE_INDEX_CORRUPTED;
}

// ---- building

RowRules::RowRules(MemoryContext home, Relation rows, Relation table, const wire::TableRule &rule)
    : home_(home), table_(RelationGetRelationName(table)), operations_(rule.operations.value_or(wire::Operations())) {
    const Oid schema = RelationGetNamespace(table);
    const char *schema_name = call([&] { return get_namespace_name(schema); });
    if (schema_name != nullptr) schema_ = schema_name;
    const MemoryContextScope scope(home);
    call([&] {
        shape_ = CreateTupleDescCopyConstr(RelationGetDescr(rows));
        evaluation_ = CreateStandaloneExprContext();
        for (Row *row : {&old_, &new_}) row->slot = MakeSingleTupleTableSlot(shape_, &TTSOpsHeapTuple);
    });
    for (Row *row : {&old_, &new_}) row->withheld = std::make_unique<bool[]>(static_cast<std::size_t>(shape_->natts));
}

RowRules::Expression RowRules::compile(const std::string &column, const std::string &text, const std::string *type,
                                       ExpressionGoal goal) {
    Expression expression;
    bool in_expression = false;
    try {
        expression.column = to_server(column);
        expression.text = to_server(text);
        const std::string type_name = type != nullptr ? to_server(*type) : std::string();
        const char *type_text = type != nullptr ? type_name.c_str() : nullptr;
        const char *source = expression.text.c_str();
        const ExpressionScope scope{shape_, schema_.c_str(), table_.c_str()};
        const MemoryContextScope home(home_);
        call([&] {
            // Nothing that is allowed needs a snapshot; what went without one has crashed servers.
            PushActiveSnapshot(GetCatalogSnapshot(InvalidOid));
            if (type_text != nullptr) goal = goal_of_type(type_text);
            in_expression = true;
            expression.compiled = compile_expression(source, scope, goal);
            expression.state = prepare_expression(expression.compiled);
            PopActiveSnapshot();
        });
    } catch (const ServerError &error) {
        if (error.data == nullptr || !is_about_rule(error.data->sqlerrcode)) throw;
        std::string detail = "Expression: " + expression.text;
        if (in_expression && error.data->cursorpos > expression_position_offset)
            detail += " (at character " + std::to_string(error.data->cursorpos - expression_position_offset) + ")";
        raise(rule_unusable(), expression.column,
              "the rules cannot be used with table \"" + schema_ + "." + table_ + "\": " + describe(expression) + ": " +
                  error.data->message,
              detail, error.data->hint != nullptr ? error.data->hint : "");
    }
    needs_snapshot_ = needs_snapshot_ || expression.compiled.needs_snapshot;
    int attribute = -1;
    while ((attribute = bms_next_member(expression.compiled.columns, attribute)) >= 0)
        expression.reads.push_back(attribute);
    return expression;
}

const RowExpression &RowRules::set_condition(const std::string &text) {
    ExpressionGoal goal;
    goal.condition = true;
    condition_ = compile({}, text, nullptr, goal);
    return condition_->compiled;
}

const RowExpression &RowRules::add_column(const RuledColumn &column) {
    ExpressionGoal goal;
    if (column.type == nullptr && column.attribute != 0) {
        const Form_pg_attribute attribute = TupleDescAttr(shape_, column.attribute - 1);
        goal.type = attribute->atttypid;
        goal.typmod = attribute->atttypmod;
    }
    columns_.push_back(compile(column.name, *column.expression, column.type, goal));
    for (Row *row : {&old_, &new_}) row->computed.resize(columns_.size());
    return columns_.back().compiled;
}

void RowRules::set_identity(const ReplicaIdentity &identity, const std::vector<RuledColumn> &travelling) {
    identity_ = identity;
    std::vector<int> replaced_key;
    for (const RuledColumn &column : travelling) {
        const bool in_key = identity.has(column.attribute);
        if (column.expression != nullptr) {
            in_key_.push_back(in_key);
            if (in_key) replaced_key.push_back(column.attribute);
        } else {
            own_.push_back(column.attribute);
            if (in_key) unmasked_key_.push_back(column.attribute);
        }
    }
    const auto tell = [&](Expression &expression) {
        expression.tells = std::all_of(expression.reads.begin(), expression.reads.end(),
                                       [&](int attribute) { return contains(own_, attribute); });
    };
    if (condition_) tell(*condition_);
    for (Expression &expression : columns_) tell(expression);
    if (identity.full) return; // all that an expression reads is in the old row

    const auto name = [&](int attribute) -> std::string {
        return NameStr(TupleDescAttr(shape_, attribute - 1)->attname);
    };
    const auto demand = [&](const Expression &expression) {
        for (const int attribute : expression.reads) {
            if (identity.has(attribute) || !identity_problem_.empty()) continue;
            identity_column_ = name(attribute);
            identity_problem_ = describe(expression) + " reads column \"" + identity_column_ +
                                "\", which is not part of the replica identity";
            identity_detail_ = "Expression: " + expression.text;
        }
    };
    if (condition_) demand(*condition_);
    for (std::size_t i = 0; i < columns_.size(); ++i)
        if (in_key_[i]) demand(columns_[i]);
    for (const int attribute : identity.columns)
        if (identity_problem_.empty() && !contains(own_, attribute) && !contains(replaced_key, attribute)) {
            identity_column_ = name(attribute);
            identity_problem_ = "column \"" + identity_column_ + "\" of the replica identity is left out";
        }
}

// ---- errors

std::string RowRules::describe(const Expression &expression) const {
    return expression.column.empty() ? "the condition" : "the expression of column \"" + expression.column + "\"";
}

std::string RowRules::full_identity_hint() const {
    const char *schema = schema_.c_str();
    const char *table = table_.c_str();
    return std::string("ALTER TABLE ") + call([&] { return quote_qualified_identifier(schema, table); }) +
           " REPLICA IDENTITY FULL";
}

void RowRules::raise(int code, const std::string &column, const std::string &message, const std::string &detail,
                     const std::string &hint) const {
    const char *text = message.c_str();
    const char *more = detail.empty() ? nullptr : detail.c_str();
    const char *help = hint.empty() ? nullptr : hint.c_str();
    const char *schema = schema_.c_str();
    const char *table = table_.c_str();
    const char *name = column.empty() ? nullptr : column.c_str();
    call([&] {
        ereport(ERROR, (errcode(code), errmsg("%s", text), more != nullptr ? errdetail("%s", more) : 0,
                        help != nullptr ? errhint("%s", help) : 0, err_generic_string(PG_DIAG_SCHEMA_NAME, schema),
                        err_generic_string(PG_DIAG_TABLE_NAME, table),
                        name != nullptr ? err_generic_string(PG_DIAG_COLUMN_NAME, name) : 0));
    });
    throw std::logic_error("an error was not raised");
}

void RowRules::demand_identity() const {
    if (identity_problem_.empty()) return;
    const bool left_out = identity_detail_.empty();
    raise(rule_unusable(), identity_column_,
          "the rules for table \"" + schema_ + "." + table_ +
              "\" do not allow updates and deletes: " + identity_problem_,
          identity_detail_,
          full_identity_hint() + (left_out ? ", or let the column travel." : ", or use columns of the key alone."));
}

std::string RowRules::identify(const Row &row) const {
    std::string names;
    std::string values;
    for (std::size_t i = 0; i < unmasked_key_.size() && i < most_shown_columns; ++i) {
        const int attribute = unmasked_key_[i];
        if (row.external && is_absent(row, attribute)) continue;
        const char *text = call([&]() -> const char * {
            bool null = false;
            const Datum value = slot_getattr(row.slot, attribute, &null);
            if (null) return "NULL";
            Oid output = InvalidOid;
            bool varlena = false;
            getTypeOutputInfo(TupleDescAttr(shape_, attribute - 1)->atttypid, &output, &varlena);
            char *whole = OidOutputFunctionCall(output, value);
            const int length = static_cast<int>(strlen(whole));
            if (length > most_shown_bytes) whole[pg_mbcliplen(whole, length, most_shown_bytes)] = '\0';
            return whole;
        });
        if (!names.empty()) {
            names += ", ";
            values += ", ";
        }
        names += NameStr(TupleDescAttr(shape_, attribute - 1)->attname);
        values += text;
    }
    return names.empty() ? std::string() : "Row (" + names + ")=(" + values + "). ";
}

void RowRules::raise_for_row(const Expression &expression, const Row &row, const ErrorData *error) const {
    // The message may show the value that it failed on, and whoever receives the stream may not see every column.
    std::string reason = unpack_sql_state(error->sqlerrcode);
    reason = std::string(condition_name(error->sqlerrcode)) + " (SQLSTATE " + reason + ")";
    if (expression.tells) {
        reason = error->message;
    } else {
        const char *what = error->message;
        const char *text = expression.text.c_str();
        call([&] {
            ereport(LOG_SERVER_ONLY, (errmsg("a rule failed for a row: %s", what), errdetail("Expression: %s", text)));
        });
    }
    raise(rule_failed_row(), expression.column,
          describe(expression) + " of table \"" + schema_ + "." + table_ + "\" failed for a row: " + reason,
          identify(row) + "Expression: " + expression.text, "");
}

void RowRules::raise_absent(const Expression &expression, const Row &row, int attribute) const {
    const std::string name = NameStr(TupleDescAttr(shape_, attribute - 1)->attname);
    raise(rule_unusable(), name,
          describe(expression) + " of table \"" + schema_ + "." + table_ + "\" needs the unchanged value of column \"" +
              name + "\", which the WAL does not hold",
          identify(row) + "Expression: " + expression.text, full_identity_hint() + " makes the WAL hold it.");
}

// ---- rows

bool RowRules::wants(ReorderBufferChangeType action) const {
    switch (action) {
    case REORDER_BUFFER_CHANGE_INSERT: return operations_.insert;
    case REORDER_BUFFER_CHANGE_UPDATE: return operations_.update;
    case REORDER_BUFFER_CHANGE_DELETE: return operations_.erase;
    default: return true;
    }
}

void RowRules::load(Row &row, HeapTuple tuple) {
    // Attributes are taken apart when something asks for them: a row that is filtered out by an early column is cheap.
    ExecStoreHeapTuple(tuple, row.slot, false);
    row.external = HeapTupleHasExternal(tuple);
    if (row.any_withheld) std::fill_n(row.withheld.get(), shape_->natts, false);
    row.any_withheld = false;
}

bool RowRules::is_absent(const Row &row, int attribute) const {
    const int index = attribute - 1;
    return TupleDescAttr(shape_, index)->attlen == -1 && !row.slot->tts_isnull[index] &&
           VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(row.slot->tts_values[index]));
}

void RowRules::take_unchanged(Row &row, const Row &old) {
    if (!row.external) return;
    slot_getallattrs(row.slot);
    slot_getallattrs(old.slot);
    for (int attribute = 1; attribute <= shape_->natts; ++attribute) {
        if (!is_absent(row, attribute) || !identity_.has(attribute)) continue;
        const int index = attribute - 1;
        row.slot->tts_values[index] = old.slot->tts_values[index];
        row.slot->tts_isnull[index] = old.slot->tts_isnull[index];
        row.withheld[static_cast<std::size_t>(index)] = true;
        row.any_withheld = true;
    }
}

Computed RowRules::evaluate(const Expression &expression, Row &row) {
    Computed result{};
    if (row.external) {
        slot_getallattrs(row.slot);
        std::size_t absent = 0;
        int missing = 0;
        for (const int attribute : expression.reads)
            if (is_absent(row, attribute)) {
                ++absent;
                missing = attribute;
            }
        if (absent > 0) {
            if (absent < expression.reads.size() || expression.column.empty()) raise_absent(expression, row, missing);
            result.unchanged = true;
            return result;
        }
    }
    evaluation_->ecxt_scantuple = row.slot;
    evaluating_ = &expression;
    evaluating_row_ = &row;
    result.value = ExecEvalExprSwitchContext(expression.state, evaluation_, &result.null);
    evaluating_ = nullptr;
    return result;
}

bool RowRules::holds(Row &row) {
    const Computed verdict = evaluate(*condition_, row);
    return !verdict.null && DatumGetBool(verdict.value);
}

void RowRules::compute(Row &row, bool key_only) {
    for (std::size_t i = 0; i < columns_.size(); ++i)
        if (!key_only || in_key_[i]) row.computed[i] = evaluate(columns_[i], row);
    slot_getallattrs(row.slot);
}

bool RowRules::apply(HeapTuple old_tuple, HeapTuple new_tuple, wire::RowChange &row) {
    evaluating_ = nullptr;
    try {
        // One crossing for the whole row: what stands below it holds nothing that a longjmp must not skip.
        return call([&] {
            ResetExprContext(evaluation_);
            // Nothing that is allowed should need one; it costs a twentieth of decoding a small row, so comparisons of
            // numbers do without. Gone with the transaction when an error ends it.
            if (needs_snapshot_) PushActiveSnapshot(GetCatalogSnapshot(InvalidOid));
            const bool sent = decide(old_tuple, new_tuple, row);
            if (needs_snapshot_) PopActiveSnapshot();
            return sent;
        });
    } catch (const ServerError &error) {
        if (evaluating_ == nullptr || error.data == nullptr || !is_about_rule(error.data->sqlerrcode)) throw;
        raise_for_row(*evaluating_, *evaluating_row_, error.data);
    }
}

bool RowRules::decide(HeapTuple old_tuple, HeapTuple new_tuple, wire::RowChange &row) {
    const bool key_only = !identity_.full;
    switch (row.kind) {
    case wire::RecordKind::unidentified:
        // Nobody can tell which row it is; whoever receives it has to stop, so the condition is not asked.
        if (row.operation != 'U') return true;
        load(new_, new_tuple);
        compute(new_, false);
        return true;
    case wire::RecordKind::insert:
        load(new_, new_tuple);
        if (condition_ && !holds(new_)) return false;
        compute(new_, false);
        return true;
    case wire::RecordKind::erase:
        demand_identity();
        load(old_, old_tuple);
        if (condition_ && !holds(old_)) return false;
        compute(old_, key_only);
        return true;
    default: break;
    }
    demand_identity();
    load(new_, new_tuple);
    if (old_tuple != nullptr) {
        load(old_, old_tuple);
        take_unchanged(new_, old_);
    }
    if (condition_) {
        const bool now = holds(new_);
        // Without an old row in the WAL the key is unchanged, and the condition reads nothing else.
        const bool before = old_tuple != nullptr ? holds(old_) : now;
        if (!now && !before) return false;
        if (!now) {
            row.kind = wire::RecordKind::erase;
            compute(old_, key_only);
            return true;
        }
        compute(new_, false);
        // The target has no such row: what is absent of it the receiver has to fetch.
        if (!before) {
            row.kind = wire::RecordKind::insert;
            row.old_kind = wire::OldTuple::none;
            if (new_.any_withheld) std::fill_n(new_.withheld.get(), shape_->natts, false);
            new_.any_withheld = false;
            return true;
        }
    } else {
        compute(new_, false);
    }
    if (old_tuple != nullptr) compute(old_, key_only);
    return true;
}

RowView RowRules::view(const Row &row) const {
    return {row.slot->tts_values, row.slot->tts_isnull, row.computed.data(),
            row.any_withheld ? row.withheld.get() : nullptr};
}

} // namespace walbridge
