// replication_stream.hpp: receives the change stream of one slot and confirms what the target has made durable.
//
// Runs on one thread that owns the replication connection. It puts frames and keepalive positions into the queue, in
// the order they came. While the queue is full it stops reading but goes on sending status on its own clock, so that
// the server's wal_sender_timeout never ends a session that is only busy.
#pragma once

#include "base/bounded_queue.hpp"
#include "base/lsn.hpp"
#include "base/postgres/session.hpp"
#include "base/stop_token.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace walbridge::source {

/// A frame as it was received (owner keeps the bytes), or a keepalive's position.
struct StreamItem {
    std::string_view frame;
    std::shared_ptr<const void> owner; ///< null: a keepalive
    Lsn keepalive;
    std::int64_t sent = 0; ///< the source's clock when it left, microseconds since 2000
};

/// What one look at the socket brought, in order: the other thread is woken once for all of it.
using StreamBlock = std::vector<StreamItem>;
using StreamQueue = BoundedQueue<StreamBlock>;

/// Positions shared with the other threads.
struct StreamPositions {
    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint64_t> applied{0};
    std::atomic<std::uint64_t> durable{0}; ///< what may be confirmed; never ahead of the stored position
    /// The source is working off a backlog: nobody waits for a single transaction, and messages are better read many at
    /// a time than one by one as they come.
    std::atomic<bool> backlog{false};
};

struct StreamOptions {
    std::string slot;
    Lsn start;
    /// Plugin options in order, for example {"proto_version", "1"}.
    std::vector<std::pair<std::string, std::string>> plugin;
};

class ReplicationStream {
  public:
    /// `session` is a replication connection on which identity was checked.
    ReplicationStream(pg::Session session, StreamOptions options, StreamPositions &positions);

    /// Starts streaming and runs until `stop` (drains nothing: the slot keeps what was not confirmed), the queue is
    /// closed, or an error, with which the queue is closed. Does not throw.
    void run(StreamQueue &queue, const StopToken &stop) noexcept;

  private:
    void start();
    void receive(StreamQueue &queue, const StopToken &stop);
    bool read_available(StreamQueue &queue, const StopToken &stop);
    void handle(char *message, int length);
    StreamItem frame_of(char *message, std::size_t length);
    void push(StreamQueue &queue, const StopToken &stop);
    void send_status(bool request_reply);
    void send_status_if_due();
    void wait_readable();
    bool consume(std::chrono::milliseconds patience);

    pg::Session session_;
    StreamOptions options_;
    StreamPositions &positions_;
    std::chrono::milliseconds status_interval_{10000};
    std::chrono::steady_clock::time_point last_status_{}, last_request_{}, last_received_{};
    StreamBlock block_; ///< read and not yet in the queue
    std::size_t block_bytes_ = 0;
    std::shared_ptr<char[]> small_; ///< small frames of the block, one behind the other
    std::size_t small_used_ = 0;
    std::uint64_t confirmed_ = 0;
    bool reply_wanted_ = false;
};

} // namespace walbridge::source
