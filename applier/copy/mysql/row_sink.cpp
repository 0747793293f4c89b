// row_sink.cpp: see row_sink.hpp.
#include "copy/mysql/row_sink.hpp"

#include "config/existing_tables.hpp"
#include "copy/chunk_planner.hpp"
#include "copy/copy_meter.hpp"
#include "copy/copy_out.hpp"
#include "copy/mysql/row_merge.hpp"
#include "copy/mysql/row_writer.hpp"
#include "copy/transfer.hpp"
#include "dialect/mysql/quote.hpp"
#include "dialect/postgres.hpp"
#include "schema/mysql/shaped_tables.hpp"
#include "schema/mysql/source_tables.hpp"
#include "schema/mysql/target_session.hpp"
#include "source/retry_policy.hpp"
#include "target/mysql/batch.hpp"
#include "target/mysql/catalog.hpp"
#include "target/mysql/progress.hpp"
#include "target/mysql/value_policy.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace walbridge::copy::mysql {
namespace {

using dialect::mysql::quote;
using dialect::mysql::quote_identifier;

constexpr std::uint32_t xml_oid = 142;
constexpr std::size_t buffer_bytes = std::size_t{64} << 10;
/// Of an INSERT with many rows, unless one row is larger.
constexpr std::size_t insert_bytes = std::size_t{1} << 20;
/// What the server says about a chunk that it took with warnings.
constexpr std::size_t shown_warnings = 3;

/// How a table's rows travel; `out` is the chunk's at hand.
struct Way {
    std::string out; ///< COPY of the source
    QualifiedName target;
    std::vector<Field> fields;
    std::string expressions; ///< of the COPY
    std::string object{};    ///< the table for people
};

std::string names_of(const Way &way) {
    std::string list;
    for (const auto &field : way.fields) list += (list.empty() ? "" : ", ") + quote_identifier(field.name);
    return list;
}

/// Bytes come in hexadecimal digits, through variables.
std::string load_statement(const Way &way) {
    std::string columns, set;
    for (const auto &field : way.fields) {
        columns += columns.empty() ? "" : ", ";
        if (!field.writer.binary()) {
            columns += quote_identifier(field.name);
            continue;
        }
        const auto variable = fmt::format("@walbridge_{}", &field - way.fields.data());
        columns += variable;
        set += fmt::format("{}{} = UNHEX({})", set.empty() ? " SET " : ", ", quote_identifier(field.name), variable);
    }
    // Under NO_BACKSLASH_ESCAPES the three separators stand for themselves.
    return fmt::format("LOAD DATA LOCAL INFILE 'walbridge' INTO TABLE {} CHARACTER SET utf8mb4 FIELDS TERMINATED BY "
                       "'\t' ESCAPED BY '\\' LINES TERMINATED BY '\n' ({}){}",
                       quote(way.target), columns, set);
}

/// Types of the source's columns, below their domains, by table and name.
using Types = std::map<std::uint32_t, std::map<std::string, dialect::mysql::SourceType>>;

Types read_types(const TaskConfig &config, pg::Session &source) {
    const wire::ObjectSelection selection(config.objects.include, config.objects.exclude);
    Types types;
    std::vector<schema::mysql::LeftOut> left_out;
    for (const auto &table : schema::mysql::shaped(schema::mysql::read_source_tables(source, selection, config.names),
                                                   schema::mysql::table_shaper(config), left_out))
        for (const auto &column : table.columns) types[table.oid].emplace(column.name, column.type);
    return types;
}

class Sink final : public RowSink {
  public:
    Sink(const TaskConfig &config, const SourceTables &tables, const Shapes &shapes, const Types &types)
        : config_(config), tables_(tables), shapes_(shapes), types_(types),
          session_(schema::mysql::open_target(config, "copy")), loads_(session_.value("SELECT @@local_infile") == "1") {
        target::mysql::mark_session(session_, config.name);
        // The source guard may hold a LOAD DATA between two rows for hours; the server waits for them so long.
        if (config.guard.on()) session_.execute("SET SESSION net_read_timeout = 31536000");
    }

    [[nodiscard]] sql::Session &session() override { return session_; }

    void refuse_rows(const std::vector<Chunk> &chunks) override {
        std::string sql;
        for (std::size_t place = 0; place < chunks.size(); ++place)
            if (chunks[place].existing != Existing::rows)
                sql += fmt::format("{}(SELECT {} FROM {} LIMIT 1)", sql.empty() ? "" : " UNION ALL ", place,
                                   quote(config_.names.table(chunks[place].table)));
        if (sql.empty()) return;
        const auto found = session_.query(sql);
        if (found.rows() == 0) return;
        const auto &table = chunks.at(static_cast<std::size_t>(found.number(0, 0))).table;
        throw Error(ErrorKind::copy_stage, config_.names.describe(table),
                    "the table is not empty on the target, and its rows are not ours",
                    fmt::format("TRUNCATE TABLE {}; on the target if its rows can go, or leave the table out.",
                                quote(config_.names.table(table))));
    }

    std::vector<Counts> take(pg::Session &source, const std::vector<Chunk> &chunks, const CopyWatch &watch) override {
        std::vector<Counts> counts;
        for (std::size_t place = 0; place < chunks.size(); ++place) {
            const auto &way = way_of(chunks[place]);
            CopyMeter meter(watch, place);
            try {
                if (chunks[place].existing == Existing::rows) {
                    counts.push_back(merge(source, way, meter));
                    continue;
                }
                loads_ ? load(source, way, meter) : insert(source, way, meter);
            } catch (const FieldError &refused) {
                throw Error(ErrorKind::copy_stage, config_.names.describe(chunks[place].table),
                            fmt::format("column {}: {} (row {})", way.fields.at(refused.field).name,
                                        refused.error.reason, refused.row),
                            refused.error.remedy);
            }
            counts.push_back(meter.counts());
        }
        return counts;
    }

    [[noreturn]] void explain(const SqlError &error, const QualifiedName &table) override {
        if (source::transient(error)) throw error;
        const auto object = config_.names.describe(table);
        const auto reason = "the target refuses the rows: " + error.reason();
        if (error.sqlstate() == "42501")
            throw Error(ErrorKind::permission, object, reason,
                        fmt::format("GRANT SELECT, INSERT, DELETE, DROP ON {} to the task's user on the target.",
                                    quote(config_.names.table(table))));
        throw Error(ErrorKind::copy_stage, object, reason,
                    error.remedy().empty() ? "Mend the cause on the target, then run the task again." : error.remedy());
    }

  private:
    /// The target's columns are asked for once per table, however many chunks it has.
    [[nodiscard]] const Way &way_of(const Chunk &chunk) {
        const auto &table = tables_.at(chunk.source_oid);
        auto known = ways_.find(chunk.source_oid);
        if (known == ways_.end()) known = ways_.emplace(chunk.source_oid, make_way(chunk, table)).first;
        auto &way = known->second;
        const auto *key = chunk_key(table);
        if (chunk.kind == ChunkKind::key && key == nullptr)
            throw Error(ErrorKind::copy_stage, config_.names.describe(chunk.table),
                        "the key that its chunks are cut by is gone", "Reset the task.");
        way.out = fmt::format(
            "COPY (SELECT {} {}) TO STDOUT", way.expressions,
            rows_of(table, shapes_.at(chunk.source_oid), chunk, key != nullptr ? key->name : std::string()));
        return way;
    }

    [[nodiscard]] Way make_way(const Chunk &chunk, const source::Table &table) {
        Way way{{}, config_.names.table(chunk.table), {}, {}};
        const auto object = config_.names.describe(chunk.table);
        way.object = object;
        const auto there = target::mysql::read_table(session_, way.target);
        if (!there)
            throw Error(ErrorKind::target_shape, object, "the table is missing on the target",
                        "Create it there, or let the schema stage do it (task.stages).");
        auto &list = way.expressions;
        for (const auto &column : shapes_.at(table.oid).columns) {
            const auto found = std::ranges::find(there->columns, column.target, &target::TargetColumn::name);
            // The target computes it too, or has no use for it; an ordinary column takes what the source computed.
            const bool computed = found == there->columns.end() || found->generated;
            if (column.generated && computed) continue;
            // Of a table that was there before the task only what both sides have: precheck and the log have named it.
            if (computed && chunk.existing != Existing::none) continue;
            if (found == there->columns.end())
                throw Error(ErrorKind::target_shape, object, fmt::format("the target lacks column {}", column.target),
                            fmt::format("ALTER TABLE {} ADD COLUMN {} ... on the target; docs/types-mysql.md names the "
                                        "type for {}.",
                                        quote(way.target), quote_identifier(column.target), column.type));
            if (found->generated)
                throw Error(ErrorKind::target_shape, object,
                            fmt::format("column {} is generated on the target but not on the source", column.target),
                            "Give it the same definition on both sides.");
            way.fields.push_back({column.target,
                                  {types_.at(table.oid).at(column.name), found->mysql.value(),
                                   target::mysql::value_policy(config_, chunk.table, column.name)}});
            list += (list.empty() ? "" : ", ") + column.sql;
            if (column.type_oid == xml_oid) list += "::text"; // as the stream has it: with its encoding declaration
        }
        for (const auto &[name, content] : shapes_.at(table.oid).added) {
            const auto found = std::ranges::find(there->columns, name, &target::TargetColumn::name);
            if (found == there->columns.end() || found->generated)
                throw Error(ErrorKind::target_shape, object, fmt::format("the target lacks the added column {}", name),
                            fmt::format("ALTER TABLE {} ADD COLUMN {} ... on the target.", quote(way.target),
                                        quote_identifier(name)));
            way.fields.push_back(
                {name, {schema::mysql::type_of_added(content), found->mysql.value(), dialect::mysql::Unfit::error}});
            list += (list.empty() ? "" : ", ") + source::added_value_of_copy(content, config_, chunk.sync_lsn);
        }
        if (way.fields.empty() && chunk.existing != Existing::none)
            throw Error(ErrorKind::target_shape, object, "the two sides have no column in common",
                        "Give the target's table the source's columns, or leave the table out with objects.exclude.");
        return way;
    }

    /// Into a table that held rows before the task.
    Counts merge(pg::Session &source, const Way &way, CopyMeter &meter) {
        std::vector<std::string> columns;
        for (const auto &field : way.fields) columns.push_back(field.name);
        RowMerge into(session_, way.target, std::move(columns));
        auto staged = way;
        staged.target = into.staging();
        loads_ ? load(source, staged, meter) : insert(source, staged, meter);
        auto counts = meter.counts();
        const auto merged = into.finish(counts.rows, overwrites_existing_rows(config_));
        counts.kept = merged.kept;
        counts.overwritten = merged.overwritten;
        return counts;
    }

    void load(pg::Session &source, const Way &way, CopyMeter &meter) {
        CopyOut rows(source, way.out);
        std::string buffer, scratch;
        buffer.reserve(2 * buffer_bytes);
        const auto outcome = session_.load(load_statement(way), [&]() -> std::string_view {
            buffer.clear();
            while (buffer.size() < buffer_bytes) {
                const auto row = rows.next();
                if (!row) break;
                append_load_line(buffer, *row, way.fields, scratch);
                meter.count(row->size());
                if (meter.due()) meter.report();
            }
            return buffer;
        });
        prove(way, rows.rows(), outcome.affected, outcome.warnings);
        meter.report();
    }

    void insert(pg::Session &source, const Way &way, CopyMeter &meter) {
        const auto head = fmt::format("INSERT INTO {} ({}) VALUES ", quote(way.target), names_of(way));
        const auto largest = target::mysql::largest_statement(session_);
        CopyOut rows(source, way.out);
        constexpr std::string_view separator = ", ";
        std::string sql = head, one, scratch;
        long long arrived = 0;
        unsigned warnings = 0;
        const auto flush = [&] {
            if (sql.size() == head.size()) return;
            target::mysql::refuse_long_statement(session_, sql.size(), ErrorKind::copy_stage, way.object);
            const auto outcome = session_.execute(sql);
            arrived += outcome.affected;
            warnings += outcome.warnings;
            sql = head;
        };
        while (const auto row = rows.next()) {
            one.clear();
            append_insert_row(one, *row, way.fields, scratch);
            // A row that fits the server's packets alone must not fail for those before it.
            if (sql.size() + separator.size() + one.size() > std::min(insert_bytes, largest)) flush();
            if (sql.size() > head.size()) sql += separator;
            sql += one;
            meter.count(row->size());
            if (meter.due()) meter.report();
        }
        flush();
        prove(way, rows.rows(), arrived, warnings);
        meter.report();
    }

    /// LOAD DATA LOCAL goes on after errors: what it could not store as it came is a warning.
    void prove(const Way &way, std::uint64_t sent, long long arrived, unsigned warnings) {
        if (warnings == 0 && arrived == static_cast<long long>(sent)) return;
        std::string words;
        if (warnings != 0)
            for (const auto &warning : session_.warnings()) {
                words += (words.empty() ? "" : "; ") + warning.message;
                if (words.size() > shown_warnings * 100) break;
            }
        throw Error(ErrorKind::copy_stage, quote(way.target),
                    fmt::format("{} rows were sent, {} arrived, with {} warnings{}{}", sent, arrived, warnings,
                                words.empty() ? "" : ": ", words),
                    "Give the column that the server names a type that holds the source's values "
                    "(docs/types-mysql.md), and look for triggers on the table.");
    }

    const TaskConfig &config_;
    const SourceTables &tables_;
    const Shapes &shapes_;
    const Types &types_;
    my::Session session_;
    std::map<std::uint32_t, Way> ways_;
    const bool loads_; ///< the server allows LOAD DATA LOCAL
};

class Target final : public RowTarget {
  public:
    Target(const TaskConfig &config, const SourceTables &tables, const Shapes &shapes, pg::Session &source)
        : config_(config), tables_(tables), shapes_(shapes), types_(read_types(config, source)) {}
    [[nodiscard]] std::unique_ptr<RowSink> open() override {
        return std::make_unique<Sink>(config_, tables_, shapes_, types_);
    }

  private:
    const TaskConfig &config_;
    const SourceTables &tables_;
    const Shapes &shapes_;
    const Types types_;
};

} // namespace

std::unique_ptr<RowTarget> make_row_target(const TaskConfig &config, const SourceTables &tables, const Shapes &shapes,
                                           pg::Session &source) {
    return std::make_unique<Target>(config, tables, shapes, source);
}

} // namespace walbridge::copy::mysql
