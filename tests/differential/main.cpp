// main.cpp: the differential test: random tables, random streams, injected conflicts; every way of applying a stream
// must leave the same rows, the same conflict log and the same position as the exact path.
//
// Threads: each has a Runner with databases of its own and takes the next group of cases; they share only the counter
// of groups, the coverage and the output. A group is one schema and several streams over it.
#include "base/error.hpp"
#include "base/log.hpp"
#include "report.hpp"
#include "shrink.hpp"

#include <atomic>
#include <boost/program_options.hpp>
#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <mutex>
#include <random>
#include <sstream>
#include <thread>

using namespace walbridge;
using namespace walbridge::differential;

namespace {

constexpr std::uint64_t streams_per_schema = 8;
/// After so many groups the databases are made anew: their catalogs grow with each schema.
constexpr std::uint64_t groups_per_database = 300;
/// Fewer cases need not reach everything.
constexpr std::uint64_t cases_for_coverage = 1500;

struct Options {
    std::string url, state_file;
    std::uint64_t seed = 0, cases = 2000;
    std::optional<std::uint64_t> only_case;
    unsigned threads = 2;
    std::vector<std::string> ways;
    bool shrink = true, coverage = false, stop_at_first = true;
};

class Test {
  public:
    explicit Test(Options options) : options_(std::move(options)) {}

    int run() {
        std::ifstream file(options_.state_file);
        std::stringstream state;
        state << file.rdbuf();
        if (!file) throw Error(ErrorKind::usage, options_.state_file, "cannot be read");
        Database::prepare(options_.url, state.str());
        {
            const Database database(options_.url, "differential_types");
            types_ = std::make_unique<Types>(database.session());
        }
        const auto began = std::chrono::steady_clock::now();
        std::vector<std::jthread> threads;
        for (unsigned number = 0; number < options_.threads; ++number)
            threads.emplace_back([this, number] { guarded_work(number); });
        threads.clear();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
        fmt::print("seed {}: {} cases in {:.1f} s ({:.0f} per second), {} failed\n", options_.seed, done_.load(),
                   took.count(), static_cast<double>(done_.load()) / took.count(), failed_.load());
        if (options_.coverage) fmt::print("{}", coverage_.describe());
        if (const auto much = coverage_.too_often(); done_ >= cases_for_coverage && !much.empty()) {
            fmt::print("TOO OFTEN: {}\n", much);
            failed_ = failed_ + 1;
        }
        if (done_ >= cases_for_coverage && !options_.only_case && failed_ == 0)
            for (const auto &name : coverage_.missing()) {
                fmt::print("NOT REACHED: {}\n", name);
                failed_ = failed_ + 1;
            }
        return failed_ == 0 ? 0 : 1;
    }

  private:
    void guarded_work(unsigned number) {
        try {
            work(number);
        } catch (const std::exception &error) {
            const std::lock_guard lock(output_);
            fmt::print("BROKEN: {}\n", error.what());
            failed_ = failed_ + 1;
            over_ = true;
        }
    }

    void work(unsigned number) {
        std::unique_ptr<Runner> runner;
        for (std::uint64_t taken = 0; !over_; ++taken) {
            const auto group = options_.only_case ? *options_.only_case / streams_per_schema : next_group_++;
            if (group * streams_per_schema >= options_.cases && !options_.only_case) return;
            if (taken % groups_per_database == 0) {
                runner.reset();
                runner = std::make_unique<Runner>(options_.url, fmt::format("differential_{}", number), options_.ways);
            }
            run_group(*runner, group);
            if (options_.only_case) return;
        }
    }

    void run_group(Runner &runner, std::uint64_t group) {
        const auto group_seed = seed_of(options_.seed, group);
        Random random(group_seed);
        const auto schema = random_schema(*types_, fmt::format("s{}", group), random);
        try {
            runner.create(schema, &coverage_);
        } catch (const Error &error) {
            throw Error(error.kind(),
                        fmt::format("the schema of case {} of seed {}", group * streams_per_schema, options_.seed),
                        fmt::format("{}\n{}", error.reason(), schema.target_sql()));
        }
        for (std::uint64_t stream = 0; stream < streams_per_schema && !over_; ++stream) {
            const auto number = group * streams_per_schema + stream;
            if (options_.only_case && number > *options_.only_case) return; // those before it left their plans behind
            if (number >= options_.cases && !options_.only_case) return;
            run_case(runner, schema, number, seed_of(group_seed, stream));
        }
    }

    void run_case(Runner &runner, const Schema &schema, std::uint64_t number, std::uint64_t seed) {
        Notes notes;
        auto made = random_case(schema, seed, notes);
        Verdict verdict;
        try {
            verdict = runner.run(made, &coverage_, options_.only_case.has_value());
        } catch (const Error &error) {
            throw Error(error.kind(), fmt::format("case {} of seed {}", number, options_.seed),
                        fmt::format("{}: {}", error.object(), error.reason()));
        }
        for (const auto &note : notes) coverage_.add(note);
        done_ = done_ + 1;
        if (verdict.problem.empty()) return;
        failed_ = failed_ + 1;
        const auto first = verdict.problem;
        if (options_.shrink) made = shrink(runner, std::move(made), verdict);
        const std::lock_guard lock(output_);
        fmt::print("\nFAILED case {0} of seed {1} (again: --seed {1} --case {0}): {2}\n{3}\n", number, options_.seed,
                   first, report(made, verdict));
        if (options_.stop_at_first) over_ = true;
    }

    const Options options_;
    std::unique_ptr<Types> types_;
    Coverage coverage_;
    std::mutex output_;
    std::atomic<std::uint64_t> next_group_{0}, done_{0}, failed_{0};
    std::atomic<bool> over_{false};
};

} // namespace

int main(int argc, char **argv) {
    namespace po = boost::program_options;
    Options options;
    po::options_description known("differential: every way of applying a stream gives the same");
    known.add_options()("help", "this text")                                                                  //
        ("url", po::value(&options.url)->required(), "a throw-away server; it gets databases differential_*") //
        ("state", po::value(&options.state_file)->required(), "sql/target_state.sql")                         //
        ("seed", po::value<std::string>(), "a number, or \"random\" (printed)")                               //
        ("cases", po::value(&options.cases), "how many")                                                      //
        ("case", po::value<std::uint64_t>(), "only this one")                                                 //
        ("threads", po::value(&options.threads), "runners side by side")                                      //
        ("way", po::value(&options.ways), "compare this way only (may be repeated)")                          //
        ("list-ways", "their names")                                                                          //
        ("keep-going", "do not stop at the first failure")                                                    //
        ("no-shrink", "print a failing case as it is")                                                        //
        ("coverage", "print what was reached");
    try {
        po::variables_map given;
        po::store(po::parse_command_line(argc, argv, known), given);
        if (given.contains("help")) {
            std::cout << known;
            return 0;
        }
        if (given.contains("list-ways")) {
            for (const auto &way : all_ways()) std::cout << way.name << "\n";
            return 0;
        }
        po::notify(given);
        const auto seed = given.contains("seed") ? given["seed"].as<std::string>() : "1";
        options.seed = seed == "random" ? std::random_device{}() : std::stoull(seed);
        if (given.contains("case")) {
            options.only_case = given["case"].as<std::uint64_t>();
            options.threads = 1;
        }
        options.shrink = !given.contains("no-shrink");
        options.coverage = given.contains("coverage");
        options.stop_at_first = !given.contains("keep-going");
        log::configure(log::Format::text, log::Level::error, "");
        fmt::print("seed {}\n", options.seed);
        return Test(std::move(options)).run();
    } catch (const std::exception &error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
}
