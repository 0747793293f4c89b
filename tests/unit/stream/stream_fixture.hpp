// stream_fixture.hpp: a stream with its decoder, which expects transaction 6 next.
#pragma once

#include "base/error.hpp"
#include "support/stream_builder.hpp"
#include "wire/stream_decoder.hpp"

namespace walbridge::testing {

struct StreamFixture {
    StreamBuilder stream;
    StreamDecoder decoder{5};
    ChangeBatch batch;

    StreamFixture() {
        stream.session();
        stream.relation();
    }
    /// What was built since the last call, into `batch`.
    void decode() {
        stream.flush();
        for (const auto &frame : stream.frames) decoder.feed(*frame, frame, batch);
        stream.frames.clear();
    }
};

inline auto of_kind(ErrorKind kind) {
    return [kind](const Error &error) { return error.kind() == kind; };
}

} // namespace walbridge::testing
