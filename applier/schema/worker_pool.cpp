// worker_pool.cpp: see worker_pool.hpp.
#include "schema/worker_pool.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <thread>
#include <vector>

namespace walbridge::schema {

void WorkerSession::close(std::size_t number) {
    const std::lock_guard lock(mutex_);
    slots_.at(number) = {};
}

void WorkerSession::cancel() {
    const std::lock_guard lock(mutex_);
    for (auto &slot : slots_)
        if (slot.session != nullptr) slot.session->cancel();
}

bool run_workers(int workers, const StopToken &stop, const std::function<void(WorkerSession &)> &work) {
    std::mutex mutex;
    std::condition_variable ended;
    int running = workers;
    std::exception_ptr first;
    std::atomic<bool> failed{false};
    std::vector<std::unique_ptr<WorkerSession>> sessions;
    for (int i = 0; i < workers; ++i) sessions.push_back(std::make_unique<WorkerSession>(stop, failed));
    {
        std::vector<std::jthread> threads;
        for (auto &session : sessions)
            threads.emplace_back([&, own = session.get()] {
                std::exception_ptr error;
                try {
                    work(*own);
                } catch (...) {
                    error = std::current_exception();
                }
                for (std::size_t number = 0; number < WorkerSession::count; ++number) own->close(number);
                const std::lock_guard lock(mutex);
                if (error && !first) first = error;
                if (error) failed = true;
                --running;
                ended.notify_all();
            });
        std::unique_lock lock(mutex);
        while (running > 0) {
            ended.wait_for(lock, std::chrono::milliseconds(200));
            if (running == 0 || !(stop.requested() || failed)) continue;
            lock.unlock(); // repeated until all have ended: a cancel may arrive between two statements
            for (auto &session : sessions) session->cancel();
            lock.lock();
        }
    }
    if (stop.requested()) return false;
    if (first) std::rethrow_exception(first);
    return true;
}

} // namespace walbridge::schema
