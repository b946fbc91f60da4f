"""Is every webhook body read for what it says, and does none of them break the reading?"""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncworker.hubspot.events import NotWebhookJson, parse_events

REAL = {
    "eventId": 4101286121, "subscriptionId": 7562680, "portalId": 247187887, "appId": 50780459,
    "occurredAt": 1787843156000, "subscriptionType": "contact.propertyChange", "attemptNumber": 1,
    "objectId": 541935488729, "propertyName": "email", "propertyValue": "a@hubspot.com",
    "changeSource": "INTEGRATION", "sourceId": "50780459",
}  # fmt: skip


def parse(*entries: object):
    return parse_events(json.dumps(list(entries)).encode())


def event(kind: str, **fields: object) -> dict:
    return {"portalId": 1, "subscriptionType": kind, **fields}


def test_a_recorded_event_is_read():
    (read,) = parse(REAL).events
    assert (read.hub_id, read.kind, read.event) == (247187887, "contact", "propertyChange")
    assert read.object_ids == ("541935488729",)
    assert read.property_name == "email"


def test_the_documentations_spelling_is_read_too():
    entry = {"objectId": 5, "portalId": 33, "eventType": "contact.creation", "occurredAt": 1462216307945}
    (read,) = parse(entry).events
    assert (read.kind, read.event) == ("contact", "creation")


@pytest.mark.parametrize(("type_id", "kind"), [("0-1", "contact"), ("0-2", "company")])
def test_generic_events_are_read_by_their_type(type_id, kind):
    (read,) = parse(event("object.restore", objectTypeId=type_id, objectId=9)).events
    assert (read.kind, read.event, read.object_ids) == (kind, "restore", ("9",))


def test_a_merge_names_every_record_it_touched_once():
    merge = event("company.merge", objectId=4, primaryObjectId=1, mergedObjectIds=[2, 3, 1], newObjectId=4)
    (read,) = parse(merge).events
    assert read.object_ids == ("4", "1", "2", "3")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"associationType": "CONTACT_TO_COMPANY"}, [("contact", "7"), ("company", "8")]),
        ({"associationType": "COMPANY_TO_CONTACT"}, [("company", "7"), ("contact", "8")]),
        ({"associationType": "CONTACT_TO_COMPANY_UNLABELED"}, [("contact", "7"), ("company", "8")]),
        ({}, [("contact", "7")]),
    ],
)
def test_an_association_tells_of_both_its_ends(fields, expected):
    entry = event("contact.associationChange", fromObjectId=7, toObjectId=8, **fields)
    assert [(one.kind, *one.object_ids) for one in parse(entry).events] == expected


def test_a_generic_association_tells_of_both_its_ends():
    entry = event(
        "object.associationChange", fromObjectTypeId="0-1", toObjectTypeId="0-2", fromObjectId=7, toObjectId=8
    )
    assert [(one.kind, *one.object_ids) for one in parse(entry).events] == [
        ("contact", "7"),
        ("company", "8"),
    ]


def test_what_is_not_understood_is_counted_and_the_rest_is_taken():
    read = parse(
        event("deal.creation", objectId=1),
        event("contact.invented", objectId=1),
        event("object.creation", objectTypeId="0-3", objectId=1),
        event("contact.associationChange", associationType="CONTACT_TO_DEAL", fromObjectId=7, toObjectId=8),
        event("contact.creation"),
        event("contact.creation", objectId=0),
        event("contact.creation", objectId=2**63),
        event("contact.creation", objectId=True),
        event("contact.creation", objectId=1.5),
        {"subscriptionType": "contact.creation", "objectId": 1},
        {"portalId": 1},
        "x",
        None,
        event("contact.propertyChange", objectId="12", appId="x", propertyName=7, changeSource="\ud800"),
    )
    assert read.ignored == {"unknown_type": 2, "other_object": 2, "bad_shape": 9}
    (left,) = read.events
    assert (left.object_ids, left.property_name) == (("12",), None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"null",
        b'"x"',
        b"[",
        b"[1,]",
        b"\xff\xff",
        b"[" * 200_000,
        b"[" + b"9" * 5000 + b"]",
        b"NaN",
        b"[}",
    ],
)
def test_what_is_no_json_array_is_refused(body):
    with pytest.raises(NotWebhookJson):
        parse_events(body)


def test_an_empty_array_and_odd_numbers_are_no_trouble():
    assert parse_events(b"[]").events == ()
    assert parse_events(b"[NaN, Infinity, -1e999]").ignored == {"bad_shape": 3}


def test_what_equals_a_number_and_is_none_stands_for_no_portal_and_no_record():
    usual = {"portalId": 1, "subscriptionType": "contact.creation", "objectId": 7}
    odd = [{**usual, "portalId": True}, {**usual, "portalId": 1.0}, {**usual, "objectId": True}]
    read = parse(*odd, usual, *odd)
    assert [(type(one.hub_id), one.hub_id, one.object_ids) for one in read.events] == [(int, 1, ("7",))]
    assert read.ignored == {"bad_shape": 6}


def test_a_property_name_that_is_no_text_costs_its_event_nothing():
    changed = {"portalId": 1, "subscriptionType": "contact.propertyChange", "objectId": 7}
    read = parse(*({**changed, "propertyName": name} for name in ([], {}, 1, True, None)))
    assert {one.property_name for one in read.events} == {None}
    assert sum(one.times for one in read.events) == 5


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner))
names = st.sampled_from([
    "portalId", "appId", "subscriptionType", "eventType", "objectId", "objectTypeId", "associationType",
    "fromObjectId", "toObjectId", "fromObjectTypeId", "toObjectTypeId", "mergedObjectIds", "occurredAt",
    "propertyName", "changeSource", "sourceId",
])  # fmt: skip
kinds = st.builds(
    "{}.{}".format,
    st.sampled_from(["contact", "company", "object"]),
    st.sampled_from(["creation", "merge", "propertyChange", "associationChange"]),
)
entries = st.dictionaries(names, values).flatmap(
    lambda entry: st.fixed_dictionaries({"subscriptionType": kinds, "portalId": st.integers()}).map(
        lambda known: known | entry
    )
)


# How fast a busy machine makes examples says nothing about them.
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(values | entries, max_size=5))
def test_any_array_is_read_without_an_error_and_gives_only_possible_ids(body):
    read = parse_events(json.dumps(body).encode())
    for one in read.events:
        assert one.object_ids
        assert all(0 < int(id_) < 2**63 for id_ in (str(one.hub_id), *one.object_ids))


@given(st.binary(max_size=100))
def test_any_bytes_are_read_or_refused(body):
    with contextlib.suppress(NotWebhookJson):
        parse_events(body)
