// row_rules.hpp: the rules of one table at work: which changes are sent, as what, and with which values.
//
// A rule's condition splits a table into rows that the target has and rows that it has not. An update that moves a row
// across is an insert or a delete for the target. So the condition is asked of the old row too, of which the WAL holds
// only the replica identity unless that is FULL: what cannot be told from it is an error, never a guess.
#pragma once

#include "server/guard.hpp"
#include "server/identity.hpp"
#include "server/row_expression.hpp"
#include "server/ruled_table.hpp"
#include "wire/records.hpp"
#include "wire/table_rules.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

extern "C" {
#include "access/htup.h"
#include "executor/tuptable.h"
#include "replication/reorderbuffer.h"
}

namespace walbridge {

struct RelationPlan;

/// Value of an expression for a row.
struct Computed {
    Datum value;
    bool null = false;
    bool unchanged = false; ///< all that it reads is unchanged and absent from the WAL
};

/// A row as values by column number - 1, with those of expressions beside them.
struct RowView {
    const Datum *values = nullptr;
    const bool *nulls = nullptr;
    const Computed *computed = nullptr;
    const bool *withheld = nullptr; ///< unchanged values that were put in from the old row; null: none
};

/// SQLSTATEs of protocol.hpp.
int rule_unusable();
int rule_failed_row();
/// Errors that say nothing about a rule: somebody wants the work to end, or the server cannot go on.
bool is_about_rule(int code);

class RowRules {
  public:
    /// home: where expressions live; rows: their shape; table: whose rules these are, which differs while it is
    /// rewritten.
    RowRules(MemoryContext home, Relation rows, Relation table, const wire::TableRule &rule);

    /// Server errors of compiling come out with the table's name and the code rule_unusable.
    const RowExpression &set_condition(const std::string &text);
    /// One more column, which gets the next number in RowView::computed.
    const RowExpression &add_column(const RuledColumn &column);
    /// Once all columns have been added.
    void set_identity(const ReplicaIdentity &identity, const std::vector<RuledColumn> &travelling);

    bool wants_truncate() const { return operations_.truncate; }
    bool wants(ReorderBufferChangeType action) const;
    /// Decides what becomes of a change that is wanted: false when nothing is sent, else row says as what. Then new_row
    /// and old_row hold what it says they do, until the next call.
    bool apply(HeapTuple old_tuple, HeapTuple new_tuple, wire::RowChange &row);
    RowView new_row() const { return view(new_); }
    RowView old_row() const { return view(old_); }

  private:
    struct Expression {
        std::string column; ///< server's encoding, as the text; empty: the condition
        std::string text;
        RowExpression compiled;
        ExprState *state = nullptr;
        std::vector<int> reads;
        bool tells = false; ///< what an error says of the values it reads is no secret
    };
    struct Row {
        TupleTableSlot *slot = nullptr;
        bool external = false; ///< some value may be absent
        bool any_withheld = false;
        std::unique_ptr<bool[]> withheld;
        std::vector<Computed> computed;
    };
    /// Texts in UTF-8, column empty for the condition.
    Expression compile(const std::string &column, const std::string &text, const std::string *type,
                       ExpressionGoal goal);
    // Server calls, may raise: inside of apply()'s one crossing.
    void load(Row &row, HeapTuple tuple);
    void take_unchanged(Row &row, const Row &old);
    bool is_absent(const Row &row, int attribute) const;
    bool holds(Row &row);
    Computed evaluate(const Expression &expression, Row &row);
    /// key_only: of the columns that identify the row.
    void compute(Row &row, bool key_only);
    bool decide(HeapTuple old_tuple, HeapTuple new_tuple, wire::RowChange &row);
    void demand_identity() const;
    std::string identify(const Row &row) const;
    RowView view(const Row &row) const;
    std::string describe(const Expression &expression) const;
    std::string full_identity_hint() const;
    [[noreturn]] void raise_for_row(const Expression &expression, const Row &row, const ErrorData *error) const;
    [[noreturn]] void raise_absent(const Expression &expression, const Row &row, int attribute) const;
    [[noreturn]] void raise(int code, const std::string &column, const std::string &message, const std::string &detail,
                            const std::string &hint) const;

    MemoryContext home_;
    TupleDesc shape_ = nullptr;
    std::string schema_, table_; ///< server's encoding
    wire::Operations operations_;
    std::optional<Expression> condition_;
    std::vector<Expression> columns_;
    std::vector<bool> in_key_; ///< by position in columns_
    ReplicaIdentity identity_;
    std::vector<int> own_;          ///< columns that travel under their own value
    std::vector<int> unmasked_key_; ///< those of them that identify the row
    /// Why updates and deletes cannot be told by this rule; empty: they can.
    std::string identity_problem_, identity_column_, identity_detail_;
    bool needs_snapshot_ = false;
    ExprContext *evaluation_ = nullptr;
    const Expression *evaluating_ = nullptr; ///< the one at work, whose error an error is
    const Row *evaluating_row_ = nullptr;
    Row old_, new_;
};

} // namespace walbridge
