// relation_cache.hpp: for every table that changes, what the stream says about it and how its values are read.
//
// A plan is built on the first change after an invalidation and then used row by row without catalog access. What makes
// it stale:
//  - the relation cache (columns, identity, name, kind): by relation oid;
//  - types, collations, schemas and the identity index, which change without touching the relation cache: by the hash
//  of the
//    catalog row that was read;
//  - the names of the partitioned tables above it, which rules may be about: by their oids;
//  - enum labels: any change in pg_enum, for plans with an enum column, because a new label is a row that nobody has
//  read yet.
// Callbacks only set flags. They cannot be taken back, so there is one set per process, which looks for the cache that
// is alive: in an SQL session callbacks outlive the decoding context.
#pragma once

#include "server/guard.hpp"
#include "server/identity.hpp"
#include "server/row_rules.hpp"
#include "server/text_encoding.hpp"
#include "wire/object_selection.hpp"
#include "wire/records.hpp"
#include "wire/table_rules.hpp"
#include "wire/writer.hpp"

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

extern "C" {
#include "fmgr.h"
#include "utils/rel.h"
}

namespace walbridge {

/// How a value becomes bytes of the stream.
enum class ValueForm : std::uint8_t {
    // binary, encoded here
    boolean,
    int2,
    int4, ///< also oid and date
    int8, ///< also time, timestamp and timestamptz
    float4,
    float8,
    numeric, ///< longer ones through the send function
    timetz,
    interval,
    uuid,
    char1,
    bytea,
    jsonb,
    send, ///< binary through the type's send function
    // text
    varlena_text, ///< the stored bytes are the text
    name,
    enum_label,
    output, ///< through the type's output function
};

/// What JSON can say without quotes.
enum class JsonForm : std::uint8_t { string, number, boolean };

struct ColumnPlan {
    int index = 0;              ///< in the tuple descriptor; -1 for a column that the table's rule adds
    int computed = -1;          ///< its value is that of an expression: its number in RowView::computed
    const char *name = nullptr; ///< of a computed column, in the server's encoding; in the plan's memory context
    bool varlena = false;
    bool key = false;
    ValueForm form = ValueForm::output;
    JsonForm json = JsonForm::string;
    FmgrInfo *function = nullptr; ///< output or send; in the plan's memory context
    std::unordered_map<Oid, std::string> labels;
};

struct RelationPlan {
    bool selected = false;
    bool identifiable = false; ///< UPDATE and DELETE say which row they mean
    bool full_identity = false;
    std::vector<ColumnPlan> columns;
    wire::Relation shape;   ///< what the relation record says; views into names
    std::string descriptor; ///< its bytes behind the number
    std::deque<std::string> names;
    MemoryContext functions = nullptr; ///< owns what FmgrInfo refers to; child of the cache's context
    bool valid = false;
    mutable wire::RelationNumber number = 0; ///< set by Output once the descriptor has been sent
    bool has_enum = false;
    std::unique_ptr<RowRules> rules; ///< what the task wants of this table, if it says anything
    std::vector<Oid> above;          ///< partitioned tables whose rules may be this one's
    std::vector<std::uint64_t> dependencies;
};

struct CachePolicy {
    const wire::ObjectSelection &selection;
    const wire::TableRules &rules;
    TextEncoder encoder;
    bool binary_values = true;
};

class RelationCache {
  public:
    /// owner: memory context that lives as long as the cache.
    RelationCache(MemoryContext owner, const CachePolicy &policy);
    ~RelationCache();
    RelationCache(const RelationCache &) = delete;
    RelationCache &operator=(const RelationCache &) = delete;

    /// The plan for an open relation, built if it is missing or stale. The reference holds until the next call for the
    /// same relation. Look at `selected` first: without it only shape.schema and shape.name are filled.
    const RelationPlan &plan_for(Relation relation);
    /// Drops plans that have gone stale, those of dropped tables among them, once they may be many. Ends the life of
    /// plans: call between transactions.
    void sweep();

  private:
    void build(Relation relation, RelationPlan &plan);
    /// relation holds the rows, table gives name and identity; two only while a table is rewritten.
    void describe(Relation relation, Relation table, RelationPlan &plan);
    /// What the relation record says of a column, and where its values come from.
    struct ColumnSource {
        std::string name; ///< in the stream's encoding
        Oid type;
        int32 typmod;
        Oid collation;
        unsigned flags;
        int index;
        int computed;
        const char *server_name;
    };
    void add_own_column(Relation relation, int index, bool key, RelationPlan &plan);
    void add_ruled_columns(Relation relation, Relation table, const ReplicaIdentity &identity,
                           const wire::TableRule &rule, RelationPlan &plan);
    void add_column(const ColumnSource &source, RelationPlan &plan);
    std::string_view keep(RelationPlan &plan, std::string text);
    void depend(RelationPlan &plan, int cache, Oid oid);
    void depend(RelationPlan &plan, const RowExpression &expression);
    static void free_functions(RelationPlan &plan);

    static RelationCache *live_;
    static void on_relation(Datum argument, Oid relation);
    static void on_catalog(Datum argument, int cache, uint32 hash);

    MemoryContext owner_;
    CachePolicy policy_;
    std::unordered_map<Oid, std::unique_ptr<RelationPlan>> plans_;
    const RelationPlan *last_ = nullptr; ///< the one asked for last: changes come in runs
    Oid last_oid_ = InvalidOid;
    std::size_t sweep_at_ = 1024;                    ///< plans
    std::unordered_set<Oid> above_;                  ///< of all plans
    std::unordered_set<std::uint64_t> dependencies_; ///< of all plans: most invalidations concern none of them
};

} // namespace walbridge
