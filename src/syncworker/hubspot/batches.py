"""Which of the records asked for does a batch answer speak of, and what does it say of each?

By id, never by position: HubSpot leaves out what it does not find and gives merged records under their new
id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from syncworker.hubspot.answers import error_of_record
from syncworker.hubspot.errors import Gone, HubSpotError, RetryLater
from syncworker.hubspot.json_values import JsonObject, objects, read_id, read_objects, text
from syncworker.hubspot.reading import known_emails, merged_ids, read_association, read_record
from syncworker.hubspot.records import Association, BatchUpdate, Record


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """The records and the errors of a batch read, not yet matched to what was asked."""

    records: tuple[Record, ...]
    errors: tuple[JsonObject, ...]


@dataclass(frozen=True, slots=True)
class Matched:
    """A batch read, matched: `open` are the keys that a record of the answer may still belong to."""

    found: dict[str, Record]
    missing: frozenset[str]
    open: frozenset[str]


def read_batch(object_type: str, source: JsonObject) -> BatchAnswer:
    """The answer of a batch read. `errors` counts whatever the status is: 2026-09 declares no 207."""
    records = tuple(read_record(object_type, item) for item in read_objects(source, "results"))
    return BatchAnswer(records, tuple(objects(source, "errors")))


def match(asked: Collection[str], answer: BatchAnswer, *, id_property: str | None, route: str) -> Matched:
    """Find each asked key's record: by id, by an id from before a merge, by the id property, by any email.

    Raises the error of an entry in `errors` that says anything but that a record is not there.
    """
    found: dict[str, Record] = {}
    unclaimed: list[Record] = []
    for record in answer.records:
        keys = [key for key in _names(record, id_property) if key in asked and key not in found]
        found.update(dict.fromkeys(keys, record))
        if not keys:
            unclaimed.append(record)
    gone: set[str] = set()
    for entry in answer.errors:
        error = error_of_record(route=route, error=entry)
        if not isinstance(error, Gone):
            raise error
        gone.update(ids_named(entry, asked))
    rest = frozenset(asked) - found.keys()
    # A record that nobody asked for under its id is one that was merged, or found by an address it no longer
    # shows: then some key without an error is its.
    open_ = rest - gone if unclaimed else frozenset()
    return Matched(found, rest - open_, open_)


def _names(record: Record, id_property: str | None) -> Iterable[str]:
    if id_property is None:
        return [record.id, *sorted(merged_ids(record))]
    if id_property == "email":
        return sorted(known_emails(record))
    return [(record.properties.get(id_property) or "")]


def ids_named(entry: JsonObject, asked: Collection[str]) -> frozenset[str]:
    """The asked keys that an entry of `errors` names.

    In which field of `context` they stand is not documented for every call, so all of them are looked
    through.
    """
    context = entry.get("context")
    named: set[str] = set()
    for value in context.values() if isinstance(context, dict) else ():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, int | str) and not isinstance(item, bool):
                named |= {str(item), str(item).lower()}
    return frozenset(named & set(asked))


def read_update(asked: Collection[str], source: JsonObject, *, route: str) -> BatchUpdate:
    """Which of the asked records a batch update changed, and why not the others."""
    updated = frozenset(read_id(item.get("id"), "a record's id") for item in read_objects(source, "results"))
    updated &= frozenset(asked)
    failed: dict[str, HubSpotError] = {}
    unnamed: HubSpotError | None = None
    for entry in objects(source, "errors"):
        error = error_of_record(route=route, error=entry)
        named = ids_named(entry, asked)
        failed.update(dict.fromkeys(named, error))
        unnamed = unnamed if named else error
    # An error that names no record may be any remaining one's. Without any, nobody said anything: look again.
    rest = frozenset(asked) - updated - failed.keys()
    unsaid = RetryLater("the answer does not speak of this record", route=route, retry_after_s=1.0, status=200)
    failed.update(dict.fromkeys(rest, unnamed or unsaid))
    return BatchUpdate(updated=updated - failed.keys(), failed=failed)


@dataclass(frozen=True, slots=True)
class AssociationsAnswer:
    """One page of associations of several records, and where the next page of each begins."""

    found: dict[str, list[Association]]
    after: dict[str, str]


def read_associations(asked: Collection[str], source: JsonObject, *, route: str) -> AssociationsAnswer:
    """An association batch read.

    Raises the error of an entry in `errors` that says anything but that there is nothing: taken as no
    company, it would cost a registration its company.
    """
    found: dict[str, list[Association]] = {}
    follow: dict[str, str] = {}
    for item in read_objects(source, "results"):
        origin = item.get("from")
        from_id = read_id(origin.get("id") if isinstance(origin, dict) else None, "from.id")
        if from_id not in asked:
            continue
        found.setdefault(from_id, []).extend(read_association(to) for to in read_objects(item, "to"))
        paging = item.get("paging")
        following = paging.get("next") if isinstance(paging, dict) else None
        if isinstance(following, dict) and following.get("after") is not None:
            follow[from_id] = read_id(following["after"], "paging.next.after")
    for entry in objects(source, "errors"):
        error = error_of_record(route=route, error=entry)
        nothing = "NO_ASSOCIATIONS_FOUND" in (text(entry, "subCategory") or "")
        if not nothing and not isinstance(error, Gone):
            raise error
    return AssociationsAnswer(found, follow)
