// origins.cpp: see origins.hpp.
#include "target/postgres/origins.hpp"

#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <chrono>
#include <fmt/format.h>
#include <thread>

namespace walbridge::target {
namespace {

/// How long the sessions of workers that just ended may keep their origins.
constexpr std::chrono::milliseconds pause{100};
constexpr int rounds = 50;

void take_origin(pg::Session &session, const std::string &name) {
    create_origin(session, name);
    session.execute(fmt::format("SELECT pg_catalog.pg_replication_origin_session_setup({})",
                                dialect::postgres::quote_literal(name)));
}

void warn(const char *what, const SqlError &error) {
    log::warning(what, {{"reason", error.reason()},
                        {"remedy", "GRANT EXECUTE ON FUNCTION pg_replication_origin_create(text), "
                                   "pg_replication_origin_oid(text), pg_replication_origin_session_setup(text), "
                                   "pg_replication_origin_xact_setup(pg_lsn, timestamptz), "
                                   "pg_replication_origin_progress(text, boolean) to the applier's role"}});
}

} // namespace

void create_origin(pg::Session &session, const std::string &name) {
    session.execute(fmt::format("SELECT pg_catalog.pg_replication_origin_create({0}) WHERE "
                                "pg_catalog.pg_replication_origin_oid({0}) IS NULL",
                                dialect::postgres::quote_literal(name)));
}

bool carry_origin(pg::Session &session, const std::string &name) {
    try {
        take_origin(session, name);
        return true;
    } catch (const SqlError &error) {
        if (error.sqlstate() != "42501") throw;
        warn("applied transactions carry no replication origin", error);
        return false;
    }
}

bool use_free_origin(pg::Session &session, const std::vector<std::string> &names) {
    for (int round = 0;; ++round)
        for (const auto &name : names) {
            try {
                take_origin(session, name);
                return true;
            } catch (const SqlError &error) {
                const auto &state = error.sqlstate();
                if (state == "23505" && round < rounds) continue; // another worker creates it in this moment
                if (state == "55006" && round < rounds) {
                    if (name == names.back()) std::this_thread::sleep_for(pause);
                    continue;
                }
                if (state != "42501") throw;
                warn("copied rows carry no replication origin", error);
                return false;
            }
        }
}

} // namespace walbridge::target
