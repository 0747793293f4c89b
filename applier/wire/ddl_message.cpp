// ddl_message.cpp: the proof first, then the JSON.
#include "wire/ddl_message.hpp"

#include "wire/authentication.hpp"

#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace walbridge {
namespace {

using nlohmann::json;

std::string text(const json &object, const char *name) {
    const auto found = object.find(name);
    return found == object.end() ? std::string() : found->get<std::string>();
}

template <class Number> Number number(const json &object, const char *name) {
    const auto found = object.find(name);
    return found == object.end() ? Number{0} : found->get<Number>();
}

bool flag(const json &object, const char *name) {
    const auto found = object.find(name);
    return found != object.end() && found->get<bool>();
}

std::vector<std::string> texts(const json &object, const char *name) {
    const auto found = object.find(name);
    return found == object.end() ? std::vector<std::string>() : found->get<std::vector<std::string>>();
}

template <class Body> void each(const json &object, const char *name, Body body) {
    const auto found = object.find(name);
    if (found == object.end()) return;
    if (!found->is_array()) throw std::invalid_argument(fmt::format("{} has the wrong type", name));
    for (const auto &item : *found) {
        if (!item.is_object()) throw std::invalid_argument(fmt::format("an item of {} has the wrong type", name));
        body(item);
    }
}

std::uint64_t decimal(const std::string &digits, const char *what) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size())
        throw std::invalid_argument(fmt::format("{} is not a number", what));
    return value;
}

DdlStatement::Kind kind_of(const std::string &name) {
    if (name == "statement") return DdlStatement::Kind::statement;
    if (name == "gap") return DdlStatement::Kind::gap;
    throw std::invalid_argument(fmt::format("its kind \"{}\" is not known", name));
}

DdlStatement::Phase phase_of(const std::string &name) {
    if (name.empty() || name == "end") return DdlStatement::Phase::end;
    if (name == "start") return DdlStatement::Phase::start;
    if (name == "rewrite") return DdlStatement::Phase::rewrite;
    throw std::invalid_argument(fmt::format("its phase \"{}\" is not known", name));
}

QualifiedName relation(const json &object) { return {text(object, "schema"), text(object, "name")}; }

DdlObject object_of(const json &item) {
    DdlObject object;
    object.class_name = text(item, "class");
    object.oid = number<std::uint32_t>(item, "oid");
    object.sub = number<std::int32_t>(item, "sub");
    object.tag = text(item, "tag");
    object.type = text(item, "type");
    object.schema = text(item, "schema");
    object.identity = text(item, "identity");
    object.name = text(item, "name");
    const auto persistence = text(item, "persistence");
    if (!persistence.empty()) object.persistence = persistence.front();
    object.table_schema = text(item, "table_schema");
    object.table_name = text(item, "table_name");
    return object;
}

DdlDropped dropped_of(const json &item) {
    DdlDropped dropped;
    dropped.class_name = text(item, "class");
    dropped.oid = number<std::uint32_t>(item, "oid");
    dropped.sub = number<std::int32_t>(item, "sub");
    dropped.type = text(item, "type");
    dropped.schema = text(item, "schema");
    dropped.name = text(item, "name");
    dropped.identity = text(item, "identity");
    dropped.original = flag(item, "original");
    dropped.temporary = flag(item, "temporary");
    dropped.address_names = texts(item, "address_names");
    dropped.address_args = texts(item, "address_args");
    return dropped;
}

DdlStatement read(const json &object) {
    if (!object.is_object()) throw std::invalid_argument("it is no JSON object");
    DdlStatement statement;
    statement.kind = kind_of(text(object, "kind"));
    statement.phase = phase_of(text(object, "phase"));
    statement.system_identifier = text(object, "system");
    statement.database_oid = number<std::uint32_t>(object, "database");
    statement.full_xid = decimal(text(object, "xid"), "its transaction id");
    statement.sequence = number<std::uint64_t>(object, "sequence");
    statement.number = number<std::uint64_t>(object, "number");
    statement.parent = number<std::uint64_t>(object, "parent");
    statement.level = number<std::uint32_t>(object, "level");
    statement.tag = text(object, "tag");
    statement.text = text(object, "text");
    statement.role = text(object, "role");
    statement.reason = text(object, "reason");
    if (const auto settings = object.find("settings"); settings != object.end())
        statement.settings = settings->get<std::map<std::string, std::string>>();
    if (const auto before = object.find("before"); before != object.end()) {
        statement.before = relation(*before);
        statement.before_oid = number<std::uint32_t>(*before, "oid");
    }
    if (const auto rewritten = object.find("rewritten"); rewritten != object.end()) {
        statement.rewritten = relation(*rewritten);
        statement.rewritten_oid = number<std::uint32_t>(*rewritten, "oid");
    }
    each(object, "columns", [&](const json &item) {
        statement.columns.push_back({text(item, "name"), text(item, "type"), text(item, "collation")});
    });
    each(object, "objects", [&](const json &item) { statement.objects.push_back(object_of(item)); });
    each(object, "dropped", [&](const json &item) { statement.dropped.push_back(dropped_of(item)); });
    each(object, "missing", [&](const json &item) {
        statement.missing.push_back(
            {{text(item, "schema"), text(item, "table")}, text(item, "column"), text(item, "value")});
    });
    if (const auto definitions = object.find("definitions"); definitions != object.end())
        statement.definitions = definitions->dump();
    statement.definitions_failure = text(object, "definitions_failure");
    return statement;
}

} // namespace

DdlStatement parse_ddl_statement(std::string_view text) {
    const auto object = json::parse(text, nullptr, false);
    if (object.is_discarded()) throw std::invalid_argument("it is no JSON");
    try {
        return read(object);
    } catch (const json::exception &error) {
        throw std::invalid_argument(fmt::format("a field has the wrong type ({})", error.what()));
    }
}

DdlVerifier::DdlVerifier(std::string system_identifier, std::uint32_t database_oid, ReadKeys read_keys)
    : system_identifier_(std::move(system_identifier)), database_oid_(database_oid), read_keys_(std::move(read_keys)) {}

std::optional<std::string> DdlVerifier::key(std::uint64_t id) {
    if (!keys_) keys_ = read_keys_();
    if (const auto found = keys_->find(id); found != keys_->end()) return found->second;
    keys_ = read_keys_(); // a new one was made since
    const auto found = keys_->find(id);
    return found == keys_->end() ? std::nullopt : std::optional(found->second);
}

std::variant<DdlStatement, DdlVerifier::Refusal> DdlVerifier::verify(std::string_view content, std::uint64_t full_xid) {
    if (full_xid != transaction_) {
        transaction_ = full_xid;
        last_sequence_ = 0;
    }
    const auto sealed = wire::open_seal(content);
    if (!sealed) return Refusal{"it does not begin with a signature"};
    const auto secret = key(sealed->key_id);
    if (!secret) return Refusal{"it is signed with a key that the source does not have"};
    if (!wire::is_authentic(*sealed, *secret))
        return Refusal{"its signature does not fit its content: it was forged or altered"};
    try {
        auto statement = parse_ddl_statement(sealed->body);
        if (statement.system_identifier != system_identifier_ || statement.database_oid != database_oid_)
            return Refusal{"it was written in another database"};
        if (statement.full_xid != full_xid)
            return Refusal{fmt::format("it was written in transaction {} and came in {}: it was repeated",
                                       statement.full_xid, full_xid)};
        if (statement.sequence <= last_sequence_)
            return Refusal{fmt::format("its number {} in the transaction came after {}: it was repeated",
                                       statement.sequence, last_sequence_)};
        last_sequence_ = statement.sequence;
        return statement;
    } catch (const std::invalid_argument &error) {
        return Refusal{error.what()};
    }
}

} // namespace walbridge
