// layouts_test.cpp: binary values come back as the type's send function gave them, whatever form they travelled in.
#include "sample_stream.hpp"
#include "wire/numeric.hpp"
#include "wire/varint.hpp"

#include <boost/test/unit_test.hpp>

#include <random>

using namespace walbridge::wire;
using namespace walbridge::wire::testing;
using namespace std::string_view_literals;

namespace {

// What a reader makes of one value of one column.
std::string read_back(Layout layout, std::string_view bytes) {
    ShapeTable shapes;
    Relation relation = sample_relation(1);
    relation.columns.resize(1);
    relation.columns[0].layout = layout;
    shapes.learn(relation);
    MemorySink sink;
    RecordWriter out(sink);
    Tally tally;
    const std::vector<ColumnValue> row = {laid_out(bytes)};
    out.write(RowChange{.kind = RecordKind::insert, .relation = 1, .new_values = row}, tally);
    out.flush();
    RecordAssembler assembler;
    assembler.feed(sink.frames.at(0), nullptr);
    std::pmr::monotonic_buffer_resource memory;
    std::vector<ColumnValue> storage;
    return std::string(read_row(assembler.next()->bytes, Block::plain, shapes, storage, memory).new_values[0].bytes);
}

std::string as_signed(std::int64_t value) {
    char bytes[max_varint_bytes];
    return {bytes, encode_varint(bytes, zigzag(value))};
}

std::string big_endian(std::int64_t value, int bytes) {
    std::string result;
    for (int n = bytes; n-- > 0;) result += static_cast<char>(value >> (8 * n));
    return result;
}

struct Stored {
    std::vector<std::int16_t> digits;
    int weight;
    bool negative;
    std::uint32_t scale;

    // numeric_send of it.
    std::string sent() const {
        std::string result = big_endian(static_cast<std::int64_t>(digits.size()), 2) + big_endian(weight, 2) +
                             big_endian(negative ? 0x4000 : 0, 2) + big_endian(scale, 2);
        for (const auto digit : digits) result += big_endian(digit, 2);
        return result;
    }
    std::optional<ScaledNumber> scaled() const { return scale_number(digits, weight, negative, scale); }
};

std::string expanded(const ScaledNumber &number) {
    char bytes[longest_expanded_numeric];
    return {bytes, expand_numeric(number, bytes)};
}

} // namespace

BOOST_AUTO_TEST_SUITE(layouts)

BOOST_AUTO_TEST_CASE(integers_come_back_at_their_width) {
    const std::int64_t values[] = {0, 1, -1, 63, 64, -64, -65, 300, INT16_MIN, INT16_MAX};
    for (const std::int64_t value : values) {
        BOOST_TEST(read_back(Layout::int2, as_signed(value)) == big_endian(value, 2));
        BOOST_TEST(read_back(Layout::int4, as_signed(value)) == big_endian(value, 4));
        BOOST_TEST(read_back(Layout::int8, as_signed(value)) == big_endian(value, 8));
    }
    for (const std::int64_t value : {INT64_MIN, INT64_MAX})
        BOOST_TEST(read_back(Layout::int8, as_signed(value)) == big_endian(value, 8));
    BOOST_TEST(read_back(Layout::int4, as_signed(INT32_MIN)) == "\x80\0\0\0"sv);
}

BOOST_AUTO_TEST_CASE(an_integer_beyond_its_type_is_refused) {
    for (const std::int64_t value : {std::int64_t{INT16_MAX} + 1, std::int64_t{INT16_MIN} - 1})
        BOOST_CHECK_THROW(read_back(Layout::int2, as_signed(value)), ProtocolError);
    for (const std::int64_t value : {std::int64_t{INT32_MAX} + 1, std::int64_t{INT32_MIN} - 1, INT64_MAX})
        BOOST_CHECK_THROW(read_back(Layout::int4, as_signed(value)), ProtocolError);
}

BOOST_AUTO_TEST_CASE(fixed_values_stand_without_a_length) {
    BOOST_TEST(read_back(static_cast<Layout>(1), "x") == "x");
    BOOST_TEST(read_back(static_cast<Layout>(16), "0123456789abcdef") == "0123456789abcdef");
    BOOST_CHECK_THROW(read_back(static_cast<Layout>(4), "xyz"), ProtocolError);
}

BOOST_AUTO_TEST_CASE(an_unknown_layout_is_refused_with_its_relation) {
    for (const int layout : {17, 0x21, 0x31, 255}) {
        Relation relation = sample_relation(1);
        relation.columns[5].layout = static_cast<Layout>(layout);
        MemorySink sink;
        RecordWriter out(sink);
        write_relation(out, relation);
        out.flush();
        RecordAssembler assembler;
        assembler.feed(sink.frames.at(0), nullptr);
        BOOST_CHECK_THROW(read_relation(assembler.next()->bytes), ProtocolError);
    }
}

BOOST_AUTO_TEST_CASE(numbers_come_back_as_numeric_send_gives_them) {
    const Stored numbers[] = {
        {{}, 0, false, 0},                          // 0
        {{}, 0, false, 5},                          // 0.00000
        {{1}, 0, false, 0},                         // 1
        {{1}, 0, true, 0},                          // -1
        {{1}, 1, false, 0},                         // 10000
        {{1}, 4, false, 1},                         // 10000000000000000.0
        {{123, 4560}, 0, false, 3},                 // 123.456
        {{1, 2345, 6700}, 1, true, 2},              // -12345.67
        {{5}, -1, false, 4},                        // 0.0005
        {{1}, -4, false, 16},                       // 0.0000000000000001
        {{99, 9999, 9999, 9999, 9999}, 4, true, 0}, // -999999999999999999
        {{1, 0, 100}, 1, false, 2},                 // 10000.01
    };
    for (const Stored &number : numbers) {
        const auto scaled = number.scaled();
        BOOST_REQUIRE(scaled);
        BOOST_TEST(expanded(*scaled) == number.sent());
        BOOST_TEST(read_back(Layout::numeric, static_cast<char>(scaled->scale + 1) + as_signed(scaled->units)) ==
                   number.sent());
    }
}

BOOST_AUTO_TEST_CASE(numbers_without_a_short_form_are_left_alone) {
    BOOST_TEST(!Stored({{1}, 0, false, 17}).scaled());              // too many places
    BOOST_TEST(!Stored({{1}, 4, false, 3}).scaled());               // 10^19 units
    BOOST_TEST(!Stored({{100, 0, 0, 0, 0}, 4, false, 0}).scaled()); // 10^18
    BOOST_TEST(!Stored({{1}, 5, false, 0}).scaled());               // 10^20
    BOOST_TEST(!Stored({{1}, 30000, false, 0}).scaled());
    BOOST_TEST(!Stored({{1}, -30000, false, 4}).scaled());
    BOOST_TEST(!Stored({{1, 2, 3, 4, 5, 6}, 5, false, 0}).scaled());
    BOOST_TEST(!Stored({{1234}, -1, false, 2}).scaled()); // shows less than it holds
    BOOST_TEST(!Stored({{-1}, 0, false, 0}).scaled());
    BOOST_TEST(!Stored({{10000}, 0, false, 0}).scaled());
    BOOST_TEST(read_back(Layout::numeric, "\0\x08\0\0\0\0\xc0\0\0\0"sv) == "\0\0\0\0\xc0\0\0\0"sv); // NaN
}

BOOST_AUTO_TEST_CASE(random_numbers_come_back_or_are_left_alone) {
    std::mt19937 random(11);
    const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    int scaled_numbers = 0;
    for (int round = 0; round < 200000; ++round) {
        Stored number{{}, 0, below(2) == 0, below(20)};
        for (unsigned n = below(6); n > 0; --n)
            number.digits.push_back(static_cast<std::int16_t>(below(3) == 0 ? below(10) * 1000 : below(10000)));
        while (!number.digits.empty() && number.digits.back() == 0) number.digits.pop_back();
        if (!number.digits.empty() && number.digits.front() == 0) number.digits.front() = 1;
        if (number.digits.empty()) number.negative = false;
        if (!number.digits.empty()) number.weight = static_cast<int>(below(10)) - 5;
        const auto scaled = number.scaled();
        if (!scaled) continue;
        ++scaled_numbers;
        BOOST_REQUIRE(expanded(*scaled) == number.sent());
    }
    BOOST_TEST(scaled_numbers > 10000);
}

BOOST_AUTO_TEST_CASE(damaged_numbers_are_refused) {
    BOOST_CHECK_THROW(read_back(Layout::numeric, std::string("\x12") + as_signed(1)), ProtocolError); // scale 17
    BOOST_CHECK_THROW(read_back(Layout::numeric, std::string("\x01") + as_signed(most_units + 1)), ProtocolError);
    BOOST_CHECK_THROW(read_back(Layout::numeric, std::string("\x01") + as_signed(INT64_MIN)), ProtocolError);
    BOOST_CHECK_THROW(read_back(Layout::numeric, ""), ProtocolError);
}

BOOST_AUTO_TEST_SUITE_END()
