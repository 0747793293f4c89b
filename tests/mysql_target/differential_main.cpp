// differential_main.cpp: cases after cases. A PostgreSQL server gives the forms of the types' values and nothing else.
#include "../differential/database.hpp"
#include "../differential/report.hpp"
#include "../differential/shrink.hpp"
#include "base/error.hpp"
#include "base/log.hpp"
#include "differential.hpp"

#include <boost/program_options.hpp>
#include <fmt/format.h>
#include <iostream>
#include <random>

using namespace walbridge;
using namespace walbridge::differential;

namespace {

constexpr std::uint64_t streams_per_schema = 8;
/// Fewer cases need not reach everything.
constexpr std::uint64_t cases_for_coverage = 200;

struct Options {
    std::string postgres, mysql;
    std::uint64_t seed = 1, cases = 400;
    std::optional<std::uint64_t> only_case;
    bool shrink = true;
};

/// A schema that the server can have, always the same for a group.
std::optional<Schema> schema_of(const Types &types, std::uint64_t group, Random &random,
                                dialect::mysql::Flavour flavour) {
    constexpr int attempts = 20;
    for (int attempt = 0; attempt < attempts; ++attempt) {
        auto schema = random_schema(types, fmt::format("s{}", group), random);
        if (mysql::adapt(schema, flavour)) return schema;
    }
    return std::nullopt;
}

int run(const Options &options) {
    auto postgres = pg::Session(pg::Endpoint{"source", options.postgres, {}}, {"differential", false, {}});
    postgres.execute(Types::setup_sql());
    const Types types(postgres);
    mysql::MysqlRunner::prepare(options.mysql);
    mysql::MysqlRunner runner(options.mysql, "differential");
    std::uint64_t done = 0, failed = 0, skipped = 0;
    for (std::uint64_t group = 0; failed == 0; ++group) {
        if (options.only_case && group < *options.only_case / streams_per_schema) continue;
        if (group * streams_per_schema >= options.cases && !options.only_case) break;
        const auto group_seed = seed_of(options.seed, group);
        Random random(group_seed);
        const auto schema = schema_of(types, group, random, runner.flavour());
        if (!schema) {
            ++skipped;
            continue;
        }
        try {
            runner.create(*schema);
        } catch (const Error &error) {
            throw Error(error.kind(), error.object(),
                        error.reason() + "\n" + mysql::create_sql(*schema, runner.flavour()));
        }
        for (std::uint64_t stream = 0; stream < streams_per_schema && failed == 0; ++stream) {
            const auto number = group * streams_per_schema + stream;
            if (options.only_case && number > *options.only_case) break;
            Notes notes;
            auto made = random_case(*schema, seed_of(group_seed, stream), notes);
            Verdict verdict;
            try {
                verdict = runner.run(made, nullptr, options.only_case.has_value());
            } catch (const Error &error) {
                throw Error(error.kind(), fmt::format("case {} of seed {}", number, options.seed), error.what());
            }
            ++done;
            if (verdict.problem.empty()) continue;
            ++failed;
            const auto first = verdict.problem;
            if (options.shrink) made = shrink(runner, std::move(made), verdict);
            fmt::print("\nFAILED case {0} of seed {1} (again: --seed {1} --case {0}): {2}\n{3}\n{4}\n", number,
                       options.seed, first, mysql::create_sql(*schema, runner.flavour()), report(made, verdict));
        }
        if (options.only_case) break;
    }
    const auto &reached = runner.reached();
    fmt::print(
        "seed {}: {} cases, {} schemas left out; bulk {} times, given up without a reason {} times; {} cases with "
        "conflicts, {} stopped, {} compared with the source\n",
        options.seed, done, skipped, reached.bulk, reached.gave_up, reached.conflicts, reached.stops, reached.source);
    if (done >= cases_for_coverage && (reached.conflicts < done / 20 || reached.stops < done / 50 ||
                                       reached.source < done / 10 || reached.gave_up > reached.bulk / 20)) {
        fmt::print("NOT REACHED: the cases test too little\n");
        return 1;
    }
    return failed == 0 && done > 0 ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
    namespace po = boost::program_options;
    Options options;
    po::options_description known("mysql_differential: exact and bulk path leave the same on MySQL");
    known.add_options()("help", "this text")                                                           //
        ("postgres", po::value(&options.postgres)->required(), "a throw-away database, for its types") //
        ("mysql", po::value(&options.mysql)->required(), "a throw-away server; it loses `walbridge`")  //
        ("seed", po::value<std::string>(), "a number, or \"random\"")                                  //
        ("cases", po::value(&options.cases), "how many")                                               //
        ("case", po::value<std::uint64_t>(), "only this one")                                          //
        ("no-shrink", "print a failing case as it is");
    try {
        po::variables_map given;
        po::store(po::parse_command_line(argc, argv, known), given);
        if (given.contains("help")) {
            std::cout << known;
            return 0;
        }
        po::notify(given);
        const auto seed = given.contains("seed") ? given["seed"].as<std::string>() : "1";
        options.seed = seed == "random" ? std::random_device{}() : std::stoull(seed);
        if (given.contains("case")) options.only_case = given["case"].as<std::uint64_t>();
        options.shrink = !given.contains("no-shrink");
        log::configure(log::Format::text, log::Level::error, "");
        return run(options);
    } catch (const std::exception &error) {
        std::cerr << error.what() << "\n";
        return 2;
    }
}
