// dump_watch.hpp: pg_dump gives way to whoever waits for it.
//
// pg_dump holds a lock on every table and then waits for others, of views for example. A migration that has dropped a
// view and now wants to alter its table is in a deadlock with it, and it is the migration whose patience ends first and
// which the server ends [seen in story 340]. Its locks cannot be taken with a timeout: pg_dump sets its own.
#pragma once

#include "base/postgres/session.hpp"

#include <optional>
#include <string>

namespace walbridge::schema {

/// Beside one pg_dump; one thread.
class DumpWatch {
  public:
    /// `application_name` is pg_dump's. The endpoint must outlive the object.
    DumpWatch(const pg::Endpoint &endpoint, std::string application_name)
        : endpoint_(endpoint), application_name_(std::move(application_name)) {}

    /// Ends pg_dump's session when it waits for a lock while somebody waits for it. To be called a few times within the
    /// server's deadlock_timeout (1 s). Does not throw: without a session of its own pg_dump is not watched.
    void look() noexcept;

    [[nodiscard]] bool gave_way() const { return gave_way_; }

  private:
    const pg::Endpoint &endpoint_;
    const std::string application_name_;
    std::optional<pg::Session> session_;
    bool gave_way_ = false, failed_ = false;
};

} // namespace walbridge::schema
