// alerter.cpp: the JSON of an alert, its carriers, and the log line.
#include "alert/alerter.hpp"

#include "alert/command.hpp"
#include "alert/webhook.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace walbridge::alert {
namespace {

using Json = nlohmann::ordered_json;

std::int64_t unix_now() {
    return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
        .count();
}

const char *name_of(Severity severity) { return severity == Severity::critical ? "critical" : "warning"; }

std::vector<std::unique_ptr<Carrier>> carriers(const TaskConfig &config) {
    std::vector<std::unique_ptr<Carrier>> all;
    if (const auto url = config::parse_webhook_url(config.alert.webhook))
        all.push_back(std::make_unique<Webhook>(*url, config.alert.webhook_token));
    if (!config.alert.command.empty()) all.push_back(std::make_unique<Command>(config.alert.command));
    return all;
}

/// Server messages can be long and hold bytes that are not UTF-8 (dump() replaces those).
std::string bounded(const std::string &text) {
    constexpr std::size_t most = 4000;
    return text.size() <= most ? text : text.substr(0, most) + " ...";
}

std::string dump(const Json &json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

} // namespace

std::string message(const TaskConfig &config, const std::string &process, const Notice &notice, std::int64_t unix_now) {
    Json json;
    json["version"] = 1;
    json["task"] = config.name;
    json["labels"] = config.labels;
    json["event"] = notice.event;
    json["state"] = notice.firing ? "firing" : "resolved";
    json["severity"] = name_of(notice.severity);
    json["since"] = notice.since;
    json["at"] = unix_now;
    json["reason"] = bounded(notice.reason);
    json["remedy"] = bounded(notice.remedy);
    json["figures"] = Json::object();
    for (const auto &[name, value] : notice.figures) json["figures"][name] = value;
    json["process"] = process;
    return dump(json);
}

Alerter::Alerter(const TaskConfig &config, std::string process) : config_(config), process_(std::move(process)) {
    for (auto &carrier : carriers(config)) channels_.push_back(std::make_unique<Channel>(std::move(carrier)));
}

void Alerter::restore(const std::string &json) {
    const auto stored = Json::parse(json, nullptr, false);
    if (!stored.is_object() || !stored.contains("firing") || !stored["firing"].is_array()) return;
    for (const auto &entry : stored["firing"]) {
        if (!entry.is_object() || !entry.contains("event") || !entry["event"].is_string()) continue;
        Notice notice;
        notice.event = entry["event"].get<std::string>();
        notice.severity = entry.value("severity", "") == "critical" ? Severity::critical : Severity::warning;
        notice.since = entry.value("since", std::int64_t{0});
        notice.reason = entry.value("reason", "");
        notice.remedy = entry.value("remedy", "");
        restore(std::move(notice));
    }
}

void Alerter::restore(Notice notice) {
    const std::lock_guard lock(mutex_);
    watch_.restore(std::move(notice));
}

void Alerter::observe(const std::vector<Condition> &conditions) {
    const auto now = unix_now();
    const std::lock_guard lock(mutex_);
    for (const auto &notice : watch_.observe(Watch::Clock::now(), now, conditions)) {
        if (notice.firing)
            log::warning("alert", {{"event", notice.event},
                                   {"severity", name_of(notice.severity)},
                                   {"reason", notice.reason},
                                   {"remedy", notice.remedy}});
        else
            log::info("alert resolved", {{"event", notice.event}, {"reason", notice.reason}});
        for (const auto &channel : channels_) channel->send(message(config_, process_, notice, now));
    }
}

std::vector<Notice> Alerter::firing() const {
    const std::lock_guard lock(mutex_);
    return watch_.firing();
}

std::string Alerter::summary() const {
    Json json{{"firing", Json::array()}, {"channels", Json::array()}};
    for (const auto &notice : firing())
        json["firing"].push_back({{"event", notice.event},
                                  {"severity", name_of(notice.severity)},
                                  {"since", notice.since},
                                  {"reason", bounded(notice.reason)},
                                  {"remedy", bounded(notice.remedy)}});
    for (const auto &channel : channels_) {
        const auto figures = channel->figures();
        json["channels"].push_back({{"name", channel->name()},
                                    {"delivered", figures.delivered},
                                    {"failed", figures.failed},
                                    {"last_failure", figures.last_failure}});
    }
    return dump(json);
}

void Alerter::forget(const std::string &event) {
    const std::lock_guard lock(mutex_);
    watch_.forget(event);
}

bool Alerter::finish(std::chrono::milliseconds patience) {
    const auto until = std::chrono::steady_clock::now() + patience;
    for (const auto &channel : channels_) channel->finish(until);
    return std::ranges::all_of(channels_, [](const auto &channel) { return channel->figures().failed == 0; });
}

std::vector<std::pair<std::string, Outcome>> send_test(const TaskConfig &config, const std::string &process) {
    std::vector<std::pair<std::string, Outcome>> outcomes;
    const auto now = unix_now();
    const auto json = message(config, process,
                              {.event = "test",
                               .firing = true,
                               .severity = Severity::warning,
                               .since = now,
                               .reason = "somebody ran walbridge alert test",
                               .remedy = "Nothing is wrong."},
                              now);
    for (const auto &carrier : carriers(config)) outcomes.emplace_back(carrier->name(), carrier->carry(json));
    return outcomes;
}

} // namespace walbridge::alert
