"""What happens when a record is deleted, restored, merged or privacy-deleted?"""

from __future__ import annotations

import json

from syncworker.sandbox import history, records
from syncworker.sandbox.answers import invalid, record_not_found
from syncworker.sandbox.object_types import CONTACT, ObjectType
from syncworker.sandbox.records import Record
from syncworker.sandbox.writer import Writer


def archive(writer: Writer, kind: ObjectType, record: Record) -> None:
    """Move a record to the recycle bin; its associations go with it."""
    database, key = writer.world.database, (writer.portal.hub_id, kind.number, record.id)
    writer.lag(kind, (record.id,))
    database.execute(
        "UPDATE records SET archived = ?, modified = ? WHERE portal = ? AND type = ? AND id = ?",
        (writer.now, max(writer.now, record.modified), *key),
    )
    database.execute(
        f"UPDATE associations SET hidden = hidden + 1 WHERE portal = ? AND {kind.singular} = ?",
        (writer.portal.hub_id, record.id),
    )
    # The change flags of deletion and restore have not been seen in real traffic.
    writer.tell(kind, "deletion", {"objectId": record.id, "changeFlag": "DELETED"})
    _note(writer, kind, record.id, "deleted")


def restore(writer: Writer, kind: ObjectType, record: Record) -> None:
    """Take a record back out of the recycle bin."""
    writer.lag(kind, (record.id,))
    writer.world.database.execute(
        "UPDATE records SET archived = NULL, modified = ? WHERE portal = ? AND type = ? AND id = ?",
        (max(writer.now, record.modified), writer.portal.hub_id, kind.number, record.id),
    )
    writer.world.database.execute(
        f"UPDATE associations SET hidden = max(0, hidden - 1) WHERE portal = ? AND {kind.singular} = ?",
        (writer.portal.hub_id, record.id),
    )
    writer.tell(kind, "restore", {"objectId": record.id, "changeFlag": "RESTORED"})
    _note(writer, kind, record.id, "restored")


def erase(writer: Writer, record: Record) -> None:
    """Delete a contact for privacy: for good. Two events, in no promised order (HubSpot's webhooks guide)."""
    if record.archived is None:
        writer.tell(CONTACT, "deletion", {"objectId": record.id, "changeFlag": "DELETED"})
    writer.tell(CONTACT, "privacyDeletion", {"objectId": record.id, "changeFlag": "DELETED"})
    writer.lag(CONTACT, (record.id,))
    _drop(writer, CONTACT, record.id)
    writer.world.database.execute(
        "DELETE FROM associations WHERE portal = ? AND contact = ?", (writer.portal.hub_id, record.id)
    )
    writer.world.database.execute(
        "DELETE FROM history WHERE portal = ? AND type = 1 AND id = ?", (writer.portal.hub_id, record.id)
    )
    _note(writer, CONTACT, record.id, "deleted")


def merge(writer: Writer, kind: ObjectType, primary: Record, secondary: Record) -> Record:
    """Make one record of two: a new one with a new id, to which both old ids lead. The primary's values win.

    Raises RefusedError 400 for a record with itself.
    """
    if primary.id == secondary.id:
        raise invalid("Cannot merge an object with itself")
    database, hub_id = writer.world.database, writer.portal.hub_id
    new_id = database.next_ids(hub_id, kind.number)[0]
    moved = {name: value for name, value in secondary.properties.items() if name not in primary.properties}
    values = {**moved, **primary.properties}
    before = [
        part
        for one in (primary, secondary)
        for part in [*one.properties.get("hs_merged_object_ids", "").split(";"), str(one.id)]
        if part
    ]
    # The form with semicolons is from memory of HubSpot's behaviour, not from a source.
    values["hs_merged_object_ids"] = ";".join(before)
    writer.lag(kind, (primary.id, secondary.id))
    for old in (primary.id, secondary.id):
        _drop(writer, kind, old)
        database.execute("INSERT INTO redirects VALUES (?, ?, ?, ?)", (hub_id, kind.number, old, new_id))
        database.execute(
            "UPDATE redirects SET target = ? WHERE portal = ? AND type = ? AND target = ?",
            (new_id, hub_id, kind.number, old),
        )
    created = min(primary.created, secondary.created)
    database.execute(
        "INSERT INTO records VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)",
        (
            hub_id, kind.number, new_id, created, writer.now,
            values.get("email") if kind is CONTACT else None,
            values.get("domain", "").lower() or None if kind is not CONTACT else None,
            json.dumps(values, ensure_ascii=False, separators=(",", ":")),
            primary.source.type, primary.source.id,
        ),
    )  # fmt: skip
    writer.lag_new(kind, new_id)
    history.move(database, hub_id, kind, [(primary, list(primary.properties)), (secondary, list(moved))], new_id)
    _move_links(writer, kind, primary.id, secondary.id, new_id)
    writer.tell(
        kind,
        "merge",
        {
            "objectId": new_id,
            "changeFlag": "MERGED",
            "primaryObjectId": primary.id,
            "mergedObjectIds": [secondary.id],
            "newObjectId": new_id,
            "numberOfPropertiesMoved": len(moved),
        },
    )
    for id_ in (primary.id, secondary.id):
        _note(writer, kind, id_, "deleted")
    _note(writer, kind, new_id, "created")
    result = records.by_id(database, hub_id, kind, new_id)
    if result is None:
        raise record_not_found()
    return result


def _move_links(writer: Writer, kind: ObjectType, primary: int, secondary: int, new_id: int) -> None:
    """All associations go to the new record; a primary company of the secondary steps back where there is one."""
    database, hub_id, mine = writer.world.database, writer.portal.hub_id, kind.singular
    if kind is CONTACT:
        database.execute(
            "UPDATE associations SET is_primary = 0 WHERE portal = ? AND contact = ? AND EXISTS (SELECT 1 "
            "FROM "
            "associations p WHERE p.portal = ? AND p.contact = ? AND p.is_primary = 1)",
            (hub_id, secondary, hub_id, primary),
        )
    for old in (primary, secondary):
        database.execute(
            f"UPDATE OR IGNORE associations SET {mine} = ? WHERE portal = ? AND {mine} = ?",
            (new_id, hub_id, old),
        )
        database.execute(f"DELETE FROM associations WHERE portal = ? AND {mine} = ?", (hub_id, old))


def _drop(writer: Writer, kind: ObjectType, id_: int) -> None:
    writer.world.database.execute(
        "DELETE FROM records WHERE portal = ? AND type = ? AND id = ?",
        (writer.portal.hub_id, kind.number, id_),
    )


def _note(writer: Writer, kind: ObjectType, id_: int, what: str) -> None:
    writer.world.feed.note(
        hub_id=writer.portal.hub_id, type=kind.plural, id=str(id_), what=what, properties={},
        source=writer.source.type, at=writer.now,
    )  # fmt: skip
