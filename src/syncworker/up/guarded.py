"""How is a process started so that nothing of it outlives us, and how is it stopped?"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import Signals

from syncworker.up import guard


@dataclass(frozen=True, slots=True)
class Owner:
    """The user a process runs as."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What to run, and how it wants to be ended."""

    argv: tuple[str, ...]
    env: Mapping[str, str] | None = None
    """None: our own environment."""
    cwd: Path | None = None
    owner: Owner | None = None
    """None: our own user. Another one needs root."""
    stop_signal: Signals = signal.SIGTERM
    orphan_signal: Signals = signal.SIGKILL
    """What it gets when we are gone without having stopped it."""
    orphan_seconds: float = 0.0
    """How long it then has before it is killed."""


class Guarded:
    """A running process: its guard's process, and the lifeline to it. Not to be shared between threads."""

    def __init__(self, command: Command, *, output: int) -> None:
        """Start `command`; its standard output and error go to the file descriptor `output`."""
        self.command = command
        self._told = b""
        self.lifeline, theirs = socket.socketpair()
        self.lifeline.setblocking(False)
        owner = f"{command.owner.uid}:{command.owner.gid}" if command.owner else "-"
        with theirs:
            self._guard = subprocess.Popen(  # noqa: S603 - the command is ours, there is no shell
                [sys.executable, "-I", "-S", guard.__file__, str(int(command.orphan_signal)),
                 str(command.orphan_seconds), owner, *command.argv],
                stdin=theirs.fileno(), stdout=output, stderr=output, env=command.env, cwd=command.cwd,
                start_new_session=True,  # Ctrl-C in the terminal is for us: we stop things in order
            )  # fmt: skip

    @property
    def pid(self) -> int:
        """The guard's process id, which is its process group's too."""
        return self._guard.pid

    def ask_to_stop(self) -> None:
        """Send the stop signal. The guard is our child and not reaped yet, so the id cannot be another's."""
        os.kill(self.pid, self.command.stop_signal)

    def kill(self) -> None:
        """Kill the process, its children and its guard."""
        os.killpg(self.pid, signal.SIGKILL)

    def gone(self) -> bool:
        """Whether the process and its guard are gone. Does not wait."""
        try:
            while told := self.lifeline.recv(64):
                self._told += told
        except BlockingIOError:
            return False
        except ConnectionError:
            return True
        return True

    def wait(self, *, seconds: float) -> bool:
        """Wait until the process and its guard are gone; False when they are not after `seconds`."""
        deadline = time.monotonic() + seconds
        while not self.gone():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            select.select([self.lifeline], [], [], left)
        return True

    def reap(self) -> int:
        """Clear up after an ended process and return its exit code, negative for a signal.

        To be called once, when it is gone. Whatever is left of the group is killed: something is, when the
        guard itself was killed. Until it is reaped, its id is not given to another.
        """
        self.lifeline.close()
        self.kill()
        of_guard = self._guard.wait()
        return int(self._told) if self._told else of_guard

    def stop(self, *, seconds: float = 5.0) -> int:
        """Ask, wait, kill what lingers, and return the exit code."""
        self.ask_to_stop()
        if not self.wait(seconds=seconds):
            self.kill()
            self.wait(seconds=seconds)
        return self.reap()
