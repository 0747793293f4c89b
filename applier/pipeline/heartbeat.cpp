// heartbeat.cpp: emits non-transactional logical messages.
#include "pipeline/heartbeat.hpp"

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
            constexpr std::int64_t epoch_difference = 946684800;
            const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
            const auto now =
                std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count() - epoch_difference * 1000000;
            session->query("SELECT pg_catalog.pg_logical_emit_message(false, $1, $2)",
                           {std::string(heartbeat_prefix), std::to_string(now)});
        } catch (const std::exception &error) {
            log::debug("heartbeat could not be written", {{"reason", error.what()}});
            session.reset();
        }
    } while (!stop.wait_for(config_.source.heartbeat));
}

} // namespace walbridge::pipeline
