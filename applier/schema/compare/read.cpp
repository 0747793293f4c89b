// read.cpp: one read-only transaction for the catalog, its snapshot exported to pg_dump.
#include "schema/compare/read.hpp"

#include "base/log.hpp"
#include "ddl/role_names.hpp"
#include "schema/closure.hpp"
#include "schema/column_rules.hpp"
#include "schema/compare/catalog/sql.hpp"
#include "schema/compare/names.hpp"
#include "schema/compare/statements.hpp"
#include "schema/dump_parser.hpp"
#include "schema/names.hpp"
#include "schema/pg_dump.hpp"
#include "wire/object_selection.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace walbridge::schema::compare {
namespace {

namespace cls = source::catalog_class;
using source::ObjectGraph;
using source::ObjectId;

std::uint32_t oid(const pg::Result &rows, int row, int column) {
    return static_cast<std::uint32_t>(rows.number(row, column));
}
char letter(const pg::Result &rows, int row, int column) {
    const auto text = rows.get(row, column);
    return text.empty() ? '\0' : text.front();
}
std::vector<std::string> list(const pg::Result &rows, int row, int column) {
    return nlohmann::json::parse(rows.get(row, column)).get<std::vector<std::string>>();
}
std::map<std::string, std::string> pairs(const pg::Result &rows, int row, int column) {
    return nlohmann::json::parse(rows.get(row, column)).get<std::map<std::string, std::string>>();
}

/// pg_identify_object's word for a kind as the words of DROP.
std::string kind_of(std::string_view word, const source::Object *object) {
    if (word == "type" && object != nullptr && object->kind == 'd') return "DOMAIN";
    if (word == "table constraint") return "CONSTRAINT";
    if (word == "domain constraint") return "DOMAIN CONSTRAINT";
    if (word == "statistics object") return "STATISTICS";
    std::string kind(word);
    for (auto &c : kind) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return kind;
}

/// COMMENT ON takes other words for some.
std::string comment_target(std::string_view word, const std::string &identity) {
    if (word == "table column" || word == "view column" || word == "materialized view column" ||
        word == "composite type column" || word == "foreign table column")
        return "COLUMN " + identity;
    if (word == "table constraint") return "CONSTRAINT " + identity;
    if (word == "domain constraint") {
        const auto on = identity.rfind(" on ");
        return "CONSTRAINT " + identity.substr(0, on) + " ON DOMAIN " + identity.substr(on + 4);
    }
    if (word == "composite type") return "TYPE " + identity;
    return kind_of(word, nullptr) + " " + identity;
}

class Reader {
  public:
    Reader(const ReadRequest &request, const StopToken &stop)
        : request_(request), stop_(stop),
          session_(request.endpoint, {.application_name = request.config.application_name("compare"),
                                      .replication = false,
                                      .settings = {{"statement_timeout", "5min"}, {"lock_timeout", "30s"}}}) {
        session_.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
    }

    Definitions read() {
        graph_ = source::read_object_graph(session_);
        read_identities();
        choose();
        read_catalog();
        read_dump();
        add_parts();
        add_uses();
        for (const auto &schema : target_schemas(request_.config.names))
            if (schema != "public")
                schemas_of_renames_.push_back(session_.value("SELECT pg_catalog.quote_ident($1)", {schema}).value());
        session_.execute("COMMIT");
        std::ranges::stable_sort(result_.objects, {}, &Object::order);
        if (request_.target) return std::move(result_);
        map_roles();
        if (request_.config.names.empty()) return std::move(result_);
        auto made = renamed(result_, complete_names(request_.config.names, graph_), owners());
        for (const auto &schema : schemas_of_renames_)
            if (const Key key{"SCHEMA", schema}; made.find(key) == nullptr) {
                Object object;
                object.key = key;
                object.name = schema;
                object.statements = {"CREATE SCHEMA " + schema};
                object.only_by_name = true;
                made.objects.insert(made.objects.begin(), std::move(object));
            }
        return made;
    }

  private:
    /// What stands for a part: a view's rule is the view, the index of a constraint the constraint, a row type its
    /// table.
    ObjectId canonical(ObjectId id) const {
        for (int depth = 0; depth < 4; ++depth) {
            const auto *object = graph_.find(id);
            if (object == nullptr) return id;
            const auto next = [&]() -> ObjectId {
                if (const auto domain = domain_of_.find(id.oid);
                    id.catalog == cls::constraint && domain != domain_of_.end())
                    return {cls::type, domain->second};
                if (id.catalog == cls::rewrite && object->kind == 'V') return {cls::relation, object->on_table};
                if (id.catalog == cls::type && object->on_table != 0) {
                    const auto *relation = graph_.relation(object->on_table);
                    return relation != nullptr && relation->kind == 'c' ? id
                                                                        : ObjectId{cls::relation, object->on_table};
                }
                if (id.catalog == cls::relation && object->kind == 'c') return type_of(id.oid);
                const bool part = (id.catalog == cls::relation && (object->kind == 'i' || object->kind == 'I')) ||
                                  id.catalog == cls::type || (id.catalog == cls::trigger && object->kind == 'i');
                if (!part) return id;
                const auto needs = graph_.needs.find(id);
                if (needs == graph_.needs.end()) return id;
                for (const auto &need : needs->second)
                    if (need.type == 'i' &&
                        (need.object.catalog == cls::constraint || need.object.catalog == cls::type))
                        return need.object;
                return id;
            }();
            if (next == id) return id;
            id = next;
        }
        return id;
    }

    ObjectId type_of(std::uint32_t relation) const {
        const auto found = composite_types_.find(relation);
        return found == composite_types_.end() ? ObjectId{cls::relation, relation} : ObjectId{cls::type, found->second};
    }

    const Key *key_of(ObjectId id) const {
        const auto found = keys_.find(canonical(id));
        return found == keys_.end() ? nullptr : &found->second;
    }

    void read_identities() {
        std::string classes = "{", oids = "{";
        for (const auto &[id, object] : graph_.objects) {
            if (id.catalog == cls::type && object.on_table != 0) {
                const auto *relation = graph_.relation(object.on_table);
                if (relation != nullptr && relation->kind == 'c') composite_types_[object.on_table] = id.oid;
            }
            if (id.catalog == cls::attribute_default) continue;
            classes += (classes.size() > 1 ? "," : "") + std::to_string(id.catalog);
            oids += (oids.size() > 1 ? "," : "") + std::to_string(id.oid);
        }
        const auto rows = session_.query(sql::identities, {classes + "}", oids + "}"});
        for (int row = 0; row < rows.rows(); ++row) {
            if (rows.null(row, 3)) continue;
            const ObjectId id{oid(rows, row, 0), oid(rows, row, 1)};
            keys_[id] = {kind_of(rows.get(row, 2), graph_.find(id)), rows.text(row, 3)};
        }
    }

    void choose() {
        const auto &config = request_.config;
        const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
        const bool other_names = request_.target && !config.names.empty();
        chosen_ = select_objects(other_names ? under_source_names(graph_, config.names) : graph_, selection).objects;
        leave_out_reshaped();
        if (other_names) // made for renamed tables, not a copy of a schema
            for (const auto &schema : target_schemas(config.names))
                std::erase_if(chosen_, [&](ObjectId id) {
                    const auto *object = graph_.find(id);
                    return id.catalog == cls::schema && object != nullptr && object->name == schema;
                });
        for (const auto &[id, key] : keys_)
            if (request_.also.contains(key)) chosen_.insert(id);
    }

    /// Tables of which the task makes other columns are not alike by definition.
    void leave_out_reshaped() {
        const auto columns = column_rules(request_.config);
        if (columns.empty()) return;
        const auto reshaped = [&](const source::Object &table) {
            const auto &names = request_.config.names;
            const QualifiedName there{table.schema, table.name};
            const auto name = request_.target ? names.renamed_to(there).value_or(there) : there;
            return changes_columns(request_.config, name);
        };
        std::set<ObjectId> left; // and views that read them
        std::vector<ObjectId> open;
        for (const auto &[id, object] : graph_.objects) {
            const auto *table =
                id.catalog == cls::relation && object.on_table == 0 ? &object : graph_.relation(object.on_table);
            if (table != nullptr && reshaped(*table)) open.push_back(id);
        }
        while (!open.empty()) {
            const auto id = open.back();
            open.pop_back();
            if (!left.insert(id).second) continue;
            if (const auto dependents = graph_.needed_by.find(id); dependents != graph_.needed_by.end())
                for (const auto &dependent : dependents->second) {
                    const auto *object = graph_.find(canonical(dependent.object));
                    const bool view = object != nullptr && object->id.catalog == cls::relation &&
                                      (object->kind == 'v' || object->kind == 'm');
                    if (view) open.push_back(object->id);
                }
        }
        std::erase_if(chosen_, [&](ObjectId id) { return left.contains(id) || left.contains(canonical(id)); });
    }

    /// The table of an index, sequence or statistics object of the source, by its name.
    ddl::TableOf owners() const {
        std::map<QualifiedName, QualifiedName> tables;
        for (const auto &[id, object] : graph_.objects)
            if (const auto *table = object.on_table != 0 ? graph_.relation(object.on_table) : nullptr;
                table != nullptr && (id.catalog == cls::relation || id.catalog == cls::statistics))
                tables.emplace(QualifiedName{object.schema, object.name}, QualifiedName{table->schema, table->name});
        return [tables = std::move(tables)](const QualifiedName &name) -> std::optional<QualifiedName> {
            const auto found = tables.find(name);
            return found == tables.end() ? std::nullopt : std::optional(found->second);
        };
    }

    void read_catalog() {
        auto rows = session_.query(sql::relations);
        for (int row = 0; row < rows.rows(); ++row) {
            Table table;
            table.name = rows.text(row, 1);
            table.kind = letter(rows, row, 2);
            table.persistence = rows.text(row, 3);
            table.access_method = rows.text(row, 4);
            table.partition_key = rows.text(row, 5);
            table.bound = rows.text(row, 6);
            table.parents = list(rows, row, 7);
            table.options = pairs(rows, row, 8);
            table.row_security = rows.flag(row, 9);
            table.forced_row_security = rows.flag(row, 10);
            table.clustered_on = rows.text(row, 11);
            relations_.emplace(oid(rows, row, 0), std::move(table));
        }
        rows = session_.query(sql::attributes);
        for (int row = 0; row < rows.rows(); ++row) {
            const auto found = relations_.find(oid(rows, row, 0));
            if (found == relations_.end()) continue;
            Column column;
            column.name = rows.text(row, 1);
            column.type = rows.text(row, 2);
            column.collation = rows.text(row, 3);
            column.not_null = rows.flag(row, 4);
            column.identity = letter(rows, row, 5);
            column.generated = letter(rows, row, 6);
            column.default_sql = rows.text(row, 7);
            column.storage = rows.text(row, 8);
            column.compression = rows.text(row, 9);
            column.statistics = rows.text(row, 10);
            column.options = pairs(rows, row, 11);
            column.inherited = rows.flag(row, 12);
            column.local = rows.flag(row, 13);
            found->second.columns.push_back(std::move(column));
        }
        read_sequences();
        read_constraints_and_indexes();
        read_types_and_routines();
    }

    void read_sequences() {
        std::map<std::string, Table *> by_name;
        for (auto &[id, table] : relations_) by_name.emplace(table.name, &table);
        const auto rows = session_.query(sql::sequences);
        for (int row = 0; row < rows.rows(); ++row) {
            const ObjectId id{cls::relation, oid(rows, row, 0)};
            if (letter(rows, row, 6) == 'i') { // an identity's: part of its column
                identity_sequences_.insert(id);
                const auto table = by_name.find(rows.text(row, 4));
                if (table == by_name.end()) continue;
                for (auto &column : table->second->columns)
                    if (column.name == rows.text(row, 5)) {
                        column.identity_sequence = rows.text(row, 1);
                        column.identity_options = rows.text(row, 2);
                    }
                continue;
            }
            const auto owner = rows.text(row, 4);
            shapes_[id] = Sequence{"AS " + rows.text(row, 3) + " " + rows.text(row, 2),
                                   owner.empty() ? "NONE" : owner + "." + rows.text(row, 5), rows.text(row, 7)};
        }
    }

    void read_constraints_and_indexes() {
        auto rows = session_.query(sql::constraints);
        for (int row = 0; row < rows.rows(); ++row) {
            const auto domain = oid(rows, row, 2);
            if (domain != 0) {
                domain_constraints_[domain].emplace(rows.text(row, 3), rows.text(row, 4));
                domain_of_.emplace(oid(rows, row, 0), domain);
            } else
                shapes_[{cls::constraint, oid(rows, row, 0)}] =
                    Constraint{rows.text(row, 1), rows.text(row, 3), rows.text(row, 4), rows.flag(row, 5), true};
        }
        rows = session_.query(sql::indexes);
        for (int row = 0; row < rows.rows(); ++row) {
            const ObjectId id{cls::relation, oid(rows, row, 0)};
            auto definition = rows.text(row, 2);
            if (rows.flag(row, 5)) { // of a partitioned table: with all its partitions
                const auto only = rows.text(row, 6) + " ON ONLY ";
                if (const auto at = definition.find(only); at != std::string::npos)
                    definition.replace(at, only.size(), rows.text(row, 6) + " ON ");
            }
            const bool inherited = rows.flag(row, 3);
            shapes_[id] = Index{rows.text(row, 1), definition, inherited, rows.flag(row, 4)};
            auto &statements = statements_[id];
            statements.push_back(std::move(definition));
            for (const auto &target : nlohmann::json::parse(rows.get(row, 7)))
                statements.push_back(fmt::format("ALTER INDEX {} ALTER COLUMN {} SET STATISTICS {}", identity_of(id),
                                                 target[0].get<int>(), target[1].get<std::string>()));
        }
    }

    std::string identity_of(ObjectId id) const {
        const auto found = keys_.find(id);
        return found == keys_.end() ? std::string() : found->second.identity;
    }

    void read_types_and_routines() {
        auto rows = session_.query(sql::types);
        for (int row = 0; row < rows.rows(); ++row) {
            const ObjectId id{cls::type, oid(rows, row, 0)};
            switch (letter(rows, row, 1)) {
            case 'e': shapes_[id] = Enum{list(rows, row, 2)}; break;
            case 'd':
                shapes_[id] = Domain{rows.text(row, 3), rows.text(row, 4), rows.text(row, 6), rows.flag(row, 5),
                                     domain_constraints_[id.oid]};
                break;
            default: shapes_[id] = Composite{relations_[oid(rows, row, 7)].columns}; break;
            }
        }
        rows = session_.query(sql::routines);
        for (int row = 0; row < rows.rows(); ++row)
            if (letter(rows, row, 1) != 'a')
                shapes_[{cls::proc, oid(rows, row, 0)}] =
                    Routine{rows.text(row, 2), rows.text(row, 3), static_cast<int>(rows.number(row, 4))};
        for (auto &[id, table] : relations_) {
            if (table.kind == 'r' || table.kind == 'p')
                shapes_[{cls::relation, id}] = std::move(table);
            else if (table.kind == 'v')
                shapes_[{cls::relation, id}] = View{std::move(table.columns), std::move(table.options)};
        }
    }

    /// Tables that nobody asked for: pg_dump would lock them, and needs the right to read them.
    std::vector<QualifiedName> not_wanted() const {
        std::vector<QualifiedName> tables;
        for (const auto &[id, object] : graph_.objects)
            if (id.catalog == cls::relation && (object.kind == 'r' || object.kind == 'p') && !chosen_.contains(id) &&
                !object.schema.starts_with("pg_") && object.schema != "information_schema")
                tables.push_back({object.schema, object.name});
        return tables;
    }

    void read_dump() {
        const auto program = choose_dump_program(installed_dump_programs(), session_.server_version());
        DumpRequest dump;
        dump.snapshot = session_.value("SELECT pg_catalog.pg_export_snapshot()").value();
        dump.owners = request_.config.schema.owner != "none";
        dump.exclude = not_wanted();
        dump.application_name = request_.config.application_name("pg_dump");
        for (auto &entry : parse_dump(run_pg_dump(program, request_.endpoint, dump, stop_))) add(entry);
    }

    static bool left_out(const DumpEntry &entry) {
        static const std::set<std::string_view> types{"COMMENT",
                                                      "ACL",
                                                      "TABLE ATTACH",
                                                      "INDEX ATTACH",
                                                      "ROW SECURITY",
                                                      "SHELL TYPE",
                                                      "EVENT TRIGGER",
                                                      "FOREIGN TABLE",
                                                      "SERVER",
                                                      "FOREIGN DATA WRAPPER",
                                                      "USER MAPPING",
                                                      "DEFAULT ACL",
                                                      "SEQUENCE OWNED BY",
                                                      "MATERIALIZED VIEW DATA"};
        return types.contains(entry.type);
    }

    void add(DumpEntry &entry) {
        const auto id = entry.id;
        if (id.catalog == 0 || !chosen_.contains(id) || left_out(entry)) return;
        auto parts = parts_of(entry.statement);
        Object object;
        object.name = entry.schema.empty() ? entry.name : entry.schema + "." + entry.name;
        object.owner_statement = std::move(parts.owner_statement);
        object.statements = std::move(parts.definition);
        if (id.catalog == cls::attribute_default || identity_sequences_.contains(id)) {
            const auto *of = graph_.find(id);
            const auto *table = id.catalog == cls::attribute_default ? key_of({cls::relation, of->on_table}) : nullptr;
            if (id.catalog != cls::attribute_default)
                for (const auto &need : graph_.needs.at(id))
                    if (need.type == 'i') table = key_of(need.object);
            if (table == nullptr) return;
            object.key = {entry.type, object.name};
            object.table = table->identity;
            object.part_of_table = true;
            object.order = next_++;
            result_.objects.push_back(std::move(object));
            return;
        }
        if (const auto *of = graph_.find(id); id.catalog == cls::rewrite && of != nullptr && of->kind == 'V') {
            // A view that pg_dump creates empty first: it stands where it gets its query.
            const auto *view = key_of(id);
            if (view == nullptr || !place_.contains(*view)) return;
            auto &whole = result_.objects[place_.at(*view)];
            whole.statements = std::move(object.statements);
            whole.order = next_++;
            return;
        }
        const auto key = keys_.find(id);
        if (key == keys_.end()) return;
        object.key = key->second;
        if (entry.type == "CAST" || object.name.empty()) object.name = object.key.identity;
        finish(id, std::move(object));
    }

    void finish(ObjectId id, Object object) {
        if (const auto shape = shapes_.find(id); shape != shapes_.end()) {
            object.shape = shape->second;
            if (const auto *index = std::get_if<Index>(&object.shape)) object.table = index->table;
            if (auto *constraint = std::get_if<Constraint>(&object.shape)) {
                constraint->in_table = object.statements.empty();
                object.table = constraint->table;
                object.statements = {fmt::format("ALTER TABLE {} ADD CONSTRAINT {} {}", constraint->table,
                                                 constraint->name, constraint->definition)};
            }
        }
        if (const auto found = statements_.find(id); found != statements_.end()) object.statements = found->second;
        if (object.table.empty())
            if (const auto *of = graph_.find(id); of != nullptr && of->on_table != 0 && id.catalog != cls::type)
                if (const auto *table = key_of({cls::relation, of->on_table}); table != nullptr)
                    object.table = table->identity;
        object.order = next_++;
        place_[object.key] = result_.objects.size();
        seen_.insert(id);
        result_.objects.push_back(std::move(object));
    }

    /// Constraints and the indexes that pg_dump says nothing about by themselves, comments, grants.
    void add_parts() {
        for (const auto &id : chosen_) {
            if (seen_.contains(id) || !shapes_.contains(id)) continue;
            const bool constraint = id.catalog == cls::constraint;
            if (!constraint && !std::holds_alternative<Index>(shapes_.at(id))) continue;
            const auto key = keys_.find(id);
            if (key == keys_.end()) continue;
            Object object;
            object.key = key->second;
            object.name = object.key.identity;
            finish(id, std::move(object));
        }
        auto rows = session_.query(sql::comments);
        for (int row = 0; row < rows.rows(); ++row) {
            const auto *key = key_of({oid(rows, row, 0), oid(rows, row, 1)});
            if (rows.null(row, 3) || key == nullptr || !place_.contains(*key)) continue;
            result_.objects[place_.at(*key)].comments[comment_target(rows.get(row, 2), rows.text(row, 3))] =
                rows.text(row, 4);
        }
        if (request_.config.schema.grants == "none") return;
        rows = session_.query(sql::privileges);
        for (int row = 0; row < rows.rows(); ++row) {
            const auto key = keys_.find({oid(rows, row, 0), oid(rows, row, 1)}); // a row type has rights of its own
            if (key == keys_.end() || !place_.contains(key->second)) continue;
            result_.objects[place_.at(key->second)].privileges.insert(
                {rows.text(row, 2), rows.text(row, 3), rows.text(row, 4), rows.flag(row, 5)});
        }
    }

    /// Owners, grantees and the roles of policies under their names on the target.
    void map_roles() {
        const auto &config = request_.config;
        const bool owners = config.schema.owner == "map", grants = config.schema.grants == "map";
        if (config.roles.empty() || (!owners && !grants)) return;
        std::map<std::string, std::string> quoted;
        for (const auto &[from, to] : config.roles) {
            const auto row =
                session_.query("SELECT pg_catalog.quote_ident($1), pg_catalog.quote_ident($2)", {from, to});
            quoted.emplace(row.text(0, 0), row.text(0, 1));
        }
        const auto mapped = [&](std::string &statement) {
            const auto parts = split_statements(ddl::with_role_names(statement, config.roles));
            if (parts.size() == 1) statement = parts.front();
        };
        for (auto &object : result_.objects) {
            if (owners && !object.owner_statement.empty()) mapped(object.owner_statement);
            if (!grants) continue;
            if (object.key.kind == "POLICY") std::ranges::for_each(object.statements, mapped);
            std::set<Privilege> privileges;
            for (auto privilege : object.privileges) {
                if (const auto other = quoted.find(privilege.grantee); other != quoted.end())
                    privilege.grantee = other->second;
                privileges.insert(std::move(privilege));
            }
            object.privileges = std::move(privileges);
        }
    }

    void add_uses() {
        for (const auto &[id, needs] : graph_.needs) {
            const auto *user = key_of(id);
            if (user == nullptr) continue;
            for (const auto &need : needs)
                if (const auto *used = key_of(need.object); used != nullptr && *used != *user)
                    result_.used_by[*used].insert(*user);
        }
        const auto rows = session_.query(sql::column_users);
        for (int row = 0; row < rows.rows(); ++row) {
            const ColumnKey column{rows.text(row, 2), rows.text(row, 3)};
            if (!rows.get(row, 5).empty())
                result_.generated_from[column].insert(rows.text(row, 5));
            else if (const auto *user = key_of({oid(rows, row, 0), oid(rows, row, 1)}); user != nullptr)
                result_.column_used_by[column].insert(*user);
        }
    }

    const ReadRequest &request_;
    const StopToken &stop_;
    pg::Session session_;
    ObjectGraph graph_;
    std::map<std::uint32_t, std::uint32_t> composite_types_; // relation, type
    std::map<ObjectId, Key> keys_;
    std::set<ObjectId> chosen_, seen_, identity_sequences_;
    std::map<std::uint32_t, Table> relations_;
    std::map<std::uint32_t, std::map<std::string, std::string>> domain_constraints_;
    std::map<std::uint32_t, std::uint32_t> domain_of_; // constraint, type
    std::map<ObjectId, Shape> shapes_;
    std::map<ObjectId, std::vector<std::string>> statements_;
    std::map<Key, std::size_t> place_;
    std::vector<std::string> schemas_of_renames_; // quoted
    int next_ = 1;
    Definitions result_;
};

} // namespace

Definitions read_definitions(const ReadRequest &request, const StopToken &stop) {
    constexpr int most_attempts = 5;
    for (int attempt = 1;; ++attempt) {
        try {
            return Reader(request, stop).read();
        } catch (const Error &error) {
            // What is altered between the snapshot and pg_dump's look at it cannot be read under this one any more.
            if (error.kind() != ErrorKind::schema_stage || attempt == most_attempts) throw;
            log::info("the definitions changed while they were read",
                      {{"attempt", attempt}, {"reason", error.reason()}});
            if (stop.wait_for(std::chrono::milliseconds(300))) throw;
        }
    }
}

} // namespace walbridge::schema::compare
