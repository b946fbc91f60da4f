"""Which options do many commands share, and how is a question asked?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncworker.cli.failures import CommandError, ExitCode

# The headings of `syncworker --help`.
RUNNING, DAY_ONE, LEADS, WORK = "Running", "Day one", "Leads", "Work"

PortalOption = Annotated[
    int | None,
    typer.Option("--portal", metavar="HUB_ID", help="Which portal; implied where only one is connected."),
]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document, and nothing else, on standard output.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for scripts.")]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
LimitOption = Annotated[int, typer.Option("--limit", min=1, max=200, help="How many at most.")]
CursorOption = Annotated[
    str | None, typer.Option("--cursor", help="Go on where the last page ended: the `next` of its JSON.")
]
FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="A CSV file with a header, UTF-8.")
]
DomainArgument = Annotated[str, typer.Argument(metavar="DOMAIN", help="A registered domain, or any address on it.")]


def ask(question: str, *, yes: bool) -> None:
    """Ask on standard error: standard output is the answer's alone. Raises CommandError where it is no."""
    if not yes and not typer.confirm(question, err=True):
        raise CommandError("nothing was done", code=ExitCode.REFUSED)
