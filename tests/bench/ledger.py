"""How many leads a second does the ledger register, however many rows it has?"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count
from pathlib import Path

from sqlalchemy import text

from bench import seeding
from bench.figure import Curve, Figure, at_most
from support import services
from syncworker.program import load_program
from syncworker.registration.ledger import requests
from syncworker.registration.ledger.capacity import terms
from syncworker.registration.ledger.deciding import Conditions, Subject, decide_batch
from syncworker.registration.ledger.requests import NewRequest
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Lead, Rules
from syncworker.registration.rules.terms import Action, Source, Status
from syncworker.store import migrate, portals
from syncworker.store.database import Database, Tx

BATCH = 100
ROUNDS = 11
WARMING = 3
# Slower than among a thousand rows, at most.
MOST_SLOWER = 1.5

_numbers = count(1)

# The floor: the same rows, and nothing asked of anybody.
_INSERT = text("""
    INSERT INTO registrations (partner_id, domain, hub_id, contact_id, company_id, source, registered_on, expires_on,
                               expires_at, created_at)
    SELECT :partner, r.domain, :hub, r.contact_id, r.contact_id, 'form', CURRENT_DATE, CURRENT_DATE + 365,
           now() + interval '365 days', now()
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (domain text, contact_id text)
""")


def ledger(folder: Path, sizes: Sequence[int]) -> tuple[list[Figure], Curve]:
    """Batches of a hundred leads, each of a partner's own portal, at each of these sizes of the ledger."""
    with services.start_postgres(folder / "postgres-ledger", durable=True) as server, ExitStack() as opened:
        among: dict[int, tuple[Database, Sequence[int]]] = {}
        for size in sizes:
            database_url = services.create_database(server, f"ledger_{size}")
            migrate.upgrade(database_url)
            partners = seeding.grow_ledger(database_url, size)
            among[size] = opened.enter_context(closing(Database(database_url))), partners
        ours, bare = _measure(among)
    figures = [
        Figure(
            name=f"registrations in the ledger among {size:,} rows, batches of {BATCH}; "
            "floor: one INSERT of the same rows",
            value=BATCH / ours[size],
            unit="registrations/s",
            floor=BATCH / bare[size],
        )
        for size in sizes
    ]
    slower = ours[sizes[-1]] / ours[sizes[0]]
    figures.append(
        Figure(
            name=f"the same, how much slower among {sizes[-1]:,} rows than among {sizes[0]:,}",
            value=slower,
            unit="times",
            **at_most(MOST_SLOWER, slower),
        )
    )
    return figures, Curve(
        name=f"register {BATCH} leads", unit="ms", points=tuple((size, ours[size] * 1000) for size in sizes)
    )


def _measure(among: Mapping[int, tuple[Database, Sequence[int]]]) -> tuple[dict[int, float], dict[int, float]]:
    """Seconds of a batch, and of its floor, at each size: the medians of rounds, each with another partner.

    The sizes take turns, so that whatever else the machine does hits all of them.
    """
    program = load_program()
    conditions = Conditions(
        terms_of=lambda partner: terms(partner, program, datetime.now(UTC)),
        rules=Rules(),
        undo=timedelta(minutes=10),
    )
    ours: dict[int, list[float]] = {size: [] for size in among}
    bare: dict[int, list[float]] = {size: [] for size in among}
    for number in range(WARMING + ROUNDS):
        for size, (database, partners) in among.items():
            partner = partners[number * len(partners) // (WARMING + ROUNDS)]
            hub = seeding.FIRST_HUB + partner
            subjects = _leads()
            database.run(partial(_ask, hub=hub, partner=partner, subjects=subjects))
            registering = partial(_register, hub=hub, subjects=subjects, conditions=conditions)
            ours[size].append(_seconds(database, registering))
            bare[size].append(_seconds(database, partial(_insert, hub=hub, partner=partner, subjects=subjects)))
    return _medians(ours), _medians(bare)


def _medians(took: Mapping[int, Sequence[float]]) -> dict[int, float]:
    return {size: statistics.median(some[WARMING:]) for size, some in took.items()}


def _leads() -> dict[str, Subject]:
    """A hundred leads of companies that nobody has heard of."""
    numbers = [next(_numbers) for _ in range(BATCH)]
    return {str(10**9 + number): _lead(str(10**9 + number), f"ny-firma-{number}-ab.se") for number in numbers}


def _lead(contact_id: str, domain: str) -> Subject:
    lead = Lead(
        contact_id=contact_id,
        first_name="Ada",
        last_name="Berg",
        email=f"ada@{domain}",
        company="Ny Firma",
        website=domain,
        converted=True,
        company_id=contact_id,
    )
    return Subject(lead=lead, domain=Domain(domain))


def _ask(tx: Tx, *, hub: int, partner: int, subjects: Mapping[str, Subject]) -> None:
    new = [
        NewRequest(
            key=f"form:{contact_id}",
            action=Action.REGISTER,
            source=Source.FORM,
            who="form",
            requested_at=tx.now,
            contact_id=contact_id,
        )
        for contact_id in subjects
    ]
    requests.add(tx, partner_id=partner, hub_id=hub, new=new)


def _register(tx: Tx, *, hub: int, subjects: Mapping[str, Subject], conditions: Conditions) -> None:
    decided, _ = decide_batch(tx, portals.get(tx, hub), subjects, conditions)
    assert {of.decision.status for of in decided.values()} == {Status.REGISTERED}


def _insert(tx: Tx, *, hub: int, partner: int, subjects: Mapping[str, Subject]) -> None:
    rows = json.dumps([{"domain": f"bare-{subject.domain}", "contact_id": of} for of, subject in subjects.items()])
    tx.connection.execute(_INSERT, {"partner": partner, "hub": hub, "rows": rows})


def _seconds(database: Database, work: Callable[[Tx], None]) -> float:
    began = time.perf_counter()
    database.run(work)
    return time.perf_counter() - began
