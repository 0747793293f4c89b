// damage_test.cpp: damaged bytes lead to a ProtocolError or to other values, never to a crash or a read outside the
// buffer. Records live in exactly sized heap blocks here, so that AddressSanitizer sees one byte too far.
#include "sample_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <random>

using namespace walbridge::wire;
using namespace walbridge::wire::testing;

namespace {

std::vector<std::string> sample_frames(Compression compression = Compression::none) {
    MemorySink sink;
    write_sample_stream(sink, compression);
    RecordWriter out(sink, compression);
    out.write(Message{.lsn = 1, .prefix = "big", .content = std::string(150000, 'b')});
    out.flush();
    return sink.frames;
}

// True when everything was read, false when it was refused.
bool consume(const std::vector<std::string> &frames) {
    try {
        RecordAssembler assembler(1 << 20);
        Consumer consumer;
        for (const std::string &frame : frames) {
            const std::shared_ptr<char[]> exact(new char[frame.size()]);
            std::copy(frame.begin(), frame.end(), exact.get());
            assembler.feed({exact.get(), frame.size()}, exact);
            while (auto record = assembler.next()) consumer.read(record->bytes);
        }
        return !assembler.in_record();
    } catch (const ProtocolError &) {
        return false;
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(damage)

BOOST_AUTO_TEST_CASE(the_undamaged_stream_is_read_to_its_end) {
    for (const Compression compression : {Compression::none, Compression::lz4, Compression::zstd})
        BOOST_TEST(consume(sample_frames(compression)));
}

BOOST_AUTO_TEST_CASE(a_record_cut_short_at_any_byte_is_refused) {
    MemorySink sink;
    write_sample_stream(sink);
    RecordAssembler assembler;
    Consumer whole;
    for (const std::string &frame : sink.frames) {
        assembler.feed(frame, nullptr);
        while (auto record = assembler.next()) {
            for (std::size_t bytes = 0; bytes < record->bytes.size(); ++bytes) {
                const std::unique_ptr<char[]> exact(new char[bytes]);
                std::copy_n(record->bytes.begin(), bytes, exact.get());
                Consumer cut = whole;
                BOOST_CHECK_THROW(cut.read({exact.get(), bytes}), ProtocolError);
            }
            whole.read(record->bytes);
        }
    }
}

BOOST_AUTO_TEST_CASE(random_damage_never_escapes_as_anything_but_a_protocol_error) {
    std::mt19937 random(20240501);
    const std::vector<std::string> kinds[] = {sample_frames(), sample_frames(Compression::lz4),
                                              sample_frames(Compression::zstd)};
    const auto below = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(random); };
    int refused = 0;
    constexpr int rounds = 20000;
    for (int round = 0; round < rounds; ++round) {
        const std::vector<std::string> &frames = kinds[round % 3];
        std::vector<std::string> damaged(frames.begin(), round % 16 == 0 ? frames.end() : frames.end() - 3);
        for (std::size_t hits = 1 + below(3); hits > 0; --hits) {
            std::string &frame = damaged[below(damaged.size())];
            if (frame.empty()) continue;
            switch (below(4)) {
            case 0: frame[below(frame.size())] ^= static_cast<char>(1u << below(8)); break;
            case 1: frame[below(frame.size())] = static_cast<char>(below(256)); break;
            case 2: frame.resize(below(frame.size())); break;
            case 3: frame.insert(below(frame.size()), 1, static_cast<char>(below(256))); break;
            }
        }
        if (!consume(damaged)) ++refused;
    }
    BOOST_TEST_MESSAGE(refused << " of " << rounds << " refused");
    BOOST_TEST(refused > rounds / 3);
}

BOOST_AUTO_TEST_CASE(random_bytes_are_refused_or_read_within_bounds) {
    std::mt19937 random(7);
    for (int round = 0; round < 50000; ++round) {
        std::string frame(1 + random() % 60, '\0');
        for (char &byte : frame) byte = static_cast<char>(random());
        frame[0] = static_cast<char>(round % 3); // plain, LZ4, zstd
        BOOST_CHECK_NO_THROW(consume({frame}));
    }
}

BOOST_AUTO_TEST_SUITE_END()
