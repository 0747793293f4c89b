// json_output.hpp: format=json, one object per record and line, for people, for pg_recvlogical and for the regression
// tests. Values are the text of their types; numbers and booleans stand without quotes where JSON can hold them
// exactly. Transaction ids, positions and times are left out unless asked for, so that the same statements give the
// same lines.
#pragma once

#include "server/options.hpp"
#include "server/output.hpp"
#include "wire/writer.hpp"

#include <string>
#include <string_view>

namespace walbridge {

class JsonOutput final : public Output {
  public:
    /// encoding_is_valid tells whether bytes (of a message) are text in the encoding of the lines; others are printed
    /// as hex.
    JsonOutput(wire::FrameSink &sink, const Options &options, bool (*encoding_is_valid)(std::string_view))
        : sink_(sink), options_(options), encoding_is_valid_(encoding_is_valid) {}

    void write(const wire::Session &) override {}
    void write(const wire::Begin &record) override;
    void write(const RelationPlan &plan, const wire::RowChange &record, wire::Tally &first,
               wire::Tally *second) override;
    void write(std::span<const RelationPlan *const> plans, const wire::Truncate &record, wire::Tally &first,
               wire::Tally *second) override;
    void write(const wire::Message &record, wire::Tally *first, wire::Tally *second) override;
    void write(const wire::Commit &record) override;
    void write(const wire::BeginPrepare &record) override;
    void write(const wire::Prepare &record) override;
    void write(const wire::CommitPrepared &record) override;
    void write(const wire::RollbackPrepared &record) override;
    void write(const wire::StreamStart &record) override;
    void write(const wire::StreamStop &record) override;
    void write(const wire::StreamAbort &record) override;
    void write(const wire::StreamCommit &record) override;
    void write(const wire::StreamPrepare &record) override;
    void flush() override {} // every line has gone out when it was complete
    void cut_back() noexcept override {}

  private:
    void write_relation(wire::RelationNumber number, const RelationPlan &plan) override;

    void start(std::string_view kind);
    void send();
    void field(std::string_view name);
    void text_field(std::string_view name, std::string_view value);
    void number_field(std::string_view name, std::uint64_t value);
    void true_field(std::string_view name);
    void xid_field(std::string_view name, wire::Xid xid);
    void lsn_field(std::string_view name, wire::Lsn lsn);
    void time_field(std::string_view name, wire::Microseconds time);
    void origin_fields(std::string_view origin, wire::Lsn lsn);
    void tuple_field(std::string_view name, const RelationPlan &plan, std::span<const wire::ColumnValue> values,
                     bool key_only);

    wire::FrameSink &sink_;
    const Options &options_;
    bool (*encoding_is_valid_)(std::string_view);
    std::string line_;
};

} // namespace walbridge
