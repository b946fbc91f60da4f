"""What runs, as `syncworker up` started it, and how does one find the process of a name in it?"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import redis
from dotenv import dotenv_values

from support.processes import eventually
from support.sandbox_server import SandboxServer
from support.whole import Whole
from syncworker.up.postgres import plain

WORKERS = 4
# Part of the command of each process that `up` keeps, by name.
COMMANDS = {
    "web": ("syncworker.cli", "web"),
    "worker": ("dramatiq", "actors"),
    "scheduler": ("periodiq",),
    "sandbox": ("syncworker.sandbox",),
    "postgres": ("postgres", "-D"),
    "valkey": ("valkey-server",),
}


class Deployment(Whole):
    """A whole `syncworker up` that may be killed and started again in its folder."""

    def __init__(self, folder: Path, **settings: object) -> None:
        super().__init__(folder, **settings)
        self.starts = 0
        self.changing = threading.RLock()
        """Held while `up` itself is killed and started: what it reads then is not changed meanwhile."""

    def begin(self) -> None:
        """Start it, for the first time or again."""
        self.starts += 1
        self.log = self.folder / f"up-{self.starts}.log"
        self.start("--worker-processes", str(WORKERS))

    def kill(self) -> None:
        """Kill `up` alone, and wait until nothing that it had started runs any more."""
        assert self._process is not None
        orphans = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        self.sandbox.stop()
        eventually(lambda: not [one for one in orphans if _runs(one)], seconds=60, what=f"the end of {orphans}")

    def client(self) -> SandboxServer:
        """A connection of one's own to the sandbox: one is not for several threads."""
        return SandboxServer(self.folder / "unused", port=self.sandbox.port)

    @property
    def crm(self) -> Path:
        """The sandbox's own data."""
        return self.folder / "data" / "sandbox" / "sandbox.sqlite3"

    def _published(self, name: str) -> str:
        return str(dotenv_values(self.folder / "data" / "up.env")[f"SYNCWORKER_{name}"])

    @contextmanager
    def postgres(self, database: str | None = None) -> Iterator[psycopg.Connection]:
        """A connection to the database (or to another one of the server), each statement by itself."""
        url = plain(self._published("DATABASE_URL"))
        if database is not None:
            url = url.replace("/syncworker_sandbox?", f"/{database}?")
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            yield connection

    @contextmanager
    def valkey(self) -> Iterator[redis.Redis]:
        """A connection to Valkey."""
        with redis.Redis.from_url(self._published("REDIS_URL"), socket_timeout=2, socket_connect_timeout=2) as client:
            yield client

    def processes(self, name: str) -> list[psutil.Process]:
        """The process of a name, and the children it has by itself; none while `up` starts it again."""
        assert self._process is not None
        try:
            family = psutil.Process(self._process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []
        return [one for one in family if _is(one, COMMANDS[name])]

    def guards(self) -> list[psutil.Process]:
        """The processes that stand between `up` and each that it keeps."""
        assert self._process is not None
        try:
            children = psutil.Process(self._process.pid).children()
        except psutil.NoSuchProcess:
            return []
        return [one for one in children if _is(one, ("guard.py",))]

    def run(self, *arguments: str) -> None:
        """A command of `syncworker`, as an operator types it; its failure is the operator's to see."""
        import sys

        command = [sys.executable, "-m", "syncworker.cli", *arguments]
        try:
            subprocess.run(command, cwd=self.folder, env=self.environment, check=False, capture_output=True, timeout=60)
        except subprocess.TimeoutExpired:
            return


def send(process: psutil.Process, number: signal.Signals) -> bool:
    """Send a signal, unless the process is gone; whether it was there."""
    try:
        os.kill(process.pid, number)
    except ProcessLookupError:
        return False
    return True


def children(process: psutil.Process, *, called: str = "") -> list[psutil.Process]:
    """Those of a process, and theirs, with that in their command; one that has just ended is none, and has none."""
    try:
        family = process.children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [one for one in family if (command := _command(one)) and called in command]


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


def _runs(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is(process: psutil.Process, words: tuple[str, ...]) -> bool:
    try:
        command = process.cmdline()
    except psutil.Error:
        return False
    is_guard = any("guard.py" in part for part in command)
    if is_guard != ("guard.py" in words):
        return False
    return all(any(word in part for part in command) for word in words)
