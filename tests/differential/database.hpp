// database.hpp: a database of the throw-away server: creating it, putting a case's rows into it, reading what is there.
#pragma once

#include "generate.hpp"
#include "way.hpp"

#include <string>

namespace walbridge::differential {

/// A database made from a template that holds the user types and walbridge's state; dropped with the object.
class Database {
  public:
    Database(const std::string &server_url, const std::string &name);
    ~Database();
    Database(const Database &) = delete;
    Database &operator=(const Database &) = delete;

    [[nodiscard]] const std::string &url() const { return url_; }
    [[nodiscard]] pg::Session &session() const { return *session_; }

    void create(const Schema &schema) { session_->execute(schema.target_sql()); }
    /// Empties tables and conflict log and brings rows in, each refused row left out when `guarded`.
    void put(const Schema &schema, const DatabaseRows &rows, bool guarded);
    /// What is there; a position below `first_lsn` is of an earlier case and left out.
    Result read(const Schema &schema, Lsn first_lsn);
    /// "insert_exists, kept target" ...: the conflicts recorded, each kind once.
    std::vector<std::string> conflict_kinds();

    /// Makes the template. `state_sql` is the text of sql/target_state.sql.
    static void prepare(const std::string &server_url, const std::string &state_sql);

  private:
    std::string server_url_, name_, url_;
    std::unique_ptr<pg::Session> session_;
};

} // namespace walbridge::differential
