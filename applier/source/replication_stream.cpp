// replication_stream.cpp: the streaming replication protocol's client side (protocol-replication in PostgreSQL's
// manual).
#include "source/replication_stream.hpp"

#include "base/clock.hpp"
#include "base/log.hpp"
#include "dialect/postgres.hpp"

#include <cstring>
#include <fmt/format.h>
#include <poll.h>
#include <thread>

namespace walbridge::source {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long the thread sleeps at most before it looks at durable positions and the stop token again.
constexpr milliseconds tick{50};
/// Confirming more often than this brings the source nothing.
constexpr milliseconds confirm_interval{200};
/// An idle server is asked for its position this often.
constexpr milliseconds position_interval{1000};
/// In a backlog the socket is left alone for this long once it is empty. A wake-up per message would cost both ends
/// more than the message itself, and the socket's buffer holds what comes meanwhile.
constexpr std::chrono::microseconds backlog_pause{500};
/// A block goes into the queue at this size, also when the socket holds more.
constexpr std::size_t block_limit = std::size_t{256} << 10;
/// Frames up to this size are copied together into buffers of small_buffer bytes, so that a transaction of one row does
/// not cost an allocation and a reference count of its own.
constexpr std::size_t small_frame = std::size_t{4} << 10;
constexpr std::size_t small_buffer = std::size_t{64} << 10;

std::uint64_t read64(const char *bytes) {
    std::uint64_t number = 0;
    for (int byte = 0; byte < 8; ++byte) number = number << 8 | static_cast<unsigned char>(bytes[byte]);
    return number;
}

void write64(char *bytes, std::uint64_t number) {
    for (int byte = 0; byte < 8; ++byte) bytes[byte] = static_cast<char>(number >> (56 - 8 * byte));
}

constexpr int frame_header = 1 + 8 + 8 + 8;     // 'w', start, end, send time
constexpr int keepalive_length = 1 + 8 + 8 + 1; // 'k', end, send time, reply requested

} // namespace

ReplicationStream::ReplicationStream(pg::Session session, StreamOptions options, StreamPositions &positions)
    : session_(std::move(session)), options_(std::move(options)), positions_(positions) {}

void ReplicationStream::start() {
    // A third of the server's patience, whatever it is set to; 0 = the server waits for ever. (A walsender takes simple
    // queries only.)
    const auto setting =
        session_.execute("SELECT setting FROM pg_catalog.pg_settings WHERE name = 'wal_sender_timeout'");
    if (const milliseconds timeout(setting.number(0, 0)); timeout.count() > 0)
        status_interval_ = std::min(status_interval_, timeout / 3);
    std::string plugin_options;
    for (const auto &[name, value] : options_.plugin)
        plugin_options +=
            fmt::format("{}{} {}", plugin_options.empty() ? "" : ", ", dialect::postgres::quote_identifier(name),
                        dialect::postgres::quote_literal(value));
    session_.execute(fmt::format("START_REPLICATION SLOT {} LOGICAL {} ({})",
                                 dialect::postgres::quote_identifier(options_.slot), to_string(options_.start),
                                 plugin_options));
    confirmed_ = options_.start.value;
    last_status_ = last_request_ = last_received_ = steady_clock::now();
}

void ReplicationStream::run(StreamQueue &queue, const StopToken &stop) noexcept {
    try {
        start();
        receive(queue, stop);
        queue.close();
    } catch (...) {
        queue.close(std::current_exception());
    }
}

void ReplicationStream::receive(StreamQueue &queue, const StopToken &stop) {
    while (!stop.requested() && !queue.closed()) {
        if (!read_available(queue, stop)) wait_readable();
        send_status_if_due();
    }
    send_status(false);
    PQputCopyEnd(session_.raw(), nullptr);
    PQflush(session_.raw());
}

/// Takes what the server has sent, up to a block; false when there is nothing to read now.
bool ReplicationStream::read_available(StreamQueue &queue, const StopToken &stop) {
    char *message = nullptr;
    int length = 0;
    do { // libpq takes 16 KiB from the socket at a time
        while (block_bytes_ < block_limit && (length = PQgetCopyData(session_.raw(), &message, 1)) > 0)
            handle(message, length);
    } while (length == 0 && consume(milliseconds(0)));
    push(queue, stop);
    if (length > 0) return true;
    if (length == 0) return false;
    if (length == -1) {
        const pg::Result result(PQgetResult(session_.raw()));
        if (PQresultStatus(result.raw()) == PGRES_FATAL_ERROR) session_.raise(result.raw(), "START_REPLICATION");
        SqlError::Fields fields;
        fields.message = "the server ended the replication stream";
        throw SqlError(ErrorKind::connection, "source " + pg::describe(session_.endpoint().url), fields);
    }
    session_.raise(nullptr, "START_REPLICATION");
}

void ReplicationStream::wait_readable() {
    if (positions_.backlog.load(std::memory_order_relaxed)) std::this_thread::sleep_for(backlog_pause);
    consume(tick);
}

/// Takes bytes from the socket when there are any within `patience`.
bool ReplicationStream::consume(milliseconds patience) {
    pollfd descriptor{PQsocket(session_.raw()), POLLIN, 0};
    if (poll(&descriptor, 1, static_cast<int>(patience.count())) <= 0) return false;
    if (PQconsumeInput(session_.raw()) != 1) session_.raise(nullptr, "reading the stream");
    return true;
}

void ReplicationStream::handle(char *message, int length) {
    last_received_ = steady_clock::now();
    if (*message == 'w' && length >= frame_header) {
        const auto end = read64(message + 9);
        if (end > positions_.received.load()) positions_.received.store(end);
        const auto sent = static_cast<std::int64_t>(read64(message + 17));
        block_.push_back(frame_of(message, static_cast<std::size_t>(length - frame_header)));
        block_.back().sent = sent;
        block_bytes_ += block_.back().frame.size();
        return;
    }
    const std::unique_ptr<char, void (*)(void *)> owner(message, PQfreemem);
    if (*message == 'k' && length >= keepalive_length) {
        const Lsn position{read64(message + 1)};
        if (position.value > positions_.received.load()) positions_.received.store(position.value);
        reply_wanted_ = message[17] != 0;
        block_.push_back({{}, nullptr, position, static_cast<std::int64_t>(read64(message + 9))});
        ++block_bytes_;
        return;
    }
    throw Error(ErrorKind::protocol, "replication stream",
                fmt::format("unexpected message of type \"{}\" and {} bytes", *message, length));
}

/// Takes the message over: a small frame moves to the shared buffer, a large one keeps libpq's memory.
StreamItem ReplicationStream::frame_of(char *message, std::size_t length) {
    if (length > small_frame)
        return {{message + frame_header, length},
                std::shared_ptr<const char>(message, [](const char *memory) { PQfreemem(const_cast<char *>(memory)); }),
                {}};
    if (!small_ || small_used_ + length > small_buffer) {
        small_ = std::shared_ptr<char[]>(new char[small_buffer]); // not zeroed, as make_shared would
        small_used_ = 0;
    }
    char *at = small_.get() + small_used_;
    std::memcpy(at, message + frame_header, length);
    PQfreemem(message);
    small_used_ += length;
    return {{at, length}, small_, {}};
}

void ReplicationStream::push(StreamQueue &queue, const StopToken &stop) {
    if (block_.empty()) return;
    while (!queue.try_push_for(block_, block_bytes_, tick)) {
        if (stop.requested() || queue.closed()) return;
        send_status_if_due();
    }
    block_ = {};
    block_bytes_ = 0;
    small_.reset(); // the block's frames keep it; what comes next must not hold them in memory
}

void ReplicationStream::send_status_if_due() {
    const auto now = steady_clock::now();
    const bool idle = now - last_received_ >= position_interval && now - last_request_ >= position_interval;
    const bool progress = positions_.durable.load() > confirmed_ && now - last_status_ >= confirm_interval;
    if (reply_wanted_ || idle || progress || now - last_status_ >= status_interval_) send_status(idle);
}

void ReplicationStream::send_status(bool request_reply) {
    const auto durable = positions_.durable.load();
    char status[1 + 8 + 8 + 8 + 8 + 1];
    status[0] = 'r';
    write64(status + 1, std::max(positions_.received.load(), durable));
    write64(status + 9, durable);
    write64(status + 17, std::max(positions_.applied.load(), durable));
    write64(status + 25, static_cast<std::uint64_t>(now_since_2000()));
    status[33] = request_reply ? 1 : 0;
    if (PQputCopyData(session_.raw(), status, sizeof status) != 1 || PQflush(session_.raw()) != 0)
        session_.raise(nullptr, "sending status");
    last_status_ = steady_clock::now();
    if (request_reply) last_request_ = last_status_;
    confirmed_ = durable;
    reply_wanted_ = false;
}

} // namespace walbridge::source
