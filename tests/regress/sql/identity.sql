-- identity.sql: which old values travel, for each replica identity.
CREATE TABLE identity (a int NOT NULL, b int NOT NULL, c text, PRIMARY KEY (b, a));
CREATE UNIQUE INDEX identity_a ON identity (a);
SELECT new_slot('identity');
-- default: the primary key, in column order
INSERT INTO identity VALUES (1, 2, 'x');
UPDATE identity SET c = 'y';
UPDATE identity SET a = 3;
DELETE FROM identity;
SELECT changes('identity');
-- an index
ALTER TABLE identity REPLICA IDENTITY USING INDEX identity_a;
INSERT INTO identity VALUES (1, 2, 'x');
UPDATE identity SET b = 4;
UPDATE identity SET a = 5;
DELETE FROM identity;
SELECT changes('identity');
-- full, with nulls and equal rows
ALTER TABLE identity DROP CONSTRAINT identity_pkey;
DROP INDEX identity_a;
ALTER TABLE identity ALTER a DROP NOT NULL, REPLICA IDENTITY FULL;
INSERT INTO identity VALUES (NULL, 2, 'x'), (NULL, 2, 'x');
UPDATE identity SET c = NULL WHERE ctid = (SELECT min(ctid) FROM identity);
DELETE FROM identity;
SELECT changes('identity');
-- all keys at once, swaps
CREATE TABLE identity_swap (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, v text);
ALTER TABLE identity_swap REPLICA IDENTITY FULL;
INSERT INTO identity_swap VALUES (1, 'a'), (2, 'b');
UPDATE identity_swap SET id = 3 - id;
SELECT rows_of('identity');
CREATE TABLE identity_many (id int PRIMARY KEY);
INSERT INTO identity_many SELECT generate_series(1, 3);
UPDATE identity_many SET id = id + 10;
SELECT rows_of('identity');
-- the index loses columns by renaming and gains by new ones
ALTER TABLE identity_many ADD COLUMN x int DEFAULT 7, REPLICA IDENTITY DEFAULT;
ALTER TABLE identity_many RENAME id TO "Key";
UPDATE identity_many SET x = 8 WHERE "Key" = 11;
DELETE FROM identity_many WHERE "Key" = 12;
SELECT changes('identity');
SELECT pg_drop_replication_slot('identity');
