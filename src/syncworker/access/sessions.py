"""Which browser is signed in, as whom, and until when?

The browser holds a random id; here lies its hash. The row is the session: removing the account, changing its role or
its password, or signing out removes it, and the cookie that is left opens nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from syncworker.access import users
from syncworker.access.users import User
from syncworker.store.access_tables import sessions
from syncworker.store.access_tables import users as users_table
from syncworker.store.database import Tx

# A working week and its weekend: nobody signs in each morning, and a lost laptop is no key for ever.
LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody who is signed in."""

    id: str
    """What the browser holds; never in a log, never in the database."""
    user: User
    expires_at: datetime

    def __repr__(self) -> str:
        return f"Session({self.user.email})"


def begin(tx: Tx, user: User) -> Session:
    """Sign somebody in, and forget the sessions that are over."""
    tx.connection.execute(delete(sessions).where(sessions.c.expires_at <= tx.now))
    session = Session(id=secrets.token_urlsafe(32), user=user, expires_at=tx.now + LASTS)
    values = {
        "id_hash": hashed(session.id),
        "user_id": user.id,
        "began_at": tx.now,
        "expires_at": session.expires_at,
    }
    tx.connection.execute(insert(sessions).values(values))
    tx.connection.execute(update(users_table).where(users_table.c.id == user.id).values(signed_in_at=tx.now))
    return session


def of_id(tx: Tx, session_id: str) -> Session | None:
    """The session of that id, unless it is over."""
    row = tx.connection.execute(
        select(sessions).where(sessions.c.id_hash == hashed(session_id), sessions.c.expires_at > tx.now)
    ).one_or_none()
    user = users.of_id(tx, row.user_id) if row else None
    return Session(id=session_id, user=user, expires_at=row.expires_at) if row and user else None


def end(tx: Tx, session_id: str) -> None:
    """Sign out."""
    tx.connection.execute(delete(sessions).where(sessions.c.id_hash == hashed(session_id)))


def form_token(key: bytes, session_id: str) -> str:
    """What a form of this session must carry; another site's form cannot know it."""
    return hmac.new(key, b"form " + session_id.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()


def hashed(token: str) -> str:
    """What is kept of a random id: it has 256 bits, so a quick hash is enough."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
