# A TRUNCATE table by table fails at the first foreign key, and without RESTART IDENTITY the next keys differ.


def test_truncate_of_several_tables(pair):
    pair.source.psql("""CREATE TABLE a (id serial PRIMARY KEY, v text); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a);
        CREATE TABLE c (id int PRIMARY KEY, b int REFERENCES b); CREATE TABLE other (id int PRIMARY KEY);
        INSERT INTO a (v) SELECT 'v' FROM generate_series(1, 50); INSERT INTO b SELECT i, i FROM generate_series(1, 50) i; INSERT INTO c SELECT i, i FROM generate_series(1, 50) i; INSERT INTO other VALUES (1)""")
    applier = pair.run(sequences={"interval": "0s"})     # only what TRUNCATE itself does to the sequence
    pair.source.psql("TRUNCATE a CASCADE; INSERT INTO a VALUES (1, 'new')")
    applier.wait_caught_up()
    pair.compare()
    pair.source.psql("INSERT INTO b VALUES (1, 1); BEGIN; INSERT INTO c VALUES (1, 1); TRUNCATE c, b, a RESTART IDENTITY; INSERT INTO a (v) VALUES ('first'); INSERT INTO b VALUES (7, 1); COMMIT; TRUNCATE other; TRUNCATE other;")
    applier.wait_caught_up()
    pair.compare()
    assert pair.target.scalar("SELECT nextval('a_id_seq')") == 1
    pair.source.psql("BEGIN; TRUNCATE other; INSERT INTO other VALUES (5); SAVEPOINT s; TRUNCATE a CASCADE; ROLLBACK TO s; COMMIT; BEGIN; TRUNCATE a CASCADE; ROLLBACK;")
    applier.wait_caught_up()
    pair.compare()


def test_a_table_outside_the_selection_does_not_travel_with_the_truncate(pair):
    pair.source.psql("CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO a VALUES (1); INSERT INTO kept VALUES (1)")
    applier = pair.run(exclude=["public.kept"])
    pair.target.psql("CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept VALUES (1)")
    pair.source.psql("TRUNCATE a, kept; INSERT INTO a VALUES (2)")
    applier.wait_caught_up()
    pair.compare("a")
    assert pair.target.scalar("SELECT count(*) FROM kept") == 1
