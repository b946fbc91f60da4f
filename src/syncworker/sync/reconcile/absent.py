"""Is a record that a batch read did not return gone?

That an old id leads to the record it was merged into is documented for reading one record, not for a batch. Taken for
gone, its open requests would end, so one that the ledger knows is asked for alone before that is believed.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Literal

from sqlalchemy import text

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.errors import Gone
from syncworker.hubspot.records import BatchRead
from syncworker.store.database import Tx
from syncworker.sync.marks import Kind


def confirmed(
    client: HubSpotClient,
    kind: Literal["contact", "company"],
    read: BatchRead,
    known: Collection[str],
    *,
    properties: Sequence[str],
) -> BatchRead:
    """The same read, with those of the `known` ones that are there after all, under whatever id."""
    found = dict(read.found)
    moved = dict(read.moved)
    for object_id in sorted(read.missing & set(known)):
        try:
            record = client.get(kind, object_id, properties=properties)
        except Gone:
            continue
        found[object_id] = record
        if record.id != object_id:
            moved[object_id] = record.id
    return replace(read, found=found, moved=moved, missing=read.missing - found.keys())


def to_confirm(tx: Tx, hub_id: int, kind: Kind, ids: Collection[str]) -> set[str]:
    """Which of these records the ledger knows, and has not found gone before."""
    if not ids or kind is Kind.DOMAIN:
        return set()
    statement = _OF_CONTACTS if kind is Kind.CONTACT else _OF_COMPANIES
    return set(tx.connection.execute(statement, {"hub_id": hub_id, "ids": sorted(ids)}).scalars())


_KNOWN = """
    SELECT named.id FROM (
        SELECT object_id AS id FROM records
         WHERE hub_id = :hub_id AND kind = '{kind}' AND object_id = ANY(:ids) AND presence = 'live'
         UNION SELECT {kind}_id FROM requests WHERE hub_id = :hub_id AND {kind}_id = ANY(:ids)
         UNION SELECT {kind}_id FROM registrations WHERE hub_id = :hub_id AND {kind}_id = ANY(:ids)
    ) AS named
     WHERE NOT EXISTS (SELECT FROM records AS r WHERE r.hub_id = :hub_id AND r.kind = '{kind}'
           AND r.object_id = named.id AND r.presence <> 'live')
"""
_OF_CONTACTS = text(_KNOWN.format(kind="contact"))
_OF_COMPANIES = text(_KNOWN.format(kind="company"))
