// parallel_apply.cpp: cutting, handing out, and committing in order.
#include "pipeline/parallel_apply.hpp"

#include "apply/commit_position.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace walbridge::pipeline {
namespace {

std::size_t changes_of(const ChangeBatch &batch) {
    std::size_t count = 0;
    for (const auto &piece : batch.pieces) count += piece.last - piece.first;
    return count;
}

} // namespace

ParallelApply::ParallelApply(const TaskConfig &config, apply::BatchApplier &serial, const OpenSession &open_session,
                             std::size_t shortest_run)
    : config_(config), serial_(serial), workers_(static_cast<std::size_t>(config.apply.workers)),
      shortest_run_(shortest_run) {
    for (int worker = 0; worker < config.apply.workers; ++worker) sessions_.push_back(open_session(worker));
    for (auto &session : sessions_) threads_.emplace_back([this, &session] { work(*session); });
}

ParallelApply::~ParallelApply() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    changed_.notify_all();
    for (auto &thread : threads_) thread.join();
}

/// Whole transactions, nothing of the copy to look at, and enough of them to be worth it.
bool ParallelApply::suits(const ChangeBatch &batch) const {
    if (!config_.apply.bulk || serial_.filters() || serial_.in_transaction()) return false;
    if (changes_of(batch) < 2 * shortest_run_ && runs_under_way_.empty()) return false;
    return std::ranges::all_of(batch.pieces, [](const TransactionPiece &piece) {
        return piece.starts && piece.commit && piece.stream == StreamStep::none;
    });
}

std::unique_ptr<ParallelApply::Run> ParallelApply::next_run(const std::shared_ptr<const ChangeBatch> &batch,
                                                            std::size_t first) const {
    // Where commit times decide, each transaction needs its own on the target.
    const auto share = config_.conflict.decided_by_time() ? 1 : std::max(shortest_run_, changes_of(*batch) / workers_);
    auto run = std::make_unique<Run>();
    run->batch = batch;
    run->first = run->last = first;
    for (std::size_t size = 0; run->last < batch->pieces.size() && size < share; ++run->last)
        size += batch->pieces[run->last].last - batch->pieces[run->last].first;
    return run;
}

/// False: the run has to be alone.
bool ParallelApply::plan(Run &run) {
    auto planned = serial_.plan(*run.batch, run.first, run.last);
    if (!planned) return false;
    for (const auto &entry : *planned) {
        const auto *row = std::get_if<RowChange>(entry.change);
        if (row == nullptr || !run.keys.add(*entry.plan, *row)) return false;
    }
    run.planned = std::move(*planned);
    return true;
}

void ParallelApply::take(const std::shared_ptr<const ChangeBatch> &batch) {
    if (!suits(*batch)) {
        drain();
        return serial_.apply(*batch);
    }
    for (std::size_t at = 0; at < batch->pieces.size();) {
        auto run = next_run(batch, at);
        at = run->last;
        if (plan(*run)) {
            submit(std::move(run));
        } else {
            drain();
            serial_.apply(*batch, run->first, run->last);
        }
    }
}

void ParallelApply::submit(std::unique_ptr<Run> run) {
    std::unique_lock lock(mutex_);
    settle(lock, [&] {
        return runs_under_way_.size() < workers_ &&
               std::ranges::all_of(runs_under_way_, [&](const auto &other) { return other->keys.disjoint(run->keys); });
    });
    runs_under_way_.push_back(std::move(run));
    changed_.notify_all();
}

void ParallelApply::drain() {
    std::unique_lock lock(mutex_);
    settle(lock, [&] { return runs_under_way_.empty(); });
}

void ParallelApply::tend() {
    std::unique_lock lock(mutex_);
    settle(lock, [] { return true; });
}

bool ParallelApply::idle() {
    const std::lock_guard lock(mutex_);
    return runs_under_way_.empty();
}

/// Waits until `enough` holds; meanwhile does what only the coordinator may do.
void ParallelApply::settle(std::unique_lock<std::mutex> &lock, const std::function<bool()> &enough) {
    for (;;) {
        if (error_) std::rethrow_exception(error_);
        forget_committed();
        if (ready_to_recover()) recover(lock);
        if (enough()) return;
        changed_.wait(lock);
    }
}

void ParallelApply::forget_committed() {
    while (!runs_under_way_.empty() && runs_under_way_.front()->state == State::committed) {
        const auto &run = *runs_under_way_.front();
        ++runs_;
        changes_ += run.planned.size();
        serial_.committed_elsewhere(run.batch->pieces[run.last - 1], run.last - run.first);
        runs_under_way_.pop_front();
    }
}

bool ParallelApply::ready_to_recover() const {
    return !runs_under_way_.empty() && runs_under_way_.front()->state == State::failed &&
           std::ranges::all_of(runs_under_way_, [](const auto &run) {
               return run->state == State::failed || run->state == State::rolled_back || run->state == State::waiting;
           });
}

/// Nothing is open on the workers' sessions: what is left is applied in order, by the book.
void ParallelApply::recover(std::unique_lock<std::mutex> &lock) {
    auto runs = std::move(runs_under_way_);
    runs_under_way_.clear();
    lock.unlock();
    for (const auto &run : runs) serial_.apply(*run->batch, run->first, run->last);
    lock.lock();
}

bool ParallelApply::turn_of(const Run &run) const {
    for (const auto &other : runs_under_way_) {
        if (other.get() == &run) return true;
        if (other->state != State::committed) return false;
    }
    return false;
}

/// An earlier run has failed: it needs to be alone.
bool ParallelApply::must_yield(const Run &run) const {
    for (const auto &other : runs_under_way_) {
        if (other.get() == &run) return false;
        if (other->state == State::failed) return true;
    }
    return false;
}

ParallelApply::Run *ParallelApply::claim(std::unique_lock<std::mutex> &lock) {
    Run *claimed = nullptr;
    changed_.wait(lock, [&] {
        if (stopping_) return true;
        const bool failed =
            std::ranges::any_of(runs_under_way_, [](const auto &run) { return run->state == State::failed; });
        const auto found =
            std::ranges::find_if(runs_under_way_, [](const auto &run) { return run->state == State::waiting; });
        if (failed || found == runs_under_way_.end()) return false;
        claimed = found->get();
        return true;
    });
    if (stopping_) return nullptr;
    claimed->state = State::applying;
    return claimed;
}

void ParallelApply::work(target::TargetSession &session) {
    std::unique_lock lock(mutex_);
    while (auto *run = claim(lock)) {
        lock.unlock();
        bool applied = false;
        std::exception_ptr error;
        try {
            applied = attempt(session, *run);
        } catch (...) {
            error = std::current_exception();
        }
        lock.lock();
        if (error && !error_) error_ = error;
        run->state = applied ? State::applied : State::failed;
        changed_.notify_all();
        if (applied) await_turn_and_commit(session, *run, lock);
        if (error_) return;
    }
}

/// Applies the run in an open transaction. False: something deviated, and nothing of it is left. Throws when the
/// session is lost.
bool ParallelApply::attempt(target::TargetSession &session, Run &run) {
    try {
        session.begin();
        if (run.planned.empty() || apply::apply_in_bulk(session, run.planned)) return true;
        log::info("transactions side by side deviated from what the source did and are applied again alone",
                  {{"reason", session.mismatch()}, {"changes", run.planned.size()}});
    } catch (const SqlError &error) {
        if (error.recovery() == Recovery::reconnect) throw;
        log::info("transactions side by side stood in each other's way and are applied again alone",
                  {{"reason", error.reason()}, {"changes", run.planned.size()}});
    }
    session.rollback();
    return false;
}

void ParallelApply::await_turn_and_commit(target::TargetSession &session, Run &run,
                                          std::unique_lock<std::mutex> &lock) {
    changed_.wait(lock, [&] { return stopping_ || error_ || must_yield(run) || turn_of(run); });
    const bool commit = !stopping_ && !error_ && !must_yield(run);
    lock.unlock();
    std::exception_ptr error;
    if (commit) {
        try {
            session.commit(apply::commit_position(run.batch->pieces[run.last - 1]));
        } catch (...) {
            error = std::current_exception(); // whether it was committed is not known: the stage starts anew
        }
    } else {
        session.rollback();
    }
    lock.lock();
    if (error && !error_) error_ = error;
    run.state = error ? State::failed : commit ? State::committed : State::rolled_back;
    changed_.notify_all();
}

} // namespace walbridge::pipeline
