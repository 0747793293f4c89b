// chunk.cpp: names of chunk kinds as they stand in walbridge.table_sync.
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

} // namespace walbridge::copy
