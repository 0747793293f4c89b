// progress.cpp: see progress.hpp.
#include "copy/progress.hpp"

namespace walbridge::copy {

std::string_view name_of(Phase phase) {
    switch (phase) {
    case Phase::waiting: return "waiting";
    case Phase::before_data: return "schema";
    case Phase::data: return "data";
    case Phase::indexes: return "indexes";
    case Phase::foreign_keys: return "foreign keys";
    case Phase::after_data: return "after data";
    case Phase::statistics: return "statistics";
    case Phase::done: return "done";
    }
    return "waiting";
}

Progress::Snapshot Progress::snapshot() const {
    const std::lock_guard lock(mutex_);
    Snapshot snapshot{phase_, {}, items_, items_done_};
    snapshot.tables.reserve(tables_.size());
    for (const auto &[name, table] : tables_) snapshot.tables.push_back(table);
    return snapshot;
}

void Progress::enter(Phase phase, int items) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
    items_ = items;
    items_done_ = 0;
}

void Progress::item_done() {
    const std::lock_guard lock(mutex_);
    ++items_done_;
}

void Progress::set_table(TableProgress table) {
    const std::lock_guard lock(mutex_);
    auto name = table.table;
    tables_.insert_or_assign(std::move(name), std::move(table));
}

void Progress::remove_table(const QualifiedName &table) {
    const std::lock_guard lock(mutex_);
    tables_.erase(table);
}

void Progress::add(const QualifiedName &table, std::int64_t rows, std::int64_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto found = tables_.find(table);
    if (found == tables_.end()) return;
    found->second.rows += static_cast<std::uint64_t>(rows);
    found->second.bytes += static_cast<std::uint64_t>(bytes);
}

void Progress::chunk_done(const QualifiedName &table) {
    const std::lock_guard lock(mutex_);
    if (const auto found = tables_.find(table); found != tables_.end()) ++found->second.chunks_done;
}

} // namespace walbridge::copy
