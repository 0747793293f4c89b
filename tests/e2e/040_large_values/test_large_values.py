# A value of hundreds of megabytes: cut at a frame's border, held too often in memory, or refused.
import pytest
from walbridge_testing.fixtures import SOAK

BYTEA_MB, TEXT_MB = (300, 700) if SOAK else (30, 70)
LIMIT = (512 << 20) + 3 * (TEXT_MB << 20)
# No two stretches are alike, so that a lost or repeated frame shows; quotes and backslashes as in real texts.
TEXT = "(SELECT string_agg(md5(i::text) || '\\\"'',', '') FROM generate_series({seed}, {seed} + {mb} * 1048576 / 36) i)"
DIGEST = "SELECT id, note, length(b), md5(b), length(t), md5(t) FROM big ORDER BY id"


@pytest.mark.heavy
def test_large_values_in_copy_and_stream(pair):
    text = TEXT.format(seed=1, mb=TEXT_MB)
    pair.source.psql(f"""CREATE TABLE big (id int PRIMARY KEY, note text, b bytea, t text);
        INSERT INTO big VALUES (1, 'copied', convert_to({TEXT.format(seed=5, mb=BYTEA_MB)}, 'UTF8'), NULL);
        INSERT INTO big VALUES (2, 'copied', NULL, {text});""")
    applier = pair.run()
    assert pair.target.sql(DIGEST) == pair.source.sql(DIGEST)
    pair.source.psql(f"""INSERT INTO big VALUES (3, 'streamed', convert_to({TEXT.format(seed=9, mb=BYTEA_MB)}, 'UTF8'), NULL);
        INSERT INTO big VALUES (4, 'streamed', NULL, {TEXT.format(seed=7, mb=TEXT_MB)});
        UPDATE big SET note = 'value unchanged' WHERE id IN (1, 4);
        UPDATE big SET b = b || '\\x00'::bytea WHERE id = 1;
        UPDATE big SET id = 5 WHERE id = 3;""")
    applier.wait_caught_up(600 if SOAK else 120)
    peak = applier.peak_memory()
    print(f"values of {BYTEA_MB} and {TEXT_MB} MB: peak {peak >> 20} MiB")
    assert pair.target.sql(DIGEST) == pair.source.sql(DIGEST)
    assert peak < LIMIT, f"{peak >> 20} MiB"


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_values_around_the_sizes_of_frames_and_pages(pair, compression):
    sizes = [0, 1, 1999, 2000, 8191, 8192, 65534, 65535, 65536, 65537, 131071, 131072, 131073, 1 << 20, (1 << 20) + 1]
    pair.source.psql("CREATE TABLE big (id int PRIMARY KEY, note text, b bytea, t text); ALTER TABLE big ALTER b SET STORAGE EXTERNAL;")
    applier = pair.run(source={"compression": compression})
    for i, size in enumerate(sizes):
        pair.source.sql("INSERT INTO big VALUES (%s, 'n', %s, %s)", (i, bytes((j * 7 + j // 251) % 256 for j in range(size)), "ü" * size))
    pair.source.sql("INSERT INTO big SELECT id + 100, note, b, t FROM big")
    pair.source.sql("UPDATE big SET note = 'x' WHERE id >= 100")
    applier.wait_caught_up()
    pair.compare()
