# Servers that survive a test run, or that share an identity, would spoil other stories.
from walbridge_testing.cluster import Cluster


def test_a_cluster_survives_crash_and_kill_and_keeps_its_identity():
    cluster = Cluster("life").start()
    try:
        identity = cluster.scalar("SELECT system_identifier FROM pg_control_system()")
        cluster.psql("CREATE TABLE t AS SELECT generate_series(1, 1000) i")
        cluster.crash()
        assert not cluster.is_running()
        cluster.start()
        cluster.kill9()
        cluster.start()
        assert cluster.scalar("SELECT count(*) FROM t") == 1000
        assert cluster.scalar("SELECT system_identifier FROM pg_control_system()") == identity
        other = Cluster("other").start()
        assert other.scalar("SELECT system_identifier FROM pg_control_system()") != identity
        other.destroy()
        assert not other.is_running()
    finally:
        cluster.destroy()


def test_logical_decoding_is_available(source_cluster):
    assert source_cluster.scalar("SHOW wal_level") == "logical"
    known = source_cluster.scalar("SELECT count(*) FROM pg_settings WHERE name = 'output_plugin_libraries'")
    if known:
        assert "walbridge" in source_cluster.scalar("SHOW output_plugin_libraries")
