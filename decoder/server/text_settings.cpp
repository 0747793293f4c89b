// text_settings.cpp: how the fixed settings are put in place.
#include "server/text_settings.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/guc.h"
}

namespace walbridge {

namespace {

void set_all(GucAction action) {
    for (const TextSetting &setting : text_settings)
        (void)set_config_option(setting.name, setting.value, PGC_USERSET, PGC_S_SESSION, action, true, 0, false);
}

} // namespace

int begin_text_settings() {
    const int level = NewGUCNestLevel();
    set_all(GUC_ACTION_SAVE);
    return level;
}

void end_text_settings(int level) { AtEOXact_GUC(false, level); }

void TextSettings::apply() {
    level_ = call([] {
        if (IsTransactionState()) return begin_text_settings();
        set_all(GUC_ACTION_SET);
        return 0;
    });
}

void TextSettings::restore() {
    if (level_ == 0) return;
    const int level = level_;
    level_ = 0;
    call([&] { AtEOXact_GUC(true, level); });
}

} // namespace walbridge
