"""How does HubSpot sign what it sends? Sources: its request-validation guide, and its official clients."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import unquote

_DECODED = re.compile(r"%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)", re.IGNORECASE)
"""The only escapes that are decoded before hashing."""


def v3(secret: str, *, method: str, uri: str, body: bytes, timestamp: str) -> str:
    """Base64 of HMAC-SHA256 over method, URI, body and timestamp (ms), keyed with the client secret."""
    decoded = _DECODED.sub(lambda found: unquote(found[0]), uri)
    source = method.encode() + decoded.encode() + body + timestamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), source, hashlib.sha256).digest()).decode()


def v1(secret: str, body: bytes) -> str:
    """Hexadecimal SHA-256 of secret and body: the older header, still sent alongside."""
    return hashlib.sha256(secret.encode() + body).hexdigest()


def headers(secret: str, *, uri: str, body: bytes, timestamp: int) -> dict[str, str]:
    """The headers of one attempt; every attempt has its own time, or retries would be too old to pass."""
    stamp = str(timestamp)
    return {
        "X-HubSpot-Signature": v1(secret, body),
        "X-HubSpot-Signature-Version": "v1",
        "X-HubSpot-Signature-v3": v3(secret, method="POST", uri=uri, body=body, timestamp=stamp),
        "X-HubSpot-Request-Timestamp": stamp,
    }
