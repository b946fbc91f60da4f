"""How does a person see a job go on? By its row, which the workers write."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from syncworker.cli import output

if TYPE_CHECKING:
    from syncworker.sync.context import Context
    from syncworker.sync.jobs.job import Job

_LOOK_SECONDS = 0.2


def watched(context: Context, job: Job, *, called: str, again: str) -> Job:
    """Show progress on standard error until each item has its outcome. Ctrl-C ends the watching alone.

    `called`: what the job is to whoever asked; `again`: the command that goes on watching it.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from syncworker.sync.jobs import job as jobs

    columns = (TextColumn(f"{called} {job.id}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=job.total, completed=job.done)
        try:
            while not job.is_finished:
                time.sleep(_LOOK_SECONDS)
                with context.database.transaction() as tx:
                    job = jobs.show(tx, job.hub_id, job.id)
                progress.update(task, completed=job.done)
        except KeyboardInterrupt:
            output.note(f"it goes on: syncworker {again}")
    return job
