"""How fast does a full resync go, and what does it cost, beside bare paging of the same contacts?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from sqlalchemy import text

from bench.figure import Figure, at_least, at_most, under
from bench.whole_path import whole_path
from hubspot import HubSpot
from support.rig import SECRET_KEY, Rig
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile.leads import properties_read
from syncworker.sync.reconcile.shown import read_by_us
from syncworker.sync.resync import resync

# A million takes a quarter of an hour; memory that grows shows long before.
MANY = 1_000_000 if os.environ.get("THOROUGH") else 50_000
ROUNDS = 3
# A round of reading takes half a second: what else the machine does weighs more on it.
READING_ROUNDS = 15
LISTS = ((Kind.COMPANY, "companies", ""), (Kind.CONTACT, "contacts", "&associations=companies"))
LIST = "/crm/objects/2026-09/{kind}?limit=100&archived=false&properties={properties}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A resync, in a process of its own."""

    seconds: float
    peak_mb: float
    written: int
    failed: int
    listed: int
    reads: int
    writes: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.listed / self.seconds


@dataclass(frozen=True, slots=True)
class Portal:
    """A portal in which the ledger holds the domain of every company."""

    rig: Rig

    def resync(self) -> Ran:
        """A whole one."""
        self.rig.sandbox.reset_stats()
        begun = resync.start(self.rig.context, self.rig.hub, who="bench")
        ran = subprocess.run(
            [sys.executable, "-m", "bench.resync_worker", str(self.rig.hub)],
            env={**os.environ, **worker_settings(self.rig)},
            check=True,
            capture_output=True,
            text=True,
            timeout=3600,
        )
        with self.rig.context.database.transaction() as tx:
            done = resync.get(tx, begun.id)
        calls = self.rig.sandbox.calls()
        if done.state != "done":
            raise AssertionError(f"the resync is {done.state}: {done.last_error}")
        return Ran(
            **json.loads(ran.stdout),
            written=done.written,
            failed=done.failed,
            listed=done.listed,
            reads=sum(n for route, n in calls.items() if route.startswith("GET") and "contacts" in route),
            writes=sum(n for route, n in calls.items() if "contacts/batch/update" in route),
        )


def worker_settings(rig: Rig) -> dict[str, str]:
    """The environment of a worker process that serves this rig's portals."""
    return {
        "SYNCWORKER_DATABASE_URL": str(rig.settings.database_url),
        "SYNCWORKER_REDIS_URL": str(rig.settings.redis_url),
        "SYNCWORKER_SECRET_KEY": SECRET_KEY,
        "SYNCWORKER_HUBSPOT_BASE_URL": rig.sandbox.base_url,
    }


@contextmanager
def portal(folder: Path, *, contacts: int, companies: int) -> Iterator[Portal]:
    """A fresh one, with that many records."""
    with whole_path(folder, capacity=10_000_000) as rig:
        for start in range(0, contacts, 100_000):
            some = min(100_000, contacts - start)
            rig.sandbox.seed(contacts=some, companies=companies * some // contacts, portal=rig.hub, seed=start + 1)
        hold_domains(rig)
        yield Portal(rig)


def hold_domains(rig: Rig, *, every: int = 1) -> set[str]:
    """A registration on the domain of every (n-th) company, so that its contacts show one; return these domains."""
    domains: list[str] = []
    for page in pages(rig, "companies", ["domain"], ""):
        domains += [one["properties"]["domain"] for one in page]
    held = set(domains[::every])
    with rig.context.database.transaction() as tx:
        tx.connection.execute(
            text("""
                INSERT INTO registrations (partner_id, hub_id, domain, source, registered_on, expires_on, expires_at,
                                           created_at)
                SELECT (SELECT partner_id FROM portals WHERE hub_id = :hub_id), :hub_id, domain, 'import',
                       CURRENT_DATE, CURRENT_DATE + 364, now() + interval '365 days', now()
                  FROM unnest(CAST(:domains AS text[])) AS domain ON CONFLICT DO NOTHING
            """),
            {"hub_id": rig.hub, "domains": sorted(held)},
        )
        tx.connection.execute(text("ANALYZE"))
    return held


def pages(
    rig: Rig,
    kind: str,
    properties: list[str],
    more: str,
    write: Callable[[list[dict[str, Any]]], None] | None = None,
) -> Iterator[list[dict[str, Any]]]:
    """All pages, with urllib3 and json alone."""
    headers = {"Authorization": f"Bearer {rig.portals[0]['access_token']}"}
    first = rig.sandbox.base_url + LIST.format(kind=kind, properties=",".join(properties), more=more)
    with urllib3.PoolManager() as pool:
        url = first
        while True:
            page = json.loads(pool.request("GET", url, headers=headers).data)
            yield page["results"]
            following = page.get("paging")
            if following is None:
                return
            url = f"{first}&after={following['next']['after']}"


def _floor(rig: Rig, *, writing: bool) -> float:
    """Records a second: both lists, and where `writing` one batch update a page."""
    names = rig.context.names
    headers = {"Authorization": f"Bearer {rig.portals[0]['access_token']}", "Content-Type": "application/json"}
    began, records = time.perf_counter(), 0
    with urllib3.PoolManager() as pool:
        for kind, plural, more in LISTS:
            shown = dict.fromkeys(read_by_us(names, kind.value)[:7], "") | {names.detail: f"floor {began}"}
            for page in pages(rig, plural, list(properties_read(names, kind)), more):
                records += len(page)
                if writing:
                    inputs = [{"id": one["id"], "properties": shown} for one in page]
                    path = f"/crm/objects/2026-09/{plural}/batch/update"
                    body = json.dumps({"inputs": inputs})
                    json.loads(pool.request("POST", rig.sandbox.base_url + path, body=body, headers=headers).data)
    return records / (time.perf_counter() - began)


def _official(rig: Rig) -> float:
    """Contacts a second of the official client's `get_all`, typed."""
    client = HubSpot(access_token=rig.portals[0]["access_token"])
    client.config["host"] = rig.sandbox.base_url
    began = time.perf_counter()
    found = client.crm.contacts.get_all(
        properties=list(properties_read(rig.context.names, Kind.CONTACT)), associations=["companies"]
    )
    return len(found) / (time.perf_counter() - began)


def resync_figures(folder: Path, *, contacts: int = 10_000, many: int = MANY) -> list[Figure]:
    """Everything differs, nothing differs, with so many contacts; memory there and with many more."""
    for name in ("small", "large"):
        (folder / name).mkdir()
    with portal(folder / "small", contacts=contacts, companies=contacts // 5) as small:
        rig = small.rig
        # In turns: what else the machine does weighs on both, and so does what a record has been through. The floor
        # writes what differs then; not more often: what is set back again and again is left to a person.
        rewritten = [(_floor(rig, writing=True), small.resync()) for _ in range(ROUNDS)]
        rounds = [(_floor(rig, writing=False), small.resync(), _official(rig)) for _ in range(READING_ROUNDS)]
    # The round in the middle, by its ratio.
    writing, everything = sorted(rewritten, key=lambda of: of[1].rate / of[0])[ROUNDS // 2]
    floor, nothing, _ = sorted(rounds, key=lambda of: of[1].rate / of[0])[READING_ROUNDS // 2]
    _, beside, official = sorted(rounds, key=lambda of: of[1].rate / of[2])[READING_ROUNDS // 2]
    with portal(folder / "large", contacts=many, companies=many // 5) as large:
        largest = large.resync()
    reads, writes = (1000 / contacts * calls for calls in (nothing.reads, everything.writes))
    growth = largest.peak_mb - max(everything.peak_mb, nothing.peak_mb)
    return [
        Figure(
            name="full resync, nothing differs, quota off; floor: urllib3 and json paging the same sandbox",
            value=nothing.rate,
            unit="records/s",
            floor=floor,
            **at_least(0.5, nothing.rate / floor),
        ),
        Figure(
            name="full resync, everything differs, quota off; floor: the same and a batch write per 100",
            value=everything.rate,
            unit="records/s",
            floor=writing,
            **at_least(0.4, everything.rate / writing),
        ),
        Figure(
            name="full resync, nothing differs; floor: the official client's typed get_all",
            value=beside.rate,
            unit="records/s",
            floor=official,
            **at_least(3, beside.rate / official),
        ),
        Figure(
            name="calls that read contacts, per 1,000, full resync",
            value=reads,
            unit="calls",
            **at_most(10.2, reads),
        ),
        Figure(
            name="calls that write contacts, per 1,000, everything differs",
            value=writes,
            unit="calls",
            **at_most(10.2, writes),
        ),
        Figure(
            name=f"worker's peak memory, resync of {contacts:,} contacts",
            value=everything.peak_mb,
            unit="MB",
            **under(150, everything.peak_mb, " MB"),
        ),
        Figure(
            name=f"worker's peak memory, resync of {many:,} contacts",
            value=largest.peak_mb,
            unit="MB",
            target="under 150 MB, no growth",
            # Caches fill up to their bounds: no more than that.
            met=largest.peak_mb < 150 and growth < 15,
        ),
    ]
