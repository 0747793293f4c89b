// frames_test.cpp: packing of records into frames and back, values larger than a frame, errors half-way.
#include "sample_stream.hpp"

#include <boost/test/unit_test.hpp>

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
    BOOST_CHECK_EXCEPTION(assembler.feed(std::string_view("\1z", 2), nullptr), ProtocolError,
                          [](const ProtocolError &e) { return e.reason().find("LZ4") != std::string::npos; });
    assembler.feed(std::string_view("\0\5ab", 4), nullptr);
    BOOST_TEST(!assembler.next());
    BOOST_TEST(assembler.in_record());
    BOOST_CHECK_THROW(assembler.feed(std::string_view("\0\1a", 3), nullptr), ProtocolError); // must continue
    assembler.feed(std::string_view("\4cde", 4), nullptr);
    BOOST_TEST(assembler.next()->bytes == "abcde");
}

BOOST_AUTO_TEST_CASE(a_record_beyond_the_limit_is_refused_before_memory_is_taken) {
    RecordAssembler assembler(1000);
    assembler.feed(std::string_view("\0\xe9\7x", 4), nullptr);
    BOOST_CHECK_THROW(assembler.next(), ProtocolError);
}

BOOST_AUTO_TEST_SUITE_END()
