// fixture.cpp: the words of the case files.
#include "fixture.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

namespace walbridge::ddl::testing {

bool Catalog::relation_exists(const QualifiedName &name) { return names_.contains(to_string(name)); }

bool Catalog::type_exists(const QualifiedName &name) {
    static const std::set<std::string> built_in = {"text", "int4", "jsonb", "uuid", "numeric", "timestamptz"};
    if (name.schema == "pg_catalog") return built_in.contains(name.name);
    return names_.contains(to_string(name));
}

bool Catalog::routine_exists(const QualifiedName &name) {
    static const std::set<std::string> built_in = {"now", "lower", "nextval", "count"};
    if (name.schema == "pg_catalog") return built_in.contains(name.name);
    return names_.contains(to_string(name) + "()");
}

bool Catalog::schema_exists(const std::string &name) {
    return names_.contains(name) || std::any_of(names_.begin(), names_.end(), [&](const std::string &known) {
               return known.starts_with(name + ".");
           });
}

Decision Setting::decide(const DdlStatement &statement) const {
    Rules rules;
    rules.selection = &selection;
    rules.everything_selected = everything;
    rules.names = &names;
    rules.classes = classes;
    rules.roles = roles;
    Catalog target(catalog);
    return ddl::decide(statement, rules, target);
}

Setting setting_of(const std::string &name) {
    Setting setting;
    setting.catalog = {"public", "public.t", "public.u", "public.v", "public.i", "public.s", "public.e", "public.f()"};
    const auto select = [&](std::vector<std::string> include, std::vector<std::string> exclude = {}) {
        setting.everything = false;
        setting.selection = wire::ObjectSelection(include, exclude);
    };
    if (name == "all") return setting;
    if (name == "schema") { // one of several schemas, without its audit tables
        select({"public.*"}, {"public.audit_*"});
    } else if (name == "tables") { // some tables of a schema
        select({"public.t", "public.orders*"});
        setting.catalog.insert("public.orders");
    } else if (name == "renamed schema") {
        setting.names.add_schema("app", "shop");
        setting.catalog = {"public", "shop.t", "shop.u", "shop.v", "shop.s", "shop.e", "shop.f()"};
    } else if (name == "renamed table") {
        setting.names.add_table({"app", "orders"}, {"sales", "invoices"});
        setting.catalog = {"public",
                           "sales.invoices",
                           "app.t",
                           "app.u",
                           "app.v",
                           "app.s",
                           "app.e",
                           "app.f()",
                           "sales.orders_id_seq",
                           "sales.orders_pkey"};
    } else if (name == "both") {
        setting.names.add_schema("app", "shop");
        setting.names.add_table({"app", "orders"}, {"sales", "invoices"});
        setting.catalog = {"public", "sales.invoices", "shop.t", "shop.u", "shop.v", "shop.s", "shop.e", "shop.f()"};
    } else if (name == "mapped roles") {
        setting.roles.names = {{"alice", "bob"}, {"app owner", "carol"}};
    } else if (name == "no owners") {
        setting.roles.owners = false;
    } else if (name == "no grants") {
        setting.roles.grants = false;
    } else if (name == "only tables") {
        setting.classes = {"table"};
    } else if (name == "no tables") {
        setting.classes.erase("table");
    } else {
        throw std::invalid_argument("no setting is called \"" + name + "\"");
    }
    return setting;
}

namespace {

QualifiedName name_of(const std::string &text) {
    const std::size_t dot = text.find('.');
    if (dot == std::string::npos) return {{}, text};
    return {text.substr(0, dot), text.substr(dot + 1)};
}

std::string class_of_type(const std::string &type) {
    static const std::map<std::string, std::string> classes = {{"function", "pg_proc"},
                                                               {"procedure", "pg_proc"},
                                                               {"aggregate", "pg_proc"},
                                                               {"type", "pg_type"},
                                                               {"schema", "pg_namespace"},
                                                               {"extension", "pg_extension"},
                                                               {"trigger", "pg_trigger"},
                                                               {"policy", "pg_policy"},
                                                               {"rule", "pg_rewrite"},
                                                               {"cast", "pg_cast"},
                                                               {"operator", "pg_operator"},
                                                               {"collation", "pg_collation"},
                                                               {"statistics", "pg_statistic_ext"},
                                                               {"table constraint", "pg_constraint"}};
    const auto found = classes.find(type);
    return found == classes.end() ? "pg_class" : found->second;
}

std::vector<std::string> split(const std::string &text, char separator) {
    std::vector<std::string> parts;
    std::string part;
    for (const char c : text + separator) {
        if (c != separator) {
            part += c;
            continue;
        }
        const std::size_t begin = part.find_first_not_of(' ');
        if (begin != std::string::npos) parts.push_back(part.substr(begin, part.find_last_not_of(' ') + 1 - begin));
        part.clear();
    }
    return parts;
}

void add_dropped(DdlStatement &statement, const std::string &fact) {
    DdlDropped dropped;
    dropped.original = fact.front() == '-';
    std::string rest = fact.substr(1);
    if (rest.starts_with("temporary ")) {
        dropped.temporary = true;
        rest = rest.substr(10);
    }
    const std::size_t blank = rest.rfind(' ');
    dropped.type = rest.substr(0, blank);
    dropped.class_name = class_of_type(dropped.type);
    dropped.identity = rest.substr(blank + 1);
    const auto parts = split(dropped.identity, '.');
    dropped.address_names = parts;
    if (parts.size() == 1) {
        dropped.name = parts[0];
    } else {
        dropped.schema = parts[0];
        if (parts.size() == 2 && dropped.class_name != "pg_proc") dropped.name = parts[1];
    }
    statement.dropped.push_back(dropped);
}

void add_object(DdlStatement &statement, const std::string &fact) {
    DdlObject object;
    std::string rest = fact;
    if (const std::size_t on = rest.find(" on "); on != std::string::npos) {
        const QualifiedName table = name_of(rest.substr(on + 4));
        object.table_schema = table.schema;
        object.table_name = table.name;
        rest = rest.substr(0, on);
    }
    const std::size_t blank = rest.rfind(' ');
    object.type = rest.substr(0, blank);
    object.identity = rest.substr(blank + 1);
    object.class_name = class_of_type(object.type);
    const QualifiedName name = name_of(object.identity);
    object.schema = name.schema;
    if (object.class_name == "pg_class" || object.class_name == "pg_type" || object.class_name == "pg_namespace")
        object.name = name.name;
    statement.objects.push_back(object);
}

} // namespace

void add_facts(DdlStatement &statement, const std::string &facts) {
    for (const std::string &fact : split(facts, ';')) {
        if (fact == "start")
            statement.phase = DdlStatement::Phase::start;
        else if (fact == "rewrite")
            statement.phase = DdlStatement::Phase::rewrite;
        else if (fact == "gap")
            statement.kind = DdlStatement::Kind::gap;
        else if (fact.starts_with("before "))
            statement.before = name_of(fact.substr(7));
        else if (fact.starts_with("role "))
            statement.role = fact.substr(5);
        else if (fact == "old literals")
            statement.settings["standard_conforming_strings"] = "off";
        else if (fact.starts_with("tag "))
            statement.tag = fact.substr(4);
        else if (fact.starts_with("reason "))
            statement.reason = fact.substr(7);
        else if (fact.starts_with("column ")) {
            const std::size_t blank = fact.find(' ', 7);
            statement.columns.push_back({fact.substr(7, blank - 7), fact.substr(blank + 1), {}});
        } else if (fact.starts_with("missing ")) {
            const std::size_t equals = fact.find('=');
            const auto parts = split(fact.substr(8, equals - 8), '.');
            statement.missing.push_back({{parts.at(0), parts.at(1)}, parts.at(2), fact.substr(equals + 1)});
        } else if (fact.front() == '-' || fact.front() == '~')
            add_dropped(statement, fact);
        else
            add_object(statement, fact);
    }
}

DdlStatement statement_of(std::string text, std::string search_path, const std::string &facts) {
    DdlStatement statement;
    statement.text = std::move(text);
    statement.role = "alice";
    statement.settings["search_path"] = std::move(search_path);
    add_facts(statement, facts);
    return statement;
}

std::string text_of(const Decision &decision) {
    std::string text = decision.object_class + ": ";
    if (decision.action == Action::filtered) return text + "filtered: " + decision.reason;
    if (decision.action == Action::refused) return text + "refused: " + decision.reason;
    for (const std::string &command : decision.commands)
        text += (&command == decision.commands.data() ? "" : "; ") + command;
    if (decision.commands.empty()) text += "nothing";
    std::string flags;
    const auto flag = [&](bool set, const std::string &name) {
        if (set) flags += (flags.empty() ? "" : ", ") + name;
    };
    flag(decision.own_transaction, "own transaction");
    flag(decision.evaluates_expressions, "user code");
    flag(decision.left_selection, "left");
    flag(decision.entered_selection, "entered");
    for (const QualifiedName &table : decision.created_tables) flag(true, "created " + to_string(table));
    return flags.empty() ? text : text + " {" + flags + "}";
}

} // namespace walbridge::ddl::testing
