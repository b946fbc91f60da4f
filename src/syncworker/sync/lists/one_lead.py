"""What is there to see of one lead, and what can be done with it?

Its domain names it. What the ledger knows comes from `why.py`; what its records show in HubSpot is read there by
`differences`, which takes a call or two and is asked for apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import case, func, select, text

from syncworker.registration.ledger.history import Entry
from syncworker.registration.ledger.requests import OPEN, State
from syncworker.registration.rules.terms import Presence, Status
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode
from syncworker.store.tables import records, resyncs
from syncworker.sync.context import Context
from syncworker.sync.lists import line_query
from syncworker.sync.lists.answers import Answer, answer
from syncworker.sync.lists.list_lines import RegistrationLine
from syncworker.sync.lists.why import Known, known
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.resync.scope import WHOLE
from syncworker.sync.wake import Bell, Ring
from syncworker.sync.watch.audit import Difference, compare


class Deed(StrEnum):
    """What a person can do with a lead now."""

    REGISTER = "register"
    REGISTER_AGAIN = "register_again"
    DEREGISTER = "deregister"
    UNDO = "undo"
    RENEW = "renew"
    LET_EXPIRE = "let_expire"
    WITHDRAW = "withdraw"
    CONFIRM_DEREGISTRATION = "confirm_deregistration"
    LOOK_AGAIN = "look_again"


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadRecord:
    """A contact or company of the lead in this portal, as it was last read and written."""

    kind: Kind
    object_id: str
    name: str | None
    address: str
    """In HubSpot, as a browser opens it."""
    is_there: bool
    reconciled_at: datetime | None
    shown: Mapping[str, str]
    """Our properties by name, as they were last written or seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """All that is known of a lead. Nothing of another partner, no record of another portal."""

    known: Known
    line: RegistrationLine | None
    """As the lists show its newest registration."""
    records: tuple[LeadRecord, ...]
    deeds: frozenset[Deed]

    @property
    def history(self) -> tuple[Entry, ...]:
        """All that happened about the domain, oldest first."""
        return self.known.history

    @property
    def is_known(self) -> bool:
        """Whether this partner ever had to do with the domain."""
        return bool(self.known.registration or self.known.requests or self.known.history)

    @property
    def status(self) -> Status | None:
        """The state that a person calls it by; None where all that was asked for was taken back."""
        if self.line is not None and self.line.status is Status.REGISTERED:
            return Status.REGISTERED
        found = next((_STATUS[one.state] for one in self.known.requests if one.state in _STATUS), None)
        return found or (self.line.status if self.line is not None else None)

    @property
    def answer(self) -> Answer | None:
        """Why it is not registered, and what now; None where it is, or was."""
        if self.status not in _STATUS.values():
            return None
        of = next(one for one in self.known.requests if one.state in _STATUS)
        return answer(state=of.state, reason=of.reason, detail=of.detail, domain=of.domain)


# What a request that is open, or was refused, makes of a lead.
_STATUS: Mapping[State, Status] = {
    State.PROCESSING: Status.PENDING,
    State.WAITING: Status.PENDING,
    State.INVALID_DATA: Status.INVALID_DATA,
    State.UNAVAILABLE: Status.UNAVAILABLE,
}
_LINE = text(f"""
    SELECT {line_query.COLUMNS} FROM {line_query.LINES} WHERE r.partner_id = :partner_id AND r.domain = :domain
""")


def lead(tx: Tx, hub_id: int, domain: str) -> Lead:
    """The lead of that registrable domain; raises UnknownPortal."""
    portal = portals.get(tx, hub_id)
    found = known(tx, hub_id, domain)
    values = {"partner_id": portal.partner.id, "hub_id": hub_id, "now": tx.now, "domain": domain}
    row = tx.connection.execute(_LINE, values).one_or_none()
    line = line_query.line(row) if row is not None else None
    return Lead(
        known=found,
        line=line,
        records=tuple(
            _record(tx, hub_id, portal.address(kind.value, object_id), kind, object_id)
            for kind, object_id in _ids(found)
        ),
        deeds=_deeds(found, line),
    )


def differences(context: Context, hub_id: int, domain: str) -> tuple[Difference, ...]:
    """Where the lead's records do not show in HubSpot what they should; read there now.

    Nothing in a portal that is observed or paused: there they are not meant to. Raises UnknownPortal, and what HubSpot
    raises.
    """
    with context.database.transaction() as tx:
        if portals.get(tx, hub_id).mode is not Mode.WRITE:
            return ()
        ids = _ids(known(tx, hub_id, domain))
    found: list[Difference] = []
    for kind in (Kind.CONTACT, Kind.COMPANY):
        of_kind = [object_id for one, object_id in ids if one is kind]
        found += compare(context, hub_id, kind, of_kind) if of_kind else []
    return tuple(found)


def look_again(context: Context, hub_id: int, domain: str) -> int:
    """Have the lead's records read, decided and written back now; return how many. Raises UnknownPortal."""

    def work(tx: Tx) -> int:
        ids = _ids(known(tx, hub_id, domain))
        for kind in (Kind.COMPANY, Kind.CONTACT, Kind.DOMAIN):
            of_kind = [domain] if kind is Kind.DOMAIN else [object_id for one, object_id in ids if one is kind]
            mark(tx, hub_id, kind, of_kind, priority=Priority.PERSON, cause="a person's word")
        return len(ids)

    marked = context.database.run(work)
    context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, hub_id))
    return marked


def _ids(of: Known) -> list[tuple[Kind, str]]:
    """The lead's records in this portal, contacts first."""
    claim = of.registration
    named = {(Kind.CONTACT, claim.contact_id), (Kind.COMPANY, claim.company_id)} if claim else set()
    if claim is not None and claim.hub_id != of.hub_id:
        named = set()
    for request in of.requests:
        if request.hub_id == of.hub_id:
            named |= {(Kind.CONTACT, request.contact_id), (Kind.COMPANY, request.company_id)}
    found = [(kind, object_id) for kind, object_id in named if object_id is not None]
    return sorted(found, key=lambda one: (one[0] is not Kind.CONTACT, one[1]))


def _record(tx: Tx, hub_id: int, address: str, kind: Kind, object_id: str) -> LeadRecord:
    of = records.c
    # A resync of all has looked at each that is there.
    whole = select(func.max(resyncs.c.created_at)).where(resyncs.c.hub_id == hub_id, text(WHOLE))
    at = case((of.presence == Presence.LIVE, func.greatest(of.reconciled_at, whole.scalar_subquery())))
    query = select(of.name, of.presence, func.coalesce(at, of.reconciled_at).label("reconciled_at"), of.written).where(
        of.hub_id == hub_id, of.kind == kind.value, of.object_id == object_id
    )
    row = tx.connection.execute(query).one_or_none()
    return LeadRecord(
        kind=kind,
        object_id=object_id,
        name=row.name if row else None,
        address=address,
        is_there=row is None or row.presence == Presence.LIVE,
        reconciled_at=row.reconciled_at if row else None,
        shown=dict(row.written or {}) if row else {},
    )


def _deeds(of: Known, line: RegistrationLine | None) -> frozenset[Deed]:
    deeds = {Deed.LOOK_AGAIN}
    still_open = [request for request in of.requests if request.state in OPEN]
    if any(request.state is State.CONFIRMING for request in still_open):
        deeds.add(Deed.CONFIRM_DEREGISTRATION)
    if any(request.state is not State.CONFIRMING for request in still_open):
        deeds.add(Deed.WITHDRAW)
    if line is not None and line.status is Status.REGISTERED:
        deeds |= {Deed.DEREGISTER, Deed.LET_EXPIRE if line.renew_at_expiry else Deed.RENEW}
    elif line is not None and line.undo_until is not None:
        deeds.add(Deed.UNDO)
    elif line is not None and line.contact_id is not None:
        deeds.add(Deed.REGISTER_AGAIN)
    elif not still_open:
        deeds.add(Deed.REGISTER)
    return frozenset(deeds)
