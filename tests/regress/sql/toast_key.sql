-- toast_key.sql: a long key that does not change travels with the old key. Older minor releases (14.2 for one) do not
-- log it, and the change cannot be identified (expected/toast_key_1.out).
CREATE TABLE toast_key (k text PRIMARY KEY, v int);
ALTER TABLE toast_key ALTER k SET STORAGE EXTERNAL;
SELECT new_slot('toast_key');
INSERT INTO toast_key VALUES (repeat('k', 2500), 1);
UPDATE toast_key SET v = 2;
DELETE FROM toast_key;
SELECT regexp_replace(line, '([a-z])\1{50,}', '\1...', 'g') || ' length ' || length(line) AS line FROM rows_of('toast_key') line;
SELECT pg_drop_replication_slot('toast_key');
