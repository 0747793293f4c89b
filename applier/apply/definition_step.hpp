// definition_step.hpp: what a captured statement makes of the tables that a task follows by definitions. Pure: the
// tables as they were, the message, and rules in; the tables as they are, and what has to be known of the difference,
// out.
#pragma once

#include "change/ddl_statement.hpp"
#include "change/name_map.hpp"
#include "schema/mysql/source_tables.hpp"
#include "wire/object_selection.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace walbridge::apply {

/// By the source's OID; 0 = announced by CREATE TABLE AS, which tells the OID at its end.
using DefinitionModel = std::map<std::uint32_t, schema::mysql::SourceTable>;
using Oids = std::set<std::uint32_t>;

struct DefinitionRules {
    const wire::ObjectSelection &selection;
    const NameMap &names;
    std::function<bool(const QualifiedName &)> leaves_out; ///< tables whose DDL is not followed
    /// The copy has shown the table as it is after the statement, or later.
    std::function<bool(std::uint32_t oid)> copied;
};

struct DefinitionStep {
    DefinitionModel before; ///< announced tables under their OIDs
    DefinitionModel after;
    Oids touched; ///< all others are as they were
    Oids emptied; ///< their rows come again from the stream
    Oids left;    ///< renamed out of the selection
    Oids created;
    std::map<std::uint32_t, std::string> copies; ///< to be copied, and why
    std::string unknown;                         ///< a table of which the model should know and does not; empty = none
};

/// Throws std::invalid_argument when the message's definitions cannot be read.
[[nodiscard]] DefinitionStep definition_step(const DefinitionModel &before, const DdlStatement &statement,
                                             const DefinitionRules &rules);

/// The statement made or changed tables of the selection, and its message does not tell how they look.
[[nodiscard]] bool says_too_little(const DdlStatement &statement, const wire::ObjectSelection &selection);

/// The touched tables, whatever foreign keys connect with them, and those whose constraints have names of theirs: all
/// that has a say in what becomes of them. Of ten thousand tables a statement concerns a few.
[[nodiscard]] Oids related(const DefinitionModel &before, const DefinitionModel &after, const Oids &touched);

} // namespace walbridge::apply
