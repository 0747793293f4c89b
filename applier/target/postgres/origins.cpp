// origins.cpp: see origins.hpp.
#include "target/postgres/origins.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <fmt/format.h>

namespace walbridge::target {

void create_origin(pg::Session &session, const std::string &name) {
    session.execute(fmt::format("SELECT pg_catalog.pg_replication_origin_create({0}) WHERE "
                                "pg_catalog.pg_replication_origin_oid({0}) IS NULL",
                                dialect::postgres::quote_literal(name)));
}

bool carry_origin(pg::Session &session, const std::string &name) {
    try {
        create_origin(session, name);
        session.execute(fmt::format("SELECT pg_catalog.pg_replication_origin_session_setup({})",
                                    dialect::postgres::quote_literal(name)));
        return true;
    } catch (const SqlError &error) {
        if (error.sqlstate() != "42501") throw;
        log::warning(
            "applied transactions carry no replication origin",
            {{"reason", error.reason()},
             {"remedy",
              "GRANT EXECUTE ON FUNCTION pg_replication_origin_create(text), pg_replication_origin_oid(text), "
              "pg_replication_origin_session_setup(text), pg_replication_origin_xact_setup(pg_lsn, timestamptz), "
              "pg_replication_origin_progress(text, boolean) to the applier's role"}});
        return false;
    }
}

} // namespace walbridge::target
