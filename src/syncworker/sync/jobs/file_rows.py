"""What would come, or came, of each row of a file of leads?"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from syncworker.registration.ledger import holds, registrations
from syncworker.registration.ledger.requests import State
from syncworker.registration.ledger.requests import reason as reason_in
from syncworker.registration.rules.terms import HoldKind, Reason
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.jobs import fitting, job, known_leads, lead_file
from syncworker.sync.jobs.job import Outcome

_REFUSING = {kind: Reason(kind.value) for kind in HoldKind}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A row of a file: what it names, and what came, or would come, of it."""

    place: int
    """Its line in the file, as an editor shows it."""
    lead: str
    """The contact's id, its email, or a domain; untrusted where it is none of them."""
    outcome: Outcome | None
    """Before the file is taken: only what keeps the row from being asked for."""
    domain: str | None = None
    """Where we know it."""
    contact_id: str | None = None
    """Where we know it."""
    state: State | None = None
    """How far its request has come; before the file is taken `unavailable`, where it is known to come to that."""
    reason: Reason | None = None
    detail: str = ""

    @property
    def failed(self) -> bool:
        """Whether a person must do something about it."""
        good = self.outcome in {None, Outcome.DONE, Outcome.REGISTERED, Outcome.DUPLICATE}
        return not good or self.state in _FAILED


_FAILED = (State.INVALID_DATA, State.UNAVAILABLE, State.UNRESOLVED, State.ENDED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a file would come to, as far as it is known without asking HubSpot."""

    bad: int
    """Rows that name no lead."""
    duplicates: int
    registered: int
    """By this partner already."""
    unavailable: int
    """On hold, or another's."""
    to_ask: int
    """All others, which are asked for; so is what is unavailable, to have it refused with its reason."""
    room: int
    """How many leads fit into the capacity, behind those who wait."""

    @property
    def fitting(self) -> int:
        """How many of them can be registered at once, if none lacks anything."""
        return min(self.to_ask, self.room)


@dataclass(frozen=True, slots=True, kw_only=True)
class Came:
    """What has come of a file by now, in rows."""

    registered: int = 0
    pending: int = 0
    unavailable: int = 0
    invalid_data: int = 0
    not_asked: int = 0
    """No lead, no contact, or taken back meanwhile."""
    duplicates: int = 0
    to_do: int = 0
    """It was not their turn yet."""

    @property
    def failed(self) -> int:
        """Rows that a person must do something about."""
        return self.unavailable + self.invalid_data + self.not_asked


def preview(
    tx: Tx, hub_id: int, job_id: int, *, after: int = 0, limit: int = 100, bad: bool = False
) -> tuple[FileRow, ...]:
    """Rows of a file from behind a place on, with what would come of each; nothing is done, HubSpot is not asked.

    `bad`: only those that name no lead. Raises UnknownPortal, UnknownJob.
    """
    items = job.items(tx, hub_id, job_id, after=after, limit=limit, outcome=Outcome.BAD_LEAD if bad else None)
    portal = portals.get(tx, hub_id)
    known = known_leads.known(tx, hub_id, [item.domain for item in items])
    domains = {meant.domain for meant in known.values() if meant.domain}
    held = registrations.held_on(tx, domains)
    on_hold = holds.on(tx, domains)
    rows = []
    for item in items:
        meant = known[item.domain]
        claim = held.get(meant.domain or "")
        outcome, reason = item.outcome, None
        if outcome is None and claim is not None and claim.partner_id == portal.partner.id and claim.is_active:
            outcome = Outcome.REGISTERED
        elif outcome is None and meant.candidates > 1:
            outcome = Outcome.SEVERAL_CONTACTS
        elif outcome is None and claim is not None and claim.partner_id != portal.partner.id:
            reason = Reason.REGISTERED_BY_ANOTHER
        if outcome is None and meant.domain in on_hold:
            reason = _REFUSING[on_hold[meant.domain or ""]]
        rows.append(
            FileRow(
                place=item.place,
                lead=item.domain,
                outcome=outcome,
                domain=meant.domain if outcome is not Outcome.BAD_LEAD else None,
                contact_id=meant.contact_id,
                state=State.UNAVAILABLE if reason else None,
                reason=reason,
            )
        )
    return tuple(rows)


def expected(context: Context, tx: Tx, hub_id: int, job_id: int) -> Expected:
    """What it would come to in all; raises UnknownPortal, UnknownJob, UnknownTierError, NoCapacityError."""
    of = job.show(tx, hub_id, job_id)
    values = {"hub_id": hub_id, "job_id": job_id, "partner_id": portals.get(tx, hub_id).partner.id}
    known = tx.connection.execute(_EXPECTED, values).one()
    left_over = of.total - of.done
    return Expected(
        bad=of.outcomes.get(Outcome.BAD_LEAD, 0),
        duplicates=of.outcomes.get(Outcome.DUPLICATE, 0),
        registered=known.ours,
        unavailable=known.unavailable,
        to_ask=left_over - known.ours - known.unavailable,
        room=fitting.room_for(context, tx, hub_id),
    )


def came(tx: Tx, hub_id: int, job_id: int) -> Came:
    """What has come of a file that was taken; raises UnknownJob."""
    lead_file.check(tx, hub_id, job_id)
    counts: dict[str, int] = {}
    for row in tx.connection.execute(_CAME, {"job_id": job_id}):
        name = _CAME_TO.get(row.state or row.outcome, "not_asked") if row.outcome else "to_do"
        counts[name] = counts.get(name, 0) + row.many
    return Came(**counts)


# What of a request's state, or of a row that was not asked for, a person calls it by.
_CAME_TO = {
    Outcome.REGISTERED.value: "registered",
    Outcome.DUPLICATE.value: "duplicates",
    State.PROCESSING.value: "pending",
    State.WAITING.value: "pending",
    State.UNAVAILABLE.value: "unavailable",
    State.INVALID_DATA.value: "invalid_data",
}


def rows(
    tx: Tx, hub_id: int, job_id: int, *, after: int = 0, limit: int = 200, failed: bool = False
) -> tuple[FileRow, ...]:
    """Rows of a file that was taken, with what came of each, or only of those that failed; raises UnknownJob."""
    lead_file.check(tx, hub_id, job_id)
    values = {"job_id": job_id, "after": after, "limit": limit, "failed": failed}
    return tuple(
        FileRow(
            place=row.place,
            lead=row.lead,
            outcome=Outcome(row.outcome) if row.outcome else None,
            domain=row.domain,
            contact_id=row.contact_id,
            state=State(row.state) if row.state else None,
            reason=reason_in(row.reason),
            detail=row.detail or "",
        )
        for row in tx.connection.execute(_ROWS, values)
    )


_ROWS = text(f"""
    SELECT i.place, i.domain AS lead, i.outcome, q.domain, q.contact_id, q.state, q.reason,
           q.detail {lead_file.ROWS_ASKED} AND i.place > :after
       AND (NOT CAST(:failed AS boolean) OR i.outcome NOT IN ('done', 'registered', 'duplicate')
            OR q.state IN ({", ".join(f"'{state}'" for state in _FAILED)}))
     ORDER BY i.place LIMIT :limit
""")
_CAME = text(f"SELECT i.outcome, q.state, count(*) AS many {lead_file.ROWS_ASKED} GROUP BY i.outcome, q.state")
_EXPECTED = text("""
    WITH left_over AS MATERIALIZED (SELECT domain AS lead FROM job_items WHERE job_id = :job_id AND outcome IS NULL),
    contacts AS (SELECT object_id, email, domain FROM records
                  WHERE hub_id = :hub_id AND kind = 'contact' AND presence = 'live' AND domain IS NOT NULL),
    meant AS (
        SELECT lead, contacts.domain FROM left_over JOIN contacts ON contacts.object_id = lead
        UNION ALL SELECT lead, contacts.domain FROM left_over JOIN contacts ON contacts.email = lead
        UNION ALL SELECT lead, lead FROM left_over WHERE lead !~ '@|^[0-9]+$')
    SELECT count(*) FILTER (WHERE c.partner_id = :partner_id AND c.deregistered_at IS NULL) AS ours,
           count(*) FILTER (WHERE c.partner_id IS DISTINCT FROM :partner_id
                              AND (c.partner_id IS NOT NULL OR h.domain IS NOT NULL)) AS unavailable
      FROM meant LEFT JOIN registrations AS c ON c.domain = meant.domain AND c.ended_at IS NULL
      LEFT JOIN holds AS h ON h.domain = meant.domain
""")
