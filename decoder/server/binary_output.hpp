// binary_output.hpp: format=binary, the wire protocol.
#pragma once

#include "server/output.hpp"
#include "wire/writer.hpp"

namespace walbridge {

class BinaryOutput final : public Output {
  public:
    BinaryOutput(wire::FrameSink &sink, wire::Compression compression) : writer_(sink, compression) {}

    void write(const wire::Session &record) override { writer_.write(record); }
    void write(const wire::Begin &record) override { writer_.write(record); }
    void write(const RelationPlan &, const wire::RowChange &record, wire::Tally &first, wire::Tally *second) override {
        writer_.write(record, first, second);
    }
    void write(std::span<const RelationPlan *const>, const wire::Truncate &record, wire::Tally &first,
               wire::Tally *second) override {
        writer_.write(record, first, second);
    }
    void write(const wire::Message &record, wire::Tally *first, wire::Tally *second) override {
        writer_.write(record, first, second);
    }
    void write(const wire::Commit &record) override { writer_.write(record); }
    void write(const wire::BeginPrepare &record) override { writer_.write(record); }
    void write(const wire::Prepare &record) override { writer_.write(record); }
    void write(const wire::CommitPrepared &record) override { writer_.write(record); }
    void write(const wire::RollbackPrepared &record) override { writer_.write(record); }
    void write(const wire::StreamStart &record) override { writer_.write(record); }
    void write(const wire::StreamStop &record) override { writer_.write(record); }
    void write(const wire::StreamAbort &record) override { writer_.write(record); }
    void write(const wire::StreamCommit &record) override { writer_.write(record); }
    void write(const wire::StreamPrepare &record) override { writer_.write(record); }
    void flush() override { writer_.flush(); }
    void cut_back() noexcept override { writer_.cut_back(); }

  private:
    void write_relation(wire::RelationNumber number, const RelationPlan &plan) override {
        writer_.write_relation(number, plan.descriptor);
    }

    wire::RecordWriter writer_;
};

} // namespace walbridge
