"""A weak role of the source, and functions that do on the target what it must not be able to do there.

They do it only where triggers are quiet, that is in walbridge's sessions: on the source they are as harmless as they look."""
import textwrap

ROLE = "security_weak"

FUNCTIONS = textwrap.dedent("""
    CREATE FUNCTION weak.attempt(how text) RETURNS void LANGUAGE plpgsql VOLATILE AS $body$
    BEGIN
        EXECUTE how;
        INSERT INTO loot.report VALUES ('DONE: ' || how);
    EXCEPTION WHEN OTHERS THEN
        NULL;
    END $body$;
    CREATE FUNCTION weak.attack() RETURNS void LANGUAGE plpgsql VOLATILE AS $body$
    BEGIN
        INSERT INTO loot.report VALUES ('ran as ' || current_user);
        PERFORM weak.attempt(how) FROM unnest(ARRAY[
            'ALTER ROLE {role} SUPERUSER', 'RESET ROLE', 'SET ROLE NONE', 'SET ROLE postgres', 'SET SESSION AUTHORIZATION DEFAULT',
            'SET SESSION AUTHORIZATION postgres', 'UPDATE walbridge.progress SET epoch = epoch + 1', 'DELETE FROM walbridge.task',
            'SELECT walbridge.leave_role(''\\x00000000000000000000000000000000'')', 'INSERT INTO public.kept VALUES (1)',
            'COPY (SELECT 1) TO PROGRAM ''true''', 'CREATE TEMP TABLE left_behind (id int)',
            'CREATE DOMAIN pg_temp.int4 AS pg_catalog.int4 CHECK (false)']) AS how;
        -- Two of them at once.
        BEGIN
            RESET ROLE;
            ALTER ROLE {role} SUPERUSER;
            INSERT INTO loot.report VALUES ('DONE: both');
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
        -- Left behind for whatever runs next in the session.
        PERFORM pg_catalog.set_config('search_path', 'weak', false), pg_catalog.set_config('synchronous_commit', 'on', false);
    END $body$;
    CREATE FUNCTION weak.evil(value anyelement) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $body$
    BEGIN
        IF current_setting('session_replication_role') = 'replica' THEN PERFORM weak.attack(); END IF;
        RETURN true;
    END $body$;
    CREATE FUNCTION weak.evil_int(value int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $body$
    BEGIN
        PERFORM weak.evil(value);
        RETURN value;
    END $body$;
    CREATE FUNCTION weak.evil_trigger() RETURNS trigger LANGUAGE plpgsql AS $body$
    BEGIN
        PERFORM weak.evil(1);
        RETURN NEW;
    END $body$;
    """).format(role=ROLE)


def create_role(database, name, options=""):
    database.psql(f"DO $$ BEGIN IF to_regrole('{name}') IS NULL THEN CREATE ROLE {name} {options}; END IF; END $$")


def prepare(pair, setup, extension=True):
    """The role and its functions; what it reports goes to a schema that is not replicated (EXCLUDE)."""
    for database in (pair.source, pair.target):
        create_role(database, ROLE, "LOGIN")
        database.psql(f"ALTER ROLE {ROLE} NOSUPERUSER; CREATE TABLE public.kept (id int); CREATE SCHEMA loot AUTHORIZATION {ROLE};"
                      f"SET ROLE {ROLE}; CREATE TABLE loot.report (line text)")
    if extension:
        pair.target.psql("CREATE EXTENSION walbridge")
    pair.source.psql(f"CREATE SCHEMA weak AUTHORIZATION {ROLE}; SET ROLE {ROLE};" + FUNCTIONS + setup)


EXCLUDE = ["loot.*", "public.kept"]


def as_weak(pair, script):
    pair.source.psql(script, user=ROLE)


def assert_nothing_gained(pair, ran=True):
    lines = {line for (line,) in pair.target.sql("SELECT DISTINCT line FROM loot.report")}
    assert not [line for line in lines if line.startswith("DONE")], lines
    assert {line.removeprefix("ran as ") for line in lines} == ({ROLE} if ran else set()), lines
    assert not pair.target.scalar("SELECT rolsuper FROM pg_roles WHERE rolname = %s", (ROLE,))
    assert pair.target.scalar("SELECT count(*) FROM public.kept") == 0
    assert pair.target.scalar("SELECT count(*) FROM walbridge.task") == 1
