// server_sink.hpp: hands frames and lines to whoever the server decodes for: a walsender or an SQL function.
#pragma once

#include "server/compat.hpp"
#include "server/guard.hpp"
#include "wire/writer.hpp"

extern "C" {
#include "lib/stringinfo.h"
}

namespace walbridge {

/// One message (or row) per send(). Only usable inside callbacks that may write.
class ServerSink final : public wire::FrameSink {
  public:
    explicit ServerSink(LogicalDecodingContext *context) : context_(context) {}

    void send(std::string_view bytes) override {
        call([&] {
            OutputPluginPrepareWrite(context_, true);
            appendBinaryStringInfo(context_->out, bytes.data(), static_cast<int>(bytes.size()));
            OutputPluginWrite(context_, true);
        });
    }

  private:
    LogicalDecodingContext *context_;
};

} // namespace walbridge
