"""What does a batch of a hundred marked contacts cost: in calls, and beside the bare calls?"""

from __future__ import annotations

import json
import time
from pathlib import Path

import urllib3

from bench.figure import Figure, at_most
from bench.whole_path import whole_path
from support.rig import Rig
from syncworker.registration.rules.terms import Source
from syncworker.sync import operations
from syncworker.sync.claims import BATCH, Lane
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile.leads import CONTACT_FIELDS
from syncworker.sync.reconcile.reconcile import reconcile_kind
from syncworker.sync.reconcile.shown import read_by_us

ROUNDS = 20


def batches(folder: Path) -> list[Figure]:
    """A hundred leads of a hundred companies: registered, and then looked at again."""
    with whole_path(folder, capacity=1000) as rig:
        return _measure(rig)


def _measure(rig: Rig) -> list[Figure]:
    ids = [_lead(rig, number) for number in range(BATCH)]
    for contact_id in ids:
        operations.register(rig.context, rig.hub, contact_id, who="bench", source=Source.API, key=contact_id)
    rig.sandbox.reset_stats()
    began = time.perf_counter()
    reconcile_kind(rig.context, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    registering = time.perf_counter() - began
    written = sum(rig.sandbox.calls().values())
    rig.settle()

    rig.sandbox.reset_stats()
    again = []
    for _ in range(ROUNDS):
        rig.context.database.run(
            lambda tx: mark(tx, rig.hub, Kind.CONTACT, ids, priority=Priority.PERSON, cause="bench")
        )
        began = time.perf_counter()
        reconcile_kind(rig.context, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
        again.append(BATCH / (time.perf_counter() - began))
    read = sum(rig.sandbox.calls().values()) / ROUNDS
    floor = _bare_reads(rig, ids)
    rate = sorted(again)[ROUNDS // 2]
    return [
        Figure(
            name="calls for 100 marked leads that are registered",
            value=written,
            unit="calls",
            **at_most(5, written),
        ),
        Figure(
            name="calls for 100 marked contacts, nothing differs",
            value=read,
            unit="calls",
            **at_most(3, read),
        ),
        Figure(
            name="registering 100 marked leads, first batch of a process",
            value=BATCH / registering,
            unit="contacts/s",
        ),
        Figure(
            name="100 marked contacts, nothing differs; floor: urllib3 and json making the same calls",
            value=rate,
            unit="contacts/s",
            floor=floor,
        ),
    ]


def _lead(rig: Rig, number: int) -> str:
    domain = f"matt-{number}-verk.se"
    company = rig.sandbox.create(rig.hub, "companies", {"name": f"Matt {number}", "domain": domain})
    lead = {
        "firstname": "Ada",
        "lastname": f"Berg {number}",
        "email": f"ada@{domain}",
        "company": f"Matt {number}",
        "website": domain,
    }
    return str(rig.sandbox.create(rig.hub, "contacts", lead, company=company["id"])["id"])


def _bare_reads(rig: Rig, ids: list[str]) -> float:
    """Contacts a second for the same three reads with nothing around them."""
    token = rig.portals[0]["access_token"]
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    names = rig.context.names
    base = rig.sandbox.base_url
    rates = []
    with urllib3.PoolManager() as pool:

        def post(path: str, body: object) -> dict[str, list[dict[str, object]]]:
            answer = pool.request("POST", base + path, body=json.dumps(body), headers=headers)
            parsed: dict[str, list[dict[str, object]]] = json.loads(answer.data)
            return parsed

        inputs = [{"id": contact_id} for contact_id in ids]
        for _ in range(ROUNDS):
            began = time.perf_counter()
            properties = [*CONTACT_FIELDS, *read_by_us(names, "contact")]
            post("/crm/objects/2026-09/contacts/batch/read", {"inputs": inputs, "properties": properties})
            links = post("/crm/associations/2026-09/contacts/companies/batch/read", {"inputs": inputs})
            companies = [{"id": str(one["to"][0]["toObjectId"])} for one in links["results"]]  # type: ignore[index]
            properties = ["name", "domain", "country", *read_by_us(names, "company")]
            post("/crm/objects/2026-09/companies/batch/read", {"inputs": companies, "properties": properties})
            rates.append(len(ids) / (time.perf_counter() - began))
    return sorted(rates)[ROUNDS // 2]
