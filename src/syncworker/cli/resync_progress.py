"""How does a person see a resync go on? By its row, which the workers write."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from syncworker.cli import output

if TYPE_CHECKING:
    from syncworker.sync.context import Context
    from syncworker.sync.resync.resync import Resync

_LOOK_SECONDS = 0.5
_RATE_OF_S = 20.0


def somebody_looks_on() -> bool:
    """Whether progress would be seen."""
    return sys.stderr.isatty() and sys.stdout.isatty()


def watched(context: Context, of: Resync) -> Resync:
    """Show progress on standard error until nothing more comes of it by itself. Ctrl-C ends the watching alone."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from syncworker.sync.resync import resync as resyncing

    columns = (
        TextColumn("resync {task.fields[of].id}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), speed_estimate_period=_RATE_OF_S) as progress:
        task = progress.add_task("", total=of.total, completed=of.listed, of=of, said="")
        try:
            while not of.is_over:
                time.sleep(_LOOK_SECONDS)
                with context.database.transaction() as tx:
                    of = resyncing.get(tx, of.id)
                speed = progress.tasks[0].speed or 0.0
                # What was added meanwhile is listed, too: never more than all.
                total = max(of.total, of.listed) if of.total is not None else None
                progress.update(task, total=total, completed=of.listed, of=of, said=said(of, speed))
        except KeyboardInterrupt:
            output.note(
                f"it goes on: syncworker resync show {of.id} --watch; to end it: syncworker resync cancel {of.id}"
            )
    return of


def said(of: Resync, speed: float) -> str:
    """One line of figures."""
    return (
        f"{of.listed}/{of.total if of.total is not None else '?'} records, {speed:.0f}/s, {of.calls} calls, "
        f"{of.written} written, {of.failed} failed" + (f" ({output.clean(of.last_error)})" if of.last_error else "")
    )
