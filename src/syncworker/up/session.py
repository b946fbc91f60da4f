"""How does one `syncworker up` go, from its first check to the last process gone?"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import Protocol

from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from syncworker.settings import Settings, SettingsError, load
from syncworker.up import plan as planning
from syncworker.up import ports
from syncworker.up.data_folder import SIGN_IN, AlreadyRunningError, DataFolder, NoDataFolderError, locked
from syncworker.up.embedded import EmbeddedMissingError
from syncworker.up.kept import Household, NotReadyError
from syncworker.up.output import Terminal, complain
from syncworker.up.plan import Plan
from syncworker.up.postgres import InitFailedError

OK, FAILED, REFUSED = 0, 1, 2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_KILLED_LATELY_SECONDS = 4.0
_STOP_SECONDS = 9.0


class PlanMaker(Protocol):
    """What makes the plan; another one for the tests of this module, whose processes are small."""

    def __call__(self, settings: Settings, folder: DataFolder, /, *, worker_processes: int) -> Plan:
        """Return what is to run."""


class PreparationFailedError(Exception):
    """The schema could not be made, or the demo's portals not be connected; the lines above say why."""

    def __init__(self) -> None:
        super().__init__("the database could not be prepared; the lines of `prepare` above say why")


def run(settings: Settings, *, worker_processes: int = 2, make: PlanMaker = planning.make) -> int:
    """Run everything until Ctrl-C or SIGTERM; return the exit code.

    0: stopped because it was asked to. 1: something did not start. 2: refused before anything was started: a
    port is in use, another `up` uses the folder, or a server is not installed. Standard error says why.
    """
    try:
        with locked(settings.data_dir) as folder:
            killed_lately = folder.withdraw()
            if killed_lately:
                settings = _without_leftovers(settings)
            ports.check(planning.ports(settings), patience=_KILLED_LATELY_SECONDS if killed_lately else 0.0)
            return asyncio.run(attend(lambda: make(settings, folder, worker_processes=worker_processes), folder))
    except (
        AlreadyRunningError,
        NoDataFolderError,
        ports.PortInUseError,
        EmbeddedMissingError,
        SettingsError,
    ) as problem:
        complain(problem)
        return REFUSED
    except (InitFailedError, NotReadyError, PreparationFailedError) as problem:
        complain(problem)
        return FAILED


async def attend(make_plan: Callable[[], Plan], folder: DataFolder) -> int:
    """Make the plan, carry it out, wait for a signal and stop. A second signal kills.

    Raises what `make_plan` raises, NotReadyError, PreparationFailedError; nothing runs any more then.
    """
    terminal = Terminal()
    household = Household(terminal.line)
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if asked.is_set():
            household.kill()
        asked.set()

    for number in _SIGNALS:
        if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
            continue  # `nohup`: the end of the terminal is not ours
        loop.add_signal_handler(number, on_signal)
    starting = asyncio.create_task(_start(make_plan, household, folder, terminal))
    waiting = asyncio.create_task(asked.wait())
    try:
        await asyncio.wait({starting, waiting}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            starting.result()
            await waiting
        terminal.line("up", "stopping")
        return OK
    finally:
        starting.cancel()
        waiting.cancel()
        await asyncio.gather(starting, waiting, return_exceptions=True)
        folder.withdraw()
        loop.call_later(_STOP_SECONDS, household.kill)
        await household.stop()
        terminal.close()


async def _start(make_plan: Callable[[], Plan], household: Household, folder: DataFolder, terminal: Terminal) -> None:
    plan = await asyncio.to_thread(make_plan)
    preparing = asyncio.create_task(household.run_once(plan.preparation))
    try:
        await asyncio.gather(*(household.start(process) for process in plan.servers))
        if await preparing:
            raise PreparationFailedError
    finally:
        preparing.cancel()
        await asyncio.wait({preparing})
    folder.publish(plan.published)
    await asyncio.gather(household.start(plan.worker), household.start(plan.web))
    await household.start(plan.scheduler)
    terminal.show(_panel(plan, sign_in=folder.take(SIGN_IN)))


def _panel(plan: Plan, *, sign_in: str | None) -> Panel:
    table = Table.grid(padding=(0, 2))
    if sign_in:
        # Not wrapped: a link in two lines leads nowhere.
        table.add_row("Sign in, once", Text(sign_in, style="bold", no_wrap=True, overflow="ignore"))
    for what, where in plan.addresses.items():
        table.add_row(what, where)
    return Panel.fit(table, title="syncworker runs", subtitle="Ctrl-C stops everything", padding=(1, 2))


def _without_leftovers(settings: Settings) -> Settings:
    """Forget what an `up` that was killed had published: its servers are gone, ours are to be started."""
    fresh = load(data_dir=settings.data_dir)
    names = ("database_url", "redis_url", "hubspot_base_url", "secret_key", "api_token")
    return settings.model_copy(update={name: getattr(fresh, name) for name in names})
