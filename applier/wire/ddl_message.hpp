// ddl_message.hpp: messages with the prefix `walbridge.ddl` to captured statements, after their proof of origin.
//
// Any role of the source may write logical messages. So the content is signed with a key that only the source's capture
// and the members of walbridge_capture can read, and it names the place it was written at: system, database, full
// transaction id and a sequence number within the transaction. A message that was forged, altered or copied from
// elsewhere is refused, and nothing of it is looked at.
#pragma once

#include "change/ddl_statement.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace walbridge {

inline constexpr std::string_view ddl_prefix = "walbridge.ddl";

/// Keys by id, as bytes.
using DdlKeys = std::map<std::uint64_t, std::string>;

/// The statement of a message whose origin was proven elsewhere (the JSON object behind its first line). Throws
/// std::invalid_argument with what is wrong.
[[nodiscard]] DdlStatement parse_ddl_statement(std::string_view json);

class DdlVerifier {
  public:
    using ReadKeys = std::function<DdlKeys()>;

    /// `read_keys` is called before the first message, and again when a message names a key that is not known.
    DdlVerifier(std::string system_identifier, std::uint32_t database_oid, ReadKeys read_keys);

    struct Refusal {
        std::string reason; ///< lower case, no final period
    };
    /// The statement of a message that came in the transaction `full_xid`, or why it is refused. Throws only what
    /// read_keys throws.
    [[nodiscard]] std::variant<DdlStatement, Refusal> verify(std::string_view content, std::uint64_t full_xid);

    /// The transaction under way is read from its beginning again: sequence numbers start anew.
    void start_over() { last_sequence_ = 0; }

  private:
    [[nodiscard]] std::optional<std::string> key(std::uint64_t id);

    const std::string system_identifier_;
    const std::uint32_t database_oid_;
    const ReadKeys read_keys_;
    std::optional<DdlKeys> keys_;
    std::uint64_t transaction_ = 0, last_sequence_ = 0;
};

} // namespace walbridge
