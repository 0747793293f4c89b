// types.hpp: the types and values that random tables are made of. Each type has a small pool of values, so that streams
// meet the same value again and again, with values in it that are equal without looking the same.
#pragma once

#include "base/postgres/session.hpp"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace walbridge::differential {

/// A value of a pool in the forms in which it may travel.
struct PoolValue {
    std::string text, binary;
    int same = 0;  ///< values of one class are equal for the source's type and collation
    int lower = 0; ///< the same for lower(value); text types only
};

struct Type {
    std::string sql;                 ///< as a column definition on source and target: numeric(8,2), dom.positive
    std::string collation;           ///< schema.name; empty = the type's default
    std::vector<std::string> inputs; ///< what the pool is made of
    bool key = false;                ///< fit for unique keys
    bool weak_equality = false;      ///< values of different text may be equal
    std::vector<std::string> wider;  ///< other types of a target that hold all values without loss

    // From the server's catalog.
    std::uint32_t oid = 0, base_oid = 0;
    std::string schema, name, base_schema, base_name;
    char kind = 'b';
    std::int32_t typmod = -1;
    bool binary = false; ///< travels in binary form
    std::vector<PoolValue> pool;
};

/// Types by number; addresses and values stay where they are.
class Types {
  public:
    /// Creates the user types (once per database) that the tables use: to be run before load.
    static const char *setup_sql();

    /// Reads the forms and classes of all values from the server.
    explicit Types(pg::Session &session);

    [[nodiscard]] std::size_t size() const { return types_.size(); }
    [[nodiscard]] const Type &operator[](std::size_t index) const { return types_[index]; }
    [[nodiscard]] const Type &named(const std::string &sql) const;
    [[nodiscard]] bool nulls_not_distinct() const { return nulls_not_distinct_; } ///< the server knows the clause

  private:
    std::deque<Type> types_;
    bool nulls_not_distinct_;
};

} // namespace walbridge::differential
