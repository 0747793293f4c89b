-- generated_virtual.sql: virtual generated columns (18 and newer) hold no value: they are not listed and not sent.
CREATE TABLE virt (a int PRIMARY KEY, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, b text, s int GENERATED ALWAYS AS (a * 3) STORED);
SELECT new_slot('virt');
INSERT INTO virt VALUES (1, DEFAULT, 'one');
UPDATE virt SET a = 2;
ALTER TABLE virt REPLICA IDENTITY FULL;
UPDATE virt SET b = 'two';
SELECT changes('virt');
-- rules cannot read them, but give them a value
INSERT INTO virt VALUES (3, DEFAULT, 'three');
SELECT refusal('virt', '[{"table": "public.virt", "where": "v > 1"}]');
SELECT changes('virt', 'rules', '[{"table": "public.virt", "columns": {"v": "a * 2", "t": "s + a"}}]');
SELECT pg_drop_replication_slot('virt');
