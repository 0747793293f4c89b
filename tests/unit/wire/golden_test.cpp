// golden_test.cpp: the bytes of protocol version 1, as they were when it was published. If this fails, the format has
// changed: that takes a new protocol version. WALBRIDGE_WRITE_GOLDEN=1 writes the files anew.
#include "sample_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>

using namespace walbridge::wire;
using namespace walbridge::wire::testing;

namespace {

const std::string golden_file = std::string(GOLDEN_DIR) + "/v1_every_record.bin";

// The same records in compressed frames, written once: what a compressor makes of them may change with its release and
// with our limits; that they are read may not.
std::string compressed_file(Compression method) {
    return std::string(GOLDEN_DIR) + (method == Compression::lz4 ? "/v1_lz4.bin" : "/v1_zstd.bin");
}

// The file: each frame behind its length in four bytes, least significant first.
std::string pack(const std::vector<std::string> &frames) {
    std::string packed;
    for (const std::string &frame : frames) {
        for (int i = 0; i < 4; ++i) packed += static_cast<char>(frame.size() >> (8 * i));
        packed += frame;
    }
    return packed;
}

std::string golden_bytes(const std::string &name = golden_file) {
    std::ifstream file(name, std::ios::binary);
    BOOST_REQUIRE_MESSAGE(file, "cannot open " << name);
    return {std::istreambuf_iterator<char>(file), {}};
}

// Reads a file of frames to its end; gives the records.
std::vector<std::string> records_of(const std::string &packed, int *compressed = nullptr) {
    RecordAssembler assembler;
    Consumer consumer;
    std::vector<std::string> records;
    for (std::size_t position = 0; position < packed.size();) {
        std::size_t bytes = 0;
        for (int i = 3; i >= 0; --i)
            bytes = (bytes << 8) | static_cast<unsigned char>(packed.at(position + static_cast<std::size_t>(i)));
        const auto frame = std::string_view(packed).substr(position + 4, bytes);
        if (compressed != nullptr && (frame.at(0) & frame_flag::compression_mask) != 0) ++*compressed;
        assembler.feed(frame, nullptr);
        while (auto record = assembler.next()) {
            consumer.read(record->bytes);
            records.emplace_back(record->bytes);
        }
        position += 4 + bytes;
    }
    return records;
}

} // namespace

BOOST_AUTO_TEST_SUITE(golden)

BOOST_AUTO_TEST_CASE(the_writer_gives_the_published_bytes) {
    MemorySink sink;
    write_sample_stream(sink);
    if (std::getenv("WALBRIDGE_WRITE_GOLDEN") != nullptr)
        std::ofstream(golden_file, std::ios::binary) << pack(sink.frames);
    BOOST_TEST((pack(sink.frames) == golden_bytes()));
}

BOOST_AUTO_TEST_CASE(the_reader_understands_the_published_bytes) {
    BOOST_TEST(records_of(golden_bytes()).size() == 29u);
}

BOOST_AUTO_TEST_CASE(published_compressed_frames_hold_the_same_records) {
    const auto plain = records_of(golden_bytes());
    for (const Compression method : {Compression::lz4, Compression::zstd}) {
        if (std::getenv("WALBRIDGE_WRITE_GOLDEN") != nullptr) {
            MemorySink sink;
            write_sample_stream(sink, method);
            std::ofstream(compressed_file(method), std::ios::binary) << pack(sink.frames);
        }
        int compressed = 0;
        BOOST_TEST((records_of(golden_bytes(compressed_file(method)), &compressed) == plain));
        BOOST_TEST(compressed == 1); // the first, which holds the relation record
    }
}

BOOST_AUTO_TEST_CASE(a_transaction_is_the_bytes_of_the_document) {
    MemorySink sink;
    RecordWriter out(sink);
    out.write(Begin{.xid = 3, .commit_lsn = 300, .commit_time = -1});
    out.write(Commit{
        .commit_lsn = 300, .end_lsn = 308, .commit_time = -1, .counter = 2, .changes = 3, .checksum = 0x04030201});
    out.flush();
    BOOST_REQUIRE_EQUAL(sink.frames.size(), 1u);
    // flags; length, kind, zigzag 3, 300, -1, no origin; length, kind, varint 308 - 300, 2, 3, u32
    BOOST_TEST(sink.frames[0] == std::string("\0\x06"
                                             "B"
                                             "\x06\xd8\x04\x01\0\x08"
                                             "C"
                                             "\x08\x02\x03\x01\x02\x03\x04",
                                             17));
}

BOOST_AUTO_TEST_SUITE_END()
