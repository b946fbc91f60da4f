"""Is a resync of a million contacts right in the end, however often its worker is killed, and what does it hold?

`python -m bench million`, or with `CONTACTS=100000` for fewer. Not a part of the whole benchmark: it takes a quarter of
an hour, and nothing in it is timed against a floor.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import text

from bench.figure import Figure, under
from bench.resync import hold_domains, pages, worker_settings
from bench.whole_path import whole_path
from support.rig import Rig
from syncworker.sync.resync import resync
from syncworker.sync.resync.resync import Resync, State

CONTACTS = int(os.environ.get("CONTACTS", 1_000_000))
KILLS = 20
# The ledger holds the domain of one company in ten.
HELD = 10


def million(folder: Path, *, contacts: int = CONTACTS, kills: int = KILLS) -> list[Figure]:
    """Kill the worker of a full resync so often, then let it come to its end; look whether all is right."""
    dice = random.Random(20261122)  # noqa: S311 - which instants, not a secret
    with whole_path(folder, capacity=10_000_000) as rig:
        for start in range(0, contacts, 100_000):
            some = min(100_000, contacts - start)
            rig.sandbox.seed(contacts=some, companies=some // 5, portal=rig.hub, seed=start + 1)
        held = hold_domains(rig, every=HELD)
        begun = resync.start(rig.context, rig.hub, who="bench")
        began = time.perf_counter()
        peaks = [_killed(rig, begun.id, at=(number + dice.random()) / (kills + 1)) for number in range(kills)]
        ended = _worker(rig)
        out, _ = ended.communicate(timeout=3600)
        seconds = time.perf_counter() - began
        peaks.append(json.loads(out)["peak_mb"])
        rig.settle(rounds=1000)
        done = _look(rig, begun.id)
        assert done.state is State.DONE, done.last_error
        wrong = sum(1 for shown, right in _shown(rig, held) if shown != right) + len(rig.marks())
        rig.sandbox.reset_stats()
        again = resync.start(rig.context, rig.hub, who="bench")
        _worker(rig).wait(3600)
        again = _look(rig, again.id)
    name = f"resync of {contacts:,} contacts and {contacts // 5:,} companies, killed {kills} times"
    return [
        Figure(name=name, value=seconds, unit="s"),
        Figure(name=f"{name}: records wrong afterwards", value=wrong, unit="", target="0", met=wrong == 0),
        Figure(
            name=f"{name}: written by a second one",
            value=again.written,
            unit="",
            target="0",
            met=again.written == 0 and again.state is State.DONE,
        ),
        Figure(name=f"{name}: worker's peak memory", value=max(peaks), unit="MB", **under(150, max(peaks), " MB")),
    ]


def _worker(rig: Rig) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "bench.resync_worker", str(rig.hub)],
        env={**os.environ, **worker_settings(rig)},
        stdout=subprocess.PIPE,
        text=True,
    )


def _killed(rig: Rig, resync_id: int, *, at: float) -> float:
    """A worker that lives until so much of the list is done; its peak memory in MB."""
    with _worker(rig) as worker:
        while (of := _look(rig, resync_id)).listed < at * (of.total or 1e12) and worker.poll() is None:
            time.sleep(0.05)
        time.sleep(random.uniform(0, 0.05))  # noqa: S311 - at any point of a page
        line = next(x for x in Path(f"/proc/{worker.pid}/status").read_text().splitlines() if x.startswith("VmHWM"))
        worker.kill()
    with rig.context.database.transaction() as tx:
        # As a minute later, when its leases have run out, by whichever clock is asked.
        tx.connection.execute(text("UPDATE resyncs SET leased_until = '2000-01-01Z'"))
        tx.connection.execute(text("UPDATE marks SET not_before = '2000-01-01Z' WHERE claim_token IS NOT NULL"))
    return int(line.split()[1]) / 1024


def _look(rig: Rig, resync_id: int) -> Resync:
    with rig.context.database.transaction() as tx:
        return resync.get(tx, resync_id)


def _shown(rig: Rig, held: set[str]) -> Iterator[tuple[str, str]]:
    """What each company shows, and what it should."""
    for page in pages(rig, "companies", ["domain", "partner_registration_status"], ""):
        for one in page:
            of = one["properties"]
            yield of["partner_registration_status"] or "", "registered" if of["domain"] in held else ""
    with_company = "&associations=companies"
    for page in pages(rig, "contacts", ["website", "partner_registration_status"], with_company):
        for one in page:
            of = one["properties"]
            domain = (of["website"] or "").removeprefix("https://").removeprefix("http://").removeprefix("www.")
            if domain:
                yield of["partner_registration_status"] or "", "registered" if domain.strip("/") in held else ""
