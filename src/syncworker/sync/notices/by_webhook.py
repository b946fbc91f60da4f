"""How is a notice posted to somebody's address?

As JSON, signed: `Syncworker-Signature: v1=<hex>` is the HMAC-SHA256 of `<Syncworker-Timestamp>.<body>` with the secret
that was shown when the address was set. `Idempotency-Key` is the same however often it is tried.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import urllib3

from syncworker.settings import Settings
from syncworker.store.secrets import Secrets
from syncworker.sync.notices.by_email import idempotency_key
from syncworker.sync.notices.sending import NotSent, Outgoing

TIMEOUT_S = 10.0
GONE = 410


def send(settings: Settings, secrets: Secrets, what: Outgoing, address: tuple[str, str] | None) -> None:
    """Post it, or raise NotSent. Any answer of 2xx is well; of anybody else's address nothing is followed."""
    if address is None:
        raise NotSent("no address is set: `syncworker notices webhook EMAIL URL`", for_good=True)
    url, secret = address
    key = idempotency_key(secrets, what)
    body = json.dumps(
        {
            "id": key,
            "kind": what.kind.value,
            "portal": what.hub_id,
            "at": what.at.isoformat(),
            "subject": what.message.subject,
            "text": what.message.text(settings.pages_url),
            "url": what.message.url(settings.pages_url),
            "facts": what.facts,
        }
    ).encode()
    # The receiver's clock tells how old it is, not the transaction's.
    timestamp = str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "syncworker",
        "Idempotency-Key": key,
        "Syncworker-Timestamp": timestamp,
        "Syncworker-Signature": f"v1={signature(secret, timestamp, body)}",
    }
    timeout = urllib3.Timeout(connect=3.0, read=TIMEOUT_S, total=TIMEOUT_S)
    with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
        try:
            answer = pool.request("POST", url, body=body, headers=headers, redirect=False, preload_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise NotSent(f"the receiver does not answer: {type(error).__name__}") from None
        # What it says is of no use, and may be endless.
        answer.close()
    if not 200 <= answer.status <= 299:
        raise NotSent(f"the receiver answered {answer.status}", for_good=answer.status == GONE)


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """The signature that a receiver reckons, too."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
