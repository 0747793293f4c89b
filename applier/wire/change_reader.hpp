// change_reader.hpp: one change record to one change of the model, given the relations that its number may name. Used
// for records as they arrive and for records that waited in a spool. One thread per object.
#pragma once

#include "change/batch.hpp"
#include "wire/reader.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace walbridge {

class ChangeReader {
  public:
    /// A relation that records may name from now on; must outlive what is read.
    void learn(const Relation &relation);

    /// For columns that walbridge fills itself. Streamed transactions have neither before their commit.
    void enter_transaction(Lsn commit_lsn, SourceTime commit_time);

    struct Read {
        Change change;
        std::uint32_t subxid = 0; ///< of streamed records
    };
    /// Reads an insert, update, delete, truncate, unidentified or message record. Values point into `payload`, arrays
    /// of them are allocated in `batch`. Throws wire::ProtocolError.
    Read read(std::string_view payload, wire::Block block, ChangeBatch &batch);

  private:
    Tuple tuple(std::span<const wire::ColumnValue> values, ChangeBatch &batch) const;
    /// A row that the target is to hold, with the columns that walbridge fills.
    Tuple new_tuple(const Relation &relation, const wire::RowChange &source, ChangeBatch &batch) const;
    Tuple old_tuple(const Relation &relation, std::span<const wire::ColumnValue> values, ChangeBatch &batch) const;
    Value added_value(const Column &column, wire::RecordKind kind, ChangeBatch &batch) const;
    Tuple key_tuple(const Relation &relation, std::span<const wire::ColumnValue> values, ChangeBatch &batch) const;
    Read row(std::string_view payload, wire::Block block, ChangeBatch &batch);
    Read truncate(std::string_view payload, wire::Block block, ChangeBatch &batch) const;

    wire::ShapeTable shapes_;
    std::vector<const Relation *> relations_; ///< by number
    std::vector<wire::ColumnValue> values_;   ///< reused per row
    std::string commit_lsn_, commit_time_;
};

} // namespace walbridge
