// connection_environment.cpp: libpq itself knows the variable of each connection parameter.
#include "schema/connection_environment.hpp"

#include <fmt/format.h>
#include <map>
#include <unistd.h>

namespace walbridge::schema {

ClientConnection client_connection(const pg::Endpoint &endpoint, const std::string &application_name,
                                   const std::string &options) {
    std::map<std::string, std::string> variables;
    for (char **entry = environ; *entry != nullptr; ++entry) {
        const std::string_view text = *entry;
        if (const auto equal = text.find('='); equal != std::string_view::npos)
            variables.emplace(text.substr(0, equal), text.substr(equal + 1));
    }
    ClientConnection connection;
    char *message = nullptr;
    PQconninfoOption *const parsed = PQconninfoParse(endpoint.url.c_str(), &message);
    if (parsed == nullptr) {
        const std::string reason = message != nullptr ? message : "cannot be parsed";
        PQfreemem(message);
        throw Error(ErrorKind::configuration, "connection string of the " + endpoint.role, reason);
    }
    for (const auto *option = parsed; option->keyword != nullptr; ++option) {
        if (option->val == nullptr || option->val[0] == '\0') continue;
        if (option->envvar != nullptr) {
            variables.insert_or_assign(option->envvar, option->val);
        } else if (option->dispchar[0] != '*' && std::string_view(option->keyword) != "replication") {
            connection.dbname += std::string(connection.dbname.empty() ? "" : " ") + option->keyword + "='";
            for (const char *c = option->val; *c != '\0'; ++c) {
                if (*c == '\'' || *c == '\\') connection.dbname += '\\';
                connection.dbname += *c;
            }
            connection.dbname += '\'';
        }
    }
    PQconninfoFree(parsed);
    if (!endpoint.password.empty()) variables["PGPASSWORD"] = endpoint.password;
    if (!application_name.empty()) variables["PGAPPNAME"] = application_name;
    auto &server_options = variables["PGOPTIONS"];
    server_options += (server_options.empty() ? "" : " ") + options;
    variables["LC_ALL"] = "C"; // messages are matched and shown
    for (const auto &[name, value] : variables) connection.environment.push_back(fmt::format("{}={}", name, value));
    return connection;
}

} // namespace walbridge::schema
