"""How does a form submission become a request?

Forms are polled newest first down to the high-water, which moves only when the bottom was reached; a little further
where no hint hurries; and every quarter of an hour down to what is older than an hour, for submissions that show late
(docs/polling.md). A submission carries no contact id: it is a request of its own, resolved by a batch read by email.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog
from sqlalchemy import select, update

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.errors import FixRequest, HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.records import Submission, SubmissionPage
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.requests import NewRequest, State
from syncworker.registration.rules.terms import Action, Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.secrets import Secrets
from syncworker.store.tables import forms, requests
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.failures import block_if_of_portal, may_be_called
from syncworker.sync.privacy import privacy
from syncworker.sync.triggers import cursors
from syncworker.sync.triggers.cursors import FORM, Cursor
from syncworker.sync.watch import clock_skew

log = structlog.get_logger(__name__)

# Submissions may appear out of order by moments; the key makes looking twice harmless. A hinted look does without: a
# form with many submissions would cost ever more pages while somebody waits. The looks after the last hint do not.
OVERLAP = timedelta(minutes=2)
# What a submission may take to appear, at most, with five minutes for clocks that differ. HubSpot promises nothing.
SHOWN_WITHIN = timedelta(minutes=65)
LATE_EVERY = timedelta(minutes=15)
PAGE = 50  # HubSpot's most
PAGES_A_TURN = 10
RESOLVED_AT_ONCE = 100  # what one call reads
# A contact may lag behind its submission, in search and in creation. After the last step a person is asked.
RESOLVE_AGAIN = tuple(
    timedelta(seconds=s) for s in (0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600)
)
_EMAIL_MOST = 320  # RFC 5321: 64 + @ + 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What a turn's look at a form came to."""

    new: int = 0
    unreadable: int = 0
    more: bool = False
    """The bottom was not reached: the next turn goes on."""


def poll_forms(context: Context, hub_id: int) -> bool:
    """Poll the due forms of a portal, some pages of each, and resolve some submissions; return whether there is more.

    Some, because others of the portal wait: after a long time away a form may have tens of thousands.
    """
    due = context.database.run(lambda tx: _take(tx, hub_id))
    unread = [_poll(context, cursor) for cursor in due]
    return resolve(context, hub_id) or any(unread)


def _take(tx: Tx, hub_id: int) -> list[Cursor]:
    return cursors.take(tx, hub_id, f"{FORM}%") if may_be_called(tx, hub_id) else []


def _poll(context: Context, cursor: Cursor) -> bool:
    every = timedelta(seconds=context.settings.poll_seconds)
    try:
        found = collect(context, cursor)
    except (HubSpotError, RateLimited) as error:
        message = str(error)
        if isinstance(error, FixRequest):
            context.database.run(lambda tx: cursors.list_anew(tx, cursor))
        block_if_of_portal(context.database, cursor.hub_id, error)
        context.database.run(lambda tx: cursors.rest(tx, cursor, every=every, error=message))
        return False
    # Shown as a failing poll as long as it is among what a poll reads: a lead may be in it.
    odd = f"{found.unreadable} submissions cannot be read, and are left out" if found.unreadable else None
    soon = timedelta(0) if found.more else every
    context.database.run(lambda tx: cursors.rest(tx, cursor, every=soon, error=odd))
    return found.more


def collect(context: Context, cursor: Cursor) -> Collected:
    """Store submissions of a form since its high-water, and where to go on if the turn ends before the bottom.

    What is above the bottom is held until the bottom was reached: who asked first is served first.
    """
    form_id = cursor.trigger.removeprefix(FORM)
    with context.database.transaction() as tx:
        now = clock_skew.not_ahead(tx, context.hubspot_clock)
        hinted = cursors.just_hurried(tx, cursor)
        enabled_at = tx.connection.execute(
            select(forms.c.enabled_at).where(forms.c.hub_id == cursor.hub_id, forms.c.form_id == form_id)
        ).scalar_one_or_none()
    if enabled_at is None:
        return Collected()
    began = cursor.until or now
    settled_to = cursor.settled_to or enabled_at
    # A look shows all that was submitted so long before it began.
    settles = began - SHOWN_WITHIN
    late = settles >= settled_to + LATE_EVERY
    down_to = max(enabled_at, min(settled_to, cursor.high_water - OVERLAP))
    bottom = down_to if late else max(enabled_at, cursor.high_water - (timedelta(0) if hinted else OVERLAP))
    found: list[NewRequest] = []
    unreadable = untimed = 0
    after: str | None = None
    pages = _pages(context, cursor.hub_id, form_id, bottom, after=cursor.page_after)
    for number, (page, following) in enumerate(islice(pages, PAGES_A_TURN)):
        after = following
        # What stands on the last page below the high-water may have come late: to take it along costs no call.
        found += [request(context.secrets, form_id, one) for one in page.submissions if one.submitted_at >= down_to]
        unreadable += page.unreadable
        untimed += sum(not one.timed for one in page.submissions)
        # To go on with a look is not another one.
        polls = min(number, 1) if cursor.until is None else 0
        context.database.run(lambda tx: cursors.renew(tx, cursor, polls=polls))  # noqa: B023 - run at once

    def store(tx: Tx) -> int:
        # A time that has not come yet would make us blind until then.
        newest = max([cursor.newest or cursor.high_water, *(min(one.requested_at, tx.now) for one in found)])
        if after is not None:
            stepped = cursors.step(
                tx, cursor, high_water=cursor.high_water, until=began, page_after=after, newest=newest
            )
        else:
            # A process that had not heard of HubSpot knows only now what time it is there.
            settled = min(settles, clock_skew.not_ahead(tx, context.hubspot_clock) - SHOWN_WITHIN)
            stepped = cursors.step(
                tx, cursor, high_water=max(cursor.high_water, newest), settled_to=settled if late else None
            )
        if stepped is None:
            return 0  # we lost the lease, and somebody else has gone on from here
        portal = portals.get(tx, cursor.hub_id)
        # HubSpot may go on listing what a person submitted who was deleted for privacy since.
        counts = privacy.without_erased(tx, context.secrets, cursor.hub_id, found)
        held = after is not None or cursor.until is not None
        new = asked.add(tx, partner_id=portal.partner.id, hub_id=cursor.hub_id, new=counts, held=held)
        if held and after is None:
            asked.release(tx, cursor.hub_id, who=f"{FORM}{form_id}")
        return len(new)

    anything = found or late or after is not None or cursor.until is not None
    new = context.database.run(store) if anything else 0
    if unreadable or (untimed and new):
        log.warning("odd_submissions", hub_id=cursor.hub_id, form=form_id, unreadable=unreadable, untimed=untimed)
    return Collected(new=new, unreadable=unreadable, more=after is not None)


def read_down_to(context: Context, hub_id: int, form_id: str, since: datetime) -> list[Submission]:
    """All submissions of a form from `since` on, newest first."""
    pages = _pages(context, hub_id, form_id, since)
    return [one for page, _ in pages for one in page.submissions if one.submitted_at >= since]


def read_some(
    context: Context, hub_id: int, form_id: str, since: datetime, *, pages: int
) -> tuple[list[Submission], bool]:
    """The newest submissions of a form down to `since`, of so many pages at most; and whether there are more."""
    found: list[Submission] = []
    after: str | None = None
    for page, following in islice(_pages(context, hub_id, form_id, since), pages):
        found += page.submissions
        after = following
    return found, after is not None


def _pages(
    context: Context, hub_id: int, form_id: str, since: datetime, *, after: str | None = None
) -> Iterator[tuple[SubmissionPage, str | None]]:
    """The pages of a form's submissions, newest first, down to the first that ends before `since`; each with where
    the next one begins."""
    client = context.client(hub_id)
    while True:
        page = client.form_submissions(form_id, after=after, limit=PAGE)
        # Newest first: a page that ends before the high-water is the bottom.
        ends = bool(page.submissions) and page.submissions[-1].submitted_at < since
        after = None if ends else page.after
        yield page, after
        if after is None:
            return


def keep(tx: Tx, secrets: Secrets, hub_id: int, form_id: str, submissions: Sequence[Submission]) -> int:
    """Keep a request for each submission that was not seen before; return how many those are."""
    portal = portals.get(tx, hub_id)
    new = privacy.without_erased(tx, secrets, hub_id, [request(secrets, form_id, one) for one in submissions])
    return len(asked.add(tx, partner_id=portal.partner.id, hub_id=hub_id, new=new))


def request(secrets: Secrets, form_id: str, submission: Submission) -> NewRequest:
    """The request that a submission is: the submission itself proves the conversion."""
    email = next((value.value for value in submission.values if value.name == "email"), "").strip().lower()
    email = storable(email)
    usable = email if 0 < len(email) <= _EMAIL_MOST and "@" in email else None
    return NewRequest(
        key=_key(secrets, form_id, submission, email),
        action=Action.REGISTER,
        source=Source.FORM,
        who=f"form:{form_id}",
        requested_at=submission.submitted_at,
        email=usable,
    )


def _key(secrets: Secrets, form_id: str, submission: Submission, email: str) -> str:
    if submission.conversion_id:
        # Hashed where it is longer than an id can be: whatever HubSpot sends, the key fits its index. And where it has
        # an email in it: a key outlives the person.
        conversion = submission.conversion_id
        if len(conversion) > 100:
            conversion = hashlib.sha256(conversion.encode("utf-8", "replace")).hexdigest()
        elif "@" in conversion:
            conversion = secrets.key_hash(conversion)
        return f"form:{form_id}:{conversion}"
    # The next poll may give another time to one that has none of its own.
    at = f"{submission.submitted_at.timestamp():.3f}" if submission.timed else "untimed"
    return f"form:{form_id}:{at}:{secrets.email_hash(email)}"


def resolve(context: Context, hub_id: int) -> bool:
    """Find the contacts of up to 100 unresolved submissions, and mark them; return whether there may be more."""
    waiting = context.database.run(lambda tx: _unresolved(tx, hub_id))
    if not waiting:
        return False
    emails = sorted({email for email in waiting.values() if email})
    try:
        found = contacts_of(context.client(hub_id), emails)
    except (HubSpotError, RateLimited) as error:
        block_if_of_portal(context.database, hub_id, error)
        # Their turn comes again by the time that taking them had set.
        return False
    context.database.run(lambda tx: _settle(tx, hub_id, waiting, found))
    return len(waiting) == RESOLVED_AT_ONCE


def contacts_of(client: HubSpotClient, emails: Sequence[str]) -> dict[str, str]:
    """The contacts of these emails. Anybody can submit one that HubSpot refuses: it is found out, and left out."""
    if not emails:
        return {}
    try:
        read = client.batch_read("contact", emails, properties=["email"], id_property="email")
    except FixRequest:
        if len(emails) == 1:
            return {}
        middle = len(emails) // 2
        return contacts_of(client, emails[:middle]) | contacts_of(client, emails[middle:])
    return {email: record.id for email, record in read.found.items() if not record.archived}


def _unresolved(tx: Tx, hub_id: int) -> dict[int, str | None]:
    """Up to 100 due requests with their emails, kept from other workers for a minute."""
    if not may_be_called(tx, hub_id):
        return {}
    due = (
        select(requests.c.id)
        .where(
            requests.c.hub_id == hub_id,
            requests.c.contact_id.is_(None),
            requests.c.state == State.PROCESSING.value,
            requests.c.resolve_after <= tx.now,
        )
        .order_by(requests.c.resolve_after)
        .limit(RESOLVED_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    taken = (
        update(requests)
        .where(requests.c.id.in_(due))
        .values(resolve_after=tx.now + timedelta(minutes=1))
        .returning(requests.c.id, requests.c.email)
    )
    return {row.id: row.email for row in tx.connection.execute(taken)}


def _settle(tx: Tx, hub_id: int, waiting: dict[int, str | None], found: dict[str, str]) -> None:
    """Give each request its contact, or its next turn."""
    contacts: set[str] = set()
    for request_id, email in sorted(waiting.items()):
        contact_id = found.get(email or "")
        # What was withdrawn or settled meanwhile stays so.
        row = update(requests).where(
            requests.c.id == request_id, requests.c.state == State.PROCESSING.value, requests.c.contact_id.is_(None)
        )
        if contact_id is not None:
            contacts.add(contact_id)
            tx.connection.execute(row.values(contact_id=contact_id, email=None, resolve_after=None))
            continue
        attempts = tx.connection.execute(
            row.values(resolve_attempts=requests.c.resolve_attempts + 1).returning(requests.c.resolve_attempts)
        ).scalar_one_or_none()
        if attempts is None:
            continue
        if email is None or attempts > len(RESOLVE_AGAIN):
            _give_up(tx, request_id, email)
        else:
            tx.connection.execute(row.values(resolve_after=tx.now + RESOLVE_AGAIN[attempts - 1]))
    mark(tx, hub_id, Kind.CONTACT, contacts, priority=Priority.PERSON, cause="form submission")


def _give_up(tx: Tx, request_id: int, email: str | None) -> None:
    why = "the submission has no usable email" if email is None else "no contact with the submission's email was found"
    tx.connection.execute(
        update(requests)
        .where(requests.c.id == request_id)
        .values(
            state=State.UNRESOLVED.value,
            resolve_after=None,
            detail=f"{why}; register the contact by hand, or retry",
        )
    )
