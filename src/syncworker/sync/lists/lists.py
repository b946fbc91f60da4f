"""What is there to see? Read-only lists for the API, the command line and pages.

Every list is one portal's: it shows what the ledger holds of the portal's partner, and what we keep of the
records of this portal alone. Nothing of another partner, and no person's name of another portal, is in it.
"""

from __future__ import annotations

from sqlalchemy import text

from syncworker.registration.ledger import capacity, history
from syncworker.registration.ledger import registrations as claims
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.capacity import Capacity
from syncworker.registration.ledger.history import Entry
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.ledger.requests import State, Stored
from syncworker.registration.rules.terms import Status
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.tables import requests as requests_table
from syncworker.sync.context import Context
from syncworker.sync.lists import line_query, page_cursor, waiting_line
from syncworker.sync.lists.line_query import MOST_Q_CHARACTERS, folded
from syncworker.sync.lists.list_lines import (
    NeedingPeople,
    RegistrationPage,
    RequestLine,
    RequestPage,
)
from syncworker.sync.lists.page_cursor import BadCursor as BadCursor  # raised here, so looked for here

MOST_LINES = 200
STATUSES = (Status.REGISTERED, Status.EXPIRED, Status.DEREGISTERED)
REFUSED = "refused"
STATES = (*(state.value for state in State), REFUSED)


class UnknownFilter(ValueError):
    """A list is asked for by a value that nothing can have."""

    def __init__(self, name: str, value: str, known: tuple[str, ...]) -> None:
        super().__init__(f"{name} is one of {', '.join(known)}, not {value[:40]!r}")


class UnknownRequest(Exception):
    """The portal's partner has no request of that id."""

    def __init__(self, request_id: int) -> None:
        self.request_id = request_id
        super().__init__(f"there is no request {request_id}: see `syncworker requests list`")


_REGISTRATIONS = f"""
    SELECT {line_query.COLUMNS}
      FROM {line_query.LINES}
     WHERE r.partner_id = :partner_id AND r.domain > :after
       AND (CAST(:status AS text) IS NULL OR r.status = :status)
       AND (NOT :orphaned OR {line_query.ORPHANED})
       AND (NOT :needs_person OR (r.status = 'registered' AND r.needs_person IS NOT NULL))
       AND {{found}}
     ORDER BY r.domain LIMIT :lines
"""


def registrations(
    tx: Tx, hub_id: int, *, status: str | None = None, q: str | None = None, orphaned: bool = False,
    needs_person: bool = False, limit: int = 50, cursor: str | None = None,
) -> RegistrationPage:  # fmt: skip
    """The partner's registrations by domain; `q` is sought in domain, company, contact's name and country.

    `orphaned`: only those whose records are gone; `needs_person`: only those that a person has to decide about.

    Raises UnknownPortal, BadCursor, UnknownFilter.
    """
    if status is not None and status not in STATUSES:
        raise UnknownFilter("status", status, STATUSES)
    words = folded(tx, q)
    parameters = {
        **line_query.sought(words),
        "partner_id": portals.get(tx, hub_id).partner.id,
        "hub_id": hub_id,
        "now": tx.now,
        "after": page_cursor.Key("registrations", cursor, parts=1).text(0) if cursor else "",
        "status": status,
        "orphaned": orphaned,
        "needs_person": needs_person,
        "lines": _lines(limit) + 1,
    }
    query = text(_REGISTRATIONS.format(found=line_query.matches("r", words) if words else "true"))
    rows = tx.connection.execute(query, parameters).all()
    shown = rows[: _lines(limit)]
    return RegistrationPage(
        items=tuple(line_query.line(row) for row in shown),
        next=page_cursor.encode("registrations", shown[-1].domain) if len(rows) > len(shown) else None,
    )


_ACTIVE = """
    SELECT *, 'registered' AS status FROM registrations
     WHERE partner_id = :partner_id AND ended_at IS NULL AND deregistered_at IS NULL
       AND hub_id = :hub_id AND (expires_at > :now OR renew_at_expiry)"""
# Of records that are gone there are few, and whatever is orphaned names one: not every registration is looked at.
_NEEDING_PEOPLE = text(f"""
    WITH gone AS MATERIALIZED (
        SELECT kind, object_id FROM records WHERE hub_id = :hub_id AND presence <> 'live'),
    named AS (
        SELECT r.id FROM gone JOIN registrations AS r ON r.hub_id = :hub_id AND r.contact_id = gone.object_id
         WHERE gone.kind = 'contact' AND r.ended_at IS NULL
         UNION
        SELECT r.id FROM gone JOIN registrations AS r ON r.hub_id = :hub_id AND r.company_id = gone.object_id
         WHERE gone.kind = 'company' AND r.ended_at IS NULL)
    SELECT (SELECT count(*) FROM ({_ACTIVE} AND needs_person IS NOT NULL) AS r) AS needs_person,
           (SELECT count(*) FROM ({_ACTIVE} AND id IN (SELECT id FROM named)) AS r {line_query.RECORDS}
             WHERE {line_query.ORPHANED}) AS orphaned
""")


def needing_people(tx: Tx, hub_id: int) -> NeedingPeople:
    """How many of the portal's active registrations a person should look at; raises UnknownPortal."""
    parameters = {"partner_id": portals.get(tx, hub_id).partner.id, "hub_id": hub_id, "now": tx.now}
    row = tx.connection.execute(_NEEDING_PEOPLE, parameters).one()
    return NeedingPeople(needs_person=row.needs_person, orphaned=row.orphaned)


_LINE = text(f"""
    WITH positions AS {waiting_line.POSITIONS}
    SELECT id, position, in_line FROM positions
     WHERE CAST(:at AS timestamptz) IS NULL OR (in_line, id) > (:at, :id)
     ORDER BY in_line, id LIMIT :lines
""")


def requests_(
    tx: Tx, hub_id: int, *, state: str | None = None, limit: int = 50, cursor: str | None = None
) -> RequestPage:
    """The partner's requests: `waiting` in the order of the line, others newest first.

    Raises UnknownPortal, BadCursor, UnknownFilter.
    """
    if state is not None and state not in STATES:
        raise UnknownFilter("state", state, STATES)
    partner_id = portals.get(tx, hub_id).partner.id
    if state == State.WAITING:
        return _waiting(tx, partner_id, limit=limit, cursor=cursor)
    narrowed = asked.query().where(requests_table.c.partner_id == partner_id)
    if state is not None:
        wanted = State.UNAVAILABLE.value if state == REFUSED else state
        narrowed = narrowed.where(requests_table.c.state == wanted)
    if cursor:
        before = page_cursor.Key("requests", cursor, parts=1).number(0)
        narrowed = narrowed.where(requests_table.c.id < before)
    narrowed = narrowed.order_by(requests_table.c.id.desc()).limit(_lines(limit) + 1)
    found = [asked.stored(row) for row in tx.connection.execute(narrowed)]
    shown = found[: _lines(limit)]
    return RequestPage(
        items=tuple(RequestLine(request=request) for request in shown),
        next=page_cursor.encode("requests", shown[-1].id) if len(found) > len(shown) else None,
    )


def _waiting(tx: Tx, partner_id: int, *, limit: int, cursor: str | None) -> RequestPage:
    after = page_cursor.Key("waiting", cursor, parts=2) if cursor else None
    parameters = {
        "partner_id": partner_id,
        "at": after.time(0) if after else None,
        "id": after.number(1) if after else None,
        "lines": _lines(limit) + 1,
    }
    line = tx.connection.execute(_LINE, parameters).all()
    places = {row.id: row.position for row in line}
    narrowed = asked.query().where(requests_table.c.id.in_(list(places)))
    of_id = {row.id: asked.stored(row) for row in tx.connection.execute(narrowed)}
    found = [RequestLine(request=of_id[id_], position=place) for id_, place in places.items()]
    shown = found[: _lines(limit)]
    more = len(found) > len(shown)
    last = line[len(shown) - 1] if more else None
    return RequestPage(
        items=tuple(shown),
        next=page_cursor.encode("waiting", last.in_line, last.id) if last else None,
    )


def request_of(tx: Tx, hub_id: int, request_id: int) -> Stored:
    """A request of the portal's partner; raises UnknownPortal, UnknownRequest."""
    narrowed = asked.query().where(
        requests_table.c.id == request_id,
        requests_table.c.partner_id == portals.get(tx, hub_id).partner.id,
    )
    row = tx.connection.execute(narrowed).one_or_none()
    if row is None:
        raise UnknownRequest(request_id)
    return asked.stored(row)


def registration_of(tx: Tx, hub_id: int, domain: str) -> Registration:
    """The partner's newest registration on a domain, ended or not; raises UnknownPortal, NotRegistered."""
    return claims.newest_of(tx, portals.get(tx, hub_id).partner.id, domain)


def capacity_of(context: Context, tx: Tx, hub_id: int) -> Capacity:
    """The capacity of the portal's partner; raises UnknownPortal, ProgramError, UnknownTierError, NoCapacityError."""
    partner = portals.get(tx, hub_id).partner
    return capacity.capacity(tx, partner, context.terms(partner, tx))


def kept_for_undo(tx: Tx, hub_id: int) -> int:
    """How many of the slots in use are kept for deregistrations that can be undone; raises UnknownPortal."""
    return capacity.kept_for_undo(tx, portals.get(tx, hub_id).partner.id)


def domain_history(tx: Tx, hub_id: int, domain: str) -> list[Entry]:
    """All that happened to the portal's partner about a domain, oldest first; raises UnknownPortal."""
    return history.of_domain(tx, domain, partner_ids=[portals.get(tx, hub_id).partner.id])


def _lines(limit: int) -> int:
    return max(1, min(limit, MOST_LINES))


def like_pattern(q: str | None) -> str | None:
    """What is searched for as a pattern of LIKE, its special characters meaning themselves; None for nothing."""
    # PostgreSQL takes neither NUL nor half of a surrogate pair; neither is printable.
    given = "".join(character for character in (q or "")[:MOST_Q_CHARACTERS] if character.isprintable()).strip()
    if not given:
        return None
    for special in ("\\", "%", "_"):
        given = given.replace(special, f"\\{special}")
    return f"%{given}%"
