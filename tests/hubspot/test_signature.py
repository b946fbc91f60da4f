"""Is only what HubSpot signed, and just now, taken as HubSpot's?"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworker.hubspot.signature import BadSignature, verify

URI = "https://www.example.com/webhook_uri"
SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


def at(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def v3(body: bytes, when: datetime = NOW, *, secret: str = SECRET, uri: str = URI) -> dict[str, str]:
    stamp = str(round(when.timestamp() * 1000))
    signed = b"POST" + uri.encode() + body + stamp.encode()
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return {"X-HubSpot-Signature-v3": base64.b64encode(digest).decode(), "X-HubSpot-Request-Timestamp": stamp}


def check(headers: dict[str, str], body: bytes = b"[]", *, now: datetime = NOW, uri: str = URI, **more) -> str:
    options = {"secrets": {"app": SECRET}, "method": "POST"} | more
    return verify(uri=uri, body=body, headers=headers, now=now, **options)


OFFICIAL = (
    b'[{"eventId":531833541,"subscriptionId":3923621,"portalId":48807704,"appId":16111050,'
    b'"occurredAt":1752613920733,"subscriptionType":"contact.creation","attemptNumber":0,'
    b'"objectId":138017612137,"changeFlag":"CREATED","changeSource":"CRM_UI","sourceId":"userId:76023669"}]'
)


@pytest.mark.parametrize(
    ("secret", "uri", "body", "stamp", "signature"),
    [
        (
            SECRET,
            URI,
            b"{'example_field':'example_value'}",
            1693657560000,
            "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        ),
        (
            SECRET,
            URI,
            b"{'example_field':'example_value'}",
            1700000300000,
            "RnbPH7+UMKVkbV32P8bz450N4M56aPmcru1+D3kSDtw=",
        ),
        (
            "cfc68c0b-4b4e-4ef8-b764-95350e4ea479",
            "https://webhook.site/335453f5-94b3-49d9-b684-a55354d4b8df",
            OFFICIAL,
            1752613922216,
            "gbj1XPRvUt0noT7i7fXfTzOD4sLzQmf0VT28ZYq0EYg=",
        ),
    ],
)
def test_the_published_examples_of_version_3_verify(secret, uri, body, stamp, signature):
    headers = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": str(stamp)}
    assert check(headers, body, uri=uri, now=at(stamp), secrets={"app": secret}) == "app"


def test_the_published_example_of_version_2_verifies():
    signature = "9569219f8ba981ffa6f6f16aa0f48637d35d728c7e4d93d0d52efaa512af7900"
    headers = {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v2"}
    assert check(headers, b'{"example_field":"example_value"}') == "app"


def test_version_1_is_not_accepted_however_right_it_is():
    body = (
        b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
        b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
        b'"changeFlag":"NEW","appId":54321}]'
    )
    signature = hashlib.sha256(SECRET.encode() + body).hexdigest()
    assert signature == "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"
    for version in ({"X-HubSpot-Signature-Version": "v1"}, {}):
        with pytest.raises(BadSignature, match="version 3 and 2"):
            check({"X-HubSpot-Signature": signature} | version, body)


def test_version_2_cannot_stand_in_for_a_wrong_version_3():
    signature = hashlib.sha256(SECRET.encode() + b"POST" + URI.encode() + b"[]").hexdigest()
    headers = {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v2"}
    assert check(headers) == "app"
    with pytest.raises(BadSignature, match="does not match"):
        check(headers | v3(b"[1]"))


@pytest.mark.parametrize("minutes", [-5, 0, 5])
def test_five_minutes_either_way_are_fresh(minutes):
    assert check(v3(b"[]", NOW + timedelta(minutes=minutes))) == "app"


@pytest.mark.parametrize(("ms", "why"), [(-300_001, "older"), (300_001, "future"), (10**9, "future")])
def test_beyond_that_it_is_stale_or_from_the_future(ms, why):
    with pytest.raises(BadSignature, match=why):
        check(v3(b"[]", NOW + timedelta(milliseconds=ms)))


def test_an_empty_secret_verifies_nothing():
    with pytest.raises(BadSignature, match="no client secret"):
        check(v3(b"[]", secret=""), secrets={"app": ""})
    with pytest.raises(BadSignature, match="does not match"):
        check(v3(b"[]", secret=""), secrets={"empty": "", "app": SECRET})


def test_the_secret_that_signed_is_named():
    secrets = {"a": "one", "b": SECRET, "c": "three"}
    assert check(v3(b"[]"), secrets=secrets) == "b"


def test_header_names_are_taken_in_any_case_and_bodies_as_bytes():
    body = b"\xff\xfe not text"
    assert check({name.lower(): value for name, value in v3(body).items()}, body) == "app"


def test_exactly_twelve_characters_of_the_address_are_decoded():
    given_ = "https://x.se/%3a%2F%3F%40%21%24%27%28%29%2A%2C%3B%20%25?a=%3A"
    assert check(v3(b"", uri="https://x.se/:/?@!$'()*,;%20%25?a=:"), b"", uri=given_) == "app"


@pytest.mark.parametrize("missing", ["X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"])
def test_a_missing_header_is_a_bad_signature(missing):
    headers = v3(b"[]")
    del headers[missing]
    with pytest.raises(BadSignature, match="there is no"):
        check(headers)


@pytest.mark.parametrize("stamp", ["", "x", "-1", "1e3", "٣", "9" * 400, " 1", "1.5", "\ud800"])
def test_an_odd_timestamp_is_a_bad_signature(stamp):
    with pytest.raises(BadSignature):
        check(v3(b"[]") | {"X-HubSpot-Request-Timestamp": stamp})


anything = st.text(st.characters(), max_size=60)


@given(
    signature=anything,
    stamp=anything | st.just("1795305600000"),
    version=anything,
    body=st.binary(max_size=50),
    uri=anything,
)
def test_nothing_but_a_bad_signature_comes_of_odd_input(signature, stamp, version, body, uri):
    for headers in (
        {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": stamp},
        {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": "v2"},
        {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": version},
    ):
        with pytest.raises(BadSignature):
            check(headers, body, uri=uri)


@given(body=st.binary(min_size=1, max_size=200), position=st.integers(0, 199), bit=st.integers(0, 7))
def test_a_body_changed_by_one_bit_is_refused(body, position, bit):
    headers = v3(body)
    changed = bytearray(body)
    changed[position % len(body)] ^= 1 << bit
    with pytest.raises(BadSignature):
        check(headers, bytes(changed))
