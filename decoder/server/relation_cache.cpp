// relation_cache.cpp: building plans from the catalogs, and forgetting them.
#include "server/relation_cache.hpp"

#include "server/compat.hpp"
#include "server/filter.hpp"
#include "server/type_catalog.hpp"

#include <algorithm>

extern "C" {
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

namespace walbridge {

namespace {

std::uint64_t dependency(int cache, std::uint32_t hash) { return (static_cast<std::uint64_t>(cache) << 32) | hash; }

constexpr int watched_caches[] = {TYPEOID, ENUMOID, NAMESPACEOID, INDEXRELID, COLLOID};

struct FormChoice {
    ValueForm form;
    JsonForm json;
    bool needs_function; // output or send, by form
    wire::Layout layout = wire::Layout::sized;
};

constexpr wire::Layout fixed(int bytes) { return static_cast<wire::Layout>(bytes); }

// The list of docs/wire-protocol.md, "Tuples". base: the column's type with domains taken off.
FormChoice choose_form(Oid base, bool is_enum, bool binary) {
    using wire::Layout;
    const auto either = [&](ValueForm form, Layout layout, JsonForm json = JsonForm::string) {
        const bool sends = form == ValueForm::send || form == ValueForm::numeric;
        return binary ? FormChoice{form, json, sends, layout} : FormChoice{ValueForm::output, json, true};
    };
    switch (base) {
    case BOOLOID: return either(ValueForm::boolean, fixed(1), JsonForm::boolean);
    case INT2OID: return either(ValueForm::int2, Layout::int2, JsonForm::number);
    case INT4OID:
    case OIDOID: return either(ValueForm::int4, Layout::int4, JsonForm::number);
    case DATEOID: return either(ValueForm::int4, Layout::int4);
    case INT8OID: return either(ValueForm::int8, Layout::int8, JsonForm::number);
    case TIMEOID:
    case TIMESTAMPOID:
    case TIMESTAMPTZOID: return either(ValueForm::int8, Layout::int8);
    case FLOAT4OID: return either(ValueForm::float4, fixed(4), JsonForm::number);
    case FLOAT8OID: return either(ValueForm::float8, fixed(8), JsonForm::number);
    case TIMETZOID: return either(ValueForm::timetz, fixed(12));
    case INTERVALOID: return either(ValueForm::interval, fixed(16));
    case UUIDOID: return either(ValueForm::uuid, fixed(16));
    case CHAROID: return either(ValueForm::char1, fixed(1));
    case NUMERICOID: return either(ValueForm::numeric, Layout::numeric, JsonForm::number);
    case BYTEAOID: return either(ValueForm::bytea, Layout::sized);
    case JSONBOID: return either(ValueForm::jsonb, Layout::sized);
    case INETOID:
    case CIDROID:
    case BITOID:
    case VARBITOID: return either(ValueForm::send, Layout::sized);
    case TEXTOID:
    case VARCHAROID:
    case BPCHAROID:
    case JSONOID: return {ValueForm::varlena_text, JsonForm::string, false};
    case NAMEOID: return {ValueForm::name, JsonForm::string, false};
    default: break;
    }
    if (is_enum) return {ValueForm::enum_label, JsonForm::string, true}; // the function serves labels added meanwhile
    return {ValueForm::output, JsonForm::string, true};
}

} // namespace

RelationCache *RelationCache::live_ = nullptr;

RelationCache::RelationCache(MemoryContext owner, const CachePolicy &policy) : owner_(owner), policy_(policy) {
    static bool registered = false;
    if (!registered) {
        call([] {
            CacheRegisterRelcacheCallback(on_relation, static_cast<Datum>(0));
            for (const int cache : watched_caches)
                CacheRegisterSyscacheCallback(cache, on_catalog, static_cast<Datum>(0));
        });
        registered = true;
    }
    live_ = this;
}

RelationCache::~RelationCache() {
    if (live_ == this) live_ = nullptr;
}

// ---- invalidation: called by the server at any lookup, must not raise, throw or free

void RelationCache::on_relation(Datum, Oid relation) {
    if (live_ == nullptr) return;
    if (OidIsValid(relation)) {
        const auto found = live_->plans_.find(relation);
        if (found != live_->plans_.end()) found->second->valid = false;
        if (live_->above_.count(relation) == 0) return;
        for (auto &entry : live_->plans_) {
            const auto &above = entry.second->above;
            if (std::find(above.begin(), above.end(), relation) != above.end()) entry.second->valid = false;
        }
        return;
    }
    for (auto &entry : live_->plans_) entry.second->valid = false;
}

void RelationCache::on_catalog(Datum, int cache, uint32 hash) {
    if (live_ == nullptr) return;
    const bool any_row = hash == 0;
    if (cache == ENUMOID || any_row) {
        for (auto &entry : live_->plans_)
            if (any_row || entry.second->has_enum) entry.second->valid = false;
        return;
    }
    const std::uint64_t wanted = dependency(cache, hash);
    if (live_->dependencies_.count(wanted) == 0) return;
    for (auto &entry : live_->plans_) {
        const auto &own = entry.second->dependencies;
        if (std::find(own.begin(), own.end(), wanted) != own.end()) entry.second->valid = false;
    }
}

// ---- plans

const RelationPlan &RelationCache::plan_for(Relation relation) {
    if (last_oid_ == RelationGetRelid(relation) && last_->valid) return *last_;
    const auto found = plans_.find(RelationGetRelid(relation));
    if (found != plans_.end() && found->second->valid) {
        last_ = found->second.get();
        last_oid_ = found->first;
        return *last_;
    }

    std::unique_ptr<RelationPlan> &slot = plans_[RelationGetRelid(relation)];
    if (!slot) slot = std::make_unique<RelationPlan>();
    RelationPlan &plan = *slot;
    // Lookups may deliver invalidations of what has just been read; then it is read again.
    do {
        free_functions(plan);
        plan = RelationPlan();
        plan.valid = true;
        try {
            build(relation, plan);
        } catch (...) {
            plan.valid = false;
            throw;
        }
    } while (!plan.valid);
    return plan;
}

void RelationCache::free_functions(RelationPlan &plan) {
    if (plan.functions == nullptr) return;
    const MemoryContext old = plan.functions;
    plan.functions = nullptr;
    call([&] { MemoryContextDelete(old); });
}

void RelationCache::sweep() {
    if (plans_.size() < sweep_at_) return;
    last_ = nullptr;
    last_oid_ = InvalidOid;
    for (auto entry = plans_.begin(); entry != plans_.end();) {
        if (entry->second->valid) {
            ++entry;
            continue;
        }
        free_functions(*entry->second);
        entry = plans_.erase(entry);
    }
    dependencies_.clear();
    above_.clear();
    for (const auto &entry : plans_) {
        dependencies_.insert(entry.second->dependencies.begin(), entry.second->dependencies.end());
        above_.insert(entry.second->above.begin(), entry.second->above.end());
    }
    sweep_at_ = std::max<std::size_t>(1024, 2 * plans_.size());
}

std::string_view RelationCache::keep(RelationPlan &plan, std::string text) {
    return plan.names.emplace_back(std::move(text));
}

void RelationCache::depend(RelationPlan &plan, int cache, Oid oid) {
    const std::uint32_t hash = call([&] { return GetSysCacheHashValue1(cache, ObjectIdGetDatum(oid)); });
    const std::uint64_t key = dependency(cache, hash);
    if (std::find(plan.dependencies.begin(), plan.dependencies.end(), key) != plan.dependencies.end()) return;
    plan.dependencies.push_back(key);
    dependencies_.insert(key);
}

void RelationCache::depend(RelationPlan &plan, const RowExpression &expression) {
    const int types = expression.types != nullptr ? expression.types->length : 0;
    for (int i = 0; i < types; ++i) {
        const TypeFacts type = read_type(call([&] { return list_nth_oid(expression.types, i); }), policy_.encoder);
        depend(plan, TYPEOID, type.oid);
        depend(plan, NAMESPACEOID, type.schema_oid);
        if (type.category == TYPTYPE_ENUM) plan.has_enum = true;
    }
    const int collations = expression.collations != nullptr ? expression.collations->length : 0;
    for (int i = 0; i < collations; ++i)
        depend(plan, COLLOID, call([&] { return list_nth_oid(expression.collations, i); }));
}

void RelationCache::build(Relation relation, RelationPlan &plan) {
    const Oid rewritten = relation->rd_rel->relrewrite;
    if (!OidIsValid(rewritten)) {
        describe(relation, relation, plan);
        return;
    }
    // The new rows of a table that is being rewritten stand in a relation of its own, which has no name that anyone
    // knows and no index. They are the table's: its name and its key are what the stream has to say.
    plan.shape.rewrite_of = rewritten;
    const Relation table = call([&] { return RelationIdGetRelation(rewritten); });
    // While a transaction is streamed, the server takes a catalog row for deleted that a rolled back subtransaction
    // had changed and that a later statement changes again [tried on 18]. Without the table's name nobody knows
    // whether the rows are wanted: they must not be passed over.
    if (!RelationIsValid(table))
        refuse(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
               "the table with oid " + std::to_string(rewritten) +
                   ", whose rewritten rows are being decoded, is not visible",
               "Decode the transaction without streaming it: option streaming=off (apply.streaming = false).");
    describe(relation, table, plan);
    call([&] { RelationClose(table); });
}

void RelationCache::describe(Relation relation, Relation table, RelationPlan &plan) {
    const Oid schema_oid = RelationGetNamespace(table);
    depend(plan, NAMESPACEOID, schema_oid);
    wire::Relation &shape = plan.shape;
    shape.oid = RelationGetRelid(relation);
    shape.schema = keep(plan, read_schema(schema_oid, policy_.encoder));
    shape.name = keep(plan, std::string(policy_.encoder.encode(RelationGetRelationName(table))));
    shape.kind = table->rd_rel->relkind;
    shape.identity = table->rd_rel->relreplident;
    if (!is_replicable(table, shape.schema)) return;
    // Patterns are UTF-8, also where JSON lines keep another encoding.
    const TextEncoder utf8;
    const std::string schema = policy_.encoder.converts() == utf8.converts() ? std::string(shape.schema)
                                                                             : std::string(utf8.encode(shape.schema));
    const std::string name =
        policy_.encoder.converts() == utf8.converts() ? std::string(shape.name) : std::string(utf8.encode(shape.name));
    if (!policy_.selection.matches(schema, name)) return;
    plan.selected = true;

    const ReplicaIdentity identity = replica_identity(table);
    if (OidIsValid(identity.index)) depend(plan, INDEXRELID, identity.index);
    plan.full_identity = identity.full;
    plan.identifiable = identity.identifiable();

    plan.functions = call([&] { return AllocSetContextCreate(owner_, "walbridge relation", ALLOCSET_SMALL_SIZES); });
    wire::TableRule rule;
    if (!policy_.rules.empty()) {
        plan.above = partitioned_above(table);
        above_.insert(plan.above.begin(), plan.above.end());
        // Schemas of the tables above have names too.
        for (const Oid oid : plan.above) depend(plan, NAMESPACEOID, call([&] { return get_rel_namespace(oid); }));
        rule = policy_.rules.of(names_for_rules(table, plan.above));
    }
    const TupleDesc descriptor = RelationGetDescr(relation);
    if (!rule.empty()) {
        add_ruled_columns(relation, table, identity, rule, plan);
    } else {
        for (int i = 0; i < descriptor->natts; ++i) {
            const Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
            if (attribute->attisdropped || compat::is_virtual(attribute)) continue;
            add_own_column(relation, i, identity.has(attribute->attnum), plan);
        }
    }
    wire::ByteBuffer bytes;
    wire::put_descriptor(bytes, shape);
    plan.descriptor = bytes.view();
}

void RelationCache::add_own_column(Relation relation, int index, bool key, RelationPlan &plan) {
    const Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation), index);
    unsigned flags = 0;
    if (key) flags |= wire::column_flag::key;
    if (attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS) flags |= wire::column_flag::identity_always;
    if (attribute->attidentity == ATTRIBUTE_IDENTITY_BY_DEFAULT) flags |= wire::column_flag::identity_by_default;
    if (attribute->attgenerated != '\0') flags |= wire::column_flag::generated;
    if (attribute->attnotnull) flags |= wire::column_flag::not_null;
    add_column({std::string(policy_.encoder.encode(NameStr(attribute->attname))), attribute->atttypid,
                attribute->atttypmod, attribute->attcollation, flags, index, -1, nullptr},
               plan);
}

void RelationCache::add_ruled_columns(Relation relation, Relation table, const ReplicaIdentity &identity,
                                      const wire::TableRule &rule, RelationPlan &plan) {
    plan.rules = std::make_unique<RowRules>(plan.functions, relation, table, rule);
    if (rule.where) depend(plan, plan.rules->set_condition(*rule.where));
    const std::vector<RuledColumn> columns = ruled_columns(RelationGetDescr(relation), rule);
    int computed = 0;
    for (const RuledColumn &column : columns) {
        const bool is_key = identity.has(column.attribute);
        if (column.expression == nullptr) {
            add_own_column(relation, column.attribute - 1, is_key, plan);
            continue;
        }
        const RowExpression &expression = plan.rules->add_column(column);
        depend(plan, expression);
        const std::string name = to_server(column.name);
        const char *text = name.c_str();
        const MemoryContext home = plan.functions;
        const char *kept = call([&] { return MemoryContextStrdup(home, text); });
        // Whatever the table says of the column, an expression may give null, and its value is not the table's to
        // generate.
        add_column({std::string(policy_.encoder.encode(kept)), expression.type, expression.typmod, expression.collation,
                    is_key ? wire::column_flag::key : 0U, column.attribute - 1, computed++, kept},
                   plan);
    }
    plan.rules->set_identity(identity, columns);
}

void RelationCache::add_column(const ColumnSource &source, RelationPlan &plan) {
    const TextEncoder &encoder = policy_.encoder;
    wire::Column column;
    column.name = keep(plan, source.name);
    column.flags = static_cast<std::uint8_t>(source.flags);
    column.typmod = source.typmod;

    const auto reference = [&](const TypeFacts &facts) {
        depend(plan, TYPEOID, facts.oid);
        depend(plan, NAMESPACEOID, facts.schema_oid);
        return wire::TypeRef{facts.oid, keep(plan, facts.schema), keep(plan, facts.name), facts.category};
    };
    const TypeFacts type = read_type(source.type, encoder);
    column.type = reference(type);
    if (OidIsValid(type.element)) column.element = reference(read_type(type.element, encoder));

    // Down through domains to the type that rows hold, and on through arrays to a possible enum.
    TypeFacts base = type;
    while (base.category == TYPTYPE_DOMAIN) {
        base = read_type(base.element, encoder);
        reference(base);
    }
    TypeFacts leaf = base;
    while (OidIsValid(leaf.element)) {
        leaf = read_type(leaf.element, encoder);
        reference(leaf);
    }
    ColumnPlan column_plan;
    if (leaf.category == TYPTYPE_ENUM) {
        plan.has_enum = true;
        for (auto &[oid, label] : read_enum(leaf.oid, encoder)) {
            column.labels.push_back(keep(plan, label));
            if (leaf.oid == base.oid) column_plan.labels.emplace(oid, std::move(label));
        }
    }
    const CollationFacts collation = read_collation(source.collation, encoder);
    if (!collation.name.empty()) {
        depend(plan, COLLOID, source.collation);
        depend(plan, NAMESPACEOID, collation.schema_oid);
        column.collation_schema = keep(plan, collation.schema);
        column.collation_name = keep(plan, collation.name);
    }

    const FormChoice choice = choose_form(base.oid, base.category == TYPTYPE_ENUM, policy_.binary_values);
    column_plan.index = source.index;
    column_plan.computed = source.computed;
    column_plan.name = source.server_name;
    column_plan.varlena = type.length == -1;
    column_plan.key = column.has(wire::column_flag::key);
    column_plan.form = choice.form;
    column_plan.json = choice.json;
    column.layout = choice.layout;
    if (choice.needs_function) {
        const bool sends = choice.form == ValueForm::send || choice.form == ValueForm::numeric;
        const Oid function = sends ? base.send_function : base.output_function;
        const MemoryContext home = plan.functions;
        column_plan.function = call([&] {
            auto *info = static_cast<FmgrInfo *>(MemoryContextAlloc(home, sizeof(FmgrInfo)));
            fmgr_info_cxt(function, info, home);
            return info;
        });
    }
    plan.columns.push_back(std::move(column_plan));
    plan.shape.columns.push_back(std::move(column));
}

} // namespace walbridge
