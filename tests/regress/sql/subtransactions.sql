-- subtransactions.sql: savepoints, exceptions, rollbacks; changes come out in order and once.
CREATE TABLE sub (id int PRIMARY KEY, v text);
SELECT new_slot('sub');
BEGIN;
INSERT INTO sub VALUES (1, 'top');
SAVEPOINT a;
INSERT INTO sub VALUES (2, 'kept');
SAVEPOINT b;
INSERT INTO sub VALUES (3, 'gone');
ROLLBACK TO b;
INSERT INTO sub VALUES (4, 'kept');
RELEASE a;
UPDATE sub SET v = 'last' WHERE id = 1;
COMMIT;
DO $$
BEGIN
    INSERT INTO sub VALUES (5, 'kept');
    BEGIN
        INSERT INTO sub VALUES (6, 'gone');
        INSERT INTO sub VALUES (6, 'twice');
    EXCEPTION WHEN unique_violation THEN
        INSERT INTO sub VALUES (7, 'handler');
    END;
END $$;
-- speculative inserts
INSERT INTO sub VALUES (1, 'x') ON CONFLICT DO NOTHING;
INSERT INTO sub VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET v = 'upserted';
INSERT INTO sub VALUES (8, 'x') ON CONFLICT (id) DO UPDATE SET v = 'upserted';
SELECT changes('sub');
-- COPY
COPY sub FROM stdin;
9	copied
10	\N
\.
SELECT changes('sub');
-- spilled to disk: many changes in many subtransactions
DO $$
BEGIN
    FOR i IN 100..1500 LOOP
        BEGIN
            INSERT INTO sub VALUES (i, repeat('s', 100));
            IF i % 10 = 0 THEN RAISE 'undo'; END IF;
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
    END LOOP;
END $$;
SELECT kinds_of('sub');
SELECT pg_drop_replication_slot('sub');
