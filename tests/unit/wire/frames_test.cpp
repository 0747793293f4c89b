// frames_test.cpp: packing of records into frames and back, values larger than a frame, errors half-way.
#include "sample_stream.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <set>

using namespace walbridge::wire;
using namespace walbridge::wire::testing;

namespace {

std::vector<std::string> records_of(const std::vector<std::string> &frames) {
    RecordAssembler assembler;
    std::vector<std::string> records;
    for (const std::string &frame : frames) {
        assembler.feed(std::make_shared<const std::string>(frame));
        while (auto record = assembler.next()) records.emplace_back(record->bytes);
    }
    BOOST_TEST(!assembler.in_record());
    return records;
}

void write_message(RecordWriter &out, const std::string &content, Tally *tally = nullptr) {
    out.write(Message{.transactional = true, .lsn = 1, .prefix = "p", .content = content}, tally);
}

std::string pattern(std::size_t bytes) {
    std::string text(bytes, '\0');
    for (std::size_t i = 0; i < bytes; ++i) text[i] = static_cast<char>(i * 131 + (i >> 8));
    return text;
}

struct FailingSink final : FrameSink {
    int sends_left;
    explicit FailingSink(int sends) : sends_left(sends) {}
    void send(std::string_view) override {
        if (sends_left-- == 0) throw std::runtime_error("gone");
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(frames)

BOOST_AUTO_TEST_CASE(a_record_of_any_size_around_the_frame_limit_comes_back_unchanged) {
    for (std::size_t bytes = max_frame_bytes - 40; bytes < max_frame_bytes + 40; ++bytes) {
        MemorySink sink;
        RecordWriter out(sink);
        Tally tally;
        const std::string content = pattern(bytes);
        write_message(out, "before", &tally);
        write_message(out, content, &tally);
        write_message(out, "after", &tally);
        out.flush();
        const auto records = records_of(sink.frames);
        BOOST_REQUIRE_EQUAL(records.size(), 3u);
        BOOST_TEST(read_message(records[1], Block::plain).content == content);
        BOOST_TEST(read_message(records[2], Block::plain).content == "after");
        Tally seen;
        for (const std::string &record : records) seen.add(record);
        BOOST_TEST((seen == tally));
        for (const std::string &frame : sink.frames) BOOST_TEST(frame.size() <= max_frame_bytes);
    }
}

BOOST_AUTO_TEST_CASE(a_record_may_begin_at_any_place_of_a_frame) {
    for (std::size_t before = max_frame_bytes - 60; before < max_frame_bytes; ++before) {
        MemorySink sink;
        RecordWriter out(sink);
        write_message(out, std::string(before, 'x'));
        write_message(out, std::string(200000, 'y'));
        out.flush();
        const auto records = records_of(sink.frames);
        BOOST_REQUIRE_EQUAL(records.size(), 2u);
        BOOST_TEST(read_message(records[0], Block::plain).content.size() == before);
        BOOST_TEST(read_message(records[1], Block::plain).content == std::string(200000, 'y'));
    }
}

BOOST_AUTO_TEST_CASE(a_record_that_fits_is_not_split_and_is_not_copied) {
    MemorySink sink;
    RecordWriter out(sink);
    for (int i = 0; i < 10000; ++i) write_message(out, pattern(50));
    out.flush();
    BOOST_TEST(sink.frames.size() > 1u);
    std::size_t records = 0;
    RecordAssembler assembler;
    for (const std::string &bytes : sink.frames) {
        const auto frame = std::make_shared<const std::string>(bytes);
        assembler.feed(frame);
        while (auto record = assembler.next()) {
            ++records;
            BOOST_REQUIRE(
                (record->bytes.data() >= frame->data() && record->bytes.data() < frame->data() + frame->size()));
        }
    }
    BOOST_TEST(records == 10000u);
}

BOOST_AUTO_TEST_CASE(a_record_outlives_its_frame_through_its_owner) {
    MemorySink sink;
    RecordWriter out(sink);
    write_message(out, "kept");
    write_message(out, std::string(100000, 'k'));
    out.flush();
    std::vector<Record> kept;
    {
        RecordAssembler assembler;
        for (const std::string &bytes : sink.frames) {
            assembler.feed(std::make_shared<const std::string>(bytes));
            while (auto record = assembler.next()) kept.push_back(std::move(*record));
        }
    }
    BOOST_REQUIRE_EQUAL(kept.size(), 2u);
    BOOST_TEST(read_message(kept[0].bytes, Block::plain).content == "kept");
    BOOST_TEST(read_message(kept[1].bytes, Block::plain).content == std::string(100000, 'k'));
}

BOOST_AUTO_TEST_CASE(nothing_is_sent_when_nothing_was_written) {
    MemorySink sink;
    RecordWriter out(sink);
    out.flush();
    write_message(out, "a");
    out.flush();
    out.flush();
    BOOST_TEST(sink.frames.size() == 1u);
}

BOOST_AUTO_TEST_CASE(a_cut_back_leaves_the_whole_records_before_it) {
    MemorySink sink;
    FrameWriter out(sink);
    Tally tally;
    out.begin_record(1, &tally);
    out.put_u8('a');
    out.end_record();
    const Tally before = tally;
    out.begin_record(10, &tally);
    out.put_u8('b');
    out.cut_back();
    BOOST_TEST((tally == before));
    out.begin_record(1);
    out.put_u8('c');
    out.end_record();
    out.flush();
    BOOST_TEST(records_of(sink.frames) == (std::vector<std::string>{"a", "c"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_record_sent_in_part_ends_the_connection) {
    FailingSink sink(1);
    RecordWriter out(sink);
    BOOST_CHECK_THROW(write_message(out, std::string(300000, 'x')), std::runtime_error);
    out.cut_back();
    BOOST_CHECK_THROW(write_message(out, "later"), std::logic_error);
}

BOOST_AUTO_TEST_CASE(frames_that_do_not_fit_together_are_refused) {
    RecordAssembler assembler;
    BOOST_CHECK_THROW(assembler.feed(std::string_view("\4a", 2), nullptr), ProtocolError); // continues nothing
    BOOST_CHECK_THROW(assembler.feed(std::string_view(), nullptr), ProtocolError);
    BOOST_CHECK_THROW(assembler.feed(std::string_view("\0", 1), nullptr), ProtocolError);
    BOOST_CHECK_THROW(assembler.feed(std::string_view("\x08z", 2), nullptr), ProtocolError); // unknown flag
    BOOST_CHECK_THROW(assembler.feed(std::string_view("\3z", 2), nullptr), ProtocolError);   // unknown compression
    assembler.feed(std::string_view("\0\5ab", 4), nullptr);
    BOOST_TEST(!assembler.next());
    BOOST_TEST(assembler.in_record());
    BOOST_CHECK_THROW(assembler.feed(std::string_view("\0\1a", 3), nullptr), ProtocolError); // must continue
    assembler.feed(std::string_view("\4cde", 4), nullptr);
    BOOST_TEST(assembler.next()->bytes == "abcde");
}

BOOST_AUTO_TEST_CASE(compressed_frames_hold_what_was_written_and_are_shorter) {
    for (const Compression method : {Compression::lz4, Compression::zstd}) {
        MemorySink plain;
        MemorySink packed;
        for (MemorySink *sink : {&plain, &packed}) {
            RecordWriter out(*sink, sink == &packed ? method : Compression::none);
            for (const std::size_t bytes : {10, 300, 5000, 65000, 200000, 700000})
                write_message(out, std::string(bytes / 2, 'x') + pattern(bytes / 2));
            out.flush();
        }
        BOOST_TEST((records_of(packed.frames) == records_of(plain.frames)));
        BOOST_TEST(packed.frames.size() == plain.frames.size());
        std::size_t before = 0, after = 0;
        for (const std::string &frame : plain.frames) before += frame.size();
        for (const std::string &frame : packed.frames) after += frame.size();
        BOOST_TEST(after * 4 < before);
    }
}

BOOST_AUTO_TEST_CASE(frames_that_compression_would_not_shorten_are_sent_plain) {
    std::mt19937 random(5);
    std::string noise(100000, '\0');
    for (char &byte : noise) byte = static_cast<char>(random());
    for (const Compression method : {Compression::lz4, Compression::zstd}) {
        MemorySink sink;
        RecordWriter out(sink, method);
        write_message(out, noise);
        out.flush();
        write_message(out, std::string(50, 'x')); // too small to be worth it
        out.flush();
        BOOST_TEST(sink.frames.size() == 3u);
        for (const std::string &frame : sink.frames) BOOST_TEST((frame[0] & frame_flag::compression_mask) == 0);
        BOOST_TEST(records_of(sink.frames).size() == 2u);
    }
}

BOOST_AUTO_TEST_CASE(zstd_leaves_small_frames_to_lz4) {
    MemorySink sink;
    RecordWriter out(sink, Compression::zstd);
    for (const std::size_t bytes : {500, 2000}) {
        write_message(out, std::string(bytes, 'x'));
        out.flush();
    }
    BOOST_TEST(sink.frames.at(0).at(0) == static_cast<char>(Compression::lz4));
    BOOST_TEST(sink.frames.at(1).at(0) == static_cast<char>(Compression::zstd));
    BOOST_TEST(records_of(sink.frames).size() == 2u);
}

BOOST_AUTO_TEST_CASE(the_size_that_a_compressed_frame_announces_is_checked) {
    for (const Compression method : {Compression::lz4, Compression::zstd}) {
        MemorySink sink;
        RecordWriter out(sink, method);
        write_message(out, std::string(1000, 'x'));
        out.flush();
        const std::string frame = sink.frames.at(0); // flags, size in two bytes, block
        BOOST_REQUIRE(frame.size() < 200u);
        const auto refused = [](std::string bytes, std::string_view reason) {
            RecordAssembler assembler;
            BOOST_CHECK_EXCEPTION(assembler.feed(bytes, nullptr), ProtocolError,
                                  [&](const ProtocolError &e) { return e.reason().find(reason) != std::string::npos; });
        };
        std::string other = frame;
        other[1] ^= 1; // one byte more or less than there is
        refused(other, "cannot be decompressed");
        refused(frame.substr(0, frame.size() - 1), "cannot be decompressed");
        refused(frame + 'x', "cannot be decompressed");
        refused(frame.substr(0, 3), "cannot be decompressed");
        refused(frame.substr(0, 2), "ends early");
        refused(frame.substr(0, 1) + std::string("\x80\x80\x04") + frame.substr(3), "impossible size"); // 65536
        refused(frame.substr(0, 1) + '\0' + frame.substr(3), "impossible size");
        other = frame;
        other[0] ^= 3; // the other method
        refused(other, "cannot be decompressed");
    }
}

BOOST_AUTO_TEST_CASE(a_record_beyond_the_limit_is_refused_before_memory_is_taken) {
    RecordAssembler assembler(1000);
    assembler.feed(std::string_view("\0\xe9\7x", 4), nullptr);
    BOOST_CHECK_THROW(assembler.next(), ProtocolError);
}

BOOST_AUTO_TEST_SUITE_END()
