// target_database.cpp: see target_database.hpp.
#include "task/target_database.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>

namespace walbridge::task {
namespace {

using dialect::postgres::quote_identifier;
using dialect::postgres::quote_literal;

std::optional<pg::Session> open_maintenance(const TaskConfig &config) {
    for (const auto *database : {"postgres", "template1"}) {
        auto endpoint = config.target.endpoint;
        endpoint.url = pg::with_database(endpoint.url, database);
        try {
            return pg::Session(endpoint, {config.application_name("precheck"), false, {}});
        } catch (const Error &) {
            continue; // the first failure is the one that is reported
        }
    }
    return std::nullopt;
}

} // namespace

std::string create_database_statement(pg::Session &source, const std::string &name, int target_version) {
    // Which columns there are differs by version: one name per question, whichever holds the answer.
    const auto row = source.query(
        "SELECT pg_catalog.pg_encoding_to_char(d.encoding), d.datcollate, d.datctype, coalesce(j ->> 'datlocprovider', "
        "'c'), coalesce(j ->> 'datlocale', j ->> 'daticulocale'), j ->> 'daticurules' FROM pg_catalog.pg_database d, "
        "pg_catalog.to_jsonb(d) j WHERE d.datname = pg_catalog.current_database()");
    auto statement = fmt::format("CREATE DATABASE {} TEMPLATE template0 ENCODING {}", quote_identifier(name),
                                 quote_literal(row.get(0, 0)));
    const auto provider = row.get(0, 3);
    if (target_version >= 150000 && provider == "i") {
        statement += fmt::format(" LOCALE_PROVIDER icu ICU_LOCALE {}", quote_literal(row.get(0, 4)));
        if (target_version >= 160000 && !row.null(0, 5))
            statement += fmt::format(" ICU_RULES {}", quote_literal(row.get(0, 5)));
    } else if (target_version >= 170000 && provider == "b") {
        statement += fmt::format(" LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", quote_literal(row.get(0, 4)));
    } else if (target_version >= 150000) {
        statement += " LOCALE_PROVIDER libc";
    }
    return statement +
           fmt::format(" LC_COLLATE {} LC_CTYPE {}", quote_literal(row.get(0, 1)), quote_literal(row.get(0, 2)));
}

std::optional<MissingDatabase> find_missing_database(const TaskConfig &config, const Error &failure) {
    const auto name = pg::parameter(config.target.endpoint.url, "dbname").value_or("");
    if (name.empty() || failure.reason().find(name) == std::string::npos) return std::nullopt;
    auto session = open_maintenance(config);
    if (!session) return std::nullopt;
    const auto row = session->query("SELECT EXISTS (SELECT FROM pg_catalog.pg_database WHERE datname = $1), "
                                    "pg_catalog.quote_ident(rolname), rolcreatedb OR rolsuper FROM pg_catalog.pg_roles "
                                    "WHERE rolname = current_user",
                                    {name});
    if (row.rows() == 0 || row.flag(0, 0)) return std::nullopt;
    auto statement = fmt::format("CREATE DATABASE {} TEMPLATE template0", quote_identifier(name));
    try {
        pg::Session source(config.source.endpoint, {config.application_name("precheck"), false, {}});
        statement = create_database_statement(source, name, session->server_version());
    } catch (const Error &) {
        // precheck says that the source is down
    }
    auto role = row.text(0, 1);
    const bool may_create = row.flag(0, 2);
    return MissingDatabase{name, std::move(role), may_create, std::move(statement), std::move(*session)};
}

bool create_missing_database(const TaskConfig &config, const Error &failure) {
    auto missing = find_missing_database(config, failure);
    if (!missing) return false;
    const auto object = fmt::format("target database {}", missing->name);
    if (!config.target.create)
        throw Error(ErrorKind::precheck, object, "it does not exist",
                    fmt::format("{}; or set target.create = true.", missing->statement));
    { // its locale is the source's: without the source it must not be guessed
        const pg::Session source(config.source.endpoint, {config.application_name("start"), false, {}});
    }
    try {
        missing->maintenance.execute(missing->statement);
        log::info("created the target database", {{"database", missing->name}, {"statement", missing->statement}});
    } catch (const SqlError &error) {
        if (error.sqlstate() == "42P04" || error.sqlstate() == "23505") return true; // somebody was faster
        if (error.kind() == ErrorKind::connection || error.recovery() != Recovery::stop) throw;
        const bool right = error.sqlstate() == "42501";
        throw Error(
            right ? ErrorKind::permission : ErrorKind::precheck, object,
            fmt::format("it does not exist and cannot be created: {}", error.reason()),
            right ? fmt::format("ALTER ROLE {} CREATEDB; or, as another role: {};", missing->role, missing->statement)
                  : fmt::format("Create it by hand with what the target's server has, beginning from: {};",
                                missing->statement));
    }
    return true;
}

} // namespace walbridge::task
