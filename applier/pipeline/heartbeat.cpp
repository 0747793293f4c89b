// heartbeat.cpp: emits non-transactional logical messages.
#include "pipeline/heartbeat.hpp"

#include "base/clock.hpp"
#include "wire/stream_decoder.hpp"

#include <optional>

namespace walbridge::pipeline {

void Heartbeat::run(const StopToken &stop) noexcept {
    if (config_.source.heartbeat.count() == 0) return;
    std::optional<pg::Session> session;
    do {
        try {
            if (!session)
                session.emplace(config_.source.endpoint,
                                pg::ConnectOptions{config_.application_name("heartbeat"), false, {}});
            // The applier's own clock, so that the difference at the other end needs no second one.
            session->query("SELECT pg_catalog.pg_logical_emit_message(false, $1, $2)",
                           {std::string(heartbeat_prefix), std::to_string(now_since_2000())});
        } catch (const std::exception &error) {
            log::debug("heartbeat could not be written", {{"reason", error.what()}});
            session.reset();
        }
    } while (!stop.wait_for(config_.source.heartbeat));
}

} // namespace walbridge::pipeline
