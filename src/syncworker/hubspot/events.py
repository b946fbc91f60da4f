"""Which records does the body of a webhook tell us to look at again?

A body is a hint, not data: only which record of which portal, and what kind of event. It is believed in
nothing else, and whatever is not understood is counted and left out, so that one odd event costs none of its
neighbours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from syncworker.hubspot.json_values import JsonObject, parsed

Kind = Literal["contact", "company"]
EventName = Literal[
    "creation", "deletion", "propertyChange", "merge", "restore", "associationChange", "privacyDeletion"
]
Ignored = Literal["bad_shape", "unknown_type", "other_object"]

_KINDS: Final[Mapping[str, Kind]] = {"contact": "contact", "company": "company"}
# HubSpot's object type ids, of the generic `object.*` events.
_KIND_OF_TYPE_ID: Final[Mapping[str, Kind]] = {"0-1": "contact", "0-2": "company"}
_EVENTS: Final[Mapping[str, EventName]] = {
    "creation": "creation",
    "deletion": "deletion",
    "propertyChange": "propertyChange",
    "merge": "merge",
    "restore": "restore",
    "associationChange": "associationChange",
    "privacyDeletion": "privacyDeletion",
}
# What names one record by `objectId`, as `subscriptionType` spells it.
_USUAL: Final[Mapping[str, tuple[Kind, EventName]]] = {
    f"{kind}.{event}": (kind, event)
    for kind in _KINDS.values()
    for event in _EVENTS.values()
    if event not in {"merge", "associationChange", "privacyDeletion"}
}
_LARGEST_ID: Final = 2**63 - 1
# A merge names the records it merged; HubSpot allows 250 identities on one.
_MOST_MERGED: Final = 1000
_PAIR: Final = re.compile(r"(CONTACT|COMPANY)_TO_(CONTACT|COMPANY)(_.*)?", re.ASCII)


class NotWebhookJson(ValueError):
    """The body is no JSON array: answer 400. `reason` says what it is instead, without its content."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"the body is {reason}; HubSpot sends a JSON array of events")


class Event(NamedTuple):
    """One event, or several that are alike, as far as they count: look at `object_ids` of `kind` in `hub_id` again.

    A tuple, because up to a hundred of them are made before each answer, and one is made in a third of the time.
    """

    hub_id: int
    kind: Kind
    event: EventName
    object_ids: tuple[str, ...]
    property_name: str | None = None
    """Any text at all: to be compared, not kept."""
    times: int = 1
    """How many entries of the body it stands for."""
    occurred_ms: int | None = None
    """When a person was deleted: what that person submits after it is another matter. Milliseconds since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookBody:
    """The events of a body, and how many entries were left out for which reason."""

    events: tuple[Event, ...]
    ignored: Mapping[Ignored, int]


class _LeftOutError(Exception):
    def __init__(self, reason: Ignored) -> None:
        self.reason: Ignored = reason
        super().__init__(reason)


def parse_events(body: bytes) -> WebhookBody:
    """Read the body of a webhook.

    Raises NotWebhookJson where it is no JSON array, and nothing else, whatever the body holds. An association
    between a contact and a company gives an event for each of the two.
    """
    events: list[Event] = []
    ignored: Counter[Ignored] = Counter()
    alike: dict[tuple[str, int, object], list[str]] = {}
    for entry in _entries(body):
        # The usual form, which is nearly all of them, without a call: HubSpot's patience pays for each.
        try:
            hub_id, object_id = entry["portalId"], entry["objectId"]
            # Not `isinstance`: true and false are integers too.
            if type(hub_id) is int and type(object_id) is int and 0 < object_id <= _LARGEST_ID:
                group = entry["subscriptionType"], hub_id, entry.get("propertyName")
                ids = alike.get(group)
                if ids is None and group[0] in _USUAL and 0 < hub_id <= _LARGEST_ID:
                    ids = alike[group] = []
                if ids is not None:
                    ids.append(str(object_id))
                    continue
        except (TypeError, KeyError):
            # No object, or not with these keys, or a list or an object where text is expected.
            pass
        try:
            events += _events(entry)
        except _LeftOutError as left_out:
            ignored[left_out.reason] += 1
    for (written, hub_id, name), ids in alike.items():
        kind, event = _USUAL[written]
        changed = name if event == "propertyChange" and isinstance(name, str) else None
        events.append(Event(hub_id, kind, event, tuple(ids), changed, len(ids)))
    return WebhookBody(events=tuple(events), ignored=dict(ignored))


def _entries(body: bytes) -> list[Any]:
    try:
        entries = parsed(body)
    except RecursionError:
        raise NotWebhookJson("nested too deeply") from None
    except ValueError:
        # Bytes that are no UTF-8, and numbers of more than 4300 digits, are ValueErrors too.
        raise NotWebhookJson("not JSON") from None
    if not isinstance(entries, list):
        raise NotWebhookJson("not an array")
    return entries


def _events(entry: object) -> list[Event]:
    if not isinstance(entry, dict):
        raise _LeftOutError("bad_shape")
    # The documentation's table spells it `eventType`, real traffic `subscriptionType`.
    written = entry.get("subscriptionType", entry.get("eventType"))
    if not isinstance(written, str):
        raise _LeftOutError("bad_shape")
    subject, _, action = written.partition(".")
    event = _EVENTS.get(action)
    if event is None or subject not in {*_KINDS, "object"}:
        raise _LeftOutError("unknown_type")
    hub_id = _id(entry.get("portalId"))
    if hub_id is None:
        raise _LeftOutError("bad_shape")
    return [
        Event(
            hub_id=int(hub_id),
            kind=kind,
            event=event,
            object_ids=ids,
            property_name=_property_name(entry, event),
            occurred_ms=_occurred_ms(entry) if event == "privacyDeletion" else None,
        )
        for kind, ids in _subjects(entry, subject, event)
    ]


def _subjects(entry: JsonObject, subject: str, event: EventName) -> list[tuple[Kind, tuple[str, ...]]]:
    if event == "associationChange":
        return _associated(entry, subject)
    kind = _KINDS.get(subject) or _kind_of_type_id(entry.get("objectTypeId"))
    named = [entry.get("objectId")]
    if event == "merge":
        merged = entry.get("mergedObjectIds")
        named += [entry.get("primaryObjectId"), entry.get("newObjectId")]
        named += merged[:_MOST_MERGED] if isinstance(merged, list) else []
    ids = tuple(dict.fromkeys(found for value in named if (found := _id(value)) is not None))
    if not ids:
        raise _LeftOutError("bad_shape")
    return [(kind, ids)]


def _associated(entry: JsonObject, subject: str) -> list[tuple[Kind, tuple[str, ...]]]:
    pair = entry.get("associationType")
    match = _PAIR.fullmatch(pair) if isinstance(pair, str) else None
    if match:
        kinds: tuple[Kind | None, Kind | None] = _KINDS[match[1].lower()], _KINDS[match[2].lower()]
    elif isinstance(pair, str) and "fromObjectTypeId" not in entry:
        raise _LeftOutError("other_object")
    elif subject == "object":
        kinds = _kind_of_type_id(entry.get("fromObjectTypeId")), _kind_of_type_id(entry.get("toObjectTypeId"))
    else:
        # What it is associated with is not said; that something changed for the record itself is.
        kinds = _KINDS[subject], None
    ids = _id(entry.get("fromObjectId")), _id(entry.get("toObjectId"))
    found: list[tuple[Kind, tuple[str, ...]]] = [
        (kind, (id_,)) for kind, id_ in zip(kinds, ids, strict=True) if kind and id_
    ]
    if not found:
        raise _LeftOutError("bad_shape")
    return found


def _kind_of_type_id(value: object) -> Kind:
    if not isinstance(value, str):
        raise _LeftOutError("bad_shape")
    kind = _KIND_OF_TYPE_ID.get(value)
    if kind is None:
        raise _LeftOutError("other_object")
    return kind


def _id(value: object) -> str | None:
    """A positive 64-bit id as its one decimal spelling, or None."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,19}", value, re.ASCII):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= _LARGEST_ID:
        return None
    return str(value)


def _property_name(entry: JsonObject, event: EventName) -> str | None:
    name = entry.get("propertyName") if event == "propertyChange" else None
    return name if isinstance(name, str) else None


def _occurred_ms(entry: JsonObject) -> int | None:
    occurred = entry.get("occurredAt")
    return occurred if isinstance(occurred, int) and not isinstance(occurred, bool) and occurred > 0 else None
