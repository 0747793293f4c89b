// ddl_order.hpp: puts the DDL messages of a transaction into the order in which their statements began.
//
// A statement's message is written at its end, so those of statements that ran inside of it come first. They are
// consequences of it (a user's event trigger that grants rights on the new table) and wait until it is known. Pure.
#pragma once

#include "apply/exact_applier.hpp"
#include "change/ddl_statement.hpp"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace walbridge::apply {

/// A verified message where it stood.
struct DdlArrival {
    DdlStatement statement;
    std::string json; ///< as it came, for the record
    ChangePlace place;
    bool untouched = false; ///< nothing of its transaction came before it
};

class DdlOrder {
  public:
    /// What can be done now, in this order: nothing while the message waits for its outer statement.
    [[nodiscard]] std::vector<DdlArrival> take(DdlArrival arrival);

    /// At the transaction's end: what waits for statements that never came.
    [[nodiscard]] std::vector<DdlArrival> rest();

    void clear();

  private:
    void release(DdlArrival arrival, std::vector<DdlArrival> &ready);

    std::set<std::uint64_t> known_;
    std::map<std::uint64_t, std::vector<DdlArrival>> waiting_; ///< by the number they wait for
};

} // namespace walbridge::apply
