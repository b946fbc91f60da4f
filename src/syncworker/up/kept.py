"""How does a process that dies come back, and all of them stop in order?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from signal import Signals

from syncworker.up.attended import Attended, Process, within

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 5.0
STEADY_SECONDS = 10.0
"""Who ran this long gets the first pause again."""

SayOf = Callable[[str, str], None]


class NotReadyError(Exception):
    """A process does not get ready; `name` says which."""

    def __init__(self, name: str, *, seconds: float) -> None:
        self.name = name
        super().__init__(f"{name} is not ready after {seconds:.0f} s; its lines above, or its log, say why")


class Kept:
    """One process that is started again when it ends, until it is stopped."""

    def __init__(self, process: Process, say: SayOf) -> None:
        """Start it. `say` gets a name and a line."""
        self.process = process
        self.starts = 0
        self.ready = asyncio.Event()
        self._say = say
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()
        self._run: Attended | None = None
        self._task = asyncio.create_task(self._keep())

    async def wait_ready(self, *, seconds: float) -> None:
        """Wait until it was ready once, or raise NotReadyError after `seconds`."""
        if not await within(self.ready, seconds=seconds):
            raise NotReadyError(self.process.name, seconds=seconds)

    async def stop(self) -> None:
        """Ask it to stop; kill it after its `stop_seconds`."""
        self._stopping.set()
        if self._run:
            self._run.ask_to_stop()
        if not await within(self._stopped, seconds=self.process.stop_seconds):
            self.kill()
        await self._task

    def kill(self) -> None:
        """Kill it, and do not start it again."""
        self._stopping.set()
        if self._run:
            self._run.kill()

    async def _keep(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            begun = time.monotonic()
            how = await self._once()
            if self._stopping.is_set():
                break
            if time.monotonic() - begun >= STEADY_SECONDS:
                pause = FIRST_PAUSE
            self._tell(f"ended ({how}); starts again in {pause:g} s")
            await within(self._stopping, seconds=pause)
            pause = min(pause * 2, LONGEST_PAUSE)
        self._stopped.set()

    async def _once(self) -> str:
        self.starts += 1
        try:
            self._run = Attended(self.process, self._tell)
        except OSError as error:
            return f"could not be started: {error}"
        passing_on = asyncio.create_task(self._pass_readiness_on(self._run))
        code = await self._run.ended()
        self._run = None
        passing_on.cancel()
        return meaning(code)

    async def _pass_readiness_on(self, run: Attended) -> None:
        await run.ready.wait()
        self.ready.set()

    def _tell(self, line: str) -> None:
        self._say(self.process.name, line)


class Household:
    """All that is kept running, in the order it was started."""

    def __init__(self, say: SayOf) -> None:
        """Begin with none. `say` gets a name and a line."""
        self._say = say
        self._generations: list[list[Kept]] = []

    async def start(self, *processes: Process, seconds: float = 90.0) -> None:
        """Start `processes` side by side and return when all are ready. Raises NotReadyError."""
        generation = [Kept(process, self._say) for process in processes]
        self._generations.append(generation)
        waiting = (kept.wait_ready(seconds=seconds) for kept in generation)
        for problem in await asyncio.gather(*waiting, return_exceptions=True):
            if problem:
                raise problem

    async def run_once(self, process: Process) -> int:
        """Run `process` to its end and return its exit code; kill it when cancelled."""
        run = Attended(process, lambda line: self._say(process.name, line))
        ending = asyncio.ensure_future(run.ended())
        try:
            return await asyncio.shield(ending)
        except asyncio.CancelledError:
            run.kill()
            await ending
            raise

    async def stop(self) -> None:
        """Stop all: what was started last goes first, what was started together goes together."""
        for generation in reversed(self._generations):
            await asyncio.gather(*(kept.stop() for kept in generation))

    def kill(self) -> None:
        """Kill all, at once. `stop` still has to be awaited."""
        for kept in (kept for generation in self._generations for kept in generation):
            kept.kill()


def meaning(code: int) -> str:
    """Say an exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
