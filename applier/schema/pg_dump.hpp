// pg_dump.hpp: finds and runs pg_dump. The definitions it prints are the one source of truth for the schema stage.
#pragma once

#include "base/postgres/session.hpp"
#include "base/qualified_name.hpp"
#include "base/stop_token.hpp"

#include <optional>
#include <string>
#include <vector>

namespace walbridge::schema {

struct DumpProgram {
    std::string path;
    int major = 0;
};

/// The major version in the output of `pg_dump --version`; nullopt when it is something else.
[[nodiscard]] std::optional<int> dump_version(std::string_view output);

/// All pg_dump programs in PATH and in the usual folders of the packages.
[[nodiscard]] std::vector<DumpProgram> installed_dump_programs();

/// The newest of `programs`, which must be at least as new as the source. Throws Error(schema_stage) naming what was
/// found.
[[nodiscard]] DumpProgram choose_dump_program(const std::vector<DumpProgram> &programs, int server_version);

struct DumpRequest {
    std::string snapshot; ///< empty = as of now
    bool before_data = true, after_data = true;
    bool owners = false, grants = false;
    std::vector<QualifiedName> only;    ///< tables; empty = everything
    std::vector<QualifiedName> exclude; ///< tables that are gone since the snapshot was taken
    std::string application_name;
};

/// Runs it against the source and returns its output; anew when it had to give way (schema/dump_watch.hpp). Throws
/// Error(schema_stage) with pg_dump's own message, Error(task_state) when a stop was requested.
[[nodiscard]] std::string run_pg_dump(const DumpProgram &program, const pg::Endpoint &source,
                                      const DumpRequest &request, const StopToken &stop);

} // namespace walbridge::schema
