"""How is a portal filled with many records quickly?

The same seed makes the same records. Some contacts lack a name, a website or a company, as in any CRM; some use a
free-mail address. Seeded records are visible to search at once, and tell no webhooks unless asked to.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from syncworker.sandbox.answers import invalid
from syncworker.sandbox.clock import DAY_MS, now_ms
from syncworker.sandbox.control.names import (
    AFTER,
    ASCII,
    BEFORE,
    COUNTRIES,
    FIRST,
    FREE_MAIL,
    INDUSTRIES,
    JOBS,
    LAST,
)
from syncworker.sandbox.database import FIRST_ID
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Source
from syncworker.sandbox.values import normalise
from syncworker.sandbox.world import World

INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, 'IMPORT', ?)"
YEARS_MS = 3 * 365 * DAY_MS

Row = tuple[int, int, int, int, int, str | None, str | None, str, str]


@dataclass(frozen=True, slots=True)
class Seeded:
    """What was made, and how long it took."""

    contacts: int
    companies: int
    seconds: float


@dataclass(slots=True)
class _Maker:
    """Makes rows by a seed. Ids number names and domains, so that a second seeding finds none taken."""

    hub_id: int
    now: int
    dice: random.Random
    tag: str
    """The source id of what is made."""
    companies: list[tuple[int, str, str, str]] = field(default_factory=list)
    """Id, name, domain, country."""

    def company_rows(self, ids: range) -> Iterator[Row]:
        """Companies, each with a domain of its own."""
        pick, chance = self.dice.choice, self.dice.random
        for id_ in ids:
            country, ending = pick(COUNTRIES)
            stem = pick(BEFORE) + pick(AFTER)
            domain = f"{stem.translate(ASCII).lower()}{id_ - FIRST_ID + 1}.{ending}"
            self.companies.append((id_, stem, domain, country))
            values = {"name": stem, "domain": domain, "country": country, "industry": pick(INDUSTRIES)}
            if chance() < 0.9:
                values["website"] = f"https://www.{domain}"
            created = self.now - int(chance() * YEARS_MS)
            modified = created + int(chance() * (self.now - created))
            yield self.hub_id, 2, id_, created, modified, None, domain, _dump(values), self.tag

    def contact_rows(self, ids: range, links: list[tuple[int, int, int]]) -> Iterator[Row]:
        """Contacts, most of them at one of the companies; `links` collects their associations."""
        pick, chance = self.dice.choice, self.dice.random
        for id_ in ids:
            first, last = pick(FIRST), pick(LAST)
            values: dict[str, str] = {"lastname": last}
            if chance() < 0.96:
                values["firstname"] = first
            local = f"{first}.{last}{id_ - FIRST_ID + 1}".translate(ASCII).lower()
            if self.companies and chance() < 0.93:
                company_id, name, domain, country = pick(self.companies)
                links.append((self.hub_id, id_, company_id))
                values["email"] = f"{local}@{domain}"
                values["country"] = country
                if chance() < 0.9:
                    values["company"] = name
                if chance() < 0.8:
                    values["website"] = domain if chance() < 0.5 else f"https://www.{domain}/"
            else:
                values["email"] = f"{local}@{pick(FREE_MAIL)}"
            if chance() < 0.6:
                values["jobtitle"] = pick(JOBS)
            values["lifecyclestage"] = "lead" if chance() < 0.7 else "subscriber"
            created = self.now - int(chance() * YEARS_MS)
            modified = created + int(chance() * (self.now - created))
            yield self.hub_id, 1, id_, created, modified, values["email"], None, _dump(values), self.tag


def seed(world: World, portal: Portal, *, contacts: int, companies: int, seed: int, webhooks: bool) -> Seeded:
    """Make companies and contacts; call it inside a transaction."""
    began = time.monotonic()
    database, hub_id, now = world.database, portal.hub_id, now_ms()
    company_ids = database.next_ids(hub_id, COMPANY.number, companies)
    contact_ids = database.next_ids(hub_id, CONTACT.number, contacts)
    tag = f"seed-{seed}"
    maker = _Maker(hub_id, now, random.Random(seed), tag)  # noqa: S311 - made-up names, no secret
    database.executemany(INSERT, maker.company_rows(company_ids))
    pairs: list[tuple[int, int, int]] = []
    database.executemany(INSERT, maker.contact_rows(contact_ids, pairs))
    database.executemany("INSERT INTO associations VALUES (?, ?, ?, 1, 0)", pairs)
    if webhooks:
        source = Source("IMPORT", tag)
        for kind, ids in ((COMPANY, company_ids), (CONTACT, contact_ids)):
            for id_ in ids:
                facts: dict[str, object] = {"objectId": id_, "changeFlag": "CREATED"}
                world.outbox.put(portal, f"{kind.singular}.creation", source, now, facts)
    return Seeded(len(contact_ids), len(company_ids), round(time.monotonic() - began, 3))


def mass_edit(world: World, portal: Portal, kind: ObjectType, name: str, value: str, limit: int) -> int:
    """Set one property on many records at once, newest ids last; the number of records. Search sees it at once.

    Without a value each run sets a new one, so that every record changes. History is kept as of any other edit.
    """
    database, hub_id, now = world.database, portal.hub_id, now_ms()
    schema = world.catalogue.schema(hub_id, kind)
    given = normalise(schema, {name: value or f"Edited {now}"}, portal=hub_id)
    if name in ("email", "domain") or not given[name]:
        raise invalid("mass-edit sets a property that is neither email nor domain, to a value")
    database.execute("CREATE TEMP TABLE IF NOT EXISTS edited (id INTEGER PRIMARY KEY)")
    database.execute("DELETE FROM temp.edited")
    path = f"$.{json.dumps(name)}"
    database.execute(
        "INSERT INTO temp.edited SELECT id FROM records WHERE portal = ? AND type = ? AND archived IS NULL "
        "AND coalesce(json_extract(props, ?), '') <> ? ORDER BY id LIMIT ?",
        (hub_id, kind.number, path, given[name], limit),
    )
    user = f"userId:{portal.user_id}"
    database.execute(
        "INSERT INTO history SELECT r.portal, r.type, r.id, ?, 0, r.created, json_extract(r.props, ?), "
        "r.source_type, "
        "r.source_id FROM temp.edited e JOIN records r ON r.portal = ? AND r.type = ? AND r.id = e.id "
        "WHERE json_extract(r.props, ?) IS NOT NULL AND NOT EXISTS (SELECT 1 FROM history h WHERE "
        "h.portal = r.portal "
        "AND h.type = r.type AND h.id = r.id AND h.property = ?)",
        (name, path, hub_id, kind.number, path, name),
    )
    database.execute(
        "INSERT INTO history SELECT ?, ?, id, ?, ?, ?, ?, 'CRM_UI', ? FROM temp.edited",
        (hub_id, kind.number, name, database.next_number(), now, given[name], user),
    )
    changed = database.execute(
        "UPDATE records SET props = json_set(props, ?, ?), modified = max(modified, ?) WHERE portal = ? "
        "AND type = ? "
        "AND id IN (SELECT id FROM temp.edited)",
        (path, given[name], now, hub_id, kind.number),
    ).rowcount
    if f"{kind.singular}.propertyChange:{name}" in portal.subscriptions:
        for (id_,) in database.execute("SELECT id FROM temp.edited").fetchall():
            facts: dict[str, object] = {"objectId": id_, "propertyName": name, "propertyValue": given[name]}
            world.outbox.put(portal, f"{kind.singular}.propertyChange", Source("CRM_UI", user), now, facts, name)
    return int(changed)


def _dump(values: dict[str, str]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
