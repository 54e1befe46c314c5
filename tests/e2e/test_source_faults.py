# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL source when things go wrong: killed back ends, locks, timeouts, hostile SQL,
refused connections; and that it leaves nothing behind on the server."""
import os
import signal
import socket

import pytest
from source_driver import Driver
from stack import VARIANT, Closing, Cluster, wait_for

# In the SELECT list generate_series() hands its rows out at once.
BIG = "COPY (SELECT generate_series(1, 10000000)) TO STDOUT (FORMAT binary)"
SLOW = "COPY (SELECT i FROM (SELECT generate_series(1, 10000000) AS i OFFSET 0) t" \
    " WHERE pg_sleep(0.0001)::text = '') TO STDOUT (FORMAT binary)"
INT4 = [["number", 23, False]]


def scan(sql, **more):
    return dict(do="scan", sql=sql, columns=INT4, **more)


def backend(database):
    """The one process that works for the driver."""
    return wait_for(lambda: database.backends(), what="a back end")[0][0]


def settled(database):
    """Whether none of the driver's connections is busy or in a transaction."""
    return all(state == "idle" for _, state, _, _ in database.backends())


@pytest.fixture(scope="module")
def rough():
    """A cluster that may be crashed, and asks role `secretive` for a password."""
    made = Cluster(restart_after_crash="on", max_connections="15")
    hba = made.folder / "c/data/pg_hba.conf"
    hba.write_text("host all secretive 127.0.0.1/32 scram-sha-256\n" + hba.read_text())
    with Closing(made.connect()) as c:
        c.cursor().execute("CREATE ROLE secretive LOGIN PASSWORD 'open sesame';"
                           "CREATE ROLE crowded LOGIN CONNECTION LIMIT 0")
        c.cursor().execute("SELECT pg_reload_conf()")
    yield made
    made.remove()


# --- in the middle of a scan -------------------------------------------------------------------


def test_terminated_back_end(database, source):
    source.open()
    source.send(**scan(SLOW, pause_at=1000))
    assert source.receive()["paused"] >= 1000
    database.execute("SELECT pg_terminate_backend(%s)", (backend(database),))
    failed = source.fails(go=True)
    assert (failed.code, failed.sqlstate) == ("connect", "57P01"), failed
    source.shut()
    source.open()
    source.send(**scan(BIG, pause_at=1000))
    source.receive()
    # a back end that is waiting for us to read has no way to say farewell
    database.execute("SELECT pg_terminate_backend(%s)", (backend(database),))
    failed = source.fails(go=True)
    assert failed.code == "connect"
    assert failed.answer["rows"] < 10000000
    assert source.fails(do="rows", sql="SELECT 1").code == "connect"
    source.shut()
    source.open()
    assert source.rows("SELECT 1") == [["1"]]
    source.shut()


def test_crashed_back_end(rough, driver_program):
    source = Driver(driver_program, main=rough.conninfo)
    source.open()
    source.send(**scan(BIG, pause_at=1000))
    source.receive()
    with Closing(rough.connect()) as c:
        cursor = c.cursor()
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'pgvigil/%'")
        os.kill(cursor.fetchone()[0], signal.SIGKILL)
    failed = source.fails(go=True)
    assert (failed.code, failed.sqlstate) == ("connect", "")
    assert "lost" in failed.msg and failed.hint
    source.shut()

    def back():
        try:
            source.open()
            return True
        except Exception as error:  # starting up: 57P03
            assert error.code == "connect"
            return False
    wait_for(back, what="the server after its crash")
    source.shut()
    source.close()


def test_statement_timeout_and_going_on(database, source):
    database.execute("CREATE TABLE t (i int)")
    source.open()
    assert source.rows("SELECT count(*) FROM public.t") == [["0"]]
    database.execute("INSERT INTO t VALUES (1)")
    failed = source.fails(**scan(SLOW, timeout_us=400000))
    assert (failed.code, failed.sqlstate) == ("timeout", "57014")
    assert "`timeout`" in failed.hint and "`scan_timeout`" in failed.hint
    assert failed.seconds < 3
    # the same snapshot goes on, and so do the limits
    assert source.rows("SELECT count(*) FROM public.t") == [["0"]]
    assert source.rows("SHOW statement_timeout") == [["10s"]]
    assert source.rows("SHOW search_path") == [["pg_catalog"]]
    source.shut()
    source.open(timeout_us=300000)
    failed = source.fails(do="rows", sql="SELECT pg_sleep(60)")
    assert (failed.code, failed.sqlstate) == ("timeout", "57014")
    source.shut()


def test_server_that_hangs(database, source):
    """The client's own deadline, 5 s after the server's: the back end is stopped in its tracks."""
    source.open()
    source.send(**scan(BIG, timeout_us=1000000, pause_at=1000))
    source.receive()
    pid = backend(database)
    os.kill(pid, signal.SIGSTOP)
    try:
        failed = source.fails(go=True)
        assert failed.code == "timeout" and "`scan_timeout`" in failed.hint
        assert 4 < failed.seconds < 14
        assert source.call(do="close")["us"] < 3e6
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_for(lambda: not database.backends(), what="the back end's end")


def test_stop_flag_ends_a_scan(database, source):
    source.open()
    source.call(do="stop", after_us=500000)
    failed = source.fails(**scan(SLOW))
    assert failed.code == "cancelled"
    assert 0.4 < failed.seconds < 1.5
    source.shut()
    # cancelled on the server too, not left running
    wait_for(lambda: settled(database), 2, "the scan's end on the server")
    source.call(do="stop")
    source.open()
    source.call(do="stop", after_us=300000)
    failed = source.fails(do="rows", sql="SELECT pg_sleep(60)")
    assert failed.code == "cancelled" and failed.seconds < 1.3
    source.shut()
    wait_for(lambda: settled(database), 2, "the statement's end on the server")


def test_callback_that_fails(database, source):
    source.open()
    failed = source.fails(**scan(BIG, fail_at=5000))
    assert (failed.code, failed.msg) == ("blind", "as the test wanted")
    assert 5000 <= failed.answer["rows"] < 10000 and failed.seconds < 3
    source.shut()
    wait_for(lambda: settled(database), 2, "the scan's end on the server")


def test_progress(database, source):
    source.open()
    failed = source.fails(**scan(SLOW, timeout_us=2600000))
    assert failed.answer["progress"] == 2
    # before the first row too
    failed = source.fails(**scan("COPY (SELECT 1 WHERE pg_sleep(9)::text = '') TO STDOUT"
                                 " (FORMAT binary)", timeout_us=1500000))
    assert (failed.answer["progress"], failed.answer["rows"]) == (1, 0)
    source.shut()


def test_lock_timeout(database, source):
    database.execute("CREATE TABLE t (i int)")
    with Closing(database.connect()) as locker:
        locker.autocommit = False
        source.open()
        catalog = source.catalog("t")
        source.shut()
        locker.cursor().execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        source.open()
        failed = source.fails(do="catalog", table="t")
        assert (failed.code, failed.sqlstate) == ("timeout", "55P03") and failed.hint
        failed = source.fails(**source.scan_call(catalog))
        assert (failed.code, failed.sqlstate) == ("timeout", "55P03")
        assert 0.9 < failed.seconds < 3
        locker.rollback()
        assert source.call(**source.scan_call(catalog))["rows"] == 0
        source.shut()


def test_table_dropped_after_the_catalogue(database, source):
    database.execute("CREATE TABLE t (i int)")
    source.open()
    catalog = source.catalog("t")
    source.shut()
    source.open()
    database.execute("DROP TABLE t")
    failed = source.fails(**source.scan_call(catalog))
    assert (failed.code, failed.sqlstate) == ("query", "42P01")
    source.shut()


def test_scan_that_is_none(database, source):
    source.open()
    failed = source.fails(**scan("SELECT 1"))
    assert failed.code == "internal"
    source.shut()
    for wrong in ("COPY (SELECT 1) TO STDOUT", "COPY (SELECT 1, 2) TO STDOUT (FORMAT binary)",
                  "COPY (SELECT 1::int8) TO STDOUT (FORMAT binary)"):
        source.open()
        failed = source.fails(**scan(wrong))
        assert failed.code in ("internal", "data"), failed
        source.shut()
    source.open()
    assert source.fails(do="rows", sql="COPY (SELECT 1) TO STDOUT").code == "query"
    source.shut()
    wait_for(lambda: settled(database), 5, "quiet")


@pytest.mark.both
def test_memory_is_flat(database, source):
    """Ten times the rows in the same memory."""
    source.open()
    peak = []
    for rows in (100000, 1000000):
        sql = f"COPY (SELECT i, md5(i::text), i / 3.0 FROM generate_series(1, {rows}) t(i))" \
            " TO STDOUT (FORMAT binary)"
        columns = [["number", 23, False], ["text", 25, False], ["number", 1700, False]]
        assert source.call(do="scan", sql=sql, columns=columns, quiet=True)["rows"] == rows
        peak.append(source.call(do="rss")["kib"])
    source.shut()
    # the address sanitizer keeps what was freed, up to a limit of its own
    assert peak[1] - peak[0] < 1024 or VARIANT == "san"


# --- hostile SQL -------------------------------------------------------------------------------


def test_one_statement_at_a_time_and_no_writes(database, source):
    database.execute("CREATE TABLE t (i int)")
    source.open()
    for sql, sqlstate in (("SELECT 1; SELECT 2", "42601"),
                          ("SELECT 1; DROP TABLE public.t", "42601"),
                          ("INSERT INTO public.t VALUES (1)", "25006"),
                          ("DROP TABLE public.t", "25006"), ("SELECT 1; COMMIT", "42601"),
                          ("SELECT * FROM t", "42P01"), ("SELECT nosuch()", "42883")):
        failed = source.fails(do="rows", sql=sql)
        assert (failed.code, failed.sqlstate) == ("query", sqlstate), sql
    failed = source.fails(**scan(BIG + "; DROP TABLE public.t"))
    assert failed.sqlstate == "42601"
    source.shut()
    assert database.value("SELECT count(*) FROM t") == 0


def test_values_stay_out_of_messages(database, source):
    database.execute("CREATE TABLE t AS SELECT 'Jane Doe, 555-1234' AS v")
    source.open()
    failed = source.fails(do="rows", sql="SELECT v::int FROM public.t")
    assert (failed.code, failed.sqlstate) == ("query", "22P02")
    assert "Jane" not in str(failed.answer) and "invalid input" in failed.msg
    source.shut()


def test_nothing_outlives_a_session(database, source):
    """What escapes a ROLLBACK (session locks) is gone, and settings are as they were."""
    source.open()
    before = source.rows("SELECT pg_backend_pid(), pg_advisory_lock(42)")
    source.rows("SELECT set_config('statement_timeout', '0', false)")
    source.rows("SELECT set_config('search_path', 'public', false)")
    source.shut()
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42"
                          " AND database = (SELECT oid FROM pg_database WHERE datname ="
                          " current_database())") == 0
    source.open()
    after = source.rows("SELECT pg_backend_pid(), current_setting('statement_timeout'),"
                        " current_setting('search_path'), current_setting('TimeZone')")
    assert after == [[before[0][0], "10s", "pg_catalog", "UTC"]]
    source.shut()


# --- small results -----------------------------------------------------------------------------


def test_rows(database, source):
    source.open()
    assert source.rows("SELECT $1::text, $2::int + 1, NULL, ''", "a", "41") == \
        [["a", "42", None, ""]]
    assert source.rows("SELECT $1::text IS NULL", None) == [["t"]]
    assert source.rows("SELECT 1 WHERE false") == []
    assert len(source.rows("SELECT i, i FROM generate_series(1, 10000) i")) == 10000
    source.shut()
    for sql in ("SELECT i FROM generate_series(1, 10001) i",
                "SELECT repeat('x', 1000000) FROM generate_series(1, 17)"):
        source.open()
        assert source.fails(do="rows", sql=sql).code == "limit"
        source.shut()
    wait_for(lambda: settled(database), 2, "quiet")


# --- connections -------------------------------------------------------------------------------


def test_connections_are_reused_and_replaced(database, source):
    pids = []
    for number in range(4):
        source.open(session=number)
        pids += source.rows("SELECT pg_backend_pid()", session=number)[0]
    for number in range(4):
        source.shut(session=number)
    assert len(set(pids)) == 4
    # two are kept, idle, without a transaction
    wait_for(lambda: len(database.backends()) == 2, what="two idle connections")
    assert settled(database)
    for pid, _, _, _ in database.backends():
        database.execute("SELECT pg_terminate_backend(%s)", (pid,))
    wait_for(lambda: not database.backends(), what="their end")
    source.open()
    assert source.rows("SELECT pg_backend_pid()")[0][0] not in pids
    source.shut()


def test_reload(cluster, database, source):
    other = cluster.create(database.name + "x", "TEMPLATE template0")
    source.open()
    assert source.rows("SELECT current_database()") == [[database.name]]
    source.config(main=other.conninfo)
    source.shut()
    # the old session went on, but its connection is not handed out under the same name
    source.open()
    assert source.rows("SELECT current_database()") == [[other.name]]
    source.shut()
    assert database.backends() == []
    source.config(main=other.conninfo, second=database.conninfo)
    assert len(other.backends()) == 1  # unchanged: kept
    source.config(second=database.conninfo)
    assert source.fails(do="open", name="main").code == "config"
    wait_for(lambda: not other.backends(), what="the closing of what is not named any more")
    other.close()
    cluster.drop(other.name)


def test_many_threads(database, source):
    source.call(do="storm", name="main", threads=8, times=25)
    wait_for(lambda: len(database.backends()) <= 2, what="two idle connections")
    assert settled(database)


def test_refused_connections(rough, driver_program, folder):
    secret = folder / "password"
    secret.write_text("open sesame\n")
    wrong = folder / "wrong"
    wrong.write_text("canary-7391\n")
    over_tcp = rough.conninfo_of("postgres", "secretive", "127.0.0.1")
    source = Driver(
        driver_program, right=(over_tcp, str(secret)), wrong=(over_tcp, str(wrong)), none=over_tcp,
        missing=(over_tcp, str(folder / "nosuch")),
        crowded=rough.conninfo_of("postgres", "crowded"),
        nodb=rough.conninfo_of("nosuch"), norole=rough.conninfo_of("postgres", "nosuch"),
        inside=f"{over_tcp} password=canary-7391",
        torn=f"{over_tcp} password=canary-7391 canary-7391", option="canary-7391=x",
        refused="host=127.0.0.1 port=1 dbname=x")
    for name, code, sqlstate in (
            ("wrong", "permission", "28P01"), ("none", "permission", ""),
            ("missing", "connect", ""), ("crowded", "connect", "53300"),
            ("nodb", "connect", "3D000"), ("norole", "permission", "28000"),
            ("inside", "permission", "28P01"), ("torn", "config", ""), ("option", "config", ""),
            ("refused", "connect", ""), ("nosuch", "config", "")):
        failed = source.fails(do="open", name=name)
        assert (failed.code, failed.sqlstate) == (code, sqlstate), (name, failed)
        assert "canary" not in str(failed.answer), name
        assert failed.hint or name in ("missing", "nosuch"), name
    # read at every connect
    source.open("right")
    assert source.rows("SELECT current_user") == [["secretive"]]
    wrong.write_text("open sesame")
    source.open("wrong", session=1)
    source.shut(session=1)
    source.shut()
    source.close()


def test_connection_limit_of_the_server(rough, driver_program):
    source = Driver(driver_program, main=rough.conninfo_of("postgres", "secretive", "127.0.0.1"),
                    plain=rough.conninfo)
    held = [rough.connect() for _ in range(15)]
    failed = source.fails(do="open", name="plain")
    for connection in held:
        connection.close()
    assert (failed.code, failed.sqlstate) == ("connect", "53300")
    source.close()


@pytest.fixture
def black_hole():
    """A port where connections are taken and nothing is ever said."""
    class Hole(socket.socket):
        conninfo = None

    with Hole() as s:
        s.bind(("127.0.0.1", 0))
        s.listen(8)
        s.conninfo = f"host=127.0.0.1 port={s.getsockname()[1]} user=u dbname=x" \
            " sslmode=disable gssencmode=disable"
        yield s


def test_server_that_says_nothing(database, black_hole, source):
    source.config(main=database.conninfo, hole=black_hole.conninfo,
                  lost="host=nosuch.invalid dbname=x")
    failed = source.fails(do="open", name="hole", timeout_us=600000)
    assert failed.code == "connect" and 0.5 < failed.seconds < 2 and failed.hint
    failed = source.fails(do="open", name="lost", timeout_us=1500000)
    assert failed.code == "connect" and failed.seconds < 3
    source.call(do="stop", after_us=300000)
    failed = source.fails(do="open", name="hole", timeout_us=30000000)
    assert failed.code == "cancelled" and failed.seconds < 1.3
    source.call(do="stop")
    source.open()
    source.shut()


def test_startup_packet_suits_a_pooler(black_hole, source):
    """A pooler in transaction mode refuses what it does not track: `options` above all."""
    source.config(hole=black_hole.conninfo)
    source.fails(do="open", name="hole", timeout_us=300000)
    with Closing(black_hole.accept()[0]) as peer:
        peer.settimeout(5)
        words = peer.recv(4096)[8:].rstrip(b"\0").split(b"\0")
    assert dict(zip(words[::2], words[1::2])).keys() == {b"user", b"database", b"application_name"}


def test_settings_of_a_session(database, source):
    database.execute(f"ALTER DATABASE {database.name} SET search_path = public;"
                     f"ALTER DATABASE {database.name} SET DateStyle = 'German';"
                     f"ALTER DATABASE {database.name} SET default_transaction_read_only = off;"
                     f"ALTER DATABASE {database.name} SET standard_conforming_strings = off;"
                     f"ALTER DATABASE {database.name} SET client_encoding = 'LATIN1'")
    source.open(timeout_us=1500000)
    names = ("transaction_isolation", "transaction_read_only", "statement_timeout", "lock_timeout",
             "search_path", "TimeZone", "DateStyle", "jit", "client_encoding",
             "idle_in_transaction_session_timeout", "standard_conforming_strings",
             "application_name")
    row = source.rows("SELECT " + ", ".join(f"current_setting('{n}')" for n in names))[0]
    assert row[:11] == ["repeatable read", "on", "1500ms", "1s", "pg_catalog", "UTC", "ISO, MDY",
                        "off", "UTF8", "1min", "on"]
    assert row[11].startswith("pgvigil/")
    assert source.rows("SELECT '\u20ac', timestamptz '2001-06-12 00:00+02'") == \
        [["\u20ac", "2001-06-11 22:00:00+00"]]
    assert wait_for(lambda: database.backends())[0][1] == "idle in transaction"
    source.shut()
    assert settled(database)
