"""Whose contact stands for a registration, after a merge or by a person's word?

Two contacts that each stand for a registration may become one by a merge. Both domains stay registered; which lead
contact the second one is to have, a person decides: it is flagged until somebody chooses one, or leaves it as it is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from sqlalchemy import ColumnElement, text, update

from syncworker.registration.ledger import history
from syncworker.registration.ledger import registrations as claimed
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.rules.terms import Source
from syncworker.store.database import Tx
from syncworker.store.tables import registrations


def named_by(tx: Tx, hub_id: int, *, contacts: Collection[str] = (), companies: Collection[str] = ()) -> set[str]:
    """Which of these contacts, or companies, requests or registrations name."""
    column = "contact_id" if contacts else "company_id"
    parameters = {"hub_id": hub_id, "ids": sorted(contacts or companies)}
    rows = tx.connection.execute(text(_NAMED.format(column=column)), parameters)  # a name of ours, never a value
    return set(rows.scalars())


_NAMED = """
    SELECT {column} FROM requests WHERE hub_id = :hub_id AND {column} = ANY(:ids)
     UNION SELECT {column} FROM registrations WHERE hub_id = :hub_id AND {column} = ANY(:ids)
"""


def re_point_contacts(tx: Tx, hub_id: int, moved: Mapping[str, str], *, shows: Mapping[str, str | None]) -> Changes:
    """What the old contacts asked for and stand for is the new ones'. The partner is locked.

    `shows`: the domain of each new contact's website, as far as it is known; its registration keeps the contact
    where two meet, else the oldest one does, and the others wait for a person.
    """
    changes = Changes()
    claims = _held(tx, hub_id, registrations.c.contact_id.in_(sorted({*moved, *moved.values()})))
    _tell_of_surplus(tx, claims, moved, shows, changes)
    for old, new in sorted(moved.items()):
        parameters = {"hub_id": hub_id, "old": old, "new": new}
        tx.connection.execute(_REQUESTS_OF_CONTACT, parameters)
        tx.connection.execute(_REGISTRATIONS_OF_CONTACT, parameters)
    _tell_of_moves(tx, claims, "contact", moved, changes)
    return changes


def re_point_companies(tx: Tx, hub_id: int, moved: Mapping[str, str]) -> Changes:
    """The registrations and requests of the old companies are the new ones'. The partner is locked."""
    changes = Changes()
    claims = _held(tx, hub_id, registrations.c.company_id.in_(sorted(moved)))
    for old, new in sorted(moved.items()):
        parameters = {"hub_id": hub_id, "old": old, "new": new}
        tx.connection.execute(_REQUESTS_OF_COMPANY, parameters)
        tx.connection.execute(_REGISTRATIONS_OF_COMPANY, parameters)
    _tell_of_moves(tx, claims, "company", moved, changes)
    return changes


# A request set in the CRM is named by its contact: the survivor has the old one's values with their history, and
# the same setting must not count again under the new id.
_REQUESTS_OF_CONTACT = text("""
    UPDATE requests AS q
       SET contact_id = :new,
           key = CASE WHEN starts_with(q.key, 'crm:' || :old || ':') AND NOT EXISTS (
                   SELECT FROM requests AS there WHERE there.hub_id = :hub_id
                      AND there.key = 'crm:' || :new || substr(q.key, length('crm:' || :old) + 1))
               THEN 'crm:' || :new || substr(q.key, length('crm:' || :old) + 1) ELSE q.key END
     WHERE q.hub_id = :hub_id AND q.contact_id = :old
""")
_REGISTRATIONS_OF_CONTACT = text(
    "UPDATE registrations SET contact_id = :new WHERE hub_id = :hub_id AND contact_id = :old"
)
_REQUESTS_OF_COMPANY = text("UPDATE requests SET company_id = :new WHERE hub_id = :hub_id AND company_id = :old")
_REGISTRATIONS_OF_COMPANY = text(
    "UPDATE registrations SET company_id = :new WHERE hub_id = :hub_id AND company_id = :old"
)


def choose(
    tx: Tx, claim: Registration, *, hub_id: int, contact_id: str, company_id: str | None, who: str, source: Source
) -> Changes:
    """A person names the lead contact of a registration, in the portal `hub_id`. The partner is locked.

    `company_id`: the contact's company, taken only where the registration has none there.
    """
    changes = claimed.touch(Changes(), claim)
    company = claim.company_id if claim.company_id is not None and claim.hub_id == hub_id else company_id
    chosen = update(registrations).where(registrations.c.id == claim.id)
    values = {"hub_id": hub_id, "contact_id": contact_id, "company_id": company, "needs_person": None}
    tx.connection.execute(chosen.values(**values))
    event = claimed.event(claim, Happened.LEAD_CONTACT_CHOSEN, who=who, source=source.value)
    told = replace(event, hub_id=hub_id, contact_id=contact_id, company_id=company, why=_was(claim.contact_id))
    history.record(tx, [told])
    changes.contacts.add((hub_id, contact_id))
    if company is not None:
        changes.companies.add((hub_id, company))
    return changes


def leave(tx: Tx, claim: Registration, *, who: str, source: Source) -> Changes:
    """A person has looked, and leaves the registration as it is. The partner is locked."""
    if claim.needs_person is None:
        return Changes()
    tx.connection.execute(update(registrations).where(registrations.c.id == claim.id).values(needs_person=None))
    history.record(tx, [claimed.event(claim, Happened.LEAD_CONTACT_LEFT, who=who, source=source.value)])
    return Changes()


def _was(contact_id: str | None) -> str:
    return f"was contact {contact_id}" if contact_id else "had none"


def _held(tx: Tx, hub_id: int, which: ColumnElement[bool]) -> list[Registration]:
    """The held registrations of these records, locked in the order of the locks."""
    narrowed = claimed.query().where(registrations.c.hub_id == hub_id, registrations.c.ended_at.is_(None), which)
    rows = tx.connection.execute(narrowed.order_by(registrations.c.domain).with_for_update())
    return [claimed.registration(row) for row in rows]


def _tell_of_surplus(
    tx: Tx,
    claims: Sequence[Registration],
    moved: Mapping[str, str],
    shows: Mapping[str, str | None],
    changes: Changes,
) -> None:
    """Flag the registrations whose lead contact has become another registration's by these merges."""
    by_survivor: dict[str, dict[str, list[Registration]]] = defaultdict(lambda: defaultdict(list))
    for claim in claims:
        if claim.is_active and claim.contact_id is not None:
            by_survivor[moved.get(claim.contact_id, claim.contact_id)][claim.contact_id].append(claim)
    for survivor, by_contact in sorted(by_survivor.items()):
        # Several of one contact were one person's before: nothing has become of them by the merge.
        keeps = min(by_contact.values(), key=lambda some: _rank(some, shows.get(survivor)))
        kept = min(keeps, key=lambda claim: claim.id).domain
        for former, surplus in sorted(by_contact.items()):
            if surplus is keeps:
                continue
            for claim in surplus:
                why = (
                    f"its lead contact was merged: contact {former} is {survivor} now, who stands for {kept}. "
                    "Choose another lead contact, or leave it so"
                )
                flagged = update(registrations).where(registrations.c.id == claim.id)
                tx.connection.execute(flagged.values(needs_person=why))
                event = claimed.event(claim, Happened.NEEDS_PERSON, who="syncworker", source="crm", why=why)
                history.record(tx, [event])
                claimed.touch(changes, claim)


def _rank(claims: Sequence[Registration], shown: str | None) -> tuple[bool, int]:
    """Which contact's registrations keep the lead contact: the one its website names, else the oldest."""
    return all(claim.domain != shown for claim in claims), min(claim.id for claim in claims)


def _tell_of_moves(
    tx: Tx, claims: Sequence[Registration], kind: str, moved: Mapping[str, str], changes: Changes
) -> None:
    events: list[Event] = []
    for claim in claims:
        old = claim.contact_id if kind == "contact" else claim.company_id
        if old is None or old not in moved:
            continue
        new = moved[old]
        event = claimed.event(claim, Happened.MERGED, who="syncworker", source="crm", why=f"{kind} {old} is {new} now")
        events.append(replace(event, contact_id=new) if kind == "contact" else replace(event, company_id=new))
        claimed.touch(changes, claim)
        if claim.hub_id is not None:
            (changes.contacts if kind == "contact" else changes.companies).add((claim.hub_id, new))
    history.record(tx, events)
