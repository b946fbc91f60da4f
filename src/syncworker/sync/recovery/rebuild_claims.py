"""Which registrations does the CRM show that the ledger does not know, and which have ended since?

The ledger was restored, or is empty; the CRM went on. For each domain, the last word that we wrote to one of its
records counts, against what the ledger had come to by then:

| the CRM says | the ledger has | what is done |
| --- | --- | --- |
| registered | nothing, or an older one that ended | it comes in with its own dates |
| registered, from a later day | the same, from an earlier day | it was renewed: it gets the later dates |
| registered | one deregistered before that, to be undone | it is undone |
| deregistered, after the backup | an active one | it ends, at the time at which the CRM heard of it |
| deregistered or expired | nothing | it comes in as ended, so that an old submission does not register it again |
| expired | an active one, past its last day | nothing: it ends by itself |
| anything | something newer | nothing: the ledger goes before |

What does not fit is listed for a person, and the ledger stays as it is: registered by another partner here, set by
somebody else than us, expired there and not here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from syncworker.program import Authority
from syncworker.registration.ledger import history, moves
from syncworker.registration.ledger import registrations as claimed
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.rules.terms import Confirmation, EndReason, Source, Status
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.tables import registrations
from syncworker.sync.context import program
from syncworker.sync.marks import Kind
from syncworker.sync.recovery.crm_evidence import OurWord, RecordKey, Shown

WHO = "rebuild"
OVER = frozenset({Status.DEREGISTERED, Status.EXPIRED})
OF_CLAIMS = OVER | {Status.REGISTERED}
# What somebody wrote there is not always a date that one can reckon with.
LAST_YEAR = 2999


@dataclass(slots=True, kw_only=True)
class Compared:
    """What became of the domains that the CRM shows, or would become of them."""

    known: int = 0
    registered: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    """Active in the ledger, and deregistered since."""
    renewed: list[str] = field(default_factory=list)
    undone: list[str] = field(default_factory=list)
    past: list[str] = field(default_factory=list)
    """Began and ended since."""
    problems: list[tuple[str, str]] = field(default_factory=list)
    """(domain, what a person must settle)"""
    more: Counter[str] = field(default_factory=Counter)
    """How many more there are of each list than it names."""

    def add(self, part: Compared) -> None:
        """Add what became of some domains; lists name the first few hundred, and count the others."""
        self.known += part.known
        for name in _LISTS:
            mine, theirs = getattr(self, name), getattr(part, name)
            room = max(0, NAMED - len(mine))
            mine.extend(theirs[:room])
            if len(theirs) > room:
                self.more[name] += len(theirs) - room

    def number(self, name: str) -> int:
        """How many domains there are of a list."""
        return len(getattr(self, name)) + self.more[name]


_LISTS = ("registered", "ended", "renewed", "undone", "past", "problems")
# So many of each kind are named: enough to see whether it looks right, whatever the size.
NAMED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """The CRM's last word about a domain."""

    domain: str
    portal: Portal
    status: Status
    set_at: datetime
    registered_on: date | None
    expires_on: date | None
    contact_id: str | None
    company_id: str | None
    source: Source
    confirmed: Confirmation | None


def unexplained(tx: Tx, partner_id: int, shown: Mapping[str, Sequence[Shown]]) -> set[str]:
    """The domains of which the ledger may not know what the CRM shows: for those the history is worth its calls."""
    held = claimed.held_on(tx, shown)
    over = _ended(tx, partner_id, shown)
    open_ = set()
    for domain, some in shown.items():
        statuses = {one.status for one in some}
        claim = held.get(domain)
        newest = max((one.registered_on for one in some if one.registered_on is not None), default=None)
        if claim is not None and claim.partner_id == partner_id and claim.is_active:
            known = statuses == {Status.REGISTERED} and (newest is None or newest <= claim.registered_on)
        else:
            known = not statuses - OVER and domain in over
        if not known:
            open_.add(domain)
    return open_


def last_word(
    domain: str, some: Sequence[Shown], words: Mapping[RecordKey, OurWord], portal_of: Mapping[int, Portal]
) -> Said | None:
    """The last word that we wrote to a record of the domain; None where all of it was somebody else's."""
    # A domain that somebody else set beside a status of ours is no word of ours either.
    ours = [
        (one, words[one.key])
        for one in some
        if one.key in words and words[one.key].status in OF_CLAIMS and words[one.key].domain == domain
    ]
    if not ours:
        return None
    one, word = max(ours, key=lambda pair: (pair[1].set_at, pair[0].object_id))
    # Who came first is as likely as any to be the lead contact, and the choice is the same each time.
    contacts = sorted(
        (s for s, w in ours if s.kind is Kind.CONTACT and w.status is word.status),
        key=lambda s: (len(s.object_id), s.object_id),
    )
    lead = contacts[0] if contacts else None
    companies = [s.object_id for s, w in ours if s.kind is Kind.COMPANY and w.status is word.status]
    return Said(
        domain=domain,
        portal=portal_of[one.hub_id],
        status=word.status,
        set_at=word.set_at,
        registered_on=word.registered_on,
        expires_on=word.expires_on,
        contact_id=lead.object_id if lead else None,
        company_id=(lead.company_id if lead else None) or next(iter(companies), None),
        source=(lead.source if lead else None) or Source.IMPORT,
        confirmed=next((s.confirmed for s, _ in ours if s.confirmed is not None), None),
    )


def compare(tx: Tx, partner_id: int, said: Sequence[Said], outcome: Compared, *, dry_run: bool) -> Changes:
    """Bring the ledger to the CRM's last words; with `dry_run` only say what would be done."""
    changes = Changes()
    portals.lock_partner(tx, partner_id)
    domains = [one.domain for one in said]
    held = claimed.held_on(tx, domains)
    over = _ended(tx, partner_id, domains)
    for one in sorted(said, key=lambda s: s.domain):
        holder = held.get(one.domain)
        if one.status is Status.REGISTERED:
            _registered(tx, one, holder, over.get(one.domain), outcome, changes, dry_run=dry_run)
        else:
            _over(tx, one, holder, over.get(one.domain), outcome, changes, dry_run=dry_run)
    if not dry_run:
        changes.contacts |= moves.contacts_waiting_elsewhere(tx, partner_id, outcome.registered)
    return changes


def _registered(
    tx: Tx, said: Said, holder: Registration | None, last: Registration | None, outcome: Compared, changes: Changes,
    *, dry_run: bool,
) -> None:  # fmt: skip
    ours = holder is not None and holder.partner_id == said.portal.partner.id
    dates = _dates(said)
    if holder is not None and not ours:
        outcome.problems.append((said.domain, "the CRM shows it as registered; another partner holds it here"))
    elif dates is None:
        outcome.problems.append((said.domain, "the CRM shows it as registered, without dates that make sense"))
    elif holder is not None and not holder.is_active:
        if holder.deregistered_at is not None and said.set_at > holder.deregistered_at:
            outcome.undone.append(said.domain)
            if not dry_run:
                changes.add(claimed.undo(tx, [holder], who=WHO, source=Source.IMPORT))
        else:
            outcome.known += 1
    elif holder is not None:
        if dates[0] > holder.registered_on:
            outcome.renewed.append(said.domain)
            if not dry_run:
                _renew(tx, said, holder, dates, changes)
        else:
            outcome.known += 1
    elif last is not None and last.ended_at is not None and last.ended_at >= said.set_at:
        outcome.known += 1
    else:
        if not dry_run and not _insert(tx, said, dates, changes, ended=False):
            outcome.problems.append((said.domain, "the CRM shows it as registered; another partner has just taken it"))
        else:
            outcome.registered.append(said.domain)


def _over(
    tx: Tx, said: Said, holder: Registration | None, last: Registration | None, outcome: Compared, changes: Changes,
    *, dry_run: bool,
) -> None:  # fmt: skip
    ours = holder is not None and holder.partner_id == said.portal.partner.id
    if holder is None or not ours:
        if last is not None and (said.registered_on is None or last.registered_on >= said.registered_on):
            outcome.known += 1
            return
        outcome.past.append(said.domain)
        if not dry_run:
            # One whose dates nobody knows any more began, for all that matters, when it ended.
            _insert(tx, said, _dates(said) or (said.set_at.date(), said.set_at.date()), changes, ended=True)
        return
    since = max(holder.created_at, said.portal.restored_from or said.portal.connected_at)
    if not holder.is_active or said.set_at <= since:
        outcome.known += 1
    elif said.status is Status.EXPIRED:
        if holder.expires_at <= tx.now:
            outcome.known += 1
        else:
            words = f"expired in the CRM since {said.set_at:%Y-%m-%d}; here it is valid until {holder.expires_on}"
            outcome.problems.append((said.domain, words))
    else:
        outcome.ended.append(said.domain)
        if not dry_run:
            _end(tx, said, holder, changes)


def _dates(said: Said) -> tuple[date, date] | None:
    """Its first and its last day, where they make sense."""
    began, ends = said.registered_on, said.expires_on
    if began is None or ends is None or ends < began or ends.year > LAST_YEAR:
        return None
    return began, ends


def _ended(tx: Tx, partner_id: int, domains: Collection[str]) -> dict[str, Registration]:
    """The partner's latest ended registration on each domain."""
    narrowed = claimed.query().where(
        registrations.c.partner_id == partner_id,
        registrations.c.domain.in_(sorted(domains)),
        registrations.c.ended_at.is_not(None),
    )
    rows = tx.connection.execute(narrowed.order_by(registrations.c.ended_at))
    return {row.domain: claimed.registration(row) for row in rows}


def _insert(tx: Tx, said: Said, dates: tuple[date, date], changes: Changes, *, ended: bool) -> bool:
    """Keep it as the CRM has it; false where somebody registered the domain in this moment."""
    began, ends = dates
    confirmation = None
    if program(said.portal.partner.program).authority is Authority.HUBSPOT:
        confirmation = (said.confirmed or Confirmation.UNCONFIRMED).value
    why = EndReason.EXPIRED if said.status is Status.EXPIRED else EndReason.DEREGISTERED
    made = insert(registrations).values(
        partner_id=said.portal.partner.id,
        domain=said.domain,
        hub_id=said.portal.hub_id,
        contact_id=said.contact_id,
        company_id=said.company_id,
        source=said.source.value,
        registered_on=began,
        expires_on=ends,
        expires_at=claimed.expires_at(ends, said.portal.time_zone),
        confirmation=confirmation,
        created_at=tx.now,
        ended_at=said.set_at if ended else None,
        end_reason=why.value if ended else None,
    )
    free = made.on_conflict_do_nothing().returning(registrations.c.id)
    registration_id = tx.connection.execute(free).scalar_one_or_none()
    if registration_id is None:
        return False
    _tell(tx, said, Happened.IMPORTED, registration_id)
    _touch(changes, said)
    return True


def _renew(tx: Tx, said: Said, holder: Registration, dates: tuple[date, date], changes: Changes) -> None:
    began, ends = dates
    values = {
        "registered_on": began,
        "expires_on": ends,
        "expires_at": claimed.expires_at(ends, said.portal.time_zone),
    }
    tx.connection.execute(update(registrations).where(registrations.c.id == holder.id).values(values))
    _tell(tx, said, Happened.RENEWED, holder.id)
    claimed.touch(changes, holder)


def _end(tx: Tx, said: Said, holder: Registration, changes: Changes) -> None:
    values = {"ended_at": said.set_at, "end_reason": EndReason.DEREGISTERED.value}
    tx.connection.execute(update(registrations).where(registrations.c.id == holder.id).values(values))
    _tell(tx, said, Happened.DEREGISTERED, holder.id)
    claimed.touch(changes, holder)


def _tell(tx: Tx, said: Said, happened: Happened, registration_id: int) -> None:
    event = Event(
        partner_id=said.portal.partner.id,
        hub_id=said.portal.hub_id,
        domain=said.domain,
        event=happened,
        source=Source.IMPORT.value,
        who=WHO,
        why=f"rebuilt from the CRM, which has shown it as {said.status} since {said.set_at:%Y-%m-%d %H:%M} UTC",
        contact_id=said.contact_id,
        company_id=said.company_id,
        registration_id=registration_id,
    )
    history.record(tx, [event])


def _touch(changes: Changes, said: Said) -> None:
    changes.registration(
        partner_id=said.portal.partner.id,
        domain=said.domain,
        hub_id=said.portal.hub_id,
        contact_id=said.contact_id,
        company_id=said.company_id,
    )
