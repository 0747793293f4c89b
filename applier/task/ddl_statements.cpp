// ddl_statements.cpp: SQL over walbridge.ddl_statement, and a statement executed again.
#include "task/ddl_statements.hpp"

#include "apply/ddl_rules.hpp"
#include "target/kind.hpp"
#include "target/postgres/ddl_target.hpp"
#include "target/state_session.hpp"
#include "task/state_store.hpp"
#include "wire/ddl_message.hpp"

#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace walbridge::task {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char *postgres_columns = "id, at, state, tag, object_class, commit_lsn, number, statement, role, "
                                         "search_path, pg_catalog.to_json(commands)::text, error, reason, message";
constexpr const char *mysql_columns = "id, at, state, tag, object_class, commit_lsn, `number`, statement, `role`, "
                                      "search_path, commands, error, reason, message";

void require_task(sql::Session &target, const TaskConfig &config) {
    if (!read_task(target, config.name))
        throw Error(ErrorKind::task_state, fmt::format("task {}", config.name), "the target knows no such task",
                    "Start it with walbridge run.");
    install_state(target);
}

std::unique_ptr<sql::Session> open(const TaskConfig &config) {
    auto target = target::open_state(config, "walbridge:ddl");
    require_task(*target, config);
    return target;
}

/// Rows of walbridge.ddl_statement: `rest` follows FROM.
sql::Rows read(sql::Session &target, const std::string &rest, const std::vector<sql::Parameter> &parameters) {
    const auto query = [&](const char *columns) {
        return fmt::format("SELECT {} FROM walbridge.ddl_statement {}", columns, rest);
    };
    const auto postgres = query(postgres_columns), mysql = query(mysql_columns);
    return target.ask({std::string_view(postgres), std::string_view(mysql)}, parameters);
}

Json as_json(const sql::Rows &rows, int row) {
    const auto text = [&](int column) { return rows.null(row, column) ? Json(nullptr) : Json(rows.text(row, column)); };
    return {{"id", rows.number(row, 0)},
            {"at", text(1)},
            {"state", text(2)},
            {"tag", text(3)},
            {"class", text(4)},
            {"commit_lsn", text(5)},
            {"number", rows.number(row, 6)},
            {"statement", text(7)},
            {"role", text(8)},
            {"search_path", text(9)},
            {"commands", rows.null(row, 10) ? Json::array() : Json::parse(rows.text(row, 10))},
            {"error", text(11)},
            {"reason", text(12)}};
}

std::string dumped(const Json &json) { return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n"; }

std::string one_line(std::string text, std::size_t longest) {
    for (auto &c : text)
        if (c == '\n' || c == '\r' || c == '\t') c = ' ';
    return text.size() <= longest ? text : text.substr(0, longest - 3) + "...";
}

std::string text_of(const Json &value) { return value.is_string() ? value.get<std::string>() : std::string(); }

sql::Rows find(sql::Session &target, const TaskConfig &config, const std::string &id, const char *lock = "") {
    const bool number = !id.empty() && id.size() < 19 && id.find_first_not_of("0123456789") == std::string::npos;
    auto row = read(target, fmt::format("WHERE task = $1 AND id = $2{}", lock), {config.name, number ? id : "-1"});
    if (row.rows() == 0)
        throw Error(ErrorKind::task_state, "DDL statement " + id, "there is none of that id",
                    "walbridge ddl list shows them.");
    return row;
}

/// Rows as text need their parts; the JSON form has them all.
std::string details(const Json &json) {
    std::string out = fmt::format(
        "id:          {}\nstate:       {}\nat:          {}\ntag:         {}\ntransaction: {}\nrole:        {}\n",
        json["id"].get<long long>(), text_of(json["state"]), text_of(json["at"]), text_of(json["tag"]),
        text_of(json["commit_lsn"]), text_of(json["role"]));
    if (!text_of(json["statement"]).empty()) out += fmt::format("statement:\n  {}\n", text_of(json["statement"]));
    if (!json["commands"].empty()) {
        out += "for the target:\n";
        for (const auto &command : json["commands"]) out += fmt::format("  {};\n", command.get<std::string>());
    }
    for (const auto *what : {"error", "reason"})
        if (!text_of(json[what]).empty()) out += fmt::format("{}:\n  {}\n", what, text_of(json[what]));
    return out;
}

class CatalogNames final : public ddl::TargetNames {
  public:
    explicit CatalogNames(target::DdlTarget &target) : target_(target) {}
    bool relation_exists(const QualifiedName &name) override { return target_.relation_exists(name); }
    bool type_exists(const QualifiedName &name) override { return target_.type_exists(name); }
    bool routine_exists(const QualifiedName &name) override { return target_.routine_exists(name); }
    bool schema_exists(const std::string &name) override { return target_.schema_exists(name); }

  private:
    target::DdlTarget &target_;
};

[[noreturn]] void failed_again(const Json &json, const std::string &reason, const std::string &remedy) {
    throw Error(ErrorKind::ddl, fmt::format("DDL statement {}", json["id"].get<long long>()), reason,
                remedy.empty() ? "Mend what stands in its way and retry, or dismiss it." : remedy);
}

} // namespace

std::string list_ddl(const TaskConfig &config, bool json) {
    auto target = open(config);
    const auto rows = read(*target, "WHERE task = $1 ORDER BY state NOT IN ('failed', 'skipped', 'gap', 'refused'), id",
                           {config.name});
    auto all = Json::array();
    for (int row = 0; row < rows.rows(); ++row) all.push_back(as_json(rows, row));
    if (json) return dumped(all);
    if (all.empty()) return "no DDL statement waits for a decision\n";
    std::string out = fmt::format("{:>6}  {:<10}  {:<20}  {:<60}  {}\n", "id", "state", "tag", "statement", "reason");
    for (const auto &one : all)
        out += fmt::format("{:>6}  {:<10}  {:<20}  {:<60}  {}\n", one["id"].get<long long>(), text_of(one["state"]),
                           text_of(one["tag"]), one_line(text_of(one["statement"]), 60),
                           one_line(text_of(one["error"]) + text_of(one["reason"]), 100));
    return out;
}

std::string show_ddl(const TaskConfig &config, const std::string &id, bool json) {
    auto target = open(config);
    const auto one = as_json(find(*target, config, id), 0);
    return json ? dumped(one) : details(one);
}

std::string retry_ddl(const TaskConfig &config, const std::string &id) {
    if (target::is_mysql(config))
        throw Error(ErrorKind::usage, "walbridge ddl retry",
                    "a target of kind " + config.target.kind +
                        " follows what becomes of tables: a single statement cannot be executed there again",
                    "Make the change on the target by hand, then \"walbridge ddl dismiss\" the statement.");
    pg::Session session(config.target.endpoint,
                        {.application_name = "walbridge:ddl",
                         .replication = false,
                         .settings = {{"session_replication_role", "replica"}, {"lock_timeout", "30s"}}});
    require_task(session, config);
    session.execute("BEGIN");
    const auto row = find(session, config, id, " FOR UPDATE");
    const auto json = as_json(row, 0);
    const auto state = text_of(json["state"]);
    if (state == "failed")
        throw Error(ErrorKind::task_state, "DDL statement " + id, "the task stopped at it",
                    "It is executed in its place when the task runs again: walbridge run.");
    if (state != "skipped")
        throw Error(ErrorKind::task_state, "DDL statement " + id, "it is " + state,
                    "Only statements that were skipped can be retried.");
    DdlStatement statement;
    try {
        statement = parse_ddl_statement(row.text(0, 13));
    } catch (const std::invalid_argument &error) {
        failed_again(json, fmt::format("what was stored of it cannot be read: {}", error.what()), {});
    }
    const apply::DdlRules rules(config);
    target::PostgresDdlTarget ddl(
        config, session, [] {}, [] {});
    CatalogNames names(ddl);
    const auto decision = ddl::decide(statement, rules.rules(), names);
    if (decision.action != ddl::Action::execute) failed_again(json, decision.reason, decision.remedy);
    const target::DdlCommands commands{decision.commands, statement.role, decision.search_path, statement.settings,
                                       decision.evaluates_expressions};
    std::optional<target::DdlFailure> failure;
    if (decision.own_transaction) {
        session.execute("ROLLBACK");
        failure = ddl.execute_alone(commands, std::nullopt);
        session.execute("BEGIN");
    } else {
        failure = ddl.execute(commands);
    }
    if (failure && !ddl.already_so(rules.in_target_names(statement), commands, *failure))
        failed_again(json, failure->describe(), failure->remedy);
    session.query("UPDATE walbridge.ddl_statement SET state = 'retried', at = pg_catalog.now() WHERE task = $1 AND id "
                  "= $2::bigint",
                  {config.name, id});
    session.execute("COMMIT");
    return fmt::format("statement {}: {}\n", id, failure ? "what it does is so already" : "executed");
}

std::string dismiss_ddl(const TaskConfig &config, const std::string &id) {
    auto session = open(config);
    const auto json = as_json(find(*session, config, id), 0);
    const auto state = text_of(json["state"]);
    const auto done =
        session->ask({"UPDATE walbridge.ddl_statement SET state = 'dismissed', at = pg_catalog.now() WHERE task = $1 "
                      "AND id = $2 AND state IN ('failed', 'skipped', 'gap', 'refused')",
                      "UPDATE walbridge.ddl_statement SET state = 'dismissed', at = NOW(6) WHERE task = $1 AND id = $2 "
                      "AND state IN ('failed', 'skipped', 'gap', 'refused')"},
                     {config.name, id});
    if (done.affected() == 0)
        throw Error(ErrorKind::task_state, "DDL statement " + id, "it is " + state, "There is nothing to dismiss.");
    return fmt::format("statement {}: dismissed{}\n", id,
                       state == "failed" ? "; the task passes it over when it runs again" : "");
}

} // namespace walbridge::task
