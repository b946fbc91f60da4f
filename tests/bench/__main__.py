"""How fast is it, beside a floor measured in the same run? `make bench` prints this and writes build/bench.json."""

from __future__ import annotations

import json
import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.batches import batches
from bench.forms import forms
from bench.webhooks import webhooks

OUTPUT = Path("build/bench.json")


def main() -> None:
    """Measure all, show it and write it down."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="syncworker-bench-") as folder:
        figures = [*webhooks(Path(folder), seconds=4, rounds=3), *batches(Path(folder)), *forms()]
    machine = f"{os.cpu_count()} cores, {platform.machine()}, CPython {platform.python_version()}"
    table = Table(title=f"{machine}, {datetime.now(UTC).date()}, {time.monotonic() - began:.0f} s")
    for column in ("figure", "value", "floor", "ratio", "target", "met"):
        table.add_column(column, justify="left" if column in {"figure", "target"} else "right")
    for figure in figures:
        table.add_row(*figure.row())
    Console().print(table)
    OUTPUT.parent.mkdir(exist_ok=True)
    report = {
        "machine": machine,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "figures": [figure.as_json() for figure in figures],
    }
    OUTPUT.write_text(json.dumps(report, indent=2) + "\n")


main()
