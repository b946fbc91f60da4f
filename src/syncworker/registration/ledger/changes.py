"""What must be looked at again because of what a transaction did to the ledger?

The ledger does not mark; it says here what changed, and whoever opened the transaction marks it before the commit.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Changes:
    """Domains whose records show something new, contacts to decide again, and partners whose capacity moved."""

    domains: set[tuple[int, str]] = field(default_factory=set)
    """(partner id, domain)"""
    contacts: set[tuple[int, str]] = field(default_factory=set)
    """(hub id, contact id)"""
    companies: set[tuple[int, str]] = field(default_factory=set)
    """(hub id, company id)"""
    partners: set[int] = field(default_factory=set)

    def registration(
        self,
        *,
        partner_id: int,
        domain: str,
        hub_id: int | None,
        contact_id: str | None,
        company_id: str | None,
    ) -> None:
        """A registration began, changed or ended."""
        self.domains.add((partner_id, domain))
        self.partners.add(partner_id)
        if hub_id is not None and contact_id is not None:
            self.contacts.add((hub_id, contact_id))
        if hub_id is not None and company_id is not None:
            self.companies.add((hub_id, company_id))

    def add(self, other: Changes) -> None:
        """Take in what another step changed."""
        self.domains |= other.domains
        self.contacts |= other.contacts
        self.companies |= other.companies
        self.partners |= other.partners
