"""Do the records show in the CRM what the ledger says?

Each record is read, decided and planned by the very code that reconciles it, in a transaction that is taken back: what
would be written is what differs. Nothing is written, here or by fixing: that marks what differs, and workers do the
rest. A page of 100 records at a time, so that a million need no more memory than a hundred.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from sqlalchemy import text

from syncworker.hubspot.quota import Lane
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import claims
from syncworker.sync.claims import BATCH, Claim, Mark
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile.companies import commit_companies
from syncworker.sync.reconcile.contacts import commit_contacts
from syncworker.sync.reconcile.leads import read_contacts, read_marked_companies
from syncworker.sync.reconcile.plan import Plan
from syncworker.sync.recovery.patiently import PATIENCE, patiently
from syncworker.sync.wake import Bell, Ring

SAMPLE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A property that does not show what the ledger says. `property` is `record` where the record itself is gone."""

    hub_id: int
    kind: Kind
    object_id: str
    property: str
    crm: str
    ledger: str
    under_way: bool
    """It is marked: a worker is about to put it right, or it is parked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Up to a hundred records that were compared."""

    compared: int
    differences: tuple[Difference, ...]


def audit(context: Context, hub_id: int, *, sample: int | None = SAMPLE, fix: bool = False) -> Iterator[Page]:
    """Compare a sample of the records that the ledger knows, of each kind; None: all of them.

    Only in mode `write`: elsewhere the CRM is not meant to show what the ledger says. `fix` marks what differs. Raises
    UnknownPortal, and what HubSpot raises.
    """
    with context.database.transaction() as tx:
        if portals.get(tx, hub_id).mode is not Mode.WRITE:
            return
    of_bulk = context.in_lane(Lane.BULK)
    # Who compares all waits for hours; a look at a sample is to say soon that there is no answer.
    again = PATIENCE if sample is None else 1
    for kind in (Kind.CONTACT, Kind.COMPANY):
        for ids in _pages(context, hub_id, kind, sample):
            found = patiently(lambda: compare(of_bulk, hub_id, kind, ids), again=again)  # noqa: B023 - run at once
            if fix:
                _mark(context, hub_id, kind, {one.object_id for one in found if not one.under_way})
            yield Page(compared=len(ids), differences=tuple(found))


_SAMPLE = text("""
    SELECT object_id FROM records WHERE hub_id = :hub_id AND kind = :kind AND presence = 'live'
     ORDER BY random() LIMIT :limit
""")
# What the ledger knows: records it has read, and those of registrations that were never read.
_NEXT = text("""
    SELECT id FROM (
        (SELECT object_id AS id FROM records
          WHERE hub_id = :hub_id AND kind = :kind AND presence = 'live' AND object_id > :after
          ORDER BY object_id LIMIT :limit)
        UNION
        (SELECT r.contact_id FROM registrations AS r
          WHERE :kind = 'contact' AND r.hub_id = :hub_id AND r.contact_id > :after AND r.ended_at IS NULL
            AND NOT EXISTS (SELECT FROM records AS k
                             WHERE k.hub_id = r.hub_id AND k.kind = 'contact' AND k.object_id = r.contact_id)
          ORDER BY r.contact_id LIMIT :limit)
    ) AS known ORDER BY id LIMIT :limit
""")


def _pages(context: Context, hub_id: int, kind: Kind, sample: int | None) -> Iterator[list[str]]:
    parameters: dict[str, object] = {"hub_id": hub_id, "kind": kind.value, "limit": BATCH, "after": ""}
    if sample is not None:
        with context.database.transaction() as tx:
            ids = list(tx.connection.execute(_SAMPLE, {**parameters, "limit": sample}).scalars())
        yield from (ids[start : start + BATCH] for start in range(0, len(ids), BATCH))
        return
    while True:
        with context.database.transaction() as tx:
            ids = list(tx.connection.execute(_NEXT, parameters).scalars())
        if not ids:
            return
        yield ids
        parameters["after"] = ids[-1]


def compare(context: Context, hub_id: int, kind: Kind, ids: list[str]) -> list[Difference]:
    """Where up to a hundred records do not show what the ledger says; raises UnknownPortal, and what HubSpot raises."""
    client = context.client(hub_id)
    planned: Callable[[Tx, Portal, Claim], Plan]
    if kind is Kind.CONTACT:
        contacts = read_contacts(client, context.names, ids, known=ids)
        gone = contacts.gone

        def planned(tx: Tx, portal: Portal, claim: Claim) -> Plan:
            return commit_contacts(tx, context, portal, claim, contacts)
    else:
        companies = read_marked_companies(client, context.names, ids, known=ids)
        gone = companies.gone

        def planned(tx: Tx, portal: Portal, claim: Claim) -> Plan:
            return commit_companies(tx, context, portal, claim, companies)

    def tried(tx: Tx) -> list[Difference]:
        portal = portals.get(tx, hub_id)
        marked = claims.marked(tx, hub_id, kind, ids)
        never = Mark(generation=0, attempts=0, marked_at=tx.now)
        # Nobody's marks: a claim that is only here, so that no worker waits for us or loses its own.
        claim = Claim(hub_id=hub_id, kind=kind, token=uuid.uuid4(), marks={(kind, one): never for one in ids})
        trial = tx.connection.begin_nested()
        try:
            plan = planned(tx, portal, claim)
        finally:
            trial.rollback()
        return [*_of_plan(plan, hub_id, kind, marked), *_of_gone(gone, hub_id, kind, marked)]

    return context.database.run(tried)


def _of_plan(plan: Plan, hub_id: int, kind: Kind, marked: Collection[str]) -> Iterator[Difference]:
    for (of, object_id), write in sorted(plan.writes.items()):
        for name, value in sorted(write.changes.items()) if of is kind else ():
            yield Difference(
                hub_id=hub_id,
                kind=kind,
                object_id=object_id,
                property=name,
                crm=write.current.get(name) or "",
                ledger=value,
                under_way=object_id in marked,
            )
    for of, object_id in sorted(plan.park.keys() if plan.park else ()):
        if of is kind:
            yield Difference(
                hub_id=hub_id,
                kind=kind,
                object_id=object_id,
                property="record",
                crm="something sets our values back",
                ledger="other values",
                under_way=object_id in marked,
            )


def _of_gone(gone: Collection[str], hub_id: int, kind: Kind, marked: Collection[str]) -> Iterator[Difference]:
    for object_id in sorted(gone):
        yield Difference(
            hub_id=hub_id,
            kind=kind,
            object_id=object_id,
            property="record",
            crm="gone",
            ledger="there",
            under_way=object_id in marked,
        )


def _mark(context: Context, hub_id: int, kind: Kind, ids: Collection[str]) -> None:
    if ids:
        context.database.run(lambda tx: mark(tx, hub_id, kind, ids, priority=Priority.RESYNC, cause="audit"))
        context.waker.ring(Ring(Bell.SERVE_BULK, hub_id))
