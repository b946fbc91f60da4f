"""Which contacts certainly show what they should: the registration that the ledger holds on their domain?

Most records of a resync do, and to decide each anew costs more than to read it. So the database compares what was last
written to a contact with the registration on the domain it had then. Where the two agree, and the contact is as it was
and shows what was written, deciding could only say the same again. Everything else is decided: no answer here is ever
wrong for being no.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import text

from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.records import Record
from syncworker.program import Authority
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import Status
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx
from syncworker.sync.reconcile.known_records import KnownCompany, KnownRecord
from syncworker.sync.reconcile.leads import seen

# A registration that is ours, active and without a hold, on the very domain of the contact: `rules/standing.py` shows
# it with nothing to add. Written in full, so that a property more or less is a difference.
_WRITTEN = """
    SELECT r.object_id FROM records AS r
      JOIN registrations AS g ON g.domain = r.domain AND g.ended_at IS NULL
     WHERE r.hub_id = :hub_id AND r.kind = 'contact' AND r.object_id = ANY({ids}) AND r.presence = 'live'
       AND g.partner_id = :partner_id AND g.deregistered_at IS NULL AND g.hold IS NULL
       AND r.written = jsonb_build_object(
           CAST(:status AS text), CAST(:registered AS text), CAST(:reason AS text), '', CAST(:detail AS text), '',
           CAST(:domain AS text), g.domain, CAST(:source AS text), g.source,
           CAST(:registered_on AS text), to_char(g.registered_on, 'YYYY-MM-DD'),
           CAST(:expires_on AS text), to_char(g.expires_on, 'YYYY-MM-DD'){confirmed})
"""
_CONFIRMED = ", CAST(:confirmed AS text), coalesce(g.confirmation, '')"
_BY_AUTHORITY = {
    Authority.OWN: text(_WRITTEN.format(ids=split("ids"), confirmed="")),
    Authority.HUBSPOT: text(_WRITTEN.format(ids=split("ids"), confirmed=_CONFIRMED)),
}


def written_as_registered(
    tx: Tx, names: PropertyNames, ids: Collection[str], *, hub_id: int, partner_id: int, authority: Authority
) -> set[str]:
    """Contacts to which was written, last, just what the registration on their domain shows."""
    if not ids:
        return set()
    parameters = {
        "hub_id": hub_id,
        "partner_id": partner_id,
        "ids": joined(ids),
        "registered": Status.REGISTERED.value,
        "status": names.status,
        "reason": names.reason,
        "detail": names.detail,
        "domain": names.domain,
        "source": names.source,
        "registered_on": names.registered_on,
        "expires_on": names.expires_on,
    }
    if authority is Authority.HUBSPOT:
        parameters["confirmed"] = names.confirmed
    return set(tx.connection.execute(_BY_AUTHORITY[authority], parameters).scalars())


def is_unchanged(
    record: Record, known: KnownRecord, company: KnownCompany | None, company_id: str | None, rules: DomainRules
) -> bool:
    """Whether a contact is as it was last seen, at the same company and domain, and shows what was written to it."""
    of = record.properties
    if known.company_id != company_id or seen("contact", of) != known.seen:
        return False
    website = of.get("website")
    if not website or website.isspace():
        website = company.domain if company is not None else None
    if (registrable(website, rules) if website else None) != known.domain:
        return False
    if not _shown_of_company(of, company, known):
        return False
    return all((of.get(name) or "") == value for name, value in known.written.items())


def _shown_of_company(of: Mapping[str, str | None], company: KnownCompany | None, known: KnownRecord) -> bool:
    """Where a contact's own field is empty, its company's stands in."""
    if company is None:
        return True
    name = of.get("company") or company.name
    return (known.company or "") == (name or "") and (known.country or "") == (
        of.get("country") or company.country or ""
    )
