"""What goes at once when a contact is deleted for privacy?

All that we keep of the person, by the webhook alone, before HubSpot is asked for anything: it may be away, or the
portal paused. What remains are ids, domains, and the keys of requests, which hold no email but its keyed hash: so what
HubSpot goes on listing does not count anew. Ending the requests of a contact that is gone is reconciling's part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, text, update

from syncworker.hubspot.properties import PropertyNames
from syncworker.registration.ledger import moves, people
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.moves import Move
from syncworker.registration.ledger.requests import OPEN, NewRequest, State
from syncworker.registration.rules.terms import Presence, Source
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx
from syncworker.store.secrets import Secrets
from syncworker.store.tables import erasures, records, requests
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile.known_records import FORGET_PERSON

# A request's key that is made of what a caller of ours sent, which may be anything.
_MADE_UP = (Source.API, Source.APP)
HASHED = "#"


def erase_contacts(
    tx: Tx, secrets: Secrets, deleted: Mapping[tuple[int, str], datetime], *, gone: bool = True
) -> set[str]:
    """Erase what we keep of these contacts; return the emails that were kept.

    `deleted`: when each was deleted, by hub id and contact id. What the person submitted later stays. `gone`: they were
    deleted in the CRM, too.
    """
    at_once: dict[tuple[int, datetime], set[str]] = defaultdict(set)
    for (hub_id, contact_id), at in deleted.items():
        at_once[hub_id, at].add(contact_id)
    emails: set[str] = set()
    for (hub_id, at), contact_ids in sorted(at_once.items()):
        kept = emails_kept(tx, hub_id, contact_ids)
        emails |= kept
        remember(tx, secrets, hub_id, kept, at=at)
        end_unresolved(tx, hub_id, kept, until=at)
        _blank_requests(tx, secrets, hub_id, contact_ids)
        _blank_records(tx, hub_id, contact_ids, gone=gone)
        _blank_files(tx, hub_id, kept)
    return emails


def _blank_files(tx: Tx, hub_id: int, emails: Collection[str]) -> None:
    """Take the emails out of files of leads; what came of their rows stays."""
    if emails:
        tx.connection.execute(_BLANK_FILES, {"hub_id": hub_id, "emails": joined(emails), "erased": people.ERASED})


_BLANK_FILES = text(f"""
    UPDATE job_items AS i SET domain = :erased FROM jobs
     WHERE jobs.id = i.job_id AND jobs.hub_id = :hub_id AND i.domain = ANY({split("emails")})
""")


def remember(tx: Tx, secrets: Secrets, hub_id: int, emails: Collection[str], *, at: datetime) -> None:
    """Keep a keyed hash of each email, so that what came from it until that moment is not taken in anew."""
    hashes = sorted({secrets.email_hash(email) for email in emails})
    for email_hash in hashes:
        parameters = {"hub_id": hub_id, "email_hash": email_hash, "at": at}
        tx.connection.execute(_REMEMBER, parameters)


_REMEMBER = text("""
    INSERT INTO erasures (hub_id, email_hash, erased_at) VALUES (:hub_id, :email_hash, :at)
    ON CONFLICT (hub_id, email_hash) DO UPDATE SET erased_at = greatest(erasures.erased_at, excluded.erased_at)
""")


def without_erased(tx: Tx, secrets: Secrets, hub_id: int, new: Sequence[NewRequest]) -> list[NewRequest]:
    """Those that were not submitted by a person before that person was deleted for privacy."""
    hashes = {request.key: secrets.email_hash(request.email) for request in new if request.email}
    if not hashes:
        return list(new)
    narrowed = select(erasures.c.email_hash, erasures.c.erased_at).where(
        erasures.c.hub_id == hub_id, erasures.c.email_hash.in_(sorted(set(hashes.values())))
    )
    erased = {row.email_hash: row.erased_at for row in tx.connection.execute(narrowed)}
    return [
        request
        for request in new
        if (at := erased.get(hashes.get(request.key, ""))) is None or request.requested_at > at
    ]


def end_unresolved(tx: Tx, hub_id: int, emails: Collection[str], *, until: datetime) -> int:
    """End the submissions of these emails, made until then, whose contact was not found yet; return how many."""
    lowered = sorted({email.strip().lower() for email in emails})
    narrowed = (
        asked.query()
        .where(
            requests.c.hub_id == hub_id,
            requests.c.contact_id.is_(None),
            requests.c.email.in_(lowered),
            requests.c.requested_at <= until,
            requests.c.state.in_([State.PROCESSING.value, State.UNRESOLVED.value]),
        )
        .order_by(requests.c.id)
        .with_for_update()
    )
    waiting = [asked.stored(row) for row in tx.connection.execute(narrowed)] if lowered else []
    moves.settle(tx, [Move(request=one, state=State.ENDED, happened=Happened.ENDED) for one in waiting])
    return len(waiting)


def made_up_key(secrets: Secrets, source: Source, key: str) -> str:
    """The key of a request that a caller named: hashed, because whatever is in it is kept for good."""
    return f"{source}:{HASHED}{secrets.key_hash(key)}"


def emails_kept(tx: Tx, hub_id: int, contact_ids: Collection[str]) -> set[str]:
    """The emails that we keep of these contacts."""
    narrowed = select(records.c.email).where(
        records.c.hub_id == hub_id,
        records.c.kind == Kind.CONTACT.value,
        records.c.object_id.in_(sorted(contact_ids)),
        records.c.email.is_not(None),
    )
    return set(tx.connection.execute(narrowed).scalars())


def _blank_requests(tx: Tx, secrets: Secrets, hub_id: int, contact_ids: Collection[str]) -> None:
    of_contacts = (requests.c.hub_id == hub_id) & requests.c.contact_id.in_(sorted(contact_ids))
    # The sentence of an open one may quote what somebody typed; that of a decided one names the domain alone.
    still_open = requests.c.state.in_([state.value for state in OPEN])
    tx.connection.execute(update(requests).where(of_contacts, still_open).values(detail=""))
    tx.connection.execute(update(requests).where(of_contacts).values(email=None))
    made_up = select(requests.c.id, requests.c.source, requests.c.key).where(
        of_contacts, requests.c.source.in_([source.value for source in _MADE_UP])
    )
    for row in tx.connection.execute(made_up.order_by(requests.c.id)).all():
        source, plain = Source(row.source), row.key.removeprefix(f"{row.source}:")
        if not plain.startswith(HASHED):
            key = made_up_key(secrets, source, plain)
            tx.connection.execute(update(requests).where(requests.c.id == row.id).values(key=key))


def _blank_records(tx: Tx, hub_id: int, contact_ids: Collection[str], *, gone: bool) -> None:
    parameters = {
        "hub_id": hub_id,
        "ids": sorted(contact_ids),
        "now": tx.now,
        "erased": Presence.ERASED.value if gone else None,
        "detail": PropertyNames().detail,
    }
    for statement in (_COMPANIES, _TOMBSTONES, _RECORDS, _MARKS):
        tx.connection.execute(statement, parameters)


# What a company shows may be what one of its contacts was told.
_COMPANIES = text("""
    UPDATE records SET written = written - :detail ::text
     WHERE hub_id = :hub_id AND kind = 'company' AND object_id IN (
        SELECT company_id FROM requests WHERE hub_id = :hub_id AND contact_id = ANY(:ids)
         UNION SELECT company_id FROM records WHERE hub_id = :hub_id AND kind = 'contact' AND object_id = ANY(:ids))
""")
# A worker may have read the contact just before: of those that it may be about to keep, the row says that it must not.
_TOMBSTONES = text("""
    INSERT INTO records (hub_id, kind, object_id, presence, reconciled_at, erased_at)
    SELECT DISTINCT :hub_id, 'contact', named.id, coalesce(CAST(:erased AS text), 'live'), CAST(:now AS timestamptz),
           CAST(:now AS timestamptz)
      FROM unnest(CAST(:ids AS text[])) AS named (id)
     WHERE EXISTS (SELECT FROM requests WHERE hub_id = :hub_id AND contact_id = named.id)
        OR EXISTS (SELECT FROM registrations WHERE hub_id = :hub_id AND contact_id = named.id)
        OR EXISTS (SELECT FROM marks WHERE hub_id = :hub_id AND kind = 'contact' AND object_id = named.id
                      AND claim_token IS NOT NULL)
        -- A page that was listed before may hold anybody.
        OR EXISTS (SELECT FROM resyncs WHERE hub_id = :hub_id AND state = 'running')
    ON CONFLICT (hub_id, kind, object_id) DO NOTHING
""")
_RECORDS = text(f"""
    UPDATE records
       SET {FORGET_PERSON}, presence = coalesce(CAST(:erased AS text), presence), erased_at = :now
     WHERE hub_id = :hub_id AND kind = 'contact' AND object_id = ANY(:ids)
""")
_MARKS = text("""
    UPDATE marks SET last_error = NULL
     WHERE hub_id = :hub_id AND kind = 'contact' AND object_id = ANY(:ids) AND last_error IS NOT NULL
""")
