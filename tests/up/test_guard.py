"""Nothing outlives the one that started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes import alive, eventually, number_in
from syncworker.up.guarded import Command, Guarded

# A parent and its child, which both note their ids and sleep; the parent waits for its child.
FAMILY = """
import os, pathlib, sys, time
folder = pathlib.Path(sys.argv[1])
note = lambda name: (folder / (name + ".new")).write_text(str(os.getpid())) and (
    (folder / (name + ".new")).rename(folder / name))
if os.fork():
    note("parent")
else:
    note("child")
time.sleep(600)
"""

STARTER = """
import os, sys, time
from syncworker.up.guarded import Command, Guarded
guarded = Guarded(Command(argv=tuple(sys.argv[1:])), output=2)
time.sleep(600)
"""


def family(folder: Path) -> Command:
    return Command(argv=(sys.executable, "-c", FAMILY, str(folder)))


@contextmanager
def running(command: Command) -> Iterator[Guarded]:
    guarded = Guarded(command, output=2)
    yield guarded
    guarded.kill()
    guarded.wait(seconds=60)
    guarded.reap()


def test_the_exit_code_is_told() -> None:
    guarded = Guarded(Command(argv=(sys.executable, "-c", "raise SystemExit(7)")), output=2)
    assert guarded.wait(seconds=60)
    assert guarded.reap() == 7


def test_a_signal_that_killed_it_is_told() -> None:
    own_kill = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    guarded = Guarded(Command(argv=(sys.executable, "-c", own_kill)), output=2)
    assert guarded.wait(seconds=60)
    assert guarded.reap() == -signal.SIGKILL


def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        guarded = Guarded(Command(argv=("/no/such/program",)), output=log.fileno())
    assert guarded.wait(seconds=60)
    assert guarded.reap() == 127
    assert "cannot start /no/such/program: No such file" in (tmp_path / "log").read_text()


def test_the_stop_signal_reaches_the_program_and_not_its_children(tmp_path: Path) -> None:
    program = f"""
import os, pathlib, signal, sys, time
def note(number, frame):
    with open({str(tmp_path / "signals")!r}, "a") as file:
        file.write(f"{{os.getpid()}} ")
    sys.exit(3)
signal.signal(signal.SIGTERM, note)
child = os.fork()
pathlib.Path({str(tmp_path)!r}, "ready" + ("" if child else "-child")).write_text(str(os.getpid()))
time.sleep(600)
"""
    guarded = Guarded(Command(argv=(sys.executable, "-c", program)), output=2)
    parent, child = number_in(tmp_path / "ready"), number_in(tmp_path / "ready-child")
    assert guarded.stop(seconds=60) == 3
    assert (tmp_path / "signals").read_text().split() == [str(parent)]
    eventually(lambda: not alive(child), what="the child of a program that ended is gone too")


def test_a_program_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal, time, pathlib, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    stubborn += "pathlib.Path(sys.argv[1]).write_text('1'); time.sleep(600)"
    command = Command(argv=(sys.executable, "-c", stubborn, str(tmp_path / "ready")))
    guarded = Guarded(command, output=2)
    number_in(tmp_path / "ready")
    assert guarded.stop(seconds=0.2) == -signal.SIGKILL


def test_kill_9_of_the_starter_leaves_nothing(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", STARTER, *family(tmp_path).argv]
    starter = subprocess.Popen(argv)
    parent, child = number_in(tmp_path / "parent"), number_in(tmp_path / "child")
    starter.kill()
    starter.wait()
    eventually(lambda: not alive(parent) and not alive(child), what="parent and child are gone")


def test_kill_9_of_the_guard_leaves_nothing_once_it_is_reaped(tmp_path: Path) -> None:
    guarded = Guarded(family(tmp_path), output=2)
    parent, child = number_in(tmp_path / "parent"), number_in(tmp_path / "child")
    os.kill(guarded.pid, signal.SIGKILL)
    assert guarded.wait(seconds=60)
    assert guarded.reap() == -signal.SIGKILL
    eventually(lambda: not alive(parent) and not alive(child), what="parent and child are gone")


def test_ctrl_c_in_the_terminal_does_not_reach_it(tmp_path: Path) -> None:
    with running(family(tmp_path)) as guarded:
        parent = number_in(tmp_path / "parent")
        assert os.getpgid(parent) == guarded.pid != os.getpgid(0)
        assert os.getsid(parent) != os.getsid(0)
