// expression_safety.hpp: what an expression of a rule may hold.
//
// Expressions run inside of decoding, where the server can look up catalogs and nothing else, and where an error of the
// wrong kind ends the whole server. "Immutable" is not enough: a SQL-language function of the system that was not
// inlined has crashed a walsender. So what is not known to be harmless is refused: node by node, function by function.
#pragma once

#include "server/guard.hpp"

extern "C" {
#include "nodes/pg_list.h"
#include "nodes/primnodes.h"
#include "parser/parse_node.h"
}

namespace walbridge::expression_safety {

// Server calls, which raise what they refuse, with the position in the text and a hint where there is one.

/// Before names are resolved: constructs that would read tables on the way. `literals` takes the literals of the text.
void check_raw(ParseState *state, Node *tree, List **literals);

/// Whether functions written in SQL may still stand in the tree, to be inlined.
enum class Stage { analyzed, inlined, planned };

/// After names have been resolved (literals: those of check_raw), after inlining, and in the form that is evaluated.
void check(ParseState *state, Node *tree, Stage stage, const List *literals);

} // namespace walbridge::expression_safety
