// ddl_json.hpp: JSON into a server string, in the server's encoding. Trivial objects: a server error may jump over
// them.
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "lib/stringinfo.h"
#include "utils/json.h"
}

namespace walbridge {

/// Writes one object or array. Fields that are absent, empty or zero are left out unless they are said to stay.
class JsonWriter {
  public:
    /// Opens with '{' or '['.
    JsonWriter(StringInfo out, char opening) : out_(out), closing_(opening == '{' ? '}' : ']') {
        appendStringInfoChar(out_, opening);
    }
    void close() { appendStringInfoChar(out_, closing_); }

    /// The place of a member whose value is written by someone else.
    StringInfo member(const char *name) {
        element();
        escape_json(out_, name);
        appendStringInfoChar(out_, ':');
        return out_;
    }
    StringInfo element() {
        if (!first_) appendStringInfoChar(out_, ',');
        first_ = false;
        return out_;
    }

    void text(const char *name, const char *value) {
        if (value != nullptr && *value != '\0') escape_json(member(name), value);
    }
    void text_always(const char *name, const char *value) { escape_json(member(name), value != nullptr ? value : ""); }
    void number(const char *name, uint64 value) {
        if (value != 0) appendStringInfo(member(name), UINT64_FORMAT, value);
    }
    void number_always(const char *name, int64 value) { appendStringInfo(member(name), INT64_FORMAT, value); }
    /// 64-bit numbers that not every JSON reader keeps exactly.
    void number_as_text(const char *name, uint64 value) {
        appendStringInfo(member(name), "\"" UINT64_FORMAT "\"", value);
    }
    void truth(const char *name, bool value) {
        if (value) appendStringInfoString(member(name), "true");
    }

    /// The catalogs' letters: none and the blank say nothing.
    void letter(const char *name, char value) {
        const char letters[2] = {value == ' ' ? '\0' : value, '\0'};
        text(name, letters);
    }

  private:
    StringInfo out_;
    char closing_;
    bool first_ = true;
};

} // namespace walbridge
