// text_settings.hpp: the settings under which values become text (docs/wire-protocol.md, "Tuples").
#pragma once

#include "server/guard.hpp"

namespace walbridge {

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
