"""How is something shown: as a table for people, as one JSON document for scripts?

What comes from the CRM is untrusted. It is never read as markup, and loses what a terminal would act upon:
control and escape sequences, marks that turn the reading direction.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

# ECMA-48: CSI sequences, OSC and other strings up to their end, and what is left of two-character ones.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]?"
    r"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"
    r"|\x1b.?",
    re.DOTALL,
)
# Persian, Hindi and emoji need the joiners; they move nothing.
_JOINERS = "\u200c\u200d"
# A terminal that is not one (a pipe, a file) has no width; cut-off cells would be of no use there.
_WIDTH_ELSEWHERE = 200
_NOTED_EVERY_S = 5.0

Cell = object
"""Shown by `written`."""


def clean(text: str, *, most: int = 300) -> str:
    """`text` on one line, of what can be seen, at most that many characters."""
    without = _ESCAPES.sub("", text[: most * 4])
    seen = "".join(c if c.isprintable() or c in _JOINERS else " " for c in without)
    line = " ".join(seen.split())
    return line if len(line) <= most else line[: most - 1] + "…"


def written(value: Cell) -> str:
    """A value as a cell shows it."""
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds").replace("+00:00", "Z")
    return clean(value.isoformat() if isinstance(value, date) else str(value))


def plain(value: object) -> object:
    """A value as JSON has it: dataclasses as objects, times in ISO 8601."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, str | bytes) or value is None:
        return value
    if isinstance(value, Iterable):
        return [plain(one) for one in value]
    return value


def show(document: object, *, as_json: bool, people: Callable[[], None]) -> None:
    """Print the document as JSON, or let `people` print it for people."""
    if as_json:
        # Escaped to ASCII: a bidirectional mark in a name then turns nothing in a terminal either.
        sys.stdout.write(json.dumps(plain(document), indent=2) + "\n")
    else:
        people()


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, empty: str) -> None:
    """Print a table, or the sentence `empty` where there is no row."""
    from rich.table import Table
    from rich.text import Text

    made = Table(title=Text(title), title_justify="left", header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in rows:
        # `Text` is taken as it is: a company called "[red]" stays called so.
        made.add_row(*(Text(written(cell)) for cell in row))
    if made.row_count:
        _console().print(made)
    else:
        say(empty)


def facts(rows: Mapping[str, Cell]) -> None:
    """Print names and values, one a line."""
    from rich.table import Table
    from rich.text import Text

    grid = Table.grid(padding=(0, 2))
    for name, value in rows.items():
        grid.add_row(Text(name, style="dim"), Text(written(value), overflow="fold"))
    _console().print(grid)


def say(text: str, *, style: str = "") -> None:
    """Print one line on standard output."""
    from rich.text import Text

    _console().print(Text(clean(text, most=1000), style=style), soft_wrap=True)


def note(text: str) -> None:
    """Print one line on standard error: progress and advice, which no script reads."""
    sys.stderr.write(clean(text, most=1000) + "\n")


def now_and_then() -> Callable[[str], None]:
    """`note`, for what is told page by page: the first one, and then one every few seconds."""
    told: float | None = None

    def tell(text: str) -> None:
        nonlocal told
        now = time.monotonic()
        if told is None or now - told >= _NOTED_EVERY_S:
            told = now
            note(text)

    return tell


def _console() -> Console:
    from rich.console import Console

    wide = None if sys.stdout.isatty() else _WIDTH_ELSEWHERE
    return Console(width=wide, markup=False, emoji=False, highlight=False)
