"""How does a part of the benchmark start processes of its own, and end them?"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from support.processes import eventually
from syncworker.up.plan import answers


@contextmanager
def running(arguments: list[str], settings: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process with these settings of ours and no others, until the end of the block."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SYNCWORKER_")}
    process = subprocess.Popen([sys.executable, *arguments], env=clean | settings, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def serving(arguments: list[str], settings: dict[str, str], ready: str) -> Iterator[subprocess.Popen[bytes]]:
    """The same of a server, once it answers at this address."""
    with running(arguments, settings) as process:
        eventually(lambda: _answers(process, ready), seconds=60, what=" ".join(arguments))
        yield process


def _answers(process: subprocess.Popen[bytes], url: str) -> bool:
    assert process.poll() is None, f"it ended with {process.returncode}"
    return answers(url)
