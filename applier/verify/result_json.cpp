// result_json.cpp: see result_json.hpp.
#include "verify/result_json.hpp"

namespace walbridge::verify {
namespace {

using Json = nlohmann::ordered_json;

Json value_of(const Text &text) { return text ? Json(*text) : Json(nullptr); }

template <class AnyJson> Text text_of(const AnyJson &value) {
    if (value.is_null()) return std::nullopt;
    return value.template get<std::string>();
}

const char *kind_name(RowDifference::Kind kind) {
    switch (kind) {
    case RowDifference::Kind::missing: return "missing";
    case RowDifference::Kind::extra: return "extra";
    case RowDifference::Kind::differs: break;
    }
    return "differs";
}

} // namespace

Json to_json(const RowDifference &row) {
    Json json;
    json["kind"] = kind_name(row.kind);
    json["key"] = Json::array();
    for (const auto &[name, value] : row.key) json["key"].push_back({{"column", name}, {"value", value_of(value)}});
    json["columns"] = Json::array();
    for (const auto &column : row.columns)
        json["columns"].push_back(
            {{"column", column.name}, {"source", value_of(column.source)}, {"target", value_of(column.target)}});
    json["source_rows"] = row.source_rows;
    json["target_rows"] = row.target_rows;
    if (!row.repair.empty()) json["repair"] = row.repair;
    return json;
}

Json to_json(const RangeResult &result) {
    Json json{{"source_rows", result.source_rows}, {"target_rows", result.target_rows},
              {"missing", result.missing},         {"extra", result.extra},
              {"differing", result.differing},     {"at_least", result.at_least}};
    json["rows"] = Json::array();
    for (const auto &row : result.rows) json["rows"].push_back(to_json(row));
    return json;
}

RangeResult range_from_json(const nlohmann::json &json) {
    RangeResult result;
    result.source_rows = json.at("source_rows");
    result.target_rows = json.at("target_rows");
    result.missing = json.at("missing");
    result.extra = json.at("extra");
    result.differing = json.at("differing");
    result.at_least = json.at("at_least");
    for (const auto &one : json.at("rows")) {
        RowDifference row;
        const std::string kind = one.at("kind");
        row.kind = kind == "missing" ? RowDifference::Kind::missing
                   : kind == "extra" ? RowDifference::Kind::extra
                                     : RowDifference::Kind::differs;
        for (const auto &part : one.at("key")) row.key.emplace_back(part.at("column"), text_of(part.at("value")));
        for (const auto &column : one.at("columns"))
            row.columns.push_back({column.at("column"), text_of(column.at("source")), text_of(column.at("target"))});
        row.source_rows = one.at("source_rows");
        row.target_rows = one.at("target_rows");
        row.repair = one.value("repair", "");
        result.rows.push_back(std::move(row));
    }
    return result;
}

std::string as_stored(const Json &json) { return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

} // namespace walbridge::verify
