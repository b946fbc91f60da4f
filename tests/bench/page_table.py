"""What do so many requests for pages come to, by kind?"""

from __future__ import annotations

import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.browsing import Took
from bench.figure import Figure, under

MOST_MS = 200.0
OUTPUT = Path("build/pages.json")
_COLUMNS = ("kind", "asked", "p50 ms", "p95 ms", "slowest ms", "web ms", "PostgreSQL ms", "kB")


def figures(alone: Sequence[Took], together: Sequence[Took], *, among: str, people: int) -> list[Figure]:
    """The 95th percentile of each kind, and of all."""
    by_kind = _by_kind(alone)
    return [
        *(_p95(some, f"page with {among}, one at a time, p95: {kind}") for kind, some in by_kind.items()),
        _p95(alone, "the same, all of them, p95"),
        Figure(name="the same, p50", value=_at(alone, 50), unit="ms"),
        _p95(together, f"the same, {people} people at once, p95"),
        Figure(name="the same, p50", value=_at(together, 50), unit="ms"),
    ]


def write(alone: Sequence[Took], together: Sequence[Took]) -> None:
    """Show each kind with what it cost, and the slowest requests; keep it in build/pages.json."""
    by_kind, crowded = _by_kind(alone), _by_kind(together)
    table = Table(title="pages, one at a time")
    for column in (*_COLUMNS, "p95 ms, several people"):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind, some in sorted(by_kind.items(), key=lambda one: -_at(one[1], 95)):
        table.add_row(*_row(kind, some), f"{_at(crowded[kind], 95):.0f}")
    table.add_row(*_row("all", alone), f"{_at(together, 95):.0f}")
    console = Console(file=sys.stderr, width=160)
    console.print(table)
    for one in sorted(alone, key=lambda took: -took.ms)[:8]:
        console.print(f"{one.ms:6.0f} ms, web {one.web_ms:.0f}, PostgreSQL {one.database_ms:.0f}: {one.ask.path[:100]}")
    OUTPUT.parent.mkdir(exist_ok=True)
    rows = [{"kind": t.kind, "path": t.ask.path[:200], "ms": t.ms, "web": t.web_ms, "pg": t.database_ms} for t in alone]
    OUTPUT.write_text(json.dumps(rows, indent=1) + "\n")


def _row(kind: str, some: Sequence[Took]) -> tuple[str, ...]:
    return (
        kind,
        str(len(some)),
        f"{_at(some, 50):.0f}",
        f"{_at(some, 95):.0f}",
        f"{max(one.ms for one in some):.0f}",
        f"{statistics.mean(one.web_ms for one in some):.0f}",
        f"{statistics.mean(one.database_ms for one in some):.0f}",
        f"{statistics.mean(one.size for one in some) / 1000:.0f}",
    )


def _p95(some: Sequence[Took], name: str) -> Figure:
    value = _at(some, 95)
    return Figure(name=name, value=value, unit="ms", **under(MOST_MS, value, " ms"))


def _at(some: Sequence[Took], percent: int) -> float:
    ordered = sorted(one.ms for one in some)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)]


def _by_kind(took: Sequence[Took]) -> Mapping[str, Sequence[Took]]:
    found: dict[str, list[Took]] = defaultdict(list)
    for one in took:
        found[one.kind].append(one)
    return found
