"""How does one process run from its start to its end, with its lines shown and its readiness seen?"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from syncworker.up.guarded import Command, Guarded
from syncworker.up.output import Lines

CHECK_SECONDS = 0.05
LOOK_SECONDS = 5.0
MUTE_SECONDS = 30.0
"""Who was ready, runs, and does not answer for so long is killed: it will not come to itself any more."""
_LAST_LINES_SECONDS = 0.5

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What runs under a name, when it is ready, and how long it may take to stop."""

    name: str
    command: Command
    ready: Callable[[], bool] | None = None
    """Asked again and again, in a thread, until it says yes; must return within about a second."""
    ready_line: str | None = None
    """Part of a line that it writes when ready. With neither, it is ready when it runs."""
    answers: Callable[[], bool] | None = None
    """Asked now and then once it is ready, in a thread; must return within about a second. None: never asked."""
    log: Path | None = None
    """Where its lines go; None: to the terminal."""
    stop_seconds: float = 2.0


class Attended:
    """One run of a process. Belongs to the event loop it was started in."""

    def __init__(self, process: Process, say: Say) -> None:
        """Start `process`; `say` gets its lines. Raises OSError if it cannot be started."""
        self.process = process
        self.ready = asyncio.Event()
        self._say = say
        self._gone = asyncio.Event()
        self._lines_over = asyncio.Event()
        self._lines = Lines()
        self._pipe: int | None = None
        self._loop = asyncio.get_running_loop()
        self._guarded = self._start()
        self._loop.add_reader(self._guarded.lifeline, self._look)
        self._checking = asyncio.create_task(self._check())

    @property
    def pid(self) -> int:
        """The process group it runs in."""
        return self._guarded.pid

    def ask_to_stop(self) -> None:
        """Send the stop signal, unless it is gone."""
        if not self._gone.is_set():
            self._guarded.ask_to_stop()

    def kill(self) -> None:
        """Kill it and its children, unless it is gone."""
        if not self._gone.is_set():
            self._guarded.kill()

    async def ended(self) -> int:
        """Wait for its end and return the exit code, negative for a signal. To be awaited once."""
        await self._gone.wait()
        self._checking.cancel()
        code = self._guarded.reap()
        # All writers are dead now, so the pipe ends; unless one of them left the group.
        await within(self._lines_over, seconds=_LAST_LINES_SECONDS)
        self._close_pipe()
        return code

    def _start(self) -> Guarded:
        if self.process.log:
            self._lines_over.set()
            with self.process.log.open("ab") as log:
                return Guarded(self.process.command, output=log.fileno())
        ours, theirs = os.pipe()
        try:
            guarded = Guarded(self.process.command, output=theirs)
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(theirs)
        os.set_blocking(ours, False)
        self._pipe = ours
        self._loop.add_reader(ours, self._read)
        return guarded

    def _look(self) -> None:
        if self._guarded.gone():
            self._loop.remove_reader(self._guarded.lifeline)
            self._gone.set()

    def _read(self) -> None:
        assert self._pipe is not None  # noqa: S101 - the reader is removed before the pipe is closed
        try:
            data = os.read(self._pipe, 64 * 1024)
        except BlockingIOError:
            return
        for line in self._lines.feed(data) if data else self._lines.last():
            self._say(line)
            if self.process.ready_line and self.process.ready_line in line:
                self.ready.set()
        if not data:
            self._close_pipe()

    def _close_pipe(self) -> None:
        if self._pipe is not None:
            self._loop.remove_reader(self._pipe)
            os.close(self._pipe)
            self._pipe = None
        self._lines_over.set()

    async def _check(self) -> None:
        if self.process.ready_line:
            return
        if self.process.ready:
            while not await asyncio.to_thread(self.process.ready):
                await asyncio.sleep(CHECK_SECONDS)
        self.ready.set()
        if self.process.answers:
            await self._listen(self.process.answers)

    async def _listen(self, answers: Callable[[], bool]) -> None:
        heard = time.monotonic()
        while time.monotonic() - heard < MUTE_SECONDS:
            await asyncio.sleep(LOOK_SECONDS)
            if await asyncio.to_thread(answers):
                heard = time.monotonic()
        self._say(f"does not answer for {MUTE_SECONDS:g} s; is killed")
        self.kill()


async def within(event: asyncio.Event, *, seconds: float) -> bool:
    """Wait for `event`, no longer than `seconds`; whether it came."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
