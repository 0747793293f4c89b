// item.cpp: names of sections as they stand in walbridge.schema_item.
#include "schema/item.hpp"

namespace walbridge::schema {

std::string_view name_of(Section section) {
    switch (section) {
    case Section::before_data: return "before-data";
    case Section::index: return "index";
    case Section::foreign_key: return "foreign-key";
    case Section::after_data: return "after-data";
    case Section::statistics: return "statistics";
    }
    return "before-data";
}

std::optional<Section> section(std::string_view name) {
    for (const auto candidate :
         {Section::before_data, Section::index, Section::foreign_key, Section::after_data, Section::statistics})
        if (name == name_of(candidate)) return candidate;
    return std::nullopt;
}

} // namespace walbridge::schema
