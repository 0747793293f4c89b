# Bytes of another encoding taken for UTF-8 are refused by the target at best, and wrong characters at worst.


def test_a_latin1_source_arrives_as_utf8(latin1_pair):
    pair = latin1_pair
    assert pair.source.scalar("SHOW server_encoding") == "LATIN1"
    letters = "".join(chr(c) for c in range(0xA0, 0x100))
    pair.source.psql(f"""CREATE TYPE "Größe" AS ENUM ('groß', 'übergroß'); CREATE TYPE paar AS (a text, "Größe" "Größe");
        CREATE TABLE "Müller" ("Schlüssel" text PRIMARY KEY, v varchar(200), a text[], e "Größe", p paar, j jsonb, c "char", b bytea);
        INSERT INTO "Müller" VALUES ('ä', '{letters}', ARRAY['é', NULL, 'ß'], 'groß', ROW('ü', 'übergroß'), '{{"ö": "ÿ"}}', 'x', '\\xe4ff00');""")
    applier = pair.run()
    pair.compare()
    pair.source.psql(f"""INSERT INTO "Müller" SELECT 'kopie ' || "Schlüssel", v, a, e, p, j, c, b FROM "Müller";
        UPDATE "Müller" SET "Schlüssel" = 'Ö' WHERE "Schlüssel" = 'ä'; UPDATE "Müller" SET v = reverse(v), e = 'übergroß' WHERE "Schlüssel" LIKE 'kopie%';
        INSERT INTO "Müller" ("Schlüssel", v) VALUES ('lang', repeat('{letters}', 1)); INSERT INTO "Müller" ("Schlüssel", a) VALUES ('toast', ARRAY[repeat('ü', 100000)]);""")
    applier.wait_caught_up()
    pair.compare()


def test_empty_strings_are_not_null(pair):
    pair.source.psql("""CREATE TABLE t (id text PRIMARY KEY, a text, b varchar(3), c bytea, d text[], e char(3)); INSERT INTO t VALUES ('', '', '', '', '{}', ''), ('n', NULL, NULL, NULL, NULL, NULL)""")
    applier = pair.run()
    pair.source.psql("""INSERT INTO t VALUES ('x', '', '', '', ARRAY[''], ''), ('y', NULL, NULL, NULL, ARRAY[NULL]::text[], NULL); UPDATE t SET a = NULL, b = '' WHERE id = ''; UPDATE t SET a = '', c = '' WHERE id = 'n';
        UPDATE t SET id = 'z' WHERE id = ''; UPDATE t SET id = '' WHERE id = 'y';""")
    applier.wait_caught_up()
    pair.compare()
