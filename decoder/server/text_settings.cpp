// text_settings.cpp: the fixed settings and how they are put in place.
#include "server/text_settings.hpp"

extern "C" {
#include "access/xact.h"
#include "utils/guc.h"
}

namespace walbridge {

namespace {

struct Setting {
    const char *name;
    const char *value;
};

constexpr Setting fixed_settings[] = {
    {"datestyle", "ISO, YMD"},
    {"intervalstyle", "postgres"},
    {"extra_float_digits", "3"},
    {"bytea_output", "hex"},
    {"lc_monetary", "C"},
    {"timezone", "UTC"},
    // Names in reg* values come out qualified, except those of the system.
    {"search_path", "pg_catalog"},
    {"quote_all_identifiers", "off"},
};

} // namespace

void TextSettings::apply() {
    level_ = call([] {
        const bool nested = IsTransactionState();
        const int level = nested ? NewGUCNestLevel() : 0;
        for (const Setting &setting : fixed_settings)
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
