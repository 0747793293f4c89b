// differential_runner.cpp: applying a case by every way on MySQL, and comparing.
#include "differential.hpp"

#include "base/error.hpp"
#include "dialect/mysql/quote.hpp"
#include "pipeline/parallel_apply.hpp"
#include "support.hpp"
#include "target/mysql/apply_session.hpp"
#include "target/mysql/progress.hpp"
#include "target/mysql/values.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace walbridge::differential::mysql {
namespace {

using dialect::mysql::quote_identifier;

std::string name_of(const TableSpec &table) { return dialect::mysql::quote({table.schema, table.name}); }

struct Kind {
    const char *name;
    int percent;
    bool bulk;
    Cut how;
    int workers;
};

constexpr std::array kinds{
    Kind{"exact", 100, false, Cut::transactions, 1}, // the reference
    Kind{"bulk, all in one batch", 100, true, Cut::whole, 1},
    Kind{"bulk, in pieces", 100, true, Cut::pieces, 1},
    Kind{"bulk, by transaction", 50, true, Cut::transactions, 1},
    Kind{"exact, in pieces", 25, false, Cut::pieces, 1},
    Kind{"three workers", 10, true, Cut::whole, 3},
};

std::string difference(const Result &expected, const Result &got) {
    if (expected.stop != got.stop) return "stopped otherwise";
    if (expected.tables != got.tables) return "other rows";
    if (expected.conflicts != got.conflicts) return "another conflict log";
    if (expected.progress != got.progress) return "another position";
    return {};
}

} // namespace

/// Through a BatchApplier, as the incremental stage does.
struct MysqlRunner::OneWay {
    OneWay(const Kind &what, TaskConfig settings, my::Session &admin) : kind(what), config(std::move(settings)) {
        config.apply.bulk = kind.bulk;
        config.apply.workers = kind.workers;
        target::mysql::create_progress(admin, config.name, Lsn{1});
        const auto progress = target::mysql::take_over(admin, config.name).value();
        position = progress.position;
        ledger = std::make_unique<target::CommitLedger>(progress);
        session = std::make_unique<target::MysqlApplySession>(config, *ledger);
        for (int worker = 0; kind.workers > 1 && worker < kind.workers; ++worker)
            workers.push_back(std::make_shared<target::MysqlApplySession>(config, *ledger, 1 + worker,
                                                                          std::chrono::milliseconds(1000)));
    }

    std::optional<Stop> apply(const Work &work) {
        Random random(work.seed);
        config.conflict = work.policies;
        if (work.schema != schema || !work.filter.empty()) applier.reset(); // plans are kept by relation
        schema = work.filter.empty() ? work.schema : nullptr;
        if (!applier)
            applier = std::make_unique<apply::BatchApplier>(
                config, *session, work.filter, position,
                [this](const apply::Committed &committed) { position = committed.position; });
        const auto before = applier->counters();
        std::optional<Stop> stop;
        try {
            feed(cut(*work.stream, kind.how, random));
        } catch (const Error &error) {
            if (error.kind() == ErrorKind::connection || error.kind() == ErrorKind::internal) throw;
            stop = Stop{std::string(walbridge::name_of(error.kind())), error.object(), error.reason()};
        }
        const auto &after = applier->counters();
        counters = {after.bulk_batches - before.bulk_batches, after.exact_batches - before.exact_batches,
                    after.fallbacks - before.fallbacks, after.changes - before.changes,
                    after.conflicts - before.conflicts};
        if (session->in_transaction()) session->rollback();
        if (stop) applier.reset();
        return stop;
    }

    void feed(std::vector<ChangeBatch> batches) {
        if (workers.empty()) {
            for (const auto &batch : batches) applier->apply(batch);
            return;
        }
        pipeline::ParallelApply parallel(
            config, *applier, [this](int worker) { return workers[static_cast<std::size_t>(worker)]; }, 1);
        for (auto &batch : batches) parallel.take(std::make_shared<const ChangeBatch>(std::move(batch)));
        parallel.drain();
    }

    const Kind &kind;
    TaskConfig config; ///< the session and the applier refer to it
    Lsn position;
    std::unique_ptr<target::CommitLedger> ledger;
    std::unique_ptr<target::MysqlApplySession> session;
    std::vector<std::shared_ptr<target::TargetSession>> workers;
    std::unique_ptr<apply::BatchApplier> applier;
    const Schema *schema = nullptr;
    apply::ApplyCounters counters;
};

MysqlRunner::MysqlRunner(const std::string &url, const std::string &prefix)
    : session_(testing::connect(url)), url_(url) {
    int number = 0;
    for (const auto &kind : kinds) {
        TaskConfig config;
        config.name = fmt::format("{}_{}", prefix, number++);
        config.target.kind = session_.mariadb() ? "mariadb" : "mysql";
        config.target.endpoint.url = url;
        ways_.push_back(std::make_unique<OneWay>(kind, std::move(config), session_));
    }
}

MysqlRunner::~MysqlRunner() = default;

dialect::mysql::Flavour MysqlRunner::flavour() const {
    return session_.mariadb() ? dialect::mysql::Flavour::mariadb : dialect::mysql::Flavour::mysql;
}

void MysqlRunner::create(const Schema &schema) {
    for (auto &way : ways_) {
        way->applier.reset();
        way->schema = nullptr;
    }
    if (!created_.empty()) session_.execute("DROP DATABASE " + quote_identifier(created_));
    session_.execute(fmt::format("DROP DATABASE IF EXISTS {}", quote_identifier(schema.name)));
    session_.execute(create_sql(schema, flavour()));
    created_ = schema.name;
}

void MysqlRunner::put(const Schema &schema, const DatabaseRows &rows, bool guarded) {
    session_.execute("START TRANSACTION");
    for (std::size_t number = 0; number < schema.tables.size(); ++number) {
        const auto &spec = schema.tables[number];
        session_.execute("DELETE FROM " + name_of(spec));
        if (rows[number].empty()) continue;
        const auto &relation = (*spec.relations)[0];
        const auto plan = target::make_table_plan(relation, ways_.front()->session->describe(relation.name).value());
        for (const auto &row : rows[number]) {
            std::string names, values;
            std::vector<std::string> texts;
            std::vector<Value> planned;
            for (const auto &column : plan.columns) texts.push_back(text_of(spec, row, column.source).value_or(""));
            for (std::size_t at = 0; at < plan.columns.size(); ++at)
                planned.push_back(text_of(spec, row, plan.columns[at].source) ? Value{ValueKind::text, texts[at]}
                                                                              : Value{});
            for (std::uint32_t at = 0; at < plan.columns.size(); ++at) {
                names += (at == 0 ? "" : ", ") + quote_identifier(plan.columns[at].target.name);
                values += at == 0 ? "" : ", ";
                target::mysql::append_value(values, plan, at, planned, target::mysql::Use::insert);
            }
            if (spec.extra_column) {
                names += names.empty() ? "own" : ", own";
                values += (values.empty() ? "" : ", ") + my::quote_literal(row.own);
            }
            try {
                session_.execute(fmt::format("INSERT INTO {} ({}) VALUES ({})", name_of(spec), names, values));
            } catch (const SqlError &error) {
                if (!guarded || error.sqlstate() != "23505") throw;
            }
        }
    }
    session_.execute("COMMIT; DELETE FROM walbridge.conflict");
}

std::vector<std::string> MysqlRunner::tables(const Schema &schema) {
    std::vector<std::string> texts;
    for (const auto &table : schema.tables) {
        const auto rows = session_.query("SELECT * FROM " + name_of(table));
        std::vector<std::string> lines;
        for (int row = 0; row < rows.rows(); ++row) {
            auto &line = lines.emplace_back();
            for (int column = 0; column < rows.columns(); ++column)
                line +=
                    (column == 0 ? "" : "|") + (rows.null(row, column) ? "NULL" : "'" + rows.text(row, column) + "'");
        }
        std::ranges::sort(lines);
        auto &text = texts.emplace_back();
        for (const auto &line : lines) text += line + "\n";
    }
    return texts;
}

Result MysqlRunner::read(const Schema &schema, const std::string &task) {
    Result result;
    result.tables = tables(schema);
    const auto conflicts = session_.query(
        fmt::format("SELECT CONCAT_WS('|', kind, policy, outcome, schema_name, table_name, operation, commit_lsn, "
                    "`change`, commit_time, constraint_name, `key`, source_row, target_row) FROM walbridge.conflict "
                    "WHERE task = '{}' ORDER BY id",
                    task));
    for (int row = 0; row < conflicts.rows(); ++row) result.conflicts += conflicts.text(row, 0) + "\n";
    result.progress = session_
                          .value(fmt::format("SELECT CONCAT_WS('|', `position`, `counter`, commit_time) FROM "
                                             "walbridge.progress WHERE task = '{}'",
                                             task))
                          .value_or("none");
    return result;
}

Verdict MysqlRunner::run(const Case &made, Coverage *, bool thorough) {
    std::vector<Lsn> lsns;
    for (std::size_t number = 0; number < made.transactions.size(); ++number) lsns.push_back(Lsn{next_lsn_ += 16});
    const auto stream = replay(*made.schema, made.source, made.transactions, lsns, counter_);
    if (!stream) throw Error(ErrorKind::internal, "case", "no source could have done this");
    counter_ += made.transactions.size();

    Work work{made.schema, &*stream, made.filter(lsns), made.policies, made.seed};
    Random random(made.seed);
    std::vector<Seen> seen;
    for (auto &way : ways_) {
        if (!random.chance(way->kind.percent) && !thorough) continue;
        work.seed = random.next();
        put(*made.schema, made.target, made.injected || !made.must_equal_source());
        const auto stop = way->apply(work);
        auto &one = seen.emplace_back(Seen{way->kind.name, read(*made.schema, way->config.name), way->counters});
        one.result.stop = stop;
        // An untouched position is of an earlier case.
        if (way->position < lsns.front()) one.result.progress = "none";
        if (way->kind.bulk) {
            const auto &reference = seen.front().result;
            if (way->counters.bulk_batches > 0) ++reached_.bulk;
            if (way->counters.fallbacks > 0 && reference.conflicts.empty() && !reference.stop) ++reached_.gave_up;
        }
        const auto problem = difference(seen.front().result, one.result);
        if (!problem.empty()) return {fmt::format("{}: {}", one.way, problem), seen.front(), one};
    }
    if (!seen.front().result.conflicts.empty()) ++reached_.conflicts;
    if (seen.front().result.stop) ++reached_.stops;
    if (stream->unidentified || !made.must_equal_source()) return {};
    ++reached_.source;
    put(*made.schema, stream->states.back(), false);
    Seen expected{"the source", seen.front().result, {}};
    expected.result.tables = tables(*made.schema);
    expected.result.conflicts.clear();
    expected.result.stop.reset();
    const auto problem = difference(expected.result, seen.front().result);
    if (!problem.empty()) return {"the source differs from all ways: " + problem, expected, seen.front()};
    return {};
}

void MysqlRunner::prepare(const std::string &url) {
    auto session = testing::connect(url);
    session.execute("DROP DATABASE IF EXISTS walbridge");
    session.execute(testing::state_sql());
}

} // namespace walbridge::differential::mysql
