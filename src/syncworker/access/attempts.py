"""How often may somebody try to sign in?

Counted by address, by email from there, typed right or wrong, and by email from anywhere, in the database: so for all
web processes together. Who only wants to lock somebody out locks out their own address. An attempt counts before the
password is looked at, so that a hundred at once are a hundred.
"""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta

from sqlalchemy import delete, text

from syncworker.store.access_tables import sign_in_attempts
from syncworker.store.database import Tx
from syncworker.store.secrets import Secrets

WITHIN = timedelta(minutes=15)
MOST_BY_EMAIL = 10
"""From one address."""
MOST_BY_EMAIL_FROM_ANYWHERE = 100
"""Guesses at a password of twelve characters from many addresses: still none too many."""
# An office has one address.
MOST_BY_ADDRESS = 50

_COUNT = text("""
    INSERT INTO sign_in_attempts AS a (key, tried, began_at) VALUES (:key, 1, :now)
    ON CONFLICT (key) DO UPDATE SET
        tried = CASE WHEN a.began_at <= :over THEN 1 ELSE least(a.tried + 1, 1000000) END,
        began_at = CASE WHEN a.began_at <= :over THEN :now ELSE a.began_at END
    RETURNING tried, began_at
""")


class TooManyAttempts(Exception):
    """Somebody tried too often; `until` says when it goes on. Said of any email, whether it has an account or not."""

    def __init__(self, until: datetime, *, now: datetime) -> None:
        self.until = until
        self.minutes = max(1, -int((now - until).total_seconds() // 60))
        super().__init__(f"too many attempts to sign in: try again in {self.minutes} minutes")


def count(tx: Tx, secrets: Secrets, *, email: str, address: str) -> TooManyAttempts | None:
    """Count an attempt, and say whether it is one too many. The transaction must commit either way."""
    tx.connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.began_at <= tx.now - WITHIN))
    # In this order everywhere, so that two attempts never wait for each other.
    limits = (
        (_address_key(secrets, address), MOST_BY_ADDRESS),
        (_from_key(secrets, email, address), MOST_BY_EMAIL),
        (_email_key(secrets, email), MOST_BY_EMAIL_FROM_ANYWHERE),
    )
    refused = None
    for key, most in limits:
        row = tx.connection.execute(_COUNT, {"key": key, "now": tx.now, "over": tx.now - WITHIN}).one()
        if row.tried > most:
            # No rows for the email then: a flood from one address writes one row, however many emails it tries.
            refused = TooManyAttempts(row.began_at + WITHIN, now=tx.now)
            break
    return refused


def forget(tx: Tx, secrets: Secrets, *, email: str, address: str) -> None:
    """Somebody signed in: what was tried for this email counts no more, but from elsewhere. The address counts on."""
    # One after the other, in the order in which they are counted.
    for key in (_from_key(secrets, email, address), _email_key(secrets, email)):
        tx.connection.execute(delete(sign_in_attempts).where(sign_in_attempts.c.key == key))


def _email_key(secrets: Secrets, email: str) -> str:
    # Whatever was typed: it need not be an email.
    return f"email:{secrets.key_hash(email)}"


def _from_key(secrets: Secrets, email: str, address: str) -> str:
    return f"email from:{secrets.key_hash(f'{_address_key(secrets, address)} {email}')}"


def _address_key(secrets: Secrets, address: str) -> str:
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return f"address:{secrets.key_hash(address)}"
    # Whoever has one address of IPv6 has all of its /64 (RFC 6177).
    prefix = 64 if known.version == 6 else 32
    return f"address:{secrets.key_hash(str(ipaddress.ip_network((known, prefix), strict=False)))}"
