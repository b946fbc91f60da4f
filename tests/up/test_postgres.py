"""A folder becomes a running PostgreSQL, whatever an earlier run left in it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from support.processes import alive, eventually
from syncworker.up import postgres
from syncworker.up.attended import Process
from syncworker.up.guarded import Guarded
from syncworker.up.kept import Household
from syncworker.up.postgres import Cluster, InitFailedError

pytestmark = pytest.mark.integration


@pytest.fixture
def folder(open_folder: Path) -> Path:
    return open_folder / "postgres"


@contextmanager
def running(cluster: Cluster, log: Path) -> Iterator[Guarded]:
    with log.open("ab") as output:
        server = Guarded(cluster.command(), output=output.fileno())
    try:
        eventually(lambda: postgres.accepts(cluster.url("postgres"), create="app"), what=f"ready, see {log}")
        yield server
    finally:
        server.stop()


def server_pid(folder: Path) -> int:
    return int((folder / "postmaster.pid").read_text().split("\n")[0])


def setting(cluster: Cluster, name: str) -> str:
    with psycopg.connect(postgres.plain(cluster.url("app"))) as connection:
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
    assert row
    return str(row[0])


def test_it_is_durable_takes_no_tcp_and_keeps_what_was_written(folder: Path) -> None:
    cluster = postgres.prepare(folder)
    with running(cluster, folder.with_suffix(".log")):
        assert setting(cluster, "fsync") == "on"
        assert setting(cluster, "synchronous_commit") == "on"
        assert setting(cluster, "listen_addresses") == ""
        with psycopg.connect(postgres.plain(cluster.url("app"))) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS number")
    assert not (folder / "postmaster.pid").exists(), "a stopped server has written everything and says so"
    with (
        running(postgres.prepare(folder), folder.with_suffix(".log")),
        psycopg.connect(postgres.plain(cluster.url("app"))) as connection,
    ):
        assert connection.execute("SELECT number FROM kept").fetchone() == (42,)


def test_only_its_own_user_may_enter(folder: Path) -> None:
    cluster = postgres.prepare(folder)
    with running(cluster, folder.with_suffix(".log")):
        assert folder.stat().st_mode & 0o077 == 0
        assert next(folder.glob(".s.PGSQL.*")).stat().st_mode & 0o077 == 0
    if os.geteuid() == 0:
        assert folder.stat().st_uid != 0


def test_a_pid_file_whose_number_belongs_to_another_process_by_now_does_not_matter(folder: Path) -> None:
    cluster = postgres.prepare(folder)
    (folder / "postmaster.pid").write_text(f"{os.getppid()}\n{folder}\n1\n5432\n{folder}\n\n0 0\nready\n")
    with running(postgres.prepare(folder), folder.with_suffix(".log")):
        assert setting(cluster, "fsync") == "on"
    assert alive(os.getppid())


def test_a_server_left_running_is_ended_before_ours_starts(folder: Path) -> None:
    cluster = postgres.prepare(folder)
    with running(cluster, folder.with_suffix(".log")):
        left_over = server_pid(folder)
        again = postgres.prepare(folder)
        assert not alive(left_over)
        with running(again, folder.with_suffix(".log")):
            assert server_pid(folder) != left_over


def test_a_killed_server_comes_back_with_all_that_was_committed(folder: Path) -> None:
    cluster = postgres.prepare(folder)
    url = postgres.plain(cluster.url("postgres"))
    process = Process(
        name="postgres",
        command=cluster.command(),
        ready=lambda: postgres.accepts(url),
        log=folder.with_suffix(".log"),
    )

    async def scene() -> None:
        household = Household(lambda _name, _line: None)
        await household.start(process)
        with psycopg.connect(url) as connection:
            connection.execute("CREATE TABLE survives AS SELECT 1 AS number")
        killed = server_pid(folder)
        os.kill(killed, signal.SIGKILL)
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(postgres.accepts, url):
                await asyncio.sleep(0.02)
        assert server_pid(folder) != killed
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT number FROM survives").fetchone() == (1,)
        await household.stop()

    asyncio.run(scene())


def test_a_path_too_long_for_a_socket_gets_a_short_one(open_folder: Path) -> None:
    folder = open_folder / ("a-long-name-" * 10) / "postgres"
    cluster = postgres.prepare(folder, durable=False)
    try:
        assert cluster.sockets != folder
        assert postgres.prepare(folder).sockets == cluster.sockets
        with running(cluster, folder.with_suffix(".log")):
            assert setting(cluster, "fsync") == "on"
    finally:
        shutil.rmtree(cluster.sockets)


def test_an_interrupted_first_run_is_begun_again(open_folder: Path) -> None:
    folder = open_folder / "interrupted"
    unfinished = open_folder / "interrupted.new"
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18\n")
    postgres.prepare(folder, durable=False)
    assert (folder / "global" / "pg_control").exists()
    assert not unfinished.exists()


def test_a_folder_that_cannot_be_made_into_a_cluster_says_why() -> None:
    error = InitFailedError(Path("data"), "some lines\ninitdb: error: disk full\n")
    assert str(error) == "cannot make a database in data: initdb: error: disk full"


@pytest.mark.parametrize(("said", "lives"), [("starting up", True), ("shutting down", False)])
def test_who_replays_its_log_lives_and_who_never_ends_shutting_down_does_not(
    open_folder: Path, said: str, *, lives: bool
) -> None:
    refusal = f"SFATAL\0VFATAL\0C57P03\0Mthe database system is {said}\0\0".encode()

    class Refuses(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(1024)
            self.request.sendall(b"E" + (len(refusal) + 4).to_bytes(4) + refusal)

    socket = open_folder / ".s.PGSQL.5432"
    with socketserver.UnixStreamServer(str(socket), Refuses) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        try:
            url = f"postgresql://postgres@/postgres?host={open_folder}&sslmode=disable&gssencmode=disable"
            assert postgres.lives(url) is lives
            assert not postgres.accepts(url)
        finally:
            server.shutdown()
            socket.unlink()
