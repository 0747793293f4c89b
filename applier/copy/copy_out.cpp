// copy_out.cpp: see copy_out.hpp.
#include "copy/copy_out.hpp"

#include <utility>

namespace walbridge::copy {

CopyOut::CopyOut(pg::Session &source, std::string statement) : source_(source), statement_(std::move(statement)) {
    source_.execute(statement_);
}

CopyOut::~CopyOut() {
    if (!ended_) abandon(source_);
}

std::optional<std::string_view> CopyOut::next() {
    row_.reset();
    if (ended_) return std::nullopt;
    char *raw = nullptr;
    const int size = PQgetCopyData(source_.raw(), &raw, 0);
    row_.reset(raw);
    if (size >= 0) return std::string_view(raw, static_cast<std::size_t>(size));
    end();
    return std::nullopt;
}

void CopyOut::end() {
    ended_ = true;
    const pg::Result result(PQgetResult(source_.raw()));
    while (PGresult *more = PQgetResult(source_.raw())) PQclear(more);
    if (PQresultStatus(result.raw()) != PGRES_COMMAND_OK) source_.raise(result.raw(), statement_);
    rows_ = static_cast<std::uint64_t>(result.affected());
}

void abandon(pg::Session &source) noexcept {
    source.cancel();
    for (;;) { // the command under way, and what follows it when the cancel came too late
        char *row = nullptr;
        while (PQgetCopyData(source.raw(), &row, 0) > 0) PQfreemem(row);
        PGresult *more = PQgetResult(source.raw());
        if (more == nullptr) return;
        PQclear(more);
    }
}

} // namespace walbridge::copy
