// way.cpp: the ways there are.
#include "way.hpp"

#include "base/error.hpp"
#include "base/lsn.hpp"
#include "pipeline/parallel_apply.hpp"
#include "target/postgres/apply_session.hpp"
#include "target/postgres/origins.hpp"
#include "target/state_session.hpp"

namespace walbridge::differential {
namespace {

/// Through a BatchApplier, as the incremental stage does.
class Batches : public Way {
  public:
    Batches(TaskConfig config, Cut how) : config_(std::move(config)), how_(how) {
        pg::Session admin(config_.target.endpoint, {"differential", false, {}});
        // Replication origins belong to the server and outlive the database of an earlier run.
        admin.query("SELECT pg_catalog.pg_replication_origin_drop(o.roname) FROM pg_catalog.pg_replication_origin AS o "
                    "WHERE " +
                        std::string(target::origins_of_task),
                    {config_.origin_name()});
        target::create_progress(admin, config_.name, Lsn{1});
        const auto progress = target::take_over(admin, config_.name).value();
        position_ = progress.position;
        ledger_ = std::make_unique<target::CommitLedger>(progress);
        session_ = std::make_unique<target::PostgresApplySession>(config_, *ledger_);
    }

    std::optional<Stop> apply(const Work &work) override {
        Random random(work.seed);
        config_.conflict = work.policies;
        if (work.schema != schema_ || !work.filter.empty()) applier_.reset(); // plans are kept by relation
        schema_ = work.filter.empty() ? work.schema : nullptr;
        if (!applier_)
            applier_ = std::make_unique<apply::BatchApplier>(
                config_, *session_, work.filter, position_,
                [this](const apply::Committed &committed) { position_ = committed.position; });
        const auto before = applier_->counters();
        std::optional<Stop> stop;
        try {
            feed(cut(*work.stream, how_, random));
        } catch (const Error &error) {
            if (error.kind() == ErrorKind::connection) throw;
            stop = Stop{std::string(name_of(error.kind())), error.object(), error.reason()};
        }
        const auto &after = applier_->counters();
        counters_ = {after.bulk_batches - before.bulk_batches, after.exact_batches - before.exact_batches,
                     after.fallbacks - before.fallbacks, after.changes - before.changes,
                     after.conflicts - before.conflicts};
        if (session_->in_transaction()) session_->rollback();
        if (stop) applier_.reset();
        return stop;
    }

    void forget() override {
        applier_.reset();
        schema_ = nullptr;
    }
    [[nodiscard]] apply::ApplyCounters counters() const override { return counters_; }

  protected:
    virtual void feed(std::vector<ChangeBatch> batches) {
        for (const auto &batch : batches) applier_->apply(batch);
    }
    [[nodiscard]] const TaskConfig &config() const { return config_; }
    [[nodiscard]] target::CommitLedger &ledger() { return *ledger_; }
    [[nodiscard]] apply::BatchApplier &applier() { return *applier_; }

  private:
    TaskConfig config_; ///< the session and the applier refer to it
    Cut how_;
    Lsn position_;
    std::unique_ptr<target::CommitLedger> ledger_;
    std::unique_ptr<target::PostgresApplySession> session_;
    /// Lives on from case to case of a schema, as in a task; a stop ends it.
    std::unique_ptr<apply::BatchApplier> applier_;
    const Schema *schema_ = nullptr;
    apply::ApplyCounters counters_;
};

/// With workers, and runs as short as single transactions, so that they meet often.
class Workers final : public Batches {
  public:
    Workers(TaskConfig config, Cut how) : Batches(std::move(config), how) {
        for (int worker = 0; worker < this->config().apply.workers; ++worker)
            sessions_.push_back(std::make_shared<target::PostgresApplySession>(
                this->config(), ledger(), this->config().first_worker() + worker, std::chrono::milliseconds(200)));
    }

  protected:
    void feed(std::vector<ChangeBatch> batches) override {
        pipeline::ParallelApply parallel(
            config(), applier(), [this](int worker) { return sessions_[static_cast<std::size_t>(worker)]; }, 1);
        for (auto &batch : batches) parallel.take(std::make_shared<const ChangeBatch>(std::move(batch)));
        parallel.drain();
    }

  private:
    std::vector<std::shared_ptr<target::TargetSession>>
        sessions_; ///< connecting for each case would take longer than it
};

WayKind workers(std::string name, int percent) {
    return {std::move(name), percent, [](TaskConfig config) -> std::unique_ptr<Way> {
                config.apply.workers = 3;
                config.apply.copy_rows = 2;
                return std::make_unique<Workers>(std::move(config), Cut::whole);
            }};
}

WayKind batches(std::string name, int percent, bool bulk, Cut how) {
    return {std::move(name), percent, [bulk, how](TaskConfig config) -> std::unique_ptr<Way> {
                config.apply.bulk = bulk;
                config.apply.copy_rows = 2; // the streams are short, and COPY is to have its share
                return std::make_unique<Batches>(std::move(config), how);
            }};
}

} // namespace

const std::vector<WayKind> &all_ways() {
    static const std::vector<WayKind> ways{
        batches("exact", 100, false, Cut::transactions), // the reference: the definition of correctness
        batches("bulk, all in one batch", 100, true, Cut::whole),
        batches("bulk, in pieces", 100, true, Cut::pieces),
        batches("bulk, by transaction", 25, true, Cut::transactions),
        batches("exact, in pieces", 25, false, Cut::pieces),
        workers("three workers", 25),
    };
    return ways;
}

} // namespace walbridge::differential
