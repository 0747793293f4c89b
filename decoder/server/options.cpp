// options.cpp: one table of options, one parser per kind of value.
#include "server/options.hpp"

#include "server/compat.hpp"
#include "server/text_encoding.hpp"
#include "wire/compression.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

extern "C" {
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
}

namespace walbridge {

namespace {

enum class Belongs { both, binary, json };

struct Parsed {
    Options options;
    std::optional<Format> format;
    std::optional<std::uint64_t> protocol;
    std::vector<wire::ObjectPattern> include;
    std::vector<wire::ObjectPattern> exclude;
};

[[noreturn]] void refuse_value(const std::string &name, const std::string &value, const std::string &accepted) {
    refuse(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value \"" + value + "\" for option \"" + name + "\"",
           "Accepted: " + accepted + ".");
}

bool boolean(const std::string &name, const std::string &value) {
    bool result = false;
    if (!call([&] { return parse_bool(value.c_str(), &result); })) refuse_value(name, value, "on, off");
    return result;
}

std::uint64_t number(const std::string &name, const std::string &value, const std::string &accepted) {
    std::uint64_t result = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), result);
    if (error != std::errc() || end != value.data() + value.size()) refuse_value(name, value, accepted);
    return result;
}

std::vector<wire::ObjectPattern> patterns(const std::string &name, const std::string &value) {
    try {
        return wire::parse_patterns(value);
    } catch (const wire::PatternError &e) {
        const std::string reason = e.what();
        refuse(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for option \"" + name + "\": " + reason,
               "Accepted: comma-separated patterns schema.table with * and ?, parts in double quotes are literal.");
    }
}

wire::TableRules rules(const std::string &name, const std::string &value) {
    try {
        return wire::parse_rules(value);
    } catch (const wire::PatternError &e) {
        const std::string reason = e.what();
        refuse(ERRCODE_INVALID_PARAMETER_VALUE, "invalid value for option \"" + name + "\": " + reason,
               "Accepted: a JSON list of objects with the keys table (a pattern schema.table), where, include_columns, "
               "exclude_columns, columns, types, operations.");
    }
}

void parse_origin(const std::string &name, const std::string &value, Options &options) {
    if (value == "any") {
        options.origin = OriginMode::any;
        return;
    }
    if (value == "local") {
        options.origin = OriginMode::local;
        return;
    }
    options.origin = OriginMode::all_but;
    std::size_t start = 0;
    while (start <= value.size()) {
        const std::size_t comma = std::min(value.find(',', start), value.size());
        std::string pattern = value.substr(start, comma - start);
        pattern.erase(0, std::min(pattern.find_first_not_of(" \t"), pattern.size()));
        pattern.erase(pattern.find_last_not_of(" \t") + 1);
        if (pattern.empty())
            refuse_value(name, value, "any, local, or comma-separated patterns of origin names to leave out");
        options.excluded_origins.push_back(std::move(pattern));
        start = comma + 1;
    }
}

struct Option {
    const char *name;
    Belongs belongs;
    void (*parse)(const std::string &name, const std::string &value, Parsed &parsed);
};

constexpr Option known_options[] = {
    {"proto_version", Belongs::binary,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.protocol = number(name, value, "1");
         if (*parsed.protocol != wire::protocol_version)
             refuse_value(name, value, std::to_string(wire::protocol_version));
     }},
    {"format", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         if (value == "binary")
             parsed.format = Format::binary;
         else if (value == "json")
             parsed.format = Format::json;
         else
             refuse_value(name, value, "binary, json");
     }},
    {"include", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) { parsed.include = patterns(name, value); }},
    {"exclude", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) { parsed.exclude = patterns(name, value); }},
    {"rules", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.rules = rules(name, value);
     }},
    {"origin", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parse_origin(name, value, parsed.options);
     }},
    {"counter", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.counter = number(name, value, "a number from 0");
     }},
    {"binary", Belongs::binary,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.binary_values = boolean(name, value);
     }},
    {"compression", Belongs::binary,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         const auto compression = wire::compression_named(value);
         if (!compression) refuse_value(name, value, "none, lz4, zstd");
         parsed.options.compression = *compression;
     }},
    {"messages", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.messages = boolean(name, value);
     }},
    {"streaming", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.streaming = boolean(name, value);
         if (parsed.options.streaming && !compat::has_streaming)
             refuse(ERRCODE_FEATURE_NOT_SUPPORTED, "option \"streaming\" needs PostgreSQL 14 or newer");
     }},
    {"two_phase", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.two_phase = boolean(name, value);
         if (parsed.options.two_phase && !compat::has_two_phase)
             refuse(ERRCODE_FEATURE_NOT_SUPPORTED, "option \"two_phase\" needs PostgreSQL 14 or newer");
     }},
    {"rewrites", Belongs::both,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.rewrites = boolean(name, value);
     }},
    {"include_xids", Belongs::json,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.include_xids = boolean(name, value);
     }},
    {"include_lsns", Belongs::json,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.include_lsns = boolean(name, value);
     }},
    {"include_timestamps", Belongs::json,
     [](const std::string &name, const std::string &value, Parsed &parsed) {
         parsed.options.include_timestamps = boolean(name, value);
     }},
};

std::string names_of_options() {
    std::string names;
    for (const Option &option : known_options) {
        if (!names.empty()) names += ", ";
        names += option.name;
    }
    return names;
}

struct RawOption {
    const char *name;
    const char *value; // null: given without a value, which means on
};

RawOption raw_option(const List *elements, int n) {
    return call([&] {
        const auto *element = static_cast<const DefElem *>(list_nth(elements, n));
        return RawOption{element->defname, element->arg != nullptr ? strVal(element->arg) : nullptr};
    });
}

} // namespace

Options parse_options(const List *elements) {
    Parsed parsed;
    const int count = elements != nullptr ? elements->length : 0;
    bool seen[std::size(known_options)] = {};
    for (int n = 0; n < count; ++n) {
        const RawOption raw = raw_option(elements, n);
        const std::string name = raw.name;
        const auto option = std::find_if(std::begin(known_options), std::end(known_options),
                                         [&](const Option &known) { return name == known.name; });
        if (option == std::end(known_options))
            refuse(ERRCODE_INVALID_PARAMETER_VALUE, "unknown option \"" + name + "\"",
                   "Known options: " + names_of_options() + ".");
        bool &given = seen[option - std::begin(known_options)];
        if (given) refuse(ERRCODE_SYNTAX_ERROR, "option \"" + name + "\" is given twice");
        given = true;
        // Patterns meet names in UTF-8; the other values are ASCII.
        option->parse(name, to_utf8(raw.value != nullptr ? raw.value : "on"), parsed);
    }

    Options &options = parsed.options;
    options.format = parsed.format.value_or(parsed.protocol ? Format::binary : Format::json);
    const Belongs other = options.format == Format::binary ? Belongs::json : Belongs::binary;
    for (std::size_t i = 0; i < std::size(known_options); ++i) {
        if (!seen[i] || known_options[i].belongs != other) continue;
        const bool json = options.format == Format::json;
        refuse(ERRCODE_INVALID_PARAMETER_VALUE,
               std::string("option \"") + known_options[i].name + "\" is not for format=" + (json ? "json" : "binary"),
               std::string("It belongs to format=") + (json ? "binary." : "json."));
    }
    if (options.format == Format::binary && !parsed.protocol)
        refuse(ERRCODE_INVALID_PARAMETER_VALUE, "format=binary needs the option \"proto_version\"",
               "Accepted: " + std::to_string(wire::protocol_version) + ".");
    options.selection = wire::ObjectSelection(std::move(parsed.include), std::move(parsed.exclude));
    return std::move(parsed.options);
}

} // namespace walbridge
