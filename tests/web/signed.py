"""Webhooks as HubSpot would sign them: signed by the sandbox's code, which shares none with the worker's."""

from __future__ import annotations

import json
import time

from syncworker.sandbox import signing
from web.deployment import HUB, PUBLIC_URL, SECRET

URI = f"{PUBLIC_URL}/webhooks/hubspot"


def event(object_id: int = 1, *, hub_id: int = HUB, **fields: object) -> dict[str, object]:
    return {
        "eventId": 1,
        "subscriptionId": 1,
        "portalId": hub_id,
        "appId": 1,
        "occurredAt": 1_742_077_073_905,
        "subscriptionType": "contact.creation",
        "attemptNumber": 0,
        "objectId": object_id,
        "changeSource": "CRM_UI",
        **fields,
    }


def body(*events: object) -> bytes:
    return json.dumps(list(events)).encode()


def headers(content: bytes, *, secret: str = SECRET, uri: str = URI, age_s: float = 0) -> dict[str, str]:
    stamp = int((time.time() - age_s) * 1000)
    return signing.headers(secret, uri=uri, body=content, timestamp=stamp)
