"""Which contact belongs to which company, and what happens when that changes?

HubSpot-defined types only: 1 contact to its primary company, 279 contact to company; 2 and 280 the other way (HubSpot's
associations guide). A contact has at most one primary company.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncworker.sandbox.database import Database, marks
from syncworker.sandbox.object_types import CONTACT, ObjectType
from syncworker.sandbox.writer import Writer

PRIMARY = {True: 1, False: 2}
PLAIN = {True: 279, False: 280}
"""Type ids, by whether the question comes from the contact's side."""


@dataclass(frozen=True, slots=True)
class Link:
    """One pair, as seen from one side."""

    origin: int
    target: int
    primary: bool


def read(
    database: Database,
    portal: int,
    kind: ObjectType,
    ids: Sequence[int],
    *,
    after: int = 0,
    limit: int | None = None,
) -> list[Link]:
    """The links of records of `kind`, by target id; those with targets beyond `after`, at most `limit` in all."""
    mine, other = ("contact", "company") if kind is CONTACT else ("company", "contact")
    found: list[Link] = []
    for start in range(0, len(ids), 500):
        part = ids[start : start + 500]
        rows = database.execute(
            f"SELECT {mine}, {other}, is_primary FROM associations WHERE portal = ? AND {mine} IN "
            f"({marks(len(part))}) "
            f"AND {other} > ? AND hidden = 0 ORDER BY {mine}, {other} LIMIT ?",
            (portal, *part, after, -1 if limit is None else limit),
        )
        found += [Link(row[0], row[1], bool(row[2])) for row in rows]
    return found


def connect(writer: Writer, contact: int, company: int, *, primary: bool) -> None:
    """Associate a pair. With `primary`, another company of the contact steps back to a plain one.

    HubSpot announces the primary association and the plain one it brings along, each from both sides.
    """
    database, hub_id = writer.world.database, writer.portal.hub_id
    present = database.execute(
        "SELECT is_primary FROM associations WHERE portal = ? AND contact = ? AND company = ? AND hidden = 0",
        (hub_id, contact, company),
    ).fetchone()
    if present is None:
        database.execute("INSERT OR REPLACE INTO associations VALUES (?, ?, ?, 0, 0)", (hub_id, contact, company))
        _tell(writer, contact, company, primary=False, removed=False)
    if primary and not (present and present[0]):
        _step_back(writer, contact)
        database.execute(
            "UPDATE associations SET is_primary = 1 WHERE portal = ? AND contact = ? AND company = ?",
            (hub_id, contact, company),
        )
        _tell(writer, contact, company, primary=True, removed=False)
    _note(writer, contact, company)


def make_plain(writer: Writer, contact: int, company: int) -> None:
    """Take the primary label off a pair that stays associated."""
    changed = writer.world.database.execute(
        "UPDATE associations SET is_primary = 0 WHERE portal = ? AND contact = ? AND company = ? AND is_primary = 1",
        (writer.portal.hub_id, contact, company),
    )
    if changed.rowcount:
        _tell(writer, contact, company, primary=True, removed=True)
        _note(writer, contact, company)


def disconnect(writer: Writer, contact: int, company: int) -> None:
    """Remove all associations of a pair; nothing happens where there is none."""
    row = writer.world.database.execute(
        "DELETE FROM associations WHERE portal = ? AND contact = ? AND company = ? AND hidden = 0 RETURNING is_primary",
        (writer.portal.hub_id, contact, company),
    ).fetchone()
    if row is not None:
        _tell(writer, contact, company, primary=False, removed=True)
        if row[0]:
            _tell(writer, contact, company, primary=True, removed=True)
        _note(writer, contact, company)


def has_primary(database: Database, portal: int, contact: int) -> bool:
    """Whether a contact has a primary company."""
    row = database.execute(
        "SELECT 1 FROM associations WHERE portal = ? AND contact = ? AND is_primary = 1 AND hidden = 0 LIMIT 1",
        (portal, contact),
    ).fetchone()
    return row is not None


def _step_back(writer: Writer, contact: int) -> None:
    rows = writer.world.database.execute(
        "UPDATE associations SET is_primary = 0 WHERE portal = ? AND contact = ? AND is_primary = 1 RETURNING company",
        (writer.portal.hub_id, contact),
    ).fetchall()
    for (company,) in rows:
        _tell(writer, contact, company, primary=True, removed=True)


def _tell(writer: Writer, contact: int, company: int, *, primary: bool, removed: bool) -> None:
    for kind, name, origin, target in (
        ("contact", "CONTACT_TO_COMPANY", contact, company),
        ("company", "COMPANY_TO_CONTACT", company, contact),
    ):
        writer.world.outbox.put(
            writer.portal,
            f"{kind}.associationChange",
            writer.source,
            writer.now,
            {
                "associationType": name,
                "fromObjectId": origin,
                "toObjectId": target,
                "associationRemoved": removed,
                "isPrimaryAssociation": primary,
            },
        )


def _note(writer: Writer, contact: int, company: int) -> None:
    for kind, id_ in (("contacts", contact), ("companies", company)):
        writer.world.feed.note(
            hub_id=writer.portal.hub_id, type=kind, id=str(id_), what="associated", properties={},
            source=writer.source.type, at=writer.now,
        )  # fmt: skip
