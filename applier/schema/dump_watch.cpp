// dump_watch.cpp: see dump_watch.hpp.
#include "schema/dump_watch.hpp"

#include "base/log.hpp"

namespace walbridge::schema {

void DumpWatch::look() noexcept {
    if (gave_way_ || failed_) return;
    try {
        if (!session_) session_.emplace(endpoint_, pg::ConnectOptions{application_name_ + " watch", false, {}});
        const auto ended = session_->query(
            "SELECT pg_catalog.pg_terminate_backend(d.pid) FROM pg_catalog.pg_stat_activity d WHERE d.datname = "
            "pg_catalog.current_database() AND d.usename = CURRENT_USER AND d.application_name = pg_catalog.left($1, "
            "63) "
            "AND d.wait_event_type = 'Lock' AND EXISTS (SELECT FROM pg_catalog.pg_stat_activity w WHERE w.datname = "
            "d.datname AND w.pid <> d.pid AND d.pid = ANY (pg_catalog.pg_blocking_pids(w.pid)))",
            {application_name_});
        gave_way_ = ended.rows() > 0;
    } catch (const std::exception &error) {
        failed_ = true;
        log::debug("pg_dump is not watched", {{"reason", error.what()}});
    }
}

} // namespace walbridge::schema
