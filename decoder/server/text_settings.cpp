// text_settings.cpp: how the fixed settings are put in place.
#include "server/text_settings.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/guc.h"
}

namespace walbridge {

void TextSettings::apply() {
    level_ = call([] {
        const bool nested = IsTransactionState();
        const int level = nested ? NewGUCNestLevel() : 0;
        for (const TextSetting &setting : text_settings)
            (void)set_config_option(setting.name, setting.value, PGC_USERSET, PGC_S_SESSION,
                                    nested ? GUC_ACTION_SAVE : GUC_ACTION_SET, true, 0, false);
        return level;
    });
}

void TextSettings::restore() {
    if (level_ == 0) return;
    const int level = level_;
    level_ = 0;
    call([&] { AtEOXact_GUC(true, level); });
}

} // namespace walbridge
