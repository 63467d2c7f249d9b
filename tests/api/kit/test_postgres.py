import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from api.kit.postgres import EmbeddedPostgres, PostgresError, PostgresInUse, PostgresNotStarted
from api.kit.postgres_address import socket_dir, url_for


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path / "data")
    yield server
    server.stop()


def test_what_was_committed_outlives_a_kill_and_the_next_start(server: EmbeddedPostgres) -> None:
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert server.process is not None
    server.process.kill()
    server.process.wait()
    server.start()
    with psycopg.connect(server.url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_second_zhitong_on_the_same_data_directory_is_refused(server: EmbeddedPostgres) -> None:
    server.start()
    with pytest.raises(PostgresInUse, match="--data"):
        EmbeddedPostgres(server.data_dir).start()


def test_two_data_directories_run_side_by_side(server: EmbeddedPostgres, tmp_path: Path) -> None:
    server.start()
    other = EmbeddedPostgres(tmp_path / "other")
    other.start()
    try:
        with psycopg.connect(server.url) as one, psycopg.connect(other.url) as two:
            directories = {each.execute("SHOW data_directory").fetchone() for each in (one, two)}
        assert len(directories) == 2
    finally:
        other.stop()


def test_a_server_left_behind_by_a_killed_process_is_replaced(server: EmbeddedPostgres) -> None:
    server.prepare()
    server.stop()
    code = (
        "import sys, time; from pathlib import Path; from api.kit.postgres import EmbeddedPostgres\n"
        "server = EmbeddedPostgres(Path(sys.argv[1])); server.start(); print(server.process.pid, flush=True)\n"
        "time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(server.data_dir)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        orphan = int(parent.stdout.readline())
        parent.kill()
    os.kill(orphan, 0)
    server.start()
    assert server.process is not None
    assert server.process.pid != orphan
    psycopg.connect(server.url).close()


def test_a_path_too_long_for_a_socket_gets_a_short_one(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    assert len(os.fsencode(socket_dir(deep))) < 80
    assert socket_dir(deep) != socket_dir(tmp_path / ("e" * 120))
    assert url_for(deep).startswith("postgresql://zhitong@/zhitong?host=")


def test_a_directory_of_somebody_elses_files_is_left_alone(server: EmbeddedPostgres) -> None:
    server.cluster.mkdir(parents=True)
    (server.cluster / "letter.txt").write_text("mine")
    with pytest.raises(PostgresError, match="holds files but no database"):
        server.prepare()
    assert (server.cluster / "letter.txt").read_text() == "mine"


def test_a_start_that_fails_says_what_postgresql_said(server: EmbeddedPostgres) -> None:
    server.prepare()
    (server.cluster / "postgresql.conf").write_text("nonsense = on\n")
    with pytest.raises(PostgresNotStarted, match="nonsense"):
        server.start()


def test_stopping_lets_the_directory_go(server: EmbeddedPostgres) -> None:
    server.start()
    assert server.process is not None
    pid = server.process.pid
    server.stop()
    time.sleep(0.05)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    again = EmbeddedPostgres(server.data_dir)
    again.start()
    again.stop()
