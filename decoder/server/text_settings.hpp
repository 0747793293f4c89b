// text_settings.hpp: the settings under which values and expressions become text (docs/wire-protocol.md, "Tuples").
#pragma once

#include "server/guard.hpp"

namespace walbridge {

struct TextSetting {
    const char *name;
    const char *value;
};

inline constexpr TextSetting text_settings[] = {
    {"datestyle", "ISO, YMD"},
    {"intervalstyle", "postgres"},
    {"extra_float_digits", "3"},
    {"bytea_output", "hex"},
    {"lc_monetary", "C"},
    {"timezone", "UTC"},
    // Names in reg* values come out qualified, except those of the system.
    {"search_path", "pg_catalog"},
    {"quote_all_identifiers", "off"},
    // Literals in expressions.
    {"standard_conforming_strings", "on"},
    {"transform_null_equals", "off"},
    {"array_nulls", "on"},
};

// Server calls, may raise: for code that stands on the server's side of the border. Inside a transaction.

/// Sets them on a GUC level of their own, and gives the level. After an error the end of the subtransaction restores.
int begin_text_settings();
void end_text_settings(int level);

/// Sets them for the duration of a decoding session.
///
/// Inside a transaction (the SQL functions) they are set on a GUC level of their own, so that restore() or, after an
/// error, the abort of the transaction or subtransaction brings the session's own settings back. A walsender decodes
/// outside of transactions, whose ends would undo such a level: there they are set for the session, which serves
/// nothing but decoding.
class TextSettings {
  public:
    /// Server call, may raise ServerError.
    void apply();
    /// Ends the level that apply() began, if any. Not called after an error.
    void restore();

  private:
    int level_ = 0;
};

} // namespace walbridge
