// value.hpp: one column value of a change, as it travels: a kind and a view of bytes owned by the batch it came in.
#pragma once

#include <cstdint>
#include <string_view>

namespace walbridge {

enum class ValueKind : std::uint8_t {
    null,
    unchanged, ///< a TOASTed value the change did not touch: the target keeps its own
    text,      ///< the type's text form, UTF-8
    binary,    ///< the type's send form (docs/wire-protocol.md lists the types)
};

struct Value {
    ValueKind kind = ValueKind::null;
    std::string_view bytes;

    [[nodiscard]] bool present() const { return kind == ValueKind::text || kind == ValueKind::binary; }
    /// Same kind and bytes: equal for sure. Different bytes may still be equal for the type (1.0 and 1.00).
    friend bool operator==(const Value &, const Value &) = default;
};

} // namespace walbridge
