"""What is on a page of a list, as long as nobody asks for its records?

To make a record costs more than to see that it is what it was. Whoever goes through all of them makes the others only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from syncworker.hubspot.json_values import JsonObject, read_id, read_objects
from syncworker.hubspot.reading import after, read_properties, read_record
from syncworker.hubspot.records import Record


class Listed(NamedTuple):
    """A record as HubSpot wrote it: its properties and associations, and all of it."""

    properties: JsonObject
    associations: object
    archived: bool
    source: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A page of a list, in ascending id, as it came; `after` is None on the last one."""

    object_type: str
    listed: Mapping[str, Listed]
    """By id."""
    after: str | None

    def record(self, object_id: str) -> Record:
        """A record of the page. Raises UnreadableError where nothing can be made of it."""
        return read_record(self.object_type, self.listed[object_id].source)


def read_listing(object_type: str, source: JsonObject, *, at: str | None) -> Listing:
    """A page of a list, that began there; raises UnreadableError where a record has no id or no properties."""
    return Listing(
        object_type=object_type,
        listed={
            read_id(item.get("id"), "a record's id"): Listed(
                read_properties(item), item.get("associations"), item.get("archived") is True, item
            )
            for item in read_objects(source, "results")
        },
        after=after(source, at=at),
    )
