# A connection to MySQL that goes in clear, to somebody else's server, or with a certificate that nobody checked.
import pytest
from walbridge_testing.applier import Exit
from walbridge_testing.authority import Authority
from walbridge_testing.mysql import flavour

REFUSED = (Exit.connection, Exit.authentication, Exit.configuration, Exit.permission)
MYSQL_ONLY = pytest.mark.skipif(flavour() != "mysql", reason="caching_sha2_password is MySQL's")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "another authority")


@pytest.fixture
def secured(own_mysql_pair, authority):
    """secured(hosts, issuer): a pair whose target has a certificate for `hosts`, and a user that needs one of the private authority."""
    def make(hosts=("IP:127.0.0.1", "DNS:localhost", "DNS:db.example"), issuer=authority):
        certificate, key = issuer.issue("server", hosts)
        pair = own_mysql_pair({"ssl-ca": "{directory}/ca.pem", "ssl-cert": "{directory}/server.pem", "ssl-key": "{directory}/server-key.pem"},
                              {"ca.pem": authority.certificate.read_text(), "server.pem": certificate.read_text(), "server-key.pem": key.read_text()})
        pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'secret')")
        for statement in ("CREATE USER mutual@'127.0.0.1' IDENTIFIED BY 'hush:/@hush' REQUIRE SUBJECT '/CN=client' AND ISSUER '/CN=test authority'",
                          "CREATE USER encrypted@'127.0.0.1' IDENTIFIED BY 'hush:/@hush' REQUIRE SSL", "CREATE USER plain@'127.0.0.1' IDENTIFIED BY 'hush:/@hush'",
                          *(f"GRANT ALL ON *.* TO {user}@'127.0.0.1' WITH GRANT OPTION" for user in ("mutual", "encrypted", "plain"))):
            pair.server.sql(statement)
        return pair
    return make


def accepted(pair, url, **options):
    applier = pair.run(target_url=url, **options)
    pair.compare()
    assert "hush" not in applier.log_text() and "hush" not in applier.cli("status", "--json").text
    return applier


def refused(pair, url, *words, **options):
    applier = pair.applier(target_url=url, **options)
    result = applier.cli("precheck", timeout=60)
    assert result.code in (*REFUSED, Exit.precheck), result
    assert any(word.lower() in result.text.lower() for word in words), result
    assert "hush" not in result.text
    assert not pair.target.exists("t")


def ciphers(pair, user):
    """Of the sessions of a user: whether each is encrypted."""
    with pair.server.connect() as connection, connection.cursor() as cursor:
        ids = [id for id, who, *_ in pair.server.sessions() if who == user]
        assert ids
        if flavour() == "mysql":
            cursor.execute("SELECT variable_value <> '' FROM performance_schema.status_by_thread JOIN performance_schema.threads USING (thread_id) "
                           f"WHERE variable_name = 'Ssl_cipher' AND processlist_id IN ({', '.join(map(str, ids))})")
            return {bool(value) for (value,) in cursor.fetchall()}
    return None     # MariaDB shows it to the session itself alone


def test_a_private_authority_a_client_certificate_and_the_hosts_name(secured, authority):
    pair = secured()
    certificate, key = authority.issue("client")
    url = pair.target.url(user="mutual", password="hush:/@hush", ssl_mode="verify_identity", ssl_ca=authority.certificate, ssl_cert=certificate, ssl_key=key)
    applier = accepted(pair, url)
    pair.source.psql("INSERT INTO t VALUES (2, 'in the stream')")
    applier.wait_caught_up()
    pair.compare()
    assert ciphers(pair, "mutual") in ({True}, None)
    applier.stop()
    # by name: not the socket that clients of MySQL take for `localhost`
    by_name = pair.applier(target_url=url.replace("127.0.0.1", "localhost"))
    by_name.start()
    pair.source.psql("INSERT INTO t VALUES (3, 'by name')")
    by_name.wait_caught_up()
    pair.compare()


def test_another_hosts_certificate_is_refused(secured, authority):
    pair = secured(hosts=("DNS:elsewhere.example", "IP:10.1.2.3"))
    url = lambda mode: pair.target.url(user="encrypted", password="hush:/@hush", ssl_mode=mode, ssl_ca=authority.certificate)
    refused(pair, url("verify_identity"), "certificate", "host", "verif")
    accepted(pair, url("verify_ca"))


def test_another_authoritys_certificate_is_refused(secured, stranger, authority):
    pair = secured(issuer=stranger)
    url = lambda mode: pair.target.url(user="encrypted", password="hush:/@hush", ssl_mode=mode, ssl_ca=authority.certificate)
    refused(pair, url("verify_identity"), "certificate")
    refused(pair, url("verify_ca"), "certificate")
    accepted(pair, pair.target.url(user="encrypted", password="hush:/@hush", ssl_mode="required"))


def test_a_client_that_should_have_a_certificate_is_refused_without(secured, authority, stranger):
    pair = secured()
    common = {"user": "mutual", "password": "hush:/@hush", "ssl_mode": "verify_identity", "ssl_ca": authority.certificate}
    refused(pair, pair.target.url(**common), "denied")
    certificate, key = stranger.issue("client")
    refused(pair, pair.target.url(**common, ssl_cert=certificate, ssl_key=key), "certificate", "denied", "tls", "ssl", "alert")


def test_clear_text_is_refused_where_the_server_asks_for_tls(secured):
    pair = secured()
    refused(pair, pair.target.url(user="encrypted", password="hush:/@hush", ssl_mode="disabled"), "denied", "secure transport")


def test_a_server_without_tls_is_refused_where_the_task_asks_for_it(own_mysql_pair, authority):
    settings = {"ssl": "OFF"} if flavour() == "mariadb" else {"tls-version": ""}
    pair = own_mysql_pair(settings)
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'secret')")
    for mode in ("required", "verify_ca", "verify_identity"):
        refused(pair, pair.target.url(ssl_mode=mode, ssl_ca=authority.certificate), "tls", "ssl")
    accepted(pair, pair.target.url(ssl_mode="preferred"))


def test_the_passphrase_of_the_clients_key(secured, authority, monkeypatch, tmp_path):
    pair = secured()
    certificate, key = authority.issue("client", passphrase="open sesame")
    url = pair.target.url(user="mutual", password="hush:/@hush", ssl_mode="verify_identity", ssl_ca=authority.certificate, ssl_cert=certificate, ssl_key=key)
    refused(pair, url, "passphrase", "key")
    monkeypatch.setenv("KEY_PASSPHRASE", "wrong sesame")
    refused(pair, url, "passphrase", "key", target={"key_passphrase_env": "KEY_PASSPHRASE"})
    monkeypatch.setenv("KEY_PASSPHRASE", "open sesame")
    applier = accepted(pair, url, target={"key_passphrase_env": "KEY_PASSPHRASE"})
    assert "sesame" not in applier.log_text()
    applier.stop()
    file = tmp_path / "passphrase"
    file.write_text("open sesame\n")
    file.chmod(0o600)
    again = pair.applier(target_url=url, target={"key_passphrase_file": str(file)}).start()
    pair.source.psql("INSERT INTO t VALUES (2, 'b')")
    again.wait_caught_up()
    pair.compare()


@pytest.mark.parametrize("key,value,word", [("ssl-mode", "verify", "verify_identity"), ("ssl-moed", "required", "ssl-mode"), ("ssl-ca", "/nowhere/ca.pem", "/nowhere/ca.pem")])
def test_a_misspelt_option_is_named(mysql_pair, key, value, word):
    """One that is passed over would leave the connection open to everybody."""
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    options = {"ssl-mode": "verify_ca", "ssl-ca": "/etc/passwd"} | {key: value} if key == "ssl-ca" else {key: value}
    result = pair.applier(target_url=pair.target.url() + "?" + "&".join(f"{k}={v}" for k, v in options.items())).cli("precheck")
    assert result.code in (*REFUSED, Exit.precheck), result
    assert word in result.text and (value if key == "ssl-mode" else key) in result.text, result


def test_a_wrong_password_stops_at_once(mysql_pair):
    pair = mysql_pair
    pair.source.psql("CREATE TABLE t (id int PRIMARY KEY)")
    pair.server.sql("CREATE USER writer@'127.0.0.1' IDENTIFIED BY 'right'; GRANT ALL ON *.* TO writer@'127.0.0.1' WITH GRANT OPTION")
    try:
        applier = pair.applier(target_url=pair.target.url(user="writer", password="hush"), stages=["incremental"]).start()
        assert applier.wait_exit() in (Exit.authentication, Exit.precheck), applier.log_tail()
        assert "hush" not in applier.log_text() and "writer" in applier.log_text()
    finally:
        pair.server.sql("DROP USER writer@'127.0.0.1'")


@MYSQL_ONLY
@pytest.mark.parametrize("mode", ["required", "disabled"])
def test_caching_sha2_password_over_tls_and_by_the_servers_key(secured, mode):
    """First the full exchange, then from the server's cache, then with an empty cache once more."""
    pair = secured()
    assert pair.server.sql("SELECT plugin FROM mysql.user WHERE user = 'plain'") == [("caching_sha2_password",)]
    applier = accepted(pair, pair.target.url(user="plain", password="hush:/@hush", ssl_mode=mode))
    for number in (2, 3):
        applier.stop()
        if number == 3:
            pair.server.sql("FLUSH PRIVILEGES")
        pair.source.psql(f"INSERT INTO t VALUES ({number}, 'again')")
        applier.start()
        applier.wait_caught_up()
    pair.compare()
