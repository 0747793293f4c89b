-- partitions.sql: rows belong to the partition they are in; moves are a delete and an insert; partitions come and go.
CREATE TABLE parts (id int, k int, v text, PRIMARY KEY (id, k)) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 (v text, k int NOT NULL, id int NOT NULL, PRIMARY KEY (id, k));
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20);
SELECT new_slot('parts');
INSERT INTO parts VALUES (1, 1, 'one'), (2, 11, 'two');
UPDATE parts SET k = 12 WHERE id = 1;
SELECT changes('parts');
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (20) TO (30);
INSERT INTO parts VALUES (3, 21, 'three');
ALTER TABLE parts DETACH PARTITION parts_3;
DELETE FROM parts_3;
TRUNCATE parts;
SELECT rows_of('parts');
-- inheritance
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO child VALUES (1, 'x');
UPDATE parent SET id = 2;
SELECT rows_of('parts');
SELECT pg_drop_replication_slot('parts');
