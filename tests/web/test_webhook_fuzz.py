"""Whatever bytes come in, the answer is never a 500."""

from __future__ import annotations

import json

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from web import signed
from web.deployment import HUB

ADDRESS = "/webhooks/hubspot"
# One server and one database for all examples: none of them depends on what is stored.
KEPT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

# What a header may hold on the wire: anything but controls.
header_values = st.binary(max_size=40).map(
    lambda value: bytes(byte for byte in value if byte >= 0x20 and byte != 0x7F).strip()
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
TYPES = ("contact.creation", "contact.merge", "object.propertyChange", "company.associationChange")
odd_events = st.fixed_dictionaries(
    {},
    optional={
        "portalId": st.just(HUB) | json_values,
        "subscriptionType": st.sampled_from(TYPES) | json_values,
        "objectId": st.integers(1, 2**70) | json_values,
        "objectTypeId": st.sampled_from(("0-1", "0-2")) | json_values,
        "mergedObjectIds": json_values,
        "newObjectId": json_values,
        "fromObjectId": json_values,
        "toObjectId": st.integers(1, 2**63) | json_values,
        "associationType": st.just("CONTACT_TO_COMPANY") | json_values,
        "propertyName": json_values,
        "occurredAt": json_values,
        "sourceId": json_values,
    },
)


@KEPT
@given(
    content=st.binary(max_size=200),
    values=st.lists(header_values, min_size=4, max_size=4),
    query=st.text(st.characters(codec="ascii", exclude_categories=("C",)), max_size=20),
)
def test_any_bytes_from_a_stranger_are_refused(
    client: httpx.Client, content: bytes, values: list[bytes], query: str
) -> None:
    names = (
        b"X-HubSpot-Signature",
        b"X-HubSpot-Signature-Version",
        b"X-HubSpot-Signature-v3",
        b"X-HubSpot-Request-Timestamp",
    )
    headers = dict(zip(names, values, strict=True))
    answer = client.post(ADDRESS, content=content, headers=headers, params={"q": query})
    assert answer.status_code == 401


@KEPT
@given(content=st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_from_hubspot_are_answered(client: httpx.Client, content: bytes) -> None:
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
    assert answer.status_code in {200, 400}


@KEPT
@given(events=st.lists(odd_events, max_size=4))
def test_any_event_is_taken_or_counted(client: httpx.Client, events: list[dict[str, object]]) -> None:
    content = signed.body(*events)
    answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
    assert answer.status_code == 200
    assert answer.json()["accepted"] + sum(answer.json()["ignored"].values()) >= len(events)
