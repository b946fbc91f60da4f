"""How fast is it, beside a floor measured in the same run?

`make bench` prints one table, and writes build/bench.json, docs/benchmark.md and the plot in docs/bench.svg. With
`QUICK=1` it takes smaller sizes and a third of the time, and leaves docs alone; a figure's name says its sizes.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.batches import batches
from bench.claims import claims_
from bench.figure import Curve, Figure
from bench.forms import forms
from bench.ledger import ledger
from bench.million import million
from bench.page import write_page
from bench.pages import pages
from bench.plot import plot
from bench.polls import polls
from bench.quota import quota
from bench.recovery import recovery
from bench.resync import resync_figures
from bench.webhooks import webhooks

OUTPUT = Path("build/bench.json")
PAGE = Path("docs/benchmark.md")
PLOT = Path("docs/bench.svg")

Part = Callable[[Path], tuple[Sequence[Figure], Sequence[Curve]]]


def parts(*, quick: bool) -> dict[str, Part]:
    """What is measured, by name; `python -m bench NAME...` measures only these."""
    sizes = (1_000, 10_000, 100_000) if quick else (1_000, 100_000, 1_000_000)

    def only(figures: Sequence[Figure]) -> tuple[Sequence[Figure], Sequence[Curve]]:
        return figures, ()

    def in_the_ledger(folder: Path) -> tuple[Sequence[Figure], Sequence[Curve]]:
        figures, curve = ledger(folder, sizes)
        return figures, (curve,)

    return {
        "webhooks": lambda folder: only(webhooks(folder, seconds=2 if quick else 5, rounds=3)),
        "batches": lambda folder: only(batches(folder)),
        "resync": lambda folder: only(resync_figures(folder)),
        "polls": lambda folder: only(polls(folder)),
        "quota": lambda _: only(quota()),
        "ledger": in_the_ledger,
        "claims": lambda folder: claims_(folder, (sizes[0], sizes[-1]) if quick else sizes),
        "recovery": lambda _: only(recovery(rounds=1)),
        "pages": lambda folder: only(pages(folder, each=8 if quick else 30)),
        "forms": lambda _: only(forms(resync_of=10_000 if quick else 100_000)),
    }


# Measured only where they are named.
ASIDE: dict[str, Part] = {"million": lambda folder: (million(folder), ())}


def main() -> None:
    """Measure all, or the parts that are named; show it and write it down."""
    quick = bool(os.environ.get("QUICK"))
    chosen = parts(quick=quick)
    named = sys.argv[1:] or list(chosen)
    began = time.monotonic()
    figures: list[Figure] = []
    curves: list[Curve] = []
    for name in named:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="syncworker-bench-") as folder:
            measured, drawn = (chosen | ASIDE)[name](Path(folder))
        figures += measured
        curves += drawn
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, CPython {platform.python_version()}"
    now = datetime.now(UTC)
    _show(figures, title=f"{machine}, {now.date()}, {time.monotonic() - began:.0f} s")
    _write(figures, machine=machine, now=now)
    if set(named) == set(chosen) and not quick:
        plot(curves, PLOT, title=f"{machine}, {now.date()}")
        write_page(figures, PAGE, machine=machine, day=now.date(), picture=PLOT.name)


def _show(figures: Sequence[Figure], *, title: str) -> None:
    table = Table(title=title)
    for column in ("figure", "value", "floor", "ratio", "target", "met"):
        table.add_column(column, justify="left" if column in {"figure", "target"} else "right")
    for figure in figures:
        table.add_row(*figure.row())
    # Into a file or a log as wide as it needs.
    Console(width=None if sys.stdout.isatty() else 200).print(table)


def _write(figures: Sequence[Figure], *, machine: str, now: datetime) -> None:
    OUTPUT.parent.mkdir(exist_ok=True)
    report = {
        "machine": machine,
        "date": now.isoformat(timespec="seconds"),
        "figures": [figure.as_json() for figure in figures],
    }
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
