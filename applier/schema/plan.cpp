// plan.cpp: from pg_dump's entries to items.
#include "schema/plan.hpp"

#include "base/log.hpp"
#include "ddl/bodies.hpp"
#include "ddl/rename.hpp"
#include "ddl/role_names.hpp"
#include "dialect/postgres.hpp"
#include "schema/column_rules.hpp"
#include "schema/extension_rows.hpp"
#include "schema/names.hpp"
#include "schema/pg_dump.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace walbridge::schema {
namespace {

namespace cls = source::catalog_class;
using source::ObjectId;

bool one_of(std::string_view type, std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), type) != list.end();
}

/// Kinds of objects that belong to a cluster's or database's set-up, not to its content.
bool never(const DumpEntry &entry) {
    return one_of(entry.type, {"PUBLICATION", "PUBLICATION TABLE", "PUBLICATION TABLES IN SCHEMA", "SUBSCRIPTION",
                               "SUBSCRIPTION TABLE", "EVENT TRIGGER", "SERVER", "FOREIGN DATA WRAPPER", "USER MAPPING",
                               "FOREIGN TABLE", "DATABASE", "BLOB", "BLOB METADATA", "DEFAULT ACL", "ENCODING",
                               "STDSTRINGS", "SEARCHPATH", "DATABASE PROPERTIES"}) ||
           (entry.type == "COMMENT" && entry.name.starts_with("EXTENSION "));
}

bool comes_after_data(std::string_view type) {
    return one_of(type, {"CONSTRAINT", "INDEX", "INDEX ATTACH", "FK CONSTRAINT", "CHECK CONSTRAINT", "STATISTICS",
                         "RULE", "TRIGGER", "POLICY", "ROW SECURITY", "MATERIALIZED VIEW DATA"});
}

/// Which relation and which types have a name, for entries that pg_dump gives no oid.
struct Names {
    explicit Names(const source::ObjectGraph &graph) {
        for (const auto &[id, object] : graph.objects)
            if (id.catalog == cls::relation || id.catalog == cls::type)
                by_name.emplace(std::pair(object.schema, object.name), id);
    }
    std::multimap<std::pair<std::string, std::string>, ObjectId> by_name;
};

std::uint32_t table_of(const source::ObjectGraph &graph, ObjectId id) {
    const auto *object = graph.find(id);
    if (object == nullptr) return 0;
    if (id.catalog == cls::relation && object->kind != 'i' && object->kind != 'I') return id.oid;
    return object->on_table;
}

/// Relations that the snapshot shows and that are gone or have another name now: pg_dump could not lock them.
std::vector<QualifiedName> gone_since(const TaskConfig &config, const source::ObjectGraph &graph) {
    pg::Session now(config.source.endpoint, {config.application_name("schema"), false, {}});
    const auto rows = now.query("SELECT c.oid, n.nspname, c.relname FROM pg_catalog.pg_class c "
                                "JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.oid >= 16384");
    std::map<std::uint32_t, QualifiedName> current;
    for (int row = 0; row < rows.rows(); ++row)
        current.emplace(static_cast<std::uint32_t>(rows.number(row, 0)),
                        QualifiedName{rows.text(row, 1), rows.text(row, 2)});
    std::vector<QualifiedName> gone;
    for (const auto &[id, object] : graph.objects) {
        if (id.catalog != cls::relation || std::string_view("rpvmS").find(object.kind) == std::string_view::npos)
            continue;
        const auto found = current.find(id.oid);
        if (found == current.end() || found->second != QualifiedName{object.schema, object.name})
            gone.push_back({object.schema, object.name});
    }
    return gone;
}

/// Tables that nobody asked for: pg_dump would lock them, and need the right to read them.
std::vector<QualifiedName> not_wanted(const source::ObjectGraph &graph, const Closure &closure) {
    std::vector<QualifiedName> tables;
    for (const auto &[id, object] : graph.objects)
        if (id.catalog == cls::relation && (object.kind == 'r' || object.kind == 'p') &&
            !closure.objects.contains(id) && !object.schema.starts_with("pg_") && object.schema != "information_schema")
            tables.push_back({object.schema, object.name});
    return tables;
}

std::vector<DumpEntry> dump(const TaskConfig &config, pg::Session &source, const source::ObjectGraph &graph,
                            const Closure &closure, DumpRequest request, const StopToken &stop) {
    const auto program = choose_dump_program(installed_dump_programs(), source.server_version());
    request.owners = config.schema.owner != "none";
    request.grants = config.schema.grants != "none";
    request.application_name = config.application_name("pg_dump");
    const auto unwanted = request.only.empty() ? not_wanted(graph, closure) : std::vector<QualifiedName>();
    std::size_t known_gone = 0;
    for (int attempt = 1;; ++attempt) {
        try {
            auto all = request;
            all.exclude.insert(all.exclude.end(), unwanted.begin(), unwanted.end());
            return parse_dump(run_pg_dump(program, config.source.endpoint, all, stop));
        } catch (const Error &error) {
            auto gone = gone_since(config, graph);
            if (error.kind() != ErrorKind::schema_stage || attempt == 5 || gone.size() <= known_gone) throw;
            for (const auto &table : gone)
                log::warning("a relation was dropped or renamed after the snapshot: its definition is left out",
                             {{"relation", to_string(table)}});
            known_gone = gone.size();
            request.exclude = std::move(gone);
        }
    }
}

/// Gives owners, grantees and the roles of policies their names on the target.
void map_roles(const TaskConfig &config, std::vector<Item> &items) {
    for (auto &item : items) {
        const bool grant = item.type == "ACL" || item.type == "POLICY" || item.type == "DEFAULT ACL";
        if ((grant ? config.schema.grants : config.schema.owner) == "map")
            item.statement = ddl::with_role_names(item.statement, config.roles);
    }
}

/// ALTER DEFAULT PRIVILEGES: tables that DDL creates later get the grants they have on the source. They come last, so
/// that nothing of the schema stage itself gets them.
void add_default_privileges(const std::vector<DumpEntry> &entries, const wire::ObjectSelection &selection,
                            bool everything, const NameMap &names, std::vector<Item> &items) {
    for (const auto &entry : entries) {
        if (entry.type != "DEFAULT ACL") continue;
        if (entry.schema.empty() ? !everything : !covers_schema(selection, entry.schema)) continue;
        Item item;
        item.number = static_cast<int>(items.size()) + 1;
        item.section = Section::after_data;
        item.type = entry.type;
        item.name = entry.schema.empty() ? entry.name : entry.schema + "." + entry.name;
        item.statement = names.empty() ? entry.statement : ddl::rename_statement(entry.statement, names);
        items.push_back(std::move(item));
    }
}

/// Puts the target's names into definitions.
class Renamer {
  public:
    explicit Renamer(const NameMap &names) : names_(names) {}

    /// For people, and to find relations by: schema.name, or "schema.table what" for what belongs to a table.
    [[nodiscard]] std::string name(const DumpEntry &entry, const source::Object *table) const {
        if (entry.schema.empty()) return entry.type == "SCHEMA" ? names_.schema(entry.name) : entry.name;
        const auto of_table = table != nullptr ? table->name + " " : std::string();
        if (table != nullptr && entry.name.starts_with(of_table))
            return to_string(names_.table({table->schema, table->name})) + entry.name.substr(table->name.size());
        return to_string(names_.table({entry.schema, entry.name}));
    }

    [[nodiscard]] std::string statement(const DumpEntry &entry, const std::string &name) const {
        if (names_.empty()) return entry.statement;
        try {
            return ddl::rename_statement(entry.statement, names_, {}, ddl::Bodies::keep);
        } catch (const Error &error) {
            // A form that the parser does not know is good as it is when it cannot hold a renamed name.
            if (ddl::renamed_names_in(entry.statement, names_).empty()) return entry.statement;
            throw Error(ErrorKind::schema_stage, fmt::format("{} {}", entry.type, name),
                        fmt::format("it cannot be given its names on the target: {}", error.reason()), error.remedy());
        }
    }

  private:
    const NameMap &names_;
};

/// Schemas that only renames lead to, in front of everything. pg_dump does not create `public`, and no schema of the
/// source stands for one that single tables move to.
void add_schemas(const NameMap &names, std::vector<Item> &items) {
    auto missing = target_schemas(names);
    for (const auto &item : items)
        if (item.type == "SCHEMA" && item.statement.find("CREATE SCHEMA") != std::string::npos)
            std::erase(missing, item.name);
    std::vector<Item> schemas;
    for (const auto &name : missing)
        schemas.push_back({0, Section::before_data, "SCHEMA", name, std::nullopt,
                           "CREATE SCHEMA " + dialect::postgres::quote_identifier(name) + ";", false});
    items.insert(items.begin(), std::make_move_iterator(schemas.begin()), std::make_move_iterator(schemas.end()));
    int number = 0;
    for (auto &item : items) item.number = ++number;
}

/// Behind the last item before the data.
void add_reshaping(std::vector<Item> reshaping, std::vector<Item> &items) {
    const auto place =
        std::ranges::find_if(items, [](const Item &item) { return item.section != Section::before_data; });
    items.insert(place, std::make_move_iterator(reshaping.begin()), std::make_move_iterator(reshaping.end()));
    int number = 0;
    for (auto &item : items) item.number = ++number;
}

} // namespace

std::vector<Item> make_items(const std::vector<DumpEntry> &entries, const source::ObjectGraph &graph,
                             const Closure &closure, const NameMap &target_names, const ddl::ColumnRules &columns) {
    const Names names(graph);
    const Renamer renamer(target_names);
    std::map<int, bool> taken;          // dump id -> whether it is
    std::map<int, ObjectId> identified; // dump id -> object
    const auto find_by_name = [&](const DumpEntry &entry) -> ObjectId {
        const auto [begin, end] = names.by_name.equal_range({entry.schema, entry.name});
        for (auto it = begin; it != end; ++it)
            if ((entry.type == "SHELL TYPE") == (it->second.catalog == cls::type)) return it->second;
        return {};
    };
    std::vector<Item> items;
    bool after_data = false;
    for (const auto &entry : entries) {
        after_data = after_data || comes_after_data(entry.type);
        auto id = entry.id.catalog != 0 ? entry.id : ObjectId{};
        bool wanted = false, known = false;
        if (id.catalog != 0) {
            wanted = closure.objects.contains(id);
        } else {
            bool all = true;
            for (const int number : entry.dependencies)
                if (const auto found = taken.find(number); found != taken.end()) {
                    known = true;
                    all = all && found->second;
                    if (id.catalog == 0) id = identified[number];
                }
            wanted = known && all;
        }
        // Nothing that it depends on is in this dump: the table of ROW SECURITY is not, when only what comes after the
        // data is asked for.
        if (id.catalog == 0 && !known) {
            id = find_by_name(entry);
            wanted = id.catalog != 0 && closure.objects.contains(id);
        }
        wanted = wanted && !never(entry);
        taken[entry.number] = wanted;
        identified[entry.number] = id;
        if (!wanted) continue;

        Item item;
        item.number = static_cast<int>(items.size()) + 1;
        item.type = entry.type;
        const auto *table = graph.relation(table_of(graph, id));
        item.name = renamer.name(entry, table);
        auto shaped = entry;
        if (after_data && table != nullptr && !columns.empty()) {
            auto text = ddl::shape_statement(entry.statement, {table->schema, table->name}, columns);
            if (!text.nothing_left.empty()) {
                log::warning("left out on the target",
                             {{"object", entry.type + " " + item.name}, {"reason", text.nothing_left}});
                taken[entry.number] = false; // nor what depends on it
                continue;
            }
            if (text.text) shaped.statement = *std::move(text.text);
        }
        item.statement = renamer.statement(shaped, item.name);
        if (table != nullptr) item.table = to_string(target_names.table({table->schema, table->name}));
        const bool on_view = table != nullptr && table->kind == 'm'; // the view itself may be created after the data
        if (!after_data)
            item.section = Section::before_data;
        else if (!on_view && one_of(entry.type, {"CONSTRAINT", "INDEX", "INDEX ATTACH"}))
            item.section = Section::index;
        else if (entry.type == "FK CONSTRAINT")
            item.section = Section::foreign_key;
        else
            item.section = Section::after_data;
        items.push_back(std::move(item));
    }
    return items;
}

std::vector<Item> plan_schema(const TaskConfig &config, pg::Session &source, const std::string &snapshot,
                              const StopToken &stop) {
    const auto graph = source::read_object_graph(source);
    const auto closure = select_objects(graph, wire::ObjectSelection(config.objects.include, config.objects.exclude));
    for (const auto &left : closure.left_behind)
        log::warning("left behind", {{"object", left.object}, {"reason", left.reason}});
    for (const auto &table : closure.definitions_only)
        log::info("brought as a definition without rows: selected tables need it", {{"table", table}});
    DumpRequest request;
    request.snapshot = snapshot;
    const auto names = complete_names(config.names, graph);
    const auto entries = dump(config, source, graph, closure, request, stop);
    auto items = make_items(entries, graph, closure, names, column_rules(config));
    add_reshaping(reshape_items(config, source), items);
    const bool everything = config.objects.exclude.empty() &&
                            std::ranges::find(config.objects.include, "*.*") != config.objects.include.end();
    add_default_privileges(entries, wire::ObjectSelection(config.objects.include, config.objects.exclude), everything,
                           names, items);
    map_roles(config, items);
    add_schemas(names, items);
    if (config.full_stage) add_extension_rows(source, graph, closure, names, items);
    return items;
}

std::vector<Item> plan_table_after_data(const TaskConfig &config, pg::Session &source, const std::string &snapshot,
                                        std::uint32_t table_oid, const QualifiedName &table, const StopToken &stop) {
    const auto graph = source::read_object_graph(source);
    const auto closure = select_objects(graph, wire::ObjectSelection(config.objects.include, config.objects.exclude));
    DumpRequest request;
    request.snapshot = snapshot;
    request.before_data = false;
    request.only = {table};
    std::vector<Item> items;
    try {
        items = make_items(dump(config, source, graph, closure, request, stop), graph, closure,
                           complete_names(config.names, graph), column_rules(config));
    } catch (const Error &error) {
        const auto gone = gone_since(config, graph);
        if (error.kind() != ErrorKind::schema_stage || std::find(gone.begin(), gone.end(), table) == gone.end()) throw;
        return {}; // changed once more: the copy will notice and come back
    }
    const auto *object = graph.relation(table_oid);
    const auto name =
        to_string(config.names.table(object != nullptr ? QualifiedName{object->schema, object->name} : table));
    std::erase_if(items, [&](const Item &item) { return item.section == Section::before_data || item.table != name; });
    map_roles(config, items);
    return items;
}

} // namespace walbridge::schema
