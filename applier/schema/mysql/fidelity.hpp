// fidelity.hpp: how faithfully the target will hold each column, and which values of the source do not fit: requirement
// B-06, for `walbridge precheck --values`.
#pragma once

#include "base/postgres/session.hpp"
#include "schema/mysql/definitions.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::schema::mysql {

struct ColumnFidelity {
    std::string column;
    std::string source_type, target_type; ///< as both write them, the target's without its collation
    dialect::mysql::Fidelity fidelity = dialect::mysql::Fidelity::exact;
    std::string remark; ///< what is lost or refused; empty = nothing
    dialect::mysql::Unfit policy = dialect::mysql::Unfit::error;
};

/// One kind of value that a column of the target cannot hold.
struct UnfitCheck {
    std::string column;
    std::string problem;   ///< "NaN or infinite"
    std::string condition; ///< SQL of the source, true for such a value
};

struct TableFidelity {
    QualifiedName table; ///< of the source
    std::vector<ColumnFidelity> columns;
    std::vector<UnfitCheck> checks;

    /// Reads the table once: a count of all rows, then one of each check. Empty when there is nothing to look for.
    [[nodiscard]] std::string scan_query() const;
};

/// What scan() found: only checks with values.
struct UnfitValues {
    std::string column, problem;
    std::int64_t count = 0;
};

/// Every table that holds rows, with the types that the schema stage chooses. Pure.
[[nodiscard]] std::vector<TableFidelity> judge_fidelity(const std::vector<SourceTable> &tables,
                                                        const DefinitionOptions &options);

/// Reads the table whole: as much work as a COPY of it. Throws SqlError.
[[nodiscard]] std::vector<UnfitValues> scan(pg::Session &source, const TableFidelity &table);

} // namespace walbridge::schema::mysql
