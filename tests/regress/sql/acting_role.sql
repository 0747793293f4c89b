-- acting_role.sql: a session acts as a role, and nothing that runs meanwhile comes out of it.
\set VERBOSITY terse
\set token '''\\x00112233445566778899aabbccddeeff'''
\set other '''\\xffeeddccbbaa99887766554433221100'''
CREATE ROLE acting_weak;
CREATE ROLE acting_other;
CREATE ROLE acting_member LOGIN;
GRANT acting_weak TO acting_member;
CREATE SCHEMA acting AUTHORIZATION acting_weak;
CREATE TABLE acting_kept (id int);
SET search_path = acting, public;

-- In and out; settings made meanwhile end with it.
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
SELECT current_user, session_user;
SET statement_timeout = '11s';
CREATE TABLE acting.made (id int PRIMARY KEY);
INSERT INTO acting.made VALUES (1);
SELECT walbridge.leave_role(:token);
SELECT current_user;
SHOW statement_timeout;
SELECT pg_get_userbyid(relowner) AS owner FROM pg_class WHERE oid = 'acting.made'::regclass;
COMMIT;

-- What it refuses.
SELECT walbridge.enter_role('acting_weak', :token);
SELECT walbridge.leave_role(:token);
BEGIN; SELECT walbridge.enter_role('acting_nobody', :token); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', '\x00'); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', decode(repeat('00', 65), 'hex')); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SELECT walbridge.enter_role('acting_other', :token); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SELECT walbridge.leave_role(:other); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SELECT walbridge.leave_role('\x0011'); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); COMMIT;
SELECT current_user;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); PREPARE TRANSACTION 'acting'; 
SELECT current_user;

-- The session's user has to be a member.
SET SESSION AUTHORIZATION acting_member;
BEGIN; SELECT walbridge.enter_role('acting_other', :token); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('postgres', :token); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SELECT current_user; SELECT walbridge.leave_role(:token); COMMIT;
SELECT current_user;
RESET SESSION AUTHORIZATION;

-- Every way back that SQL knows.
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); RESET ROLE; ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SET ROLE postgres; ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SET LOCAL ROLE acting_other; ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SET SESSION AUTHORIZATION postgres; ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); RESET SESSION AUTHORIZATION; ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SELECT set_config('role', 'none', false); ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); DISCARD ALL; ROLLBACK;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); INSERT INTO public.acting_kept VALUES (1); ROLLBACK;
SELECT current_user;

-- Code of the role inside of a statement: each tries, catches its error and says what happened.
SET SESSION AUTHORIZATION acting_weak;
CREATE TABLE acting.report (line text);
CREATE FUNCTION acting.attack(how text) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    EXECUTE how;
    INSERT INTO acting.report VALUES (how || ': done as ' || current_user);
    RETURN 1;
EXCEPTION WHEN OTHERS THEN
    -- Words that differ between servers are left out.
    INSERT INTO acting.report VALUES (how || ': ' || CASE WHEN SQLSTATE = '42501' AND SQLERRM !~ 'security|token' THEN 'permission denied' ELSE SQLERRM END);
    RETURN 0;
END $$;
CREATE FUNCTION acting.attack() RETURNS int LANGUAGE sql VOLATILE AS $$
    SELECT sum(acting.attack(how))::int FROM unnest(ARRAY[
        'RESET ROLE', 'SET ROLE postgres', 'SET SESSION AUTHORIZATION postgres', 'SET SESSION AUTHORIZATION DEFAULT',
        'ALTER ROLE acting_weak SUPERUSER', 'INSERT INTO public.acting_kept VALUES (1)',
        'SELECT walbridge.leave_role(''\x00000000000000000000000000000000'')',
        'SELECT walbridge.enter_role(''postgres'', ''\x00000000000000000000000000000000'')',
        'CREATE TEMP TABLE t (id int)', 'PREPARE p AS SELECT 1', 'LISTEN acting', 'DEALLOCATE ALL', 'DISCARD PLANS',
        'SET session_replication_role = origin', 'COPY acting.report TO ''/tmp/acting''']) how $$;
CREATE FUNCTION acting.defining() RETURNS int LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    RETURN acting.attack('SELECT walbridge.enter_role(''acting_weak'', ''\x00000000000000000000000000000000'')');
END $$;
CREATE FUNCTION acting.sees() RETURNS text LANGUAGE sql VOLATILE AS $$
    SELECT current_query() || coalesce((SELECT string_agg(query, ' ') FROM pg_stat_activity WHERE pid = pg_backend_pid()), '')
        || coalesce((SELECT string_agg(statement, ' ') FROM pg_prepared_statements), '')
        || coalesce((SELECT string_agg(statement, ' ') FROM pg_cursors), '') $$;
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
ALTER TABLE acting.made ADD COLUMN gained int DEFAULT acting.attack();
CREATE TABLE acting.seen AS SELECT acting.sees() AS text;
SELECT walbridge.leave_role(:token);
SELECT current_user;
COMMIT;
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
CREATE TABLE acting.query AS SELECT acting.attack() AS gained, acting.defining() AS defining;
SELECT walbridge.leave_role(:token);
COMMIT;
SELECT gained, defining FROM acting.query;
SELECT line, count(*) FROM acting.report GROUP BY line ORDER BY line COLLATE "C";
SELECT count(*) AS seen, count(*) FILTER (WHERE text ~ '0011223344') AS token_seen FROM acting.seen;
SELECT rolsuper FROM pg_roles WHERE rolname = 'acting_weak';
SELECT count(*) FROM public.acting_kept;

-- A type in the session's temporary schema would be found before pg_catalog's by what runs afterwards (recent servers refuse
-- it themselves): nothing may be left there.
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
CREATE OPERATOR pg_temp.= (leftarg = int, rightarg = int, function = int4ne);
SELECT walbridge.leave_role(:token);
ROLLBACK;
CREATE TEMP TABLE acting_own (id int);
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
SELECT walbridge.leave_role(:token);
SELECT walbridge.enter_role('acting_weak', :token);
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT walbridge.leave_role(:token);
ROLLBACK;
DROP TABLE acting_own;

-- A deferred trigger would run at the commit, when the session is itself again.
SET SESSION AUTHORIZATION acting_weak;
CREATE FUNCTION acting.deferred() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM acting.attack('RESET ROLE'); RETURN NULL; END $$;
CREATE TABLE acting.trap (id int);
CREATE CONSTRAINT TRIGGER trap AFTER INSERT ON acting.trap DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION acting.deferred();
RESET SESSION AUTHORIZATION;
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
INSERT INTO acting.trap VALUES (1);
ROLLBACK;

-- Subtransactions: the state is the one the server restores.
BEGIN;
SAVEPOINT a;
SELECT walbridge.enter_role('acting_weak', :token);
ROLLBACK TO a;
SELECT current_user;
SELECT walbridge.leave_role(:token);
ROLLBACK TO a;
SELECT walbridge.enter_role('acting_weak', :token);
SAVEPOINT b;
SELECT walbridge.leave_role(:token);
ROLLBACK TO b;
SELECT current_user;
RELEASE b;
SELECT walbridge.leave_role(:token);
SELECT current_user;
SELECT walbridge.enter_role('acting_weak', :token);
RELEASE a;
ROLLBACK;
SELECT current_user;
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
SAVEPOINT a;
SELECT 1 / 0;
ROLLBACK TO a;
SELECT current_user;
RELEASE a;
SELECT walbridge.leave_role(:token);
SELECT current_user;
COMMIT;
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
SELECT 1 / 0;
ROLLBACK;
SELECT current_user;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SELECT walbridge.leave_role(:token); COMMIT;

-- In a function whose end would take the settings back, leaving is refused.
CREATE FUNCTION acting.leaves() RETURNS void LANGUAGE plpgsql SET work_mem = '4MB' AS $$
BEGIN PERFORM walbridge.leave_role('\x00112233445566778899aabbccddeeff'); END $$;
CREATE FUNCTION acting.enters() RETURNS void LANGUAGE plpgsql SET work_mem = '4MB' AS $$
BEGIN PERFORM walbridge.enter_role('acting_weak', '\x00112233445566778899aabbccddeeff'); END $$;
BEGIN; SELECT walbridge.enter_role('acting_weak', :token); SELECT acting.leaves(); ROLLBACK;
BEGIN; SELECT acting.enters(); SELECT walbridge.leave_role(:token); ROLLBACK;
SELECT current_user;

-- Statements that the server runs in a security-restricted operation, and those it does not.
SET client_min_messages = warning;
CREATE TABLE acting.tried (ord int GENERATED ALWAYS AS IDENTITY, statement text, result text);
ALTER TABLE acting.tried OWNER TO acting_weak;
CREATE FUNCTION acting.try(statement text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE outcome text := 'works';
BEGIN
    BEGIN EXECUTE statement; EXCEPTION WHEN OTHERS THEN outcome := replace(SQLERRM, 'be able to SET ROLE', 'be member of role'); END;
    INSERT INTO acting.tried (statement, result) VALUES (statement, outcome);
END $$;
GRANT CREATE ON DATABASE regress TO acting_weak;
BEGIN;
SELECT walbridge.enter_role('acting_weak', :token);
DO $$ DECLARE statement text; BEGIN FOREACH statement IN ARRAY ARRAY[
    'CREATE TABLE acting.a (id int PRIMARY KEY, v text DEFAULT lower(''X''), g int GENERATED ALWAYS AS (id + 1) STORED, s serial, i int GENERATED ALWAYS AS IDENTITY)',
    'CREATE TABLE acting.b (LIKE acting.a INCLUDING ALL)',
    'CREATE TABLE acting.c AS SELECT 1 AS id',
    'CREATE TABLE acting.p (id int) PARTITION BY RANGE (id)',
    'CREATE TABLE acting.p1 PARTITION OF acting.p FOR VALUES FROM (0) TO (10)',
    'ALTER TABLE acting.p DETACH PARTITION acting.p1',
    'ALTER TABLE acting.p ATTACH PARTITION acting.p1 FOR VALUES FROM (0) TO (10)',
    'ALTER TABLE acting.a ADD COLUMN n int DEFAULT random()',
    'ALTER TABLE acting.a ALTER COLUMN v TYPE varchar(20) USING upper(v)',
    'ALTER TABLE acting.a ADD CONSTRAINT positive CHECK (id > 0)',
    'ALTER TABLE acting.b ADD FOREIGN KEY (id) REFERENCES acting.a',
    'CREATE INDEX ON acting.a (lower(v)) WHERE id > 1',
    'CREATE VIEW acting.w AS SELECT * FROM acting.a',
    'CREATE MATERIALIZED VIEW acting.m AS SELECT 1 AS id',
    'CREATE UNIQUE INDEX ON acting.m (id)',
    'REFRESH MATERIALIZED VIEW acting.m',
    'REFRESH MATERIALIZED VIEW CONCURRENTLY acting.m',
    'CREATE FUNCTION acting.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS ''SELECT 1''',
    'CREATE PROCEDURE acting.r() LANGUAGE sql AS ''SELECT 1''',
    'CREATE AGGREGATE acting.g (int) (sfunc = int4pl, stype = int)',
    'CREATE TYPE acting.e AS ENUM (''a'')',
    'ALTER TYPE acting.e ADD VALUE ''b''',
    'CREATE DOMAIN acting.n AS int CHECK (VALUE > 0)',
    'CREATE TYPE acting.y AS (a int)',
    'CREATE SEQUENCE acting.q',
    'CREATE TRIGGER z AFTER INSERT ON acting.a FOR EACH ROW EXECUTE FUNCTION acting.deferred()',
    'CREATE RULE l AS ON DELETE TO acting.w DO INSTEAD NOTHING',
    'CREATE POLICY o ON acting.a USING (true)',
    'CREATE STATISTICS acting.t (dependencies) ON id, s FROM acting.a',
    'CREATE OPERATOR acting.<<< (leftarg = int, rightarg = int, function = int4lt)',
    'CREATE CAST (acting.y AS acting.e) WITH INOUT',
    'CREATE SCHEMA acting_two CREATE TABLE inside (id int)',
    'COMMENT ON TABLE acting.a IS ''a''',
    'GRANT SELECT ON acting.a TO PUBLIC',
    'ALTER DEFAULT PRIVILEGES IN SCHEMA acting GRANT SELECT ON TABLES TO acting_other',
    'ALTER TABLE acting.a RENAME TO aa',
    'ALTER TABLE acting.aa SET SCHEMA acting_two',
    'ALTER TABLE acting.c OWNER TO acting_other',
    'CLUSTER acting.b USING b_pkey',
    'DROP SCHEMA acting_two CASCADE',
    'CREATE TEMP TABLE z (id int)',
    'CREATE TABLE pg_temp.z (id int)',
    'CREATE TEMP VIEW z AS SELECT 1'] LOOP PERFORM acting.try(statement); END LOOP; END $$;
SELECT walbridge.leave_role(:token);
COMMIT;
SELECT statement, result FROM acting.tried ORDER BY ord;
SELECT relname, pg_get_userbyid(relowner) AS owner FROM pg_class WHERE relnamespace = 'acting'::regnamespace AND relname IN ('b', 'c', 'm', 'w') ORDER BY relname;

RESET client_min_messages;
RESET search_path;
SET client_min_messages = error;
DROP SCHEMA acting CASCADE;
DROP TABLE public.acting_kept;
REVOKE CREATE ON DATABASE regress FROM acting_weak;
DROP OWNED BY acting_weak, acting_other, acting_member;
DROP ROLE acting_weak, acting_other, acting_member;
