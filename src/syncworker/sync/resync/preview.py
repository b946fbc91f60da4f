"""What would a resync write?

The same code decides it as in a real one, in transactions that are rolled back: nothing is written to HubSpot, nothing
is marked, nothing is kept. Open requests are decided too, each batch as if it were the first: where capacity runs out
in the middle of many, a real run gives the later ones none.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from syncworker.hubspot.quota import Lane
from syncworker.hubspot.records import Record
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import claims
from syncworker.sync.claims import BATCH, Claim
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority
from syncworker.sync.reconcile import known_records
from syncworker.sync.reconcile.companies import commit_companies
from syncworker.sync.reconcile.contacts import commit_contacts
from syncworker.sync.reconcile.known_records import KnownCompany
from syncworker.sync.reconcile.leads import read_contacts, read_marked_companies
from syncworker.sync.reconcile.plan import Plan
from syncworker.sync.recovery.patiently import in_its_turn
from syncworker.sync.resync import find as resync_find
from syncworker.sync.resync import page as resync_page
from syncworker.sync.resync.place import Place, Taken
from syncworker.sync.resync.resync import as_meant
from syncworker.sync.resync.scope import LISTED, MISSING, Scope, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class WouldWrite:
    """A property that differs; empty texts are properties without a value."""

    kind: Kind
    object_id: str
    property_name: str
    old: str
    new: str


class _RolledBack(Exception):
    """Nothing of a preview stays."""


def preview(context: Context, hub_id: int, scope: Scope) -> Iterator[list[WouldWrite]]:
    """What would be written, a page at a time; a page without a difference is empty. Raises what HubSpot raises and
    SearchContradictsItself, TooLongAgo and NotYet, and of a form NoSuchForm and FormsAlike.

    Its calls are bulk work, like those of a real one: forms and webhooks go first, and it waits for that.
    """
    scope = as_meant(context, hub_id, scope)
    context = context.in_lane(Lane.BULK)
    with context.database.transaction() as tx:
        now = tx.now
    known: dict[str, KnownCompany] = {}
    for stage in scope.stages:
        place: Place | None = Place(stage)
        while place is not None and stage not in MISSING:
            taken = Taken(id=0, hub_id=hub_id, scope=scope, place=place, total=None, created_at=now, now=now)
            read = partial(_listed, context, taken, known) if stage in LISTED else partial(_found, context, taken)
            found, after = in_its_turn(read)
            yield found
            place = Place(stage, after) if after is not None else None


def preview_named(context: Context, hub_id: int, kind: Kind, ids: Sequence[str]) -> list[WouldWrite]:
    """What would be written if these were looked at again, with the companies of contacts."""
    found: list[WouldWrite] = []
    for start in range(0, len(ids), BATCH):
        found += _of_batch(context, hub_id, kind, ids[start : start + BATCH])
    return found


def _of_batch(context: Context, hub_id: int, kind: Kind, ids: Sequence[str]) -> list[WouldWrite]:
    client = context.client(hub_id)
    claim = Claim(hub_id=hub_id, kind=kind, token=uuid.uuid4())
    commit: Callable[[Tx, Portal], Plan]
    if kind is Kind.CONTACT:
        contacts = read_contacts(client, context.names, ids)
        read = {(Kind.CONTACT, key): record for key, record in contacts.contacts.items()}
        read |= {(Kind.COMPANY, key): record for key, record in contacts.companies.items()}
        commit = lambda tx, portal: commit_contacts(tx, context, portal, claim, contacts)  # noqa: E731 - as its twin
    else:
        companies = read_marked_companies(client, context.names, ids)
        read = {(Kind.COMPANY, key): record for key, record in companies.companies.items()}
        commit = lambda tx, portal: commit_companies(tx, context, portal, claim, companies)  # noqa: E731 - as its twin

    def decide(tx: Tx, portal: Portal) -> Plan:
        claims.claim_also(tx, claim, kind, ids, cause="dry run", priority=Priority.RESYNC)
        return commit(tx, portal)

    return _differences(_rolled_back(context, hub_id, decide), read)


def _found(context: Context, taken: Taken) -> tuple[list[WouldWrite], str | None]:
    """Some of those that are found by id."""
    ids = resync_find.find(context, taken)
    return preview_named(context, taken.hub_id, kind_of(taken.place.stage), ids.ids), ids.after


def _listed(context: Context, taken: Taken, known: dict[str, KnownCompany]) -> tuple[list[WouldWrite], str | None]:
    """A page of the list; `known` gathers the companies that a real run would know by then."""
    kind = kind_of(taken.place.stage)
    page = resync_page.read(context, taken.hub_id, taken.place)
    claim = Claim(hub_id=taken.hub_id, kind=kind, token=uuid.uuid4())
    to_mark: set[str] = set()

    def decide(tx: Tx, portal: Portal) -> Plan:
        listed = {key: page.record(key) for key, of in page.listed.items() if not of.archived}
        come = resync_page.commit_listed(
            tx, context, portal, claim, listed, digests={}, read_after=tx.now, companies=known
        )
        if kind is Kind.COMPANY:
            known.update(known_records.companies(tx, taken.hub_id, page.listed))
        to_mark.update(come.to_mark)
        return come.plan

    plan = _rolled_back(context, taken.hub_id, decide)
    found = _differences(plan, {key: page.record(key[1]) for key in plan.writes})
    return found + preview_named(context, taken.hub_id, kind, sorted(to_mark)), page.after


def _rolled_back(context: Context, hub_id: int, decide: Callable[[Tx, Portal], Plan]) -> Plan:
    plans: list[Plan] = []

    def work(tx: Tx) -> None:
        plans.append(decide(tx, replace(portals.get(tx, hub_id), mode=Mode.WRITE)))
        raise _RolledBack

    with suppress(_RolledBack):
        context.database.run(work)
    return plans[-1]


def _differences(plan: Plan, read: Mapping[tuple[Kind, str], Record]) -> list[WouldWrite]:
    return [
        WouldWrite(
            kind=key[0],
            object_id=key[1],
            property_name=name,
            old=read[key].properties.get(name) or "",
            new=new,
        )
        for key, write in sorted(plan.writes.items())
        for name, new in sorted(write.changes.items())
    ]
