// statistics_stage.cpp: see statistics_stage.hpp.
#include "copy/mysql/statistics_stage.hpp"

#include "base/log.hpp"
#include "dialect/mysql/quote.hpp"
#include "schema/mysql/target_session.hpp"

namespace walbridge::copy::mysql {

bool gather_statistics(const LoadContext &context) {
    const auto &config = context.config;
    if (!config.copy.analyze) return !context.stop.requested();
    source::RetryWindow retry(config.retry, context.stop, &context.progress.retries);
    while (!context.stop.requested()) {
        try {
            auto session = schema::mysql::open_target(config, "statistics");
            const auto tables = session.ask(
                "SELECT DISTINCT schema_name, table_name FROM walbridge.table_sync WHERE task = $1", {config.name});
            context.progress.enter(Phase::statistics, tables.rows());
            for (int row = 0; row < tables.rows() && !context.stop.requested(); ++row) {
                const auto table = config.names.table({tables.text(row, 0), tables.text(row, 1)});
                const auto result = session.query("ANALYZE TABLE " + dialect::mysql::quote(table));
                for (int line = 0; line < result.rows(); ++line)
                    if (result.get(line, 2) == "Error")
                        log::warning("a table has no fresh statistics",
                                     {{"table", to_string(table)}, {"reason", result.text(line, 3)}});
                context.progress.item_done();
            }
            return !context.stop.requested();
        } catch (const Error &error) {
            if (!retry.again(error, "statistics")) return false;
        }
    }
    return false;
}

} // namespace walbridge::copy::mysql
