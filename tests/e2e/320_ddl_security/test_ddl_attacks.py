# A weak role of the source writes a statement that is strong on the target.
import pytest
from attack import EXCLUDE, ROLE, as_weak, assert_nothing_gained, create_role, prepare
from walbridge_testing.applier import Exit

TABLE = "CREATE TABLE weak.t (id int PRIMARY KEY, v text); INSERT INTO weak.t SELECT i, 'v' FROM generate_series(1, 20) i;"

# Statements, and whether a function of the role runs on the target because of them (None: that may change).
STATEMENTS = {
    "default": ("ALTER TABLE weak.t ADD COLUMN a int DEFAULT weak.evil_int(1); INSERT INTO weak.t (id) VALUES (100)", None),
    "volatile_default": ("ALTER FUNCTION weak.evil_int(int) VOLATILE; ALTER TABLE weak.t ADD COLUMN a int NOT NULL DEFAULT weak.evil_int(1)", True),
    "check": ("ALTER TABLE weak.t ADD CONSTRAINT c CHECK (weak.evil(id)); INSERT INTO weak.t (id) VALUES (100)", True),
    "create_table_as": ("CREATE TABLE weak.c AS SELECT weak.evil(1) AS a, id FROM weak.t; INSERT INTO weak.c VALUES (true, 100)", False),
    "index": ("CREATE INDEX i ON weak.t (weak.evil_int(id)); INSERT INTO weak.t (id) VALUES (100)", True),
    "index_concurrently": ("CREATE INDEX CONCURRENTLY i ON weak.t (weak.evil_int(id)) WHERE weak.evil(v); INSERT INTO weak.t (id) VALUES (100)", True),
    "generated_column": ("ALTER TABLE weak.t ADD COLUMN g int GENERATED ALWAYS AS (weak.evil_int(id)) STORED; INSERT INTO weak.t (id) VALUES (100)", True),
    "materialized_view": ("CREATE MATERIALIZED VIEW weak.m AS SELECT weak.evil(1) AS a; REFRESH MATERIALIZED VIEW weak.m", True),
    "refresh_concurrently": ("CREATE MATERIALIZED VIEW weak.m AS SELECT weak.evil(1) AS a; CREATE UNIQUE INDEX ON weak.m (a); REFRESH MATERIALIZED VIEW CONCURRENTLY weak.m", True),
    "using": ("ALTER TABLE weak.t ALTER COLUMN v TYPE boolean USING weak.evil(v)", True),
    "domain": ("CREATE DOMAIN weak.d AS int CHECK (weak.evil(VALUE)); ALTER TABLE weak.t ADD COLUMN a weak.d DEFAULT 5; INSERT INTO weak.t (id, a) VALUES (100, 6)", True),
    "partition_bound": ("CREATE DOMAIN weak.d AS int CHECK (weak.evil(VALUE)); CREATE TABLE weak.p (id weak.d PRIMARY KEY) PARTITION BY RANGE (id);"
                        "CREATE TABLE weak.p1 PARTITION OF weak.p FOR VALUES FROM (1) TO (10)", None),
    "attached_partition": ("CREATE TABLE weak.p (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE weak.p1 (id int PRIMARY KEY, CHECK (weak.evil(id))); INSERT INTO weak.p1 VALUES (3);"
                           "ALTER TABLE weak.p ATTACH PARTITION weak.p1 FOR VALUES FROM (1) TO (10)", True),
    "validated_constraint": ("ALTER TABLE weak.t ADD CONSTRAINT c CHECK (weak.evil(id)) NOT VALID; ALTER TABLE weak.t VALIDATE CONSTRAINT c", True),
    "aggregate": ("CREATE DOMAIN weak.d AS int CHECK (weak.evil(VALUE)); CREATE FUNCTION weak.s(weak.d, int) RETURNS weak.d LANGUAGE sql AS 'SELECT $1';"
                  "CREATE AGGREGATE weak.g(int) (SFUNC = weak.s, STYPE = weak.d, INITCOND = '1')", None),
    "always_trigger": ("CREATE TRIGGER a BEFORE INSERT ON weak.t FOR EACH ROW EXECUTE FUNCTION weak.evil_trigger(); ALTER TABLE weak.t ENABLE ALWAYS TRIGGER a;"
                       "INSERT INTO weak.t (id) VALUES (100)", True),
}


def start(pair, setup=TABLE, **options):
    prepare(pair, setup)
    ddl = {"trust": "extension", **options.pop("ddl", {})}
    return pair.run(exclude=options.pop("exclude", EXCLUDE), ddl=ddl, **options)


@pytest.mark.parametrize("what", STATEMENTS)
def test_code_in_a_statement_reaches_nothing(pair, what):
    script, runs = STATEMENTS[what]
    applier = start(pair)
    as_weak(pair, script)
    applier.wait_caught_up()
    pair.compare("weak.t")
    ran = runs if runs is not None else pair.target.scalar("SELECT count(*) FROM loot.report") > 0
    assert_nothing_gained(pair, ran)
    assert pair.target.scalar("SELECT count(*) FROM pg_class WHERE relnamespace = 'weak'::regnamespace AND relowner <> %s::regrole", (ROLE,)) == 0
    # The session is its own again: what others do arrives.
    pair.source.psql("CREATE TABLE public.later (id int PRIMARY KEY); INSERT INTO public.later VALUES (1)")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT id, (SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'later'::regclass) FROM later") == [(1, "postgres")]


def test_a_function_with_its_owners_rights_stays_its_authors(pair):
    applier = start(pair)
    as_weak(pair, """CREATE FUNCTION weak.definer() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN current_user; END';
        CREATE PROCEDURE weak.elevate() LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN ALTER ROLE security_weak SUPERUSER; END';
        CREATE VIEW weak.passwords AS SELECT * FROM pg_authid""")
    applier.wait_caught_up()
    assert pair.target.scalar("SELECT weak.definer()") == ROLE
    for statement in ("CALL weak.elevate()", "SELECT * FROM weak.passwords"):
        with pytest.raises(Exception, match="permission denied|must be superuser"):
            pair.target.sql(statement)
    assert_nothing_gained(pair, ran=False)


def test_names_that_hide_those_of_the_system(pair):
    """With their schema in front of pg_catalog they are what a statement means: of the weak role's own statements."""
    applier = start(pair, TABLE + """
        CREATE FUNCTION weak.now() RETURNS timestamptz LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM weak.evil(1); RETURN '2000-01-01'; END $$;
        CREATE FUNCTION weak.set_config(text, text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM weak.evil(1); RETURN ''; END $$;
        CREATE FUNCTION weak.current_setting(text, boolean) RETURNS text LANGUAGE plpgsql AS $$ BEGIN PERFORM weak.evil(1); RETURN ''; END $$;
        CREATE FUNCTION weak.enter_role(name, bytea) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM weak.evil(1); END $$;
        CREATE FUNCTION weak.leave_role(bytea) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM weak.evil(1); END $$;
        CREATE FUNCTION weak.unequal(int, int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM weak.evil(1); RETURN true; END $$;
        CREATE OPERATOR weak.= (LEFTARG = int, RIGHTARG = int, FUNCTION = weak.unequal);
        CREATE OPERATOR weak.> (LEFTARG = int, RIGHTARG = int, FUNCTION = weak.unequal);
        CREATE DOMAIN weak.int4 AS pg_catalog.int4 CHECK (weak.evil(VALUE)); CREATE DOMAIN weak.text AS pg_catalog.text CHECK (weak.evil(VALUE));
        CREATE DOMAIN weak.bool AS pg_catalog.bool CHECK (weak.evil(VALUE)); CREATE DOMAIN weak.name AS pg_catalog.name CHECK (weak.evil(VALUE));
        CREATE DOMAIN weak.bytea AS pg_catalog.bytea CHECK (weak.evil(VALUE)); CREATE DOMAIN weak.regclass AS pg_catalog.regclass CHECK (weak.evil(VALUE))""")
    as_weak(pair, """SET search_path = weak, pg_catalog; ALTER TABLE t ADD COLUMN made timestamptz DEFAULT now(), ADD CHECK (id > 0);
        INSERT INTO t (id) VALUES (100); DELETE FROM t WHERE id = 100; CREATE TABLE u (id int PRIMARY KEY, a int4, b text); INSERT INTO u VALUES (1, 1, 'x')""")
    applier.wait_caught_up()
    pair.compare("weak.t", "weak.u")
    assert_nothing_gained(pair)


def test_a_missing_role_stops_with_its_remedy(pair):
    applier = start(pair)
    create_role(pair.source, "security_missing", "LOGIN")
    pair.target.sql("DROP ROLE IF EXISTS security_missing")
    pair.source.psql("GRANT CREATE ON SCHEMA weak TO PUBLIC; GRANT USAGE ON SCHEMA weak TO PUBLIC")
    applier.wait_caught_up()
    pair.source.psql("BEGIN; CREATE TABLE weak.mine (id int PRIMARY KEY); INSERT INTO weak.mine VALUES (1); COMMIT", user="security_missing")
    assert applier.wait_exit(60) == Exit.ddl
    text = applier.log_tail()
    assert 'role "security_missing" does not exist' in text and 'CREATE ROLE "security_missing"' in text, text
    assert not pair.target.exists("weak.mine")
    pair.target.sql("CREATE ROLE security_missing")
    applier.start()
    applier.wait_caught_up()
    assert pair.target.sql("SELECT id, tableowner FROM weak.mine, pg_tables WHERE tablename = 'mine'") == [(1, "security_missing")]


def test_statements_run_as_the_mapped_role(pair):
    create_role(pair.source, ROLE, "LOGIN")
    create_role(pair.target, "security_mapped")
    create_role(pair.source, "security_guest")
    create_role(pair.target, "security_visitor")
    pair.source.psql(f"CREATE SCHEMA weak AUTHORIZATION {ROLE}; CREATE TABLE public.first (id int PRIMARY KEY)")
    pair.target.psql("CREATE EXTENSION walbridge; DROP ROLE IF EXISTS security_guest")
    applier = pair.run(schema={"owner": "map", "grants": "map"}, roles={ROLE: "security_mapped", "security_guest": "security_visitor"})
    as_weak(pair, "CREATE TABLE weak.t (id int PRIMARY KEY); GRANT SELECT ON weak.t TO security_guest; CREATE POLICY p ON weak.t TO security_guest USING (true); INSERT INTO weak.t VALUES (1)")
    applier.wait_caught_up()
    pair.compare("weak.t")
    assert pair.target.sql("SELECT tableowner, has_table_privilege('security_visitor', 'weak.t', 'SELECT') FROM pg_tables WHERE tablename = 't'") == [("security_mapped", True)]
    assert pair.target.scalar("SELECT roles::text FROM pg_policies WHERE tablename = 't'") == "{security_visitor}"


def test_one_role_for_everything(pair):
    create_role(pair.target, "security_runner")
    pair.target.psql(f"CREATE EXTENSION walbridge; GRANT CREATE ON DATABASE {pair.name} TO security_runner")
    pair.source.psql("CREATE TABLE public.t (id int PRIMARY KEY)")
    applier = pair.run(schema={"owner": "none", "grants": "none"}, ddl={"run_as": "security_runner"})
    pair.source.psql("CREATE SCHEMA made; CREATE TABLE made.t (id int PRIMARY KEY); ALTER TABLE made.t OWNER TO postgres; INSERT INTO made.t VALUES (1)")
    applier.wait_caught_up()
    assert pair.target.sql("SELECT tableowner FROM pg_tables WHERE schemaname = 'made'") == [("security_runner",)]


def test_a_role_of_ours_that_is_no_superuser(pair):
    prepare(pair, TABLE)
    create_role(pair.target, "security_ddl_applier", "LOGIN")
    pair.target.psql(f"""GRANT {ROLE} TO security_ddl_applier; GRANT CREATE ON DATABASE {pair.name} TO security_ddl_applier; GRANT CREATE ON SCHEMA public TO security_ddl_applier;
        GRANT SET ON PARAMETER session_replication_role TO security_ddl_applier; GRANT USAGE, CREATE ON SCHEMA walbridge TO security_ddl_applier""")
    applier = pair.run(target_url=pair.target.url(user="security_ddl_applier"), exclude=EXCLUDE)
    as_weak(pair, STATEMENTS["check"][0] + "; CREATE TABLE weak.u (id int PRIMARY KEY); INSERT INTO weak.u VALUES (1)")
    applier.wait_caught_up()
    pair.compare("weak.t", "weak.u")
    assert_nothing_gained(pair)
    # Nobody made it a member of the superuser's role.
    pair.source.psql("CREATE TABLE weak.strong (id int PRIMARY KEY)")
    assert applier.wait_exit(60) == Exit.ddl
    assert 'GRANT "postgres" TO' in applier.log_tail(), applier.log_tail()


def test_without_the_extension_code_is_refused(pair):
    prepare(pair, TABLE, extension=False)
    applier = pair.run(exclude=EXCLUDE)
    as_weak(pair, "ALTER TABLE weak.t ADD COLUMN harmless int")
    applier.wait_caught_up()
    as_weak(pair, STATEMENTS["check"][0])
    assert applier.wait_exit(60) == Exit.ddl
    assert "CREATE EXTENSION walbridge" in applier.log_tail(), applier.log_tail()
    assert_nothing_gained(pair, ran=False)
    pair.target.psql("CREATE EXTENSION walbridge")
    applier.start()
    applier.wait_caught_up()
    pair.compare("weak.t")
    assert_nothing_gained(pair)
