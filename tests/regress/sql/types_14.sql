-- types_14.sql: types that PostgreSQL 14 brought.
CREATE TABLE types_14 (id int PRIMARY KEY, mr int4multirange, dm datemultirange);
SELECT new_slot('types_14');
INSERT INTO types_14 VALUES (1, '{[1,3),[5,)}', '{}'), (2, NULL, '{[2024-01-01,2024-02-01)}');
SELECT changes('types_14');
SELECT pg_drop_replication_slot('types_14');
