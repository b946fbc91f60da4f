"""How is a registration's line read and found, whichever list it is in?

Its text is found in `lead_lines`, which the database keeps: without case and accents, and of the portal that asks
alone. The parts here are of one query; whoever puts them together binds :hub_id, :now and what `sought` gives.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Row, text

from syncworker.registration.rules.terms import Confirmation, HoldKind, Source, Status
from syncworker.store.database import Tx
from syncworker.sync.lists.list_lines import RegistrationLine

MOST_Q_CHARACTERS = 200
MOST_WORDS = 8

# A contact or a company that is named is gone, and none that is named is there. One that was never named, as after an
# import of domains alone, says nothing.
ORPHANED = """(
    r.status = 'registered' AND r.hub_id = :hub_id AND coalesce(r.contact_id, r.company_id) IS NOT NULL
    AND (r.contact_id IS NULL OR contact.presence <> 'live') IS TRUE
    AND (r.company_id IS NULL OR company.presence <> 'live') IS TRUE)"""

# A claim that is past its last valid day, and not to be renewed, is over; who notes that may be seconds late.
STATUS = """
    CASE WHEN l.state = 'registered' AND l.expires_at <= :now AND NOT l.renews THEN 'expired' ELSE l.state END"""

RECORDS = """
      LEFT JOIN records AS contact ON r.hub_id = :hub_id AND contact.hub_id = :hub_id
           AND contact.kind = 'contact' AND contact.object_id = r.contact_id
      LEFT JOIN records AS company ON r.hub_id = :hub_id AND company.hub_id = :hub_id
           AND company.kind = 'company' AND company.object_id = r.company_id"""

LINES = f"""
    (SELECT claim.*, l.search, {STATUS} AS status
       -- The id alone says it; by the domain the line is found where somebody asks for one.
       FROM lead_lines AS l JOIN registrations AS claim
         ON claim.id = l.registration_id AND claim.partner_id = l.partner_id AND claim.domain = l.domain) AS r
    {RECORDS}"""

COLUMNS = f"""
           r.domain, r.status, r.hub_id, r.contact_id, r.company_id, r.registered_on, r.expires_on,
           r.renew_at_expiry, r.source, r.confirmation, r.hold, r.needs_person,
           {ORPHANED} AS orphaned,
           CASE WHEN r.ended_at IS NULL AND r.undo_until > :now THEN r.undo_until END AS undo_until,
           contact.name AS contact_name, coalesce(company.name, contact.company) AS company,
           coalesce(contact.country, company.country) AS country,
           coalesce(r.status = 'registered' AND contact.presence = 'live' AND contact.domain <> r.domain,
                    false) AS drift,
           CASE WHEN contact.domain <> r.domain THEN contact.domain END AS website"""


def matches(of: str, words: Sequence[str]) -> str:
    """SQL for whether a line, by its alias, has each of these words in it; binds `sought(words)`.

    Of another portal's registration only the domain is seen, and found.
    """
    domain = f"concat_ws(chr(10), {of}.domain, fold_text(unicode_domain({of}.domain)))"
    return has_words(f"CASE WHEN {of}.hub_id = :hub_id THEN {of}.search ELSE {domain} END", words)


def has_words(folded_text: str, words: Sequence[str]) -> str:
    """SQL for whether a text has each of these words in it; binds `sought(words)`."""
    # Not LIKE: that takes half as long again to find nothing in a hundred thousand lines.
    return " AND ".join(f"strpos({folded_text}, :word_{number}) > 0" for number in range(len(words)))


def sought(words: Sequence[str]) -> Mapping[str, str]:
    """The values that `has_words` binds."""
    return {f"word_{number}": word for number, word in enumerate(words)}


def words_of(q: str | None) -> Sequence[str]:
    """The words of what a person typed, of which the first `MOST_WORDS` are sought."""
    # PostgreSQL takes neither NUL nor half of a surrogate pair; neither is printable.
    seen = "".join(character if character.isprintable() else " " for character in (q or "")[:MOST_Q_CHARACTERS])
    # Once each: a word that is typed twice finds nothing else.
    return list(dict.fromkeys(seen.split()))


def folded(tx: Tx, q: str | None) -> Sequence[str]:
    """The words of what a person typed, as they are sought; none where nothing is."""
    words = list(words_of(q)[:MOST_WORDS])
    if not words:
        return ()
    found = tx.connection.execute(_FOLD, {"words": words}).scalars()
    # The longest first: it is in the fewest lines, and the others are sought in those alone.
    return sorted(found, key=len, reverse=True)


# Once a query: as part of it, it would be done once a line.
_FOLD = text("SELECT fold_text(word) FROM unnest(CAST(:words AS text[])) AS word")


def line(row: Row[*tuple[object, ...]]) -> RegistrationLine:
    """The line in a row of COLUMNS."""
    return RegistrationLine(
        **{
            **row._mapping,
            "status": Status(row.status),
            "source": Source(row.source),
            "confirmation": Confirmation(row.confirmation) if row.confirmation else None,
            "hold": HoldKind(row.hold) if row.hold else None,
        }
    )
