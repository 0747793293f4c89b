// assembler_test.cpp: batches hold whatever has arrived, a transaction is never handed over in a way that loses its
// rest, and errors reach the applier behind everything that came before them.
#include "pipeline/assembler.hpp"

#include "base/error.hpp"
#include "support/stream_builder.hpp"

#include <boost/test/unit_test.hpp>
#include <limits>
#include <thread>

using namespace walbridge;
using namespace walbridge::pipeline;
using walbridge::testing::StreamBuilder;

namespace {

struct Fixture {
    TaskConfig config;
    source::StreamPositions positions;
    source::StreamQueue frames{1000, std::size_t{64} << 20};
    BatchQueue batches{1, std::numeric_limits<std::size_t>::max()};
    StreamBuilder stream;

    /// `sent`: the source's clock when the frames leave; its transactions commit at 0.
    void send(std::int64_t sent = 0) {
        stream.flush();
        for (const auto &frame : stream.frames) frames.push({{*frame, frame, {}, sent}}, frame->size());
        stream.frames.clear();
    }
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(assembler, Fixture)

BOOST_AUTO_TEST_CASE(transactions_that_are_there_share_a_batch_and_the_end_is_passed_on) {
    stream.session();
    stream.relation();
    for (std::uint64_t at = 1; at <= 50; ++at) {
        stream.begin(static_cast<wire::Xid>(at), at * 100);
        stream.insert(std::to_string(at), "a");
        stream.commit(at * 100, at);
    }
    send();
    frames.close();
    const Throttle throttle;
    Assembler assembler(config, 0, frames, positions, throttle, batches);
    std::thread thread([&] { assembler.run(); });
    std::size_t transactions = 0, count = 0;
    while (const auto batch = batches.pop()) {
        transactions += (*batch)->pieces.size();
        ++count;
    }
    thread.join();
    BOOST_TEST(transactions == 50u);
    BOOST_TEST(count <= 2u);
}

BOOST_AUTO_TEST_CASE(what_the_inspection_refuses_never_reaches_the_applier) {
    stream.session();
    stream.relation();
    for (std::uint64_t at = 1; at <= 3; ++at) {
        stream.begin(static_cast<wire::Xid>(at), at * 100);
        stream.insert(std::to_string(at), "a");
        stream.commit(at * 100, at);
    }
    send();
    frames.close();
    const Throttle throttle;
    struct Refused {};
    Assembler assembler(config, 0, frames, positions, throttle, batches, [](const ChangeBatch &batch) {
        for (const auto &piece : batch.pieces)
            if (piece.begin.xid == 3) throw Refused{};
    });
    std::thread thread([&] { assembler.run(); });
    const auto drain = [&] {
        while (const auto batch = batches.pop())
            for (const auto &piece : (*batch)->pieces) BOOST_TEST(piece.begin.xid != 3u);
    };
    BOOST_CHECK_THROW(drain(), Refused);
    thread.join();
    BOOST_TEST(frames.closed());
}

BOOST_AUTO_TEST_CASE(a_large_transaction_is_cut_at_the_limit_and_keeps_its_numbers) {
    config.apply.batch_rows = 100;
    stream.session();
    stream.relation();
    stream.begin(1, 100);
    for (int row = 0; row < 20000; ++row) stream.insert(std::to_string(row), "aaaaaaaaaaaaaaaa");
    stream.commit(100, 1);
    send();
    frames.close();
    const Throttle throttle;
    Assembler assembler(config, 0, frames, positions, throttle, batches);
    std::thread thread([&] { assembler.run(); });
    std::size_t changes = 0, commits = 0;
    while (const auto batch = batches.pop())
        for (const auto &piece : (*batch)->pieces) {
            BOOST_TEST(piece.offset == changes);
            changes += piece.last - piece.first;
            commits += piece.commit ? 1 : 0;
        }
    thread.join();
    BOOST_TEST(changes == 20000u);
    BOOST_TEST(commits == 1u);
}

BOOST_AUTO_TEST_CASE(a_source_that_sends_old_transactions_works_off_a_backlog) {
    stream.session();
    stream.relation();
    stream.begin(1, 100);
    stream.insert("1", "a");
    stream.commit(100, 1);
    send(1'000'000'000'000'000); // far behind the commit
    const Throttle throttle;
    Assembler assembler(config, 0, frames, positions, throttle, batches);
    std::thread thread([&] { assembler.run(); });
    const auto batch = batches.pop(); // the pause of the stream ends the gathering
    BOOST_REQUIRE(batch);
    BOOST_TEST((*batch)->pieces.size() == 1u);
    BOOST_TEST(positions.backlog.load());
    frames.close();
    thread.join();
}

BOOST_AUTO_TEST_CASE(a_broken_connection_reaches_the_applier_as_its_error) {
    frames.close(std::make_exception_ptr(Error(ErrorKind::connection, "source", "gone")));
    const Throttle throttle;
    Assembler assembler(config, 0, frames, positions, throttle, batches);
    assembler.run();
    BOOST_CHECK_EXCEPTION(static_cast<void>(batches.pop()), Error,
                          [](const Error &error) { return error.kind() == ErrorKind::connection; });
}

BOOST_AUTO_TEST_SUITE_END()
