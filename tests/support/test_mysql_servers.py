# Servers that survive a test run or lose what COMMIT acknowledged would spoil every story about MySQL.
import pymysql
import pytest

from walbridge_testing.mysql import FLAVOURS, flavour
from walbridge_testing.toml_writer import dumps


def test_a_server_survives_kill_and_restart_with_what_was_committed():
    server = FLAVOURS[flavour()]("life").start()
    try:
        database = server.create_database("shop")
        database.sql("CREATE TABLE t (id int PRIMARY KEY, v text) ENGINE=InnoDB; INSERT INTO t VALUES (1, '€ 🙂')")
        pid = server.process.pid
        server.kill9()
        assert not server.is_running()
        server.start()
        assert server.process.pid != pid and database.sql("SELECT * FROM t") == [(1, "€ 🙂")]
        server.restart()
        assert database.sql("SELECT * FROM t") == [(1, "€ 🙂")]
        server.stop()
        assert not server.is_running()
        with pytest.raises(pymysql.Error):
            server.connect()
    finally:
        server.destroy()
    assert not server.directory.exists()


def test_the_servers_defaults_are_not_what_replication_needs(mysql_cluster):
    assert mysql_cluster.scalar("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit") == 1
    assert mysql_cluster.scalar("SELECT @@GLOBAL.sql_mode") == "" and mysql_cluster.scalar("SELECT @@GLOBAL.time_zone") == "-03:30"
    assert mysql_cluster.scalar("SELECT @@SESSION.time_zone") == "+00:00"
    name = "MariaDB" if flavour() == "mariadb" else "."
    assert name in mysql_cluster.version()


def test_a_setting_holds_for_a_while(mysql_cluster):
    before = mysql_cluster.scalar("SELECT @@GLOBAL.max_allowed_packet")
    with mysql_cluster.setting(max_allowed_packet=1 << 20, local_infile=0):
        assert mysql_cluster.sql("SELECT @@max_allowed_packet, @@GLOBAL.local_infile") == [(1 << 20, 0)]
    assert mysql_cluster.scalar("SELECT @@GLOBAL.max_allowed_packet") == before


def test_everything_of_users_is_dropped_whoever_holds_it(mysql_cluster):
    database = mysql_cluster.create_database("odd `name`")
    database.sql("CREATE TABLE t (id int PRIMARY KEY)")
    holder = database.connect()
    holder.cursor().execute("INSERT INTO t VALUES (1)")
    mysql_cluster.clear()
    assert mysql_cluster.databases() == []


def test_a_url_over_tcp_reaches_the_database(mysql_cluster):
    database = mysql_cluster.create_database("by_url")
    url = database.url(user="o'brien", password="p@ss/word", ssl_mode="required", ssl_ca="/a b/ca.pem")
    assert url == f"mysql://o%27brien:p%40ss%2Fword@127.0.0.1:{mysql_cluster.port}/by_url?ssl-mode=required&ssl-ca=/a%20b/ca.pem"
    assert f'url = "{url}"' in dumps({"target": {"url": url}})
    connection = pymysql.connect(host="127.0.0.1", port=mysql_cluster.port, user="root", database="by_url")
    connection.close()
    mysql_cluster.drop_database("by_url")
