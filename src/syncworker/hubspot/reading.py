"""How does an answer of HubSpot become our values?

Raises UnreadableError where an answer has another shape: half an answer must not look like a whole one.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from syncworker.hubspot.json_values import (
    JsonObject,
    UnreadableError,
    child,
    from_iso,
    from_ms,
    objects,
    read_id,
    read_objects,
    read_text,
    text,
)
from syncworker.hubspot.paths import kind_of
from syncworker.hubspot.records import (
    AccountInfo,
    Association,
    FieldValue,
    Form,
    Page,
    PropertyVersion,
    Record,
    SearchPage,
    Submission,
    SubmissionPage,
)

# HubSpot's associations guide: 1 is contact to its primary company, 2 the way back.
PRIMARY_TYPE_IDS = frozenset({1, 2})
# A list names types instead of numbering them: names of the primary and the unlabelled association. Not in
# HubSpot's documentation; `unlabeled` and any other name is taken as not primary.
_PRIMARY_NAMES = frozenset({"contact_to_company", "company_to_contact"})


_NONE: frozenset[str] = frozenset()


def read_record(object_type: str, source: JsonObject) -> Record:
    """A contact, a company, or any other record."""
    associations = source.get("associations")
    linked = associations if isinstance(associations, dict) else {}
    cut = [name for name, of in linked.items() if isinstance(of, dict) and "paging" in of and after(of)]
    return Record(
        object_type=object_type,
        id=read_id(source.get("id"), "a record's id"),
        properties=_as_texts(read_properties(source)),
        archived=source.get("archived") is True,
        history={
            name: [_version(version) for version in read_objects(child(source, "propertiesWithHistory"), name)]
            for name in child(source, "propertiesWithHistory")
        }
        if "propertiesWithHistory" in source
        else {},
        associations={kind_of(name): _listed(child(linked, name)) for name in linked},
        associations_cut=frozenset(map(kind_of, cut)) if cut else _NONE,
    )


def read_properties(source: JsonObject) -> JsonObject:
    """The properties of a record, or UnreadableError."""
    properties = source.get("properties")
    if not isinstance(properties, dict):
        raise UnreadableError("a record has no properties")
    return properties


_OF_TEXTS = frozenset({str, type(None)})


def _as_texts(properties: JsonObject) -> dict[str, str | None]:
    """HubSpot gives all values as strings; should one be a number, its text is what it would give."""
    if _OF_TEXTS.issuperset(map(type, properties.values())):
        return cast(dict[str, str | None], properties)
    return {name: value if value is None or type(value) is str else str(value) for name, value in properties.items()}


def _version(source: JsonObject) -> PropertyVersion:
    timestamp = from_iso(source.get("timestamp")) or from_ms(source.get("timestamp"))
    if timestamp is None:
        raise UnreadableError("a value in a property's history has no time")
    value = source.get("value")
    source_id = source.get("sourceId")
    return PropertyVersion(
        value=None if value is None else str(value),
        timestamp=timestamp,
        source_type=text(source, "sourceType"),
        source_id=None if source_id is None else str(source_id),
    )


def _listed(source: JsonObject) -> tuple[Association, ...]:
    primary: dict[str, bool] = {}
    for entry in objects(source, "results"):
        given = entry.get("id")
        to_id = given if type(given) is str and given.isdecimal() else read_id(given, "an associated id")
        primary[to_id] = entry.get("type") in _PRIMARY_NAMES or primary.get(to_id, False)
    return tuple([Association(to_id, is_primary) for to_id, is_primary in primary.items()])


def read_association(source: JsonObject) -> Association:
    """One `to` of an association batch read."""
    type_ids = tuple(
        number
        for kind in objects(source, "associationTypes")
        if isinstance(number := kind.get("typeId"), int) and kind.get("category") == "HUBSPOT_DEFINED"
    )
    return Association(
        to_id=read_id(source.get("toObjectId"), "an associated id"),
        primary=not PRIMARY_TYPE_IDS.isdisjoint(type_ids),
        type_ids=type_ids,
    )


def after(source: JsonObject, *, at: str | None = None) -> str | None:
    """Where the page after the one that began `at` there begins; None on the last one.

    A page that leads to itself has none that follows: whoever went on from it would never come to an end.
    """
    value = child(child(source, "paging"), "next").get("after")
    following = None if value is None else read_id(value, "paging.next.after")
    return None if following == at else following


def read_page(object_type: str, source: JsonObject, *, at: str | None) -> Page:
    """A page of a list, that began there."""
    records = tuple(read_record(object_type, item) for item in read_objects(source, "results"))
    return Page(records=records, after=after(source, at=at))


def read_search_page(object_type: str, source: JsonObject, *, at: str | None) -> SearchPage:
    """A page of a search, that began there."""
    total = source.get("total")
    if not isinstance(total, int):
        raise UnreadableError("total is no number")
    page = read_page(object_type, source, at=at)
    return SearchPage(total=total, records=page.records, after=page.after)


def read_form(source: JsonObject) -> Form:
    """A form's definition."""
    return Form(
        id=read_text(source, "id"),
        name=text(source, "name") or "",
        form_type=text(source, "formType"),
        archived=source.get("archived") is True,
    )


# HubSpot is not as old: what says that it is has a time that means nothing.
_FIRST = datetime(2006, 1, 1, tzinfo=UTC)


def read_submission_page(source: JsonObject, *, at: str | None = None) -> SubmissionPage:
    """A page of submissions of a form, that began there. One odd submission harms no other.

    One without a time has its neighbour's, for they come in the order of their times; one that is no object, or has no
    neighbour either, is counted as unreadable. Where no submission of a page has a time the page is unreadable.
    """
    items = source.get("results")
    if not isinstance(items, list):
        raise UnreadableError("results is no list")
    times = [_submitted_at(item) for item in items]
    known = [time for time in times if time is not None]
    if not known and len(items) > 1:
        raise UnreadableError("no submission has a time")
    submissions = []
    nearest = known[0] if known else None
    for item, time in zip(items, times, strict=True):
        nearest = time or nearest
        if isinstance(item, dict) and nearest is not None:
            submissions.append(_submission(item, nearest, timed=time is not None))
    return SubmissionPage(
        submissions=tuple(submissions), after=after(source, at=at), unreadable=len(items) - len(submissions)
    )


def _submitted_at(item: object) -> datetime | None:
    at = from_ms(item.get("submittedAt")) if isinstance(item, dict) else None
    return at if at is not None and at >= _FIRST else None


def _submission(source: JsonObject, submitted_at: datetime, *, timed: bool) -> Submission:
    return Submission(
        conversion_id=text(source, "conversionId"),
        submitted_at=submitted_at,
        values=tuple(
            FieldValue(name, str(value.get("value") or ""), text(value, "objectTypeId"))
            for value in objects(source, "values")
            if (name := text(value, "name"))
        ),
        page_url=text(source, "pageUrl"),
        timed=timed,
    )


def read_account(source: JsonObject) -> AccountInfo:
    """What account-info says of the account of a token."""
    hub_id = source.get("portalId")
    if not isinstance(hub_id, int) or isinstance(hub_id, bool):
        raise UnreadableError("portalId is no number")
    return AccountInfo(
        hub_id=hub_id,
        time_zone=read_text(source, "timeZone"),
        account_type=text(source, "accountType"),
        ui_domain=text(source, "uiDomain"),
    )


MERGED_IDS = "hs_merged_object_ids"
"""The ids that a record had before it was merged (HubSpot's changelog on merging)."""
# All properties that say so.
MERGED = (MERGED_IDS, "hs_calculated_merged_vids")


def merged_ids(record: Record) -> frozenset[str]:
    """The ids a record had before merges.

    `hs_merged_object_ids` is documented, its form and `hs_calculated_merged_vids` (id:time) are not: whatever
    is a number before a colon counts.
    """
    written = [record.properties.get(name) for name in MERGED]
    if not any(written):
        return _NONE
    found: set[str] = set()
    for ids in written:
        for part in (ids or "").replace(",", ";").split(";"):
            number = part.partition(":")[0].strip()
            if number.isascii() and number.isdigit():
                found.add(number)
    return frozenset(found)


def known_emails(record: Record) -> frozenset[str]:
    """The addresses of a contact, lower case: its email, and those that it has beside it."""
    written = [record.properties.get("email") or ""]
    written += (record.properties.get("hs_additional_emails") or "").split(";")
    return frozenset(address.strip().lower() for address in written if address.strip())
