// examine_rules.hpp: what decoding would say of rules, as rows of a SQL function.
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "fmgr.h"
}

namespace walbridge {

/// walbridge.examine_rules(text), see sql/.
Datum examine_rules(FunctionCallInfo call_info);

} // namespace walbridge
