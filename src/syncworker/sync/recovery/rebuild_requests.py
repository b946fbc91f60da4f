"""Which requests were made, and decided, after the ledger's time?

A submission since then is found again by its form. If the CRM shows that it was decided, it is kept as decided: asked
once more, a lead that was deregistered since would be registered again. What people asked for in other ways is only
seen by what its record shows: pending, missing data, unavailable.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import func, select, text, update

from syncworker.registration.ledger import moves
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.moves import Move
from syncworker.registration.ledger.requests import CONSUMED, NewRequest, State, Stored
from syncworker.registration.rules.terms import Action, Reason, Source, Status
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.tables import requests
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.recovery.crm_evidence import OurWord, Shown
from syncworker.sync.recovery.patiently import patiently
from syncworker.sync.recovery.rebuild_claims import WHO
from syncworker.sync.triggers import submissions

# What a record shows whose request was decided for good. One that expired had been registered.
_CONSUMED_BY = {
    Status.DEREGISTERED: State.DEREGISTERED,
    Status.EXPIRED: State.REGISTERED,
    Status.UNAVAILABLE: State.UNAVAILABLE,
}
_OPEN_SHOWN = frozenset({Status.PENDING, Status.INVALID_DATA})
OF_INTEREST = _OPEN_SHOWN | _CONSUMED_BY.keys()
"""What a contact shows that says something of a request, and not of a registration."""


# How far each form's submissions are known for certain.
_FORMS = text("""
    SELECT f.form_id, f.enabled_at, least(coalesce(c.settled_to, f.enabled_at), c.high_water) AS since
      FROM forms AS f JOIN cursors AS c ON c.hub_id = f.hub_id AND c.trigger = 'form:' || f.form_id
     WHERE f.hub_id = :hub_id ORDER BY f.form_id
""")


def find_submissions(context: Context, portal: Portal) -> int:
    """Keep a request for each submission since the ledger's time, with its contact; return how many are new."""
    with context.database.transaction() as tx:
        begun = tx.connection.execute(_FORMS, {"hub_id": portal.hub_id}).all()
    new = 0
    for row in begun:
        since = max(row.enabled_at, row.since - submissions.OVERLAP)
        found = patiently(lambda: submissions.read_down_to(context, portal.hub_id, row.form_id, since))  # noqa: B023 - run at once
        new += context.database.run(
            lambda tx: submissions.keep(tx, context.secrets, portal.hub_id, row.form_id, found)  # noqa: B023 - run at once
        )
    _resolve(context, portal.hub_id)
    return new


def settle_decided(
    tx: Tx, portal: Portal, shown: Mapping[str, Shown], words: Mapping[str, OurWord], *, dry_run: bool
) -> int:
    """Keep as decided what the CRM shows as decided after it was asked; return how many requests those are."""
    known = asked.open_of(tx, portal.hub_id, shown)
    settled = [
        _decided(request, shown[contact_id], words[contact_id])
        for contact_id, some in sorted(known.items())
        for request in some
        if contact_id in words
        and words[contact_id].status in _CONSUMED_BY
        and request.action is Action.REGISTER
        and words[contact_id].set_at >= request.requested_at
    ]
    if not dry_run:
        moves.settle(tx, settled)
    return len(settled)


def ask_again(
    tx: Tx, portal: Portal, shown: Mapping[str, Shown], words: Mapping[str, OurWord], *, dry_run: bool
) -> int:
    """Ask again for contacts whose records show a request that the ledger has not; return how many those are."""
    known = asked.open_of(tx, portal.hub_id, shown)
    answered = _answered(tx, portal.hub_id, shown)
    lost = {
        contact_id: words[contact_id]
        for contact_id in shown
        if contact_id in words
        and contact_id not in known
        and words[contact_id].status in {*_OPEN_SHOWN, Status.UNAVAILABLE}
        and (portal.restored_from is None or words[contact_id].set_at > portal.restored_from)
        and not (contact_id in answered and answered[contact_id] >= words[contact_id].set_at)
    }
    if dry_run or not lost:
        return len(lost)
    new = [
        NewRequest(
            key=f"rebuild:{contact_id}:{word.set_at.isoformat()}",
            action=Action.REGISTER,
            # As what it was refused for: nobody had asked by name.
            source=Source.WORKFLOW if shown[contact_id].reason is Reason.NO_CONVERSION else Source.IMPORT,
            who=WHO,
            requested_at=word.set_at,
            contact_id=contact_id,
        )
        for contact_id, word in sorted(lost.items())
    ]
    asked.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=new)
    made = asked.open_of(tx, portal.hub_id, lost)
    refused = [
        _decided(request, shown[contact_id], lost[contact_id])
        for contact_id, some in sorted(made.items())
        for request in some
        if lost[contact_id].status is Status.UNAVAILABLE
    ]
    moves.settle(tx, refused)
    mark(tx, portal.hub_id, Kind.CONTACT, lost, priority=Priority.POLL, cause="rebuild")
    return len(lost)


def _decided(request: Stored, shown: Shown, word: OurWord) -> Move:
    return Move(
        request=request,
        state=_CONSUMED_BY[word.status],
        happened=Happened.IMPORTED,
        reason=shown.reason if word.status is Status.UNAVAILABLE else None,
        detail=f"rebuilt from the CRM, which has shown it as {word.status} since {word.set_at:%Y-%m-%d %H:%M} UTC",
        domain=shown.domain or shown.present,
        company_id=shown.company_id,
        who=WHO,
    )


def _resolve(context: Context, hub_id: int) -> None:
    """Find the contacts of what has none yet; what has none in HubSpot either is looked for again later."""
    after = 0
    while True:
        with context.database.transaction() as tx:
            some = tx.connection.execute(
                select(requests.c.id, requests.c.email)
                .where(
                    requests.c.hub_id == hub_id,
                    requests.c.contact_id.is_(None),
                    requests.c.email.is_not(None),
                    requests.c.state == State.PROCESSING.value,
                    requests.c.id > after,
                )
                .order_by(requests.c.id)
                .limit(100)
            ).all()
        if not some:
            return
        after = some[-1].id
        emails = sorted({row.email for row in some})
        found = patiently(lambda: submissions.contacts_of(context.client(hub_id), emails))  # noqa: B023 - run at once
        resolved = {row.id: found[row.email] for row in some if row.email in found}
        context.database.run(lambda tx: _keep_contacts(tx, hub_id, resolved))  # noqa: B023 - run at once


def _keep_contacts(tx: Tx, hub_id: int, resolved: Mapping[int, str]) -> None:
    for request_id, contact_id in sorted(resolved.items()):
        tx.connection.execute(
            update(requests)
            .where(requests.c.id == request_id, requests.c.contact_id.is_(None))
            .values(contact_id=contact_id, email=None, resolve_after=None)
        )
    mark(tx, hub_id, Kind.CONTACT, resolved.values(), priority=Priority.PERSON, cause="form submission")


def _answered(tx: Tx, hub_id: int, contacts: Iterable[str]) -> dict[str, datetime]:
    """When each contact's last request was decided for good."""
    rows = tx.connection.execute(
        select(requests.c.contact_id, func.max(requests.c.decided_at).label("at"))
        .where(
            requests.c.hub_id == hub_id,
            requests.c.contact_id.in_(sorted(contacts)),
            requests.c.state.in_([state.value for state in CONSUMED]),
        )
        .group_by(requests.c.contact_id)
    )
    return {row.contact_id: row.at for row in rows if row.at is not None}
