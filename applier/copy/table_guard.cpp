// table_guard.cpp: see table_guard.hpp.
#include "copy/table_guard.hpp"

#include "base/log.hpp"
#include "copy/pass.hpp"
#include "dialect/postgres.hpp"

#include <algorithm>
#include <chrono>

namespace walbridge::copy {
namespace {

const std::string begin_sql = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

} // namespace

TableGuard::TableGuard(const TaskConfig &config, std::vector<QualifiedName> tables)
    : config_(config), tables_(std::move(tables)), held_(tables_.size()) {
    if (tables_.empty()) return;
    session_.emplace(open_copy_source(config_));
    observer_.emplace(config_.source.endpoint, pg::ConnectOptions{config_.application_name("guard"), false, {}});
    for (const auto &table : tables_)
        log::warning("the table kept changing: DDL on it waits until it is copied", {{"table", to_string(table)}});
    session_->execute(begin_sql);
    lock_what_is_free();
    watch_ = std::jthread([this](const std::stop_token &stop) { watch(stop); });
}

TableGuard::~TableGuard() { stop_watching(); }

void TableGuard::stop_watching() {
    if (!watch_.joinable()) return;
    watch_.request_stop();
    watch_.join();
}

std::optional<pg::Session> TableGuard::import(const std::string &snapshot) {
    stop_watching();
    if (!session_ || held().empty()) return std::nullopt;
    try { // no query ran in it yet: LOCK takes no snapshot
        session_->execute("SET TRANSACTION SNAPSHOT " + dialect::postgres::quote_literal(snapshot));
        return std::move(session_);
    } catch (const SqlError &error) {
        log::warning("tables are not guarded", {{"reason", error.what()}});
        session_.reset();
        std::fill(held_.begin(), held_.end(), false);
        return std::nullopt;
    }
}

std::set<QualifiedName> TableGuard::held() const {
    std::set<QualifiedName> names;
    for (std::size_t i = 0; i < tables_.size(); ++i)
        if (held_[i]) names.insert(tables_[i]);
    return names;
}

void TableGuard::lock_what_is_free() {
    for (std::size_t i = 0; i < tables_.size(); ++i) {
        if (held_[i]) continue;
        session_->execute("SAVEPOINT walbridge_guard");
        try {
            session_->execute("LOCK TABLE ONLY " + dialect::postgres::quote(tables_[i]) +
                              " IN ACCESS SHARE MODE NOWAIT");
            held_[i] = true;
        } catch (const SqlError &error) {
            if (error.recovery() == Recovery::reconnect) throw;
            session_->execute("ROLLBACK TO SAVEPOINT walbridge_guard");
        }
        session_->execute("RELEASE SAVEPOINT walbridge_guard");
    }
}

bool TableGuard::stands_in_the_way() {
    return observer_
        ->value("SELECT 1 FROM pg_catalog.pg_stat_activity a WHERE a.backend_xid IS NOT NULL AND a.wait_event_type = "
                "'Lock' "
                "AND $1::integer = ANY (pg_catalog.pg_blocking_pids(a.pid)) LIMIT 1",
                {std::to_string(session_->backend_pid())})
        .has_value();
}

void TableGuard::watch(const std::stop_token &stop) {
    try {
        while (!stop.stop_requested()) {
            if (stands_in_the_way()) {
                session_->execute("ROLLBACK");
                session_->execute(begin_sql);
                std::fill(held_.begin(), held_.end(), false);
            }
            lock_what_is_free();
            std::unique_lock lock(mutex_);
            changed_.wait_for(lock, stop, std::chrono::milliseconds(20), [] { return false; });
        }
    } catch (const Error &error) {
        session_.reset();
        std::fill(held_.begin(), held_.end(),
                  false); // the copy goes on without a guard and notices every change itself
        log::warning("tables are not guarded", {{"reason", error.what()}});
    }
}

} // namespace walbridge::copy
