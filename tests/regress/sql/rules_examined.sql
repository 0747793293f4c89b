-- rules_examined.sql: what walbridge.examine_rules says of rules, before anything is decoded.
CREATE FUNCTION examined(rules text) RETURNS TABLE (tab text, item text, col text, type text, uses text[], outside text[], problem text,
                                                    "position" int, hint text) LANGUAGE sql AS $$
    SELECT concat_ws('.', schema_name, table_name), item, column_name, type, uses, outside_identity, problem, "position", hint
    FROM walbridge.examine_rules(rules) $$;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN short AS varchar(5) CHECK (VALUE <> '');
CREATE TABLE ex (id int PRIMARY KEY, t text, v varchar(20), n numeric(10,2), m mood, s short, d date);
CREATE TABLE ex_full (id int PRIMARY KEY, t text);
ALTER TABLE ex_full REPLICA IDENTITY FULL;
CREATE TABLE ex_part (id int, r text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE ex_part_1 PARTITION OF ex_part FOR VALUES FROM (0) TO (10);
CREATE UNLOGGED TABLE ex_unlogged (id int PRIMARY KEY);
CREATE VIEW ex_view AS SELECT 1 AS id;
-- fine
SELECT * FROM examined('[{"table": "public.ex", "where": "id > 5 AND t = ''a''", "columns": {"id": "id + 1", "t": "md5(t || v)", "n": "round(n)",
    "m": "''ok''::public.mood", "s": "''far too long''", "extra": "d + 1", "typed": "id"}, "types": {"typed": "public.short"}}]');
SELECT type_oid::regtype, type, expression FROM walbridge.examine_rules('[{"table": "public.ex", "columns": {"v": "''x''", "w": "v", "m2": "m"}}]');
-- beside the identity; partitions; FULL
SELECT * FROM examined('[{"table": "public.ex*", "where": "id > 5"}, {"table": "public.ex_full", "columns": {"t": "upper(t)", "id": "length(t)"}},
    {"table": "public.ex_part", "columns": {"id": "length(r)", "r": "id::text"}}]');
-- lists
SELECT * FROM examined('[{"table": "public.ex", "include_columns": ["t", "z*"], "types": {"t": "text"}},
    {"table": "public.ex_full", "exclude_columns": ["id"]}, {"table": "public.ex_part", "exclude_columns": ["*"]},
    {"table": "public.nobody"}, {"table": "public.ex_unlogged", "where": "true"}, {"table": "public.ex_view", "where": "true"}]');
SELECT problem FROM examined('[{"table": "public.ex*", "exclude_columns": ["d", "dd", "r"]}, {"table": "public.ex_part", "exclude_columns": ["R", "r"]}]');
-- problems, with positions
SELECT problem, "position", hint FROM examined('[{"table": "public.ex", "where": "id >", "columns": {"t": "md5(tt)", "v": "id + ", "n": "t",
    "a": "", "b": "1; SELECT 2", "c": "nosuch(id)", "d": "ARRAY[1]", "e": "1/0", "f": "''x''::nosuch"}, "types": {"e": "nosuch", "f": "varchar(3"}}]');
-- what is wrong as a whole
SELECT * FROM examined('[{"table": "x"}]');
-- settings of the session come back, and take no part
SET search_path = walbridge, public;
SELECT problem FROM examine_rules('[{"table": "public.ex", "columns": {"m": "''ok''::mood"}}]');
SHOW search_path;
RESET search_path;
-- anybody may ask
CREATE ROLE examiner;
SET ROLE examiner;
SELECT count(*) FROM walbridge.examine_rules('[{"table": "public.ex", "where": "id > 5"}]');
RESET ROLE;
DROP ROLE examiner;
DROP VIEW ex_view;
DROP TABLE ex, ex_full, ex_part, ex_unlogged;
DROP TYPE mood;
DROP DOMAIN short;
