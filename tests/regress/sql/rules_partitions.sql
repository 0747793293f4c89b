-- rules_partitions.sql: rules for a partitioned table hold for its partitions, unless these have their own.
SELECT new_slot('rules');
CREATE TABLE sale (id int, region text, amount int, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE sale_eu PARTITION OF sale FOR VALUES IN ('EU') PARTITION BY RANGE (id);
CREATE TABLE sale_eu_1 PARTITION OF sale_eu FOR VALUES FROM (0) TO (100);
-- columns in another order, one of them dropped
CREATE TABLE sale_us (gone int, amount int, region text NOT NULL, id int NOT NULL);
ALTER TABLE sale_us DROP gone;
ALTER TABLE sale ATTACH PARTITION sale_us FOR VALUES IN ('US');
INSERT INTO sale VALUES (1, 'EU', 10), (2, 'US', 20), (51, 'EU', 30), (52, 'US', 40);
SELECT rows_of('rules', 'rules', '[{"table": "public.sale", "where": "id < 50", "columns": {"amount": "amount * 100"}}]');
INSERT INTO sale VALUES (3, 'EU', 10), (4, 'US', 20), (53, 'EU', 30), (54, 'US', 40);
-- nearest first, part by part
SELECT rows_of('rules', 'rules', '[{"table": "public.sale", "where": "id < 50", "columns": {"amount": "amount * 100"}},
    {"table": "public.sale_eu", "where": "id > 50"}, {"table": "public.sale_us", "columns": {"amount": "-amount"}}]');
-- a row that moves is a delete and an insert, each under its own table's rules
UPDATE sale SET region = 'US' WHERE id = 3;
SELECT rows_of('rules', 'rules', '[{"table": "public.sale", "where": "id < 50"}, {"table": "public.sale_us", "columns": {"moved": "true"}}]');
-- names of the tables above, and attachments, are followed
ALTER TABLE sale RENAME TO sold;
INSERT INTO sold VALUES (60, 'EU', 1);
ALTER TABLE sold DETACH PARTITION sale_us;
INSERT INTO sale_us (id, region, amount) VALUES (61, 'US', 2), (5, 'US', 3);
ALTER TABLE sold ATTACH PARTITION sale_us FOR VALUES IN ('US');
ALTER TABLE sold RENAME TO sale;
INSERT INTO sale VALUES (62, 'US', 4), (63, 'EU', 5), (6, 'US', 6);
SELECT rows_of('rules', 'rules', '[{"table": "public.sale", "where": "id < 50"}]');
-- truncation names the partitioned table too
TRUNCATE sale;
SELECT rows_of('rules', 'rules', '[{"table": "public.sale", "where": "id < 50"}]');
-- inheritance that is not partitioning does not count
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (more int) INHERITS (parent);
INSERT INTO child VALUES (99, 1);
SELECT rows_of('rules', 'rules', '[{"table": "public.parent", "where": "false"}]');
SELECT pg_drop_replication_slot('rules');
DROP TABLE sale, child, parent;
