-- unidentified.sql: an update or delete that does not say which row it means is sent as such, never left out.
CREATE TABLE none_key (a int, b text);
CREATE TABLE none_nothing (a int PRIMARY KEY, b text);
ALTER TABLE none_nothing REPLICA IDENTITY NOTHING;
CREATE TABLE none_deferrable (a int PRIMARY KEY DEFERRABLE, b text);
CREATE TABLE none_index (a int NOT NULL, b text);
CREATE UNIQUE INDEX none_index_a ON none_index (a);
ALTER TABLE none_index REPLICA IDENTITY USING INDEX none_index_a;
DROP INDEX none_index_a;
SELECT new_slot('unidentified');
INSERT INTO none_key VALUES (1, 'x');
INSERT INTO none_nothing VALUES (1, 'x');
INSERT INTO none_deferrable VALUES (1, 'x');
INSERT INTO none_index VALUES (1, 'x');
BEGIN;
UPDATE none_key SET b = 'y';
UPDATE none_nothing SET b = 'y';
UPDATE none_deferrable SET a = 2;
UPDATE none_index SET b = NULL;
DELETE FROM none_key;
DELETE FROM none_nothing;
DELETE FROM none_deferrable;
DELETE FROM none_index;
COMMIT;
SELECT changes('unidentified');
-- not selected: not sent
UPDATE none_key SET b = 'z';
INSERT INTO none_key VALUES (3);
UPDATE none_key SET b = 'z';
SELECT rows_of('unidentified', 'exclude', 'public.none_key');
-- the identity changes inside a transaction
BEGIN;
INSERT INTO none_key VALUES (4, 'before');
UPDATE none_key SET b = 'unidentified';
ALTER TABLE none_key REPLICA IDENTITY FULL;
UPDATE none_key SET b = 'identified' WHERE a = 4;
COMMIT;
SELECT rows_of('unidentified');
SELECT pg_drop_replication_slot('unidentified');
