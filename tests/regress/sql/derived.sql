-- derived.sql: what is derived from other data leaves no trace: materialized views, rewrites, indexes, unlogged and temporary tables.
CREATE TABLE derived (id int PRIMARY KEY, v int);
INSERT INTO derived SELECT g, g FROM generate_series(1, 5) g;
CREATE MATERIALIZED VIEW derived_mv AS SELECT * FROM derived;
CREATE UNIQUE INDEX ON derived_mv (id);
SELECT new_slot('derived');
REFRESH MATERIALIZED VIEW derived_mv;
UPDATE derived SET v = 0 WHERE id = 1;
REFRESH MATERIALIZED VIEW CONCURRENTLY derived_mv;
SELECT rows_of('derived');
DROP MATERIALIZED VIEW derived_mv;
-- rewrites: the rows do not travel, later changes have the new shape
ALTER TABLE derived ALTER v TYPE text USING v || '!';
ALTER TABLE derived ADD COLUMN r float8 DEFAULT random();
VACUUM FULL derived;
CLUSTER derived USING derived_pkey;
UPDATE derived SET r = 1 WHERE id = 2;
SELECT rows_of('derived');
-- CREATE TABLE AS and SELECT INTO do
CREATE TABLE derived_as AS SELECT id FROM derived WHERE id < 3;
SELECT rows_of('derived');
SELECT pg_drop_replication_slot('derived');
