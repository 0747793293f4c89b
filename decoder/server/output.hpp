// output.hpp: what callbacks write to. Two formats stand behind it: binary_output.hpp (the wire protocol) and
// json_output.hpp (lines for people); server_sink.hpp hands the bytes to the server.
#pragma once

#include "server/relation_cache.hpp"
#include "wire/checksum.hpp"
#include "wire/records.hpp"

#include <span>
#include <string>
#include <unordered_map>

namespace walbridge {

class Output {
  public:
    virtual ~Output() = default;
    Output() = default;
    Output(const Output &) = delete;
    Output &operator=(const Output &) = delete;

    /// Sends the relation's descriptor unless this connection has it already, and gives its number. Call before any
    /// record that names the relation. A descriptor that was sent once keeps its number for the connection, whatever
    /// came between.
    wire::RelationNumber announce(const RelationPlan &plan);

    virtual void write(const wire::Session &record) = 0;
    virtual void write(const wire::Begin &record) = 0;
    /// Adds the change to the tallies; second is the subtransaction's in a stream block, else null. So for the next
    /// two.
    virtual void write(const RelationPlan &plan, const wire::RowChange &record, wire::Tally &first,
                       wire::Tally *second) = 0;
    virtual void write(std::span<const RelationPlan *const> plans, const wire::Truncate &record, wire::Tally &first,
                       wire::Tally *second) = 0;
    /// first is null for a message outside of transactions.
    virtual void write(const wire::Message &record, wire::Tally *first, wire::Tally *second) = 0;
    virtual void write(const wire::Commit &record) = 0;
    virtual void write(const wire::BeginPrepare &record) = 0;
    virtual void write(const wire::Prepare &record) = 0;
    virtual void write(const wire::CommitPrepared &record) = 0;
    virtual void write(const wire::RollbackPrepared &record) = 0;
    virtual void write(const wire::StreamStart &record) = 0;
    virtual void write(const wire::StreamStop &record) = 0;
    virtual void write(const wire::StreamAbort &record) = 0;
    virtual void write(const wire::StreamCommit &record) = 0;
    virtual void write(const wire::StreamPrepare &record) = 0;

    /// At the end of a unit: everything written so far goes out.
    virtual void flush() = 0;
    /// After an error: forget the record that was being written. Does not throw.
    virtual void cut_back() noexcept = 0;

  protected:
    virtual void write_relation(wire::RelationNumber number, const RelationPlan &plan) = 0;

  private:
    std::unordered_map<std::string, wire::RelationNumber> numbers_; ///< by descriptor
    wire::RelationNumber last_number_ = 0;
};

} // namespace walbridge
