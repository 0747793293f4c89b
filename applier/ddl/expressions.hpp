// expressions.hpp: whether executing a statement may run functions that users wrote.
#pragma once

namespace pg_query {
class Node;
}

namespace walbridge::ddl {

/// Conservative: true for every form in which the server may evaluate an expression, a query or a domain's check while
/// the statement runs, whatever the expression is:
///   ALTER TABLE   ADD COLUMN with a default that is not a literal, with GENERATED AS (...), a CHECK or a foreign key,
///   or
///                 of a type that is not the server's own (it may be a domain); ADD CONSTRAINT CHECK, FOREIGN KEY,
///                 EXCLUDE unless NOT VALID; VALIDATE CONSTRAINT; ALTER COLUMN TYPE; ATTACH PARTITION; SET ACCESS
///                 METHOD
///   CREATE TABLE  ... PARTITION OF with a range or list bound: the bound is an expression, and rows of a default
///                 partition are judged by the partition key. CREATE TABLE AS that is filled
///   CREATE INDEX  with an expression or WHERE; REINDEX
///   CREATE MATERIALIZED VIEW and REFRESH, unless WITH NO DATA
///   ALTER DOMAIN  ADD CONSTRAINT unless NOT VALID, VALIDATE CONSTRAINT, SET NOT NULL
///   CREATE AGGREGATE with an initial value (it is read with the input function of the state's type)
///   CREATE and ALTER EXTENSION (scripts), CREATE LANGUAGE, CREATE FUNCTION in a language other than SQL, PL/pgSQL, C
///   and
///                 internal (validators), CREATE SCHEMA when one of its elements does
/// Other forms only write catalogs: defaults, views, policies, triggers, rules and function bodies are stored
/// unevaluated, and base types and operator classes are made by superusers only. `catalog_first`: an unqualified type
/// name of the server's means the server's type (the search_path does not move pg_catalog).
[[nodiscard]] bool may_run_user_code(const pg_query::Node &statement, bool catalog_first);

} // namespace walbridge::ddl
