// precheck.hpp: everything that would stop or spoil the task, found before it starts [T-01]: an id, a result, a reason
// and the exact fix for each. Reads only, except for a temporary slot that proves that the server loads the plugin.
#pragma once

#include "config/task_config.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace walbridge::task {

enum class Verdict { ok, warning, error, skipped };

struct Finding {
    std::string id; ///< "source.wal_level"; documented, used by --only and precheck.acknowledge
    Verdict verdict = Verdict::ok;
    std::string reason;
    std::string fix;           ///< a statement or a full sentence; empty when ok
    bool acknowledged = false; ///< a warning named in precheck.acknowledge
};

/// How faithfully the target will hold a column (requirement B-06).
struct ColumnReport {
    std::string table, column; ///< of the source
    std::string source_type, target_type;
    std::string fidelity; ///< exact, lossy, impossible
    std::string remark;   ///< what is lost or refused; empty = nothing
    std::string policy;   ///< for values that do not fit: error, null, clamp, text
    std::int64_t unfit = 0;
};

struct PrecheckReport {
    std::vector<Finding> findings;
    std::vector<ColumnReport> columns; ///< of precheck --values; else empty
    std::string lost; ///< a server whose connection broke or failed meanwhile: the findings say nothing about it
    [[nodiscard]] int count(Verdict verdict) const;
    [[nodiscard]] bool failed() const { return count(Verdict::error) > 0; }
};

/// Every id, in the order of the report.
[[nodiscard]] const std::vector<std::string> &precheck_ids();

/// Checks what can be checked; with one side down the other side's items are still there and the rest says why it was
/// skipped. `only`: the ids to report (empty = all). `values`: every selected table is read for values that a MySQL or
/// MariaDB target cannot hold. Throws Error(usage) on an unknown id.
[[nodiscard]] PrecheckReport precheck(const TaskConfig &config, const std::vector<std::string> &only = {},
                                      bool values = false);

/// For a new task: logs the findings and throws Error(precheck) when one is an error.
void require_precheck(const TaskConfig &config);

/// For people: a line per finding, the fix below it.
[[nodiscard]] std::string precheck_table(const PrecheckReport &report);
/// {"task": ..., "result": "ok|error", "findings": [{"id", "result", "reason", "fix", "acknowledged"}]}
[[nodiscard]] std::string precheck_json(const TaskConfig &config, const PrecheckReport &report);

} // namespace walbridge::task
