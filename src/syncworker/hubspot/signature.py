"""Did HubSpot send this request, and just now?

Our own check: the SDK's accepts times in the future, an empty secret, and raises TypeError on odd headers,
which an attacker can send.

Version 3 is checked wherever its header is there. Version 2 (workflow actions) only without that header: it
carries no time, so whoever has recorded a request can send it again. A webhook here is only a hint to look at
a record again, so a replay costs one read. Version 1 is never accepted: it signs neither the method nor the
address.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Hashable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)

# HubSpot, validating requests: refuse what is older than five minutes. Both ways, or a request signed for
# next year could be sent for a year.
TOLERANCE = timedelta(minutes=5)

# HubSpot, validating requests, v3: exactly these are decoded before hashing, everything else stays encoded.
_DECODED = {
    "3A": ":", "2F": "/", "3F": "?", "40": "@", "21": "!", "24": "$",
    "27": "'", "28": "(", "29": ")", "2A": "*", "2C": ",", "3B": ";",
}  # fmt: skip
_ENCODED = re.compile("%(" + "|".join(_DECODED) + ")", re.IGNORECASE)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class BadSignature(Exception):
    """Not proven to be HubSpot's: answer 401 and store nothing. `reason` says why, without any content."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"{reason}; check the app's client secret and its target address")


def verify(
    *,
    secrets: Mapping[Key, str],
    method: str,
    uri: str,
    body: bytes,
    headers: Mapping[str, str],
    now: datetime,
) -> Key:
    """The key of the secret that signed the request.

    `secrets` are the client secrets by whatever names them: where portals share an app, they share its
    secret, so key them by app and not by portal. `uri` is the target address as it is configured at HubSpot,
    whatever a proxy made of it; `body` the raw bytes; `headers` in any case. Raises BadSignature, and nothing
    else.
    """
    given = {name.lower(): value for name, value in headers.items()}
    # An empty secret signs with an empty key, which anybody has.
    usable = {key: secret for key, secret in secrets.items() if secret}
    if not usable:
        raise BadSignature("no client secret is set")
    if "x-hubspot-signature-v3" in given:
        signature = given["x-hubspot-signature-v3"]
        stamp = _fresh(given.get("x-hubspot-request-timestamp"), now)
        signed = b"".join((_bytes(method.upper()), _bytes(_decoded(uri)), body, _bytes(stamp)))
        expected = {key: _v3(secret, signed) for key, secret in usable.items()}
    elif "x-hubspot-signature" not in given:
        raise BadSignature("there is no signature")
    elif given.get("x-hubspot-signature-version", "").lower() != "v2":
        raise BadSignature("only signatures of version 3 and 2 are accepted")
    else:
        signature = given["x-hubspot-signature"]
        signed = b"".join((_bytes(method.upper()), _bytes(uri), body))
        expected = {key: hashlib.sha256(_bytes(secret) + signed).hexdigest() for key, secret in usable.items()}
    # Bytes: compare_digest raises TypeError for text that is not ASCII.
    for key, value in expected.items():
        if hmac.compare_digest(_bytes(value), _bytes(signature)):
            return key
    raise BadSignature("the signature does not match")


def _fresh(stamp: str | None, now: datetime) -> str:
    if stamp is None:
        raise BadSignature("there is no request timestamp")
    if not re.fullmatch(r"\d{1,15}", stamp, re.ASCII):
        raise BadSignature("the request timestamp is no number of milliseconds")
    # In whole milliseconds: 15 digits of them are more than a datetime holds.
    age_ms = (now - _EPOCH) // timedelta(milliseconds=1) - int(stamp)
    tolerance_ms = TOLERANCE // timedelta(milliseconds=1)
    if age_ms > tolerance_ms:
        raise BadSignature("the request is older than five minutes")
    if age_ms < -tolerance_ms:
        raise BadSignature("the request is dated in the future")
    return stamp


def _decoded(uri: str) -> str:
    return _ENCODED.sub(lambda match: _DECODED[match[1].upper()], uri)


def _v3(secret: str, signed: bytes) -> str:
    return base64.b64encode(hmac.digest(_bytes(secret), signed, "sha256")).decode("ascii")


def _bytes(value: str) -> bytes:
    # Servers hand header bytes over as Latin-1 or with surrogates: whatever it is, it must become some bytes.
    return value.encode("utf-8", "surrogatepass")
