"""What dies comes back; what is stopped stays away, in order and in time."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.processes import alive, eventually, number_in
from syncworker.up import attended, kept
from syncworker.up.attended import Process
from syncworker.up.guarded import Command
from syncworker.up.kept import Household, Kept, NotReadyError, meaning

NOTE_AND_SLEEP = """
import os, pathlib, sys, time
pathlib.Path(sys.argv[1] + ".new").write_text(str(os.getpid()))
pathlib.Path(sys.argv[1] + ".new").rename(sys.argv[1])
print("up and running", flush=True)
time.sleep(600)
"""
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + NOTE_AND_SLEEP


def small(
    name: str, program: str, *arguments: str, stop_seconds: float = 2.0, ready_line: str | None = None
) -> Process:
    command = Command(argv=(sys.executable, "-I", "-S", "-c", program, *arguments))
    return Process(name=name, command=command, stop_seconds=stop_seconds, ready_line=ready_line)


class Heard:
    """What was said, by whom."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def __call__(self, name: str, line: str) -> None:
        self.lines.append((name, line))

    def has(self, text: str) -> bool:
        return any(text in line for _, line in self.lines)


def ends(pid: int) -> None:
    """It was killed; the kernel may take a moment to say so on a busy machine."""
    eventually(lambda: not alive(pid))


async def until(condition: Callable[[], object], *, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


async def starts_again(path: Path) -> None:
    heard = Heard()
    one = Kept(small("one", NOTE_AND_SLEEP, str(path), ready_line="up and running"), heard)
    await one.wait_ready(seconds=60)
    first = number_in(path)
    path.unlink()
    os.kill(first, signal.SIGKILL)
    await until(path.exists)
    second = number_in(path)
    assert second != first
    assert heard.has("ended (killed by SIGKILL); starts again in 0.5 s")
    await one.stop()
    ends(second)
    assert one.starts == 2


def test_what_is_killed_starts_again(tmp_path: Path) -> None:
    asyncio.run(starts_again(tmp_path / "pid"))


def test_what_runs_and_answers_no_more_is_killed_and_starts_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attended, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(attended, "MUTE_SECONDS", 0.2)
    heard, answering, path = Heard(), threading.Event(), tmp_path / "pid"
    process = dataclasses.replace(small("one", NOTE_AND_SLEEP, str(path)), answers=answering.is_set)
    answering.set()

    async def scene() -> None:
        one = Kept(process, heard)
        await until(path.exists)
        first = number_in(path)
        answering.clear()
        await until(lambda: heard.has("starts again"))
        answering.set()
        await until(lambda: number_in(path) != first)
        await one.stop()
        ends(first)

    asyncio.run(scene())
    assert heard.has("does not answer for 0.2 s; is killed")


def test_the_pauses_grow_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(kept, "LONGEST_PAUSE", 0.04)
    heard = Heard()

    async def scene() -> None:
        one = Kept(small("one", "raise SystemExit(3)"), heard)
        await until(lambda: one.starts >= 5)
        await one.stop()

    asyncio.run(scene())
    pauses = [line.rpartition(" in ")[2] for _, line in heard.lines][:4]
    assert pauses == ["0.01 s", "0.02 s", "0.04 s", "0.04 s"]
    assert heard.has("ended (exit code 3)")


def test_a_pause_does_not_delay_a_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "FIRST_PAUSE", 600)

    async def scene() -> None:
        one = Kept(small("one", "raise SystemExit(3)"), heard)
        await until(lambda: heard.has("starts again"))
        async with asyncio.timeout(60):
            await one.stop()

    heard = Heard()
    asyncio.run(scene())


def test_what_does_not_stop_in_its_time_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "pid"

    async def scene() -> None:
        one = Kept(small("one", STUBBORN, str(path), stop_seconds=0.2, ready_line="running"), Heard())
        await one.wait_ready(seconds=60)
        begun = time.monotonic()
        await one.stop()
        assert 0.2 <= time.monotonic() - begun < 60
        ends(number_in(path))

    asyncio.run(scene())


def test_what_was_started_last_is_stopped_first(tmp_path: Path) -> None:
    program = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
print("runs", flush=True)
signal.sigwait({signal.SIGTERM})
print("stops", flush=True)
"""
    heard = Heard()

    async def scene() -> None:
        household = Household(heard)
        for name in ("postgres", "worker", "web"):
            await household.start(small(name, program, ready_line="runs"))
        await household.stop()

    asyncio.run(scene())
    assert [name for name, line in heard.lines if line == "runs"] == ["postgres", "worker", "web"]
    assert [name for name, line in heard.lines if line == "stops"] == ["web", "worker", "postgres"]


def test_killing_all_at_once_does_not_wait(tmp_path: Path) -> None:
    path = tmp_path / "pid"

    async def scene() -> None:
        household = Household(Heard())
        await household.start(small("one", STUBBORN, str(path), stop_seconds=60, ready_line="running"))
        stopping = asyncio.create_task(household.stop())
        await asyncio.sleep(0)
        household.kill()
        async with asyncio.timeout(30):
            await stopping

    asyncio.run(scene())
    ends(number_in(path))


def test_who_does_not_get_ready_is_named() -> None:
    sleeps = "import time; time.sleep(60)"

    async def scene() -> None:
        household = Household(Heard())
        try:
            with pytest.raises(NotReadyError, match="sandbox is not ready after 0 s"):
                await household.start(small("sandbox", sleeps, ready_line="never"), seconds=0.2)
        finally:
            await household.stop()

    asyncio.run(scene())


def test_a_process_that_runs_once_gives_its_code_and_is_killed_when_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "pid"
    program = "print('no end of line', end=''); raise SystemExit(4)"

    async def scene() -> None:
        household = Household(heard)
        assert await household.run_once(small("prepare", program)) == 4
        running = asyncio.create_task(household.run_once(small("prepare", NOTE_AND_SLEEP, str(path))))
        await until(path.exists)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    heard = Heard()
    asyncio.run(scene())
    assert ("prepare", "no end of line") in heard.lines
    ends(number_in(path))


def test_lines_go_to_a_log_where_one_is_given(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    command = Command(argv=(sys.executable, "-c", "print('for the log')"))
    heard = Heard()

    async def scene() -> None:
        assert await Household(heard).run_once(Process(name="one", command=command, log=log)) == 0

    asyncio.run(scene())
    assert log.read_text() == "for the log\n"
    assert heard.lines == []


def test_exit_codes_in_words() -> None:
    assert meaning(0) == "exit code 0"
    assert meaning(-15) == "killed by SIGTERM"
    assert meaning(-200) == "killed by signal 200"
