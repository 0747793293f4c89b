// sequence_keeper.cpp: see sequence_keeper.hpp.
#include "task/sequence_keeper.hpp"

#include "base/log.hpp"

#include <chrono>

namespace walbridge::task {
namespace {

constexpr std::size_t names_shown = 20;

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

} // namespace

SequenceKeeper::SequenceKeeper(const TaskConfig &config, Live &live)
    : config_(config), live_(live), thread_([this] { work(); }) {}

SequenceKeeper::~SequenceKeeper() {
    end_.request();
    thread_.join();
}

void SequenceKeeper::work() {
    do {
        const auto view = live_.view();
        if (!view.following || view.paused || !live_.statistics.connected) continue;
        try {
            bring();
        } catch (const std::exception &error) {
            source_.reset();
            target_.reset();
            fail(error.what());
        }
    } while (!end_.wait_for(config_.sequences.interval));
}

void SequenceKeeper::bring() {
    const auto open = [&](const pg::Endpoint &endpoint) {
        return pg::Session(endpoint, {.application_name = config_.application_name("sequences"),
                                      .replication = false,
                                      .settings = {{"statement_timeout", "30s"}, {"lock_timeout", "3s"}}});
    };
    if (!source_) source_ = open(config_.source.endpoint);
    if (!target_) {
        target_ = open(config_.target.endpoint);
        target_->execute("SET synchronous_commit = off"); // lost values come again with the next look
    }
    if (auto signature = sequence::catalog_signature(*source_); signature != signature_) {
        sequences_ = sequence::selected(*source_, config_);
        signature_ = std::move(signature);
    }
    const auto epoch = live_.view().epoch;
    // The row stays locked until the values stand: a switchover that wants to begin waits for them, and from then on is
    // not disturbed by a process that does not know of it yet.
    const auto permission = [&](pg::Session &target) {
        return epoch && target
                            .value("SELECT 1 FROM walbridge.task t WHERE t.task = $1 AND t.state NOT IN ('draining', "
                                   "'switched-over', 'released') AND t.reverse_task IS NULL AND EXISTS (SELECT FROM "
                                   "walbridge.progress p WHERE "
                                   "p.task = t.task AND p.epoch = $2::bigint) FOR SHARE OF t",
                                   {config_.name, std::to_string(*epoch)})
                            .has_value();
    };
    report(sequence::bring(*source_, *target_, sequences_, permission));
}

void SequenceKeeper::report(const sequence::Result &result) {
    auto known = live_.sequences();
    if (known.failing_since != 0) log::info("sequences are brought to the target again");
    known.failing_since = 0;
    known.reason.clear();
    known.selected = result.selected;
    known.written += result.written;
    if (!result.held_back) known.brought_at = unix_now();
    known.missing = result.missing.size();
    known.refused = result.refused.size();
    known.names.clear();
    std::set<std::string> absent;
    for (const auto *list : {&result.missing, &result.refused})
        for (const auto &difference : *list) {
            const auto text = sequence::describe(difference);
            if (known.names.size() < names_shown) known.names.push_back(text);
            // At the first look its DDL may be on its way.
            auto name = to_string(difference.sequence.source);
            if (absent_.contains(name) && named_.insert(name).second)
                log::warning("a sequence is not kept up to date", {{"sequence", text}, {"remedy", difference.remedy}});
            absent.insert(std::move(name));
        }
    absent_ = std::move(absent);
    live_.set_sequences(std::move(known));
}

void SequenceKeeper::fail(const std::string &reason) {
    if (end_.requested()) return;
    auto known = live_.sequences();
    if (known.failing_since == 0) {
        known.failing_since = unix_now();
        log::warning("the sequences cannot be brought to the target; it is tried again", {{"reason", reason}});
    }
    known.reason = reason;
    live_.set_sequences(std::move(known));
}

} // namespace walbridge::task
