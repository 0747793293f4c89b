# Objects that belong to somebody else on the target than on the source: rights that nobody gave, or that nobody has.
import pytest
from walbridge_testing.applier import Exit

OWNERS = """SELECT c.relname, pg_get_userbyid(c.relowner) FROM pg_class c
            WHERE c.relnamespace = 'app'::regnamespace AND c.relkind IN ('r', 'S', 'v', 'm') ORDER BY 1"""


def create_role(database, name, options=""):
    database.psql(f"DO $$ BEGIN IF to_regrole('{name}') IS NULL THEN CREATE ROLE {name} {options}; END IF; END $$")


def make_schema(pair, owner, reader):
    """A schema with everything that has an owner, grants to and policies for `reader`."""
    create_role(pair.source, owner)
    create_role(pair.source, reader)
    pair.source.psql(f"""
        CREATE SCHEMA app AUTHORIZATION {owner};
        SET ROLE {owner};
        CREATE TABLE app.t (id serial PRIMARY KEY, v text);
        CREATE VIEW app.w AS SELECT id FROM app.t;
        CREATE MATERIALIZED VIEW app.m AS SELECT count(*) FROM app.t;
        CREATE FUNCTION app.f() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS
            $$ BEGIN /* OWNER TO {owner}; */ RETURN current_user; END $$;
        CREATE TYPE app.mood AS ENUM ('fine');
        ALTER TABLE app.t ENABLE ROW LEVEL SECURITY;
        CREATE POLICY p ON app.t TO {reader} USING (v = '{reader}');
        GRANT USAGE ON SCHEMA app TO {reader};
        GRANT SELECT (id), INSERT ON app.t TO {reader};
        REVOKE ALL ON FUNCTION app.f() FROM PUBLIC;
        GRANT EXECUTE ON FUNCTION app.f() TO {reader};
        INSERT INTO app.t (v) VALUES ('a'), ('b');
    """)


def rights(database, role):
    return database.sql(f"""SELECT has_schema_privilege('{role}', 'app', 'USAGE'), has_column_privilege('{role}', 'app.t', 'id', 'SELECT'),
                                   has_column_privilege('{role}', 'app.t', 'v', 'SELECT'), has_table_privilege('{role}', 'app.t', 'INSERT'),
                                   has_function_privilege('{role}', 'app.f()', 'EXECUTE'), has_function_privilege('public', 'app.f()', 'EXECUTE')""")[0]


def test_owners_and_grants_are_kept(pair):
    make_schema(pair, "roles_keep_owner", "roles_keep_reader")
    create_role(pair.target, "roles_keep_owner")
    create_role(pair.target, "roles_keep_reader")
    pair.run()
    assert pair.target.sql(OWNERS) == pair.source.sql(OWNERS)
    assert {owner for _, owner in pair.target.sql(OWNERS)} == {"roles_keep_owner"}
    assert pair.target.scalar("SELECT app.f()") == "roles_keep_owner"
    assert rights(pair.target, "roles_keep_reader") == rights(pair.source, "roles_keep_reader") == (True, True, False, True, True, False)
    pair.source.psql("INSERT INTO app.t (v) VALUES ('c')")
    pair.appliers[0].wait_caught_up()
    pair.compare("app.t")


def test_a_missing_role_is_an_error_with_its_statement(pair):
    make_schema(pair, "roles_missing_owner", "roles_missing_reader")
    create_role(pair.target, "roles_missing_reader")
    pair.target.sql("DROP ROLE IF EXISTS roles_missing_owner")
    result = pair.applier().cli("precheck", "--json", "--only", "target.roles")
    assert result.code == Exit.precheck, result
    (item,) = result.json()["findings"]
    assert item["result"] == "error" and "roles_missing_owner" in item["reason"] and "roles_missing_reader" not in item["reason"]
    assert 'CREATE ROLE "roles_missing_owner";' in item["fix"] and "PASSWORD" not in item["fix"]
    assert pair.appliers[0].start().wait_exit() == Exit.precheck


def test_our_role_has_to_be_a_member_of_the_owners(pair):
    make_schema(pair, "roles_member_owner", "roles_member_reader")
    create_role(pair.target, "roles_member_owner")
    create_role(pair.target, "roles_member_reader")
    create_role(pair.target, "roles_member_applier", "LOGIN")
    pair.target.psql(f"GRANT CREATE ON DATABASE {pair.name} TO roles_member_applier; REVOKE roles_member_owner FROM roles_member_applier")
    applier = pair.applier(target_url=pair.target.url(user="roles_member_applier"))
    (item,) = applier.cli("precheck", "--json", "--only", "target.roles").json()["findings"]
    assert item["result"] == "error" and 'GRANT "roles_member_owner" TO "roles_member_applier";' in item["fix"], item
    pair.target.sql("GRANT roles_member_owner TO roles_member_applier")
    (item,) = applier.cli("precheck", "--json", "--only", "target.roles").json()["findings"]
    assert item["result"] == "ok", item


def test_who_may_alter_on_the_source_may_do_so_on_the_target(pair):
    make_schema(pair, "roles_group_owner", "roles_group_reader")
    create_role(pair.source, "roles_group_member", "LOGIN")
    pair.source.sql("GRANT roles_group_owner TO roles_group_member")
    create_role(pair.target, "roles_group_owner")
    create_role(pair.target, "roles_group_reader")
    pair.target.sql("DROP ROLE IF EXISTS roles_group_member")
    (item,) = pair.applier().cli("precheck", "--json", "--only", "target.role_members").json()["findings"]
    assert item["result"] == "warning", item
    assert item["fix"] == 'CREATE ROLE "roles_group_member" LOGIN; GRANT "roles_group_owner" TO "roles_group_member";'
    pair.target.psql(item["fix"])
    (item,) = pair.appliers[0].cli("precheck", "--json", "--only", "target.role_members").json()["findings"]
    assert item["result"] == "ok", item


def test_roles_are_mapped(pair):
    make_schema(pair, "roles_map_owner", "roles_map_reader")
    create_role(pair.target, "roles_map_boss")
    create_role(pair.target, '"Roles: Public"')
    pair.run(schema={"owner": "map", "grants": "map"}, roles={"roles_map_owner": "roles_map_boss", "roles_map_reader": "Roles: Public"})
    assert {owner for _, owner in pair.target.sql(OWNERS)} == {"roles_map_boss"}
    assert rights(pair.target, "Roles: Public") == (True, True, False, True, True, False)
    assert pair.target.scalar("SELECT roles::text FROM pg_policies WHERE tablename = 't'") == '{"Roles: Public"}'
    assert "OWNER TO roles_map_owner" in pair.target.scalar("SELECT prosrc FROM pg_proc WHERE proname = 'f'"), "bodies are left alone"
    assert pair.target.scalar("SELECT app.f()") == "roles_map_boss"


@pytest.mark.parametrize("what", ["owner", "grants"])
def test_none_leaves_them_out(pair, what):
    owner, reader = f"roles_none_{what}_o", f"roles_none_{what}_r"
    make_schema(pair, owner, reader)
    create_role(pair.target, reader)     # its policy names it
    if what == "grants":
        create_role(pair.target, owner)
    schema = {"owner": "none", "grants": "keep"} if what == "owner" else {"owner": "keep", "grants": "none"}
    pair.run(schema=schema, ddl={"classes": "none"})
    assert {name for _, name in pair.target.sql(OWNERS)} == ({"postgres"} if what == "owner" else {owner})
    assert rights(pair.target, reader)[0] == (what == "owner")
    if what == "owner":
        assert "app.f()" in pair.appliers[0].log_text(), "a function with its owner's rights would get ours"


def test_ddl_without_owners_has_to_name_a_role(pair):
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    result = pair.applier(schema={"owner": "none"}).cli("precheck")
    assert result.code == Exit.configuration and "ddl.run_as" in result.text, result
