"""Which processes are there, and how does a test wait for them to come or go?"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import psutil

PATIENCE_S = 60.0
"""How long a test waits for what comes within a second, as a rule: a busy machine takes its time."""


class NeverHappenedError(AssertionError):
    """What a test waited for did not come."""


def eventually(condition: Callable[[], object], *, seconds: float = PATIENCE_S, what: str = "") -> None:
    """Wait until `condition` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise NeverHappenedError(f"not within {seconds} s: {what or condition}")
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process runs: one that has ended and was not waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def marked(mark: str) -> list[int]:
    """Return the ids of the processes that have `mark` in their environment, arguments or current folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                continue
            texts = [*process.cmdline(), *process.environ().values(), process.cwd()]
        except (psutil.Error, OSError):
            continue  # it has just ended, or it is not ours to look at
        if any(mark in text for text in texts):
            found.append(process.pid)
    return found


def number_in(path: Path, *, seconds: float = PATIENCE_S) -> int:
    """Wait for `path` to hold a number, and return it."""
    eventually(lambda: path.exists() and path.read_text().strip().isdigit(), seconds=seconds, what=str(path))
    return int(path.read_text())
