// chunk.cpp: the words as they stand in walbridge.table_sync.
#include "copy/chunk.hpp"

namespace walbridge::copy {

std::string_view name_of(ChunkKind kind) {
    switch (kind) {
    case ChunkKind::whole: return "whole";
    case ChunkKind::ctid: return "ctid";
    case ChunkKind::key: return "key";
    }
    return "whole";
}

std::optional<ChunkKind> chunk_kind(std::string_view name) {
    for (const auto kind : {ChunkKind::whole, ChunkKind::ctid, ChunkKind::key})
        if (name == name_of(kind)) return kind;
    return std::nullopt;
}

std::string_view name_of(Existing existing) {
    switch (existing) {
    case Existing::none: return "none";
    case Existing::empty: return "empty";
    case Existing::rows: return "rows";
    }
    return "none";
}

std::optional<Existing> existing_of(std::string_view name) {
    for (const auto existing : {Existing::none, Existing::empty, Existing::rows})
        if (name == name_of(existing)) return existing;
    return std::nullopt;
}

} // namespace walbridge::copy
