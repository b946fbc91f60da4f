"""How does a link sign somebody in, once?

For the first person, before anybody has a password, and for whoever has forgotten theirs.
"""

from __future__ import annotations

import secrets
from datetime import timedelta

from sqlalchemy import delete, func, insert, select

from syncworker.access import users
from syncworker.access.roles import Role
from syncworker.access.sessions import hashed
from syncworker.access.users import User
from syncworker.store.access_tables import sign_in_links
from syncworker.store.access_tables import users as users_table
from syncworker.store.database import Tx

PATH = "/login/once/"
LASTS = timedelta(hours=1)
# Who is signed in by the link of `syncworker up`. It gets no mail.
FIRST_PERSON = "operator@localhost"


def made_up() -> str:
    """A new token: 128 bits, in 22 characters, so that its link fits on a line."""
    return secrets.token_urlsafe(16)


def address(pages_url: str, token: str) -> str:
    """The link itself."""
    return f"{pages_url}{PATH}{token}"


def make(tx: Tx, user: User, token: str) -> None:
    """Let this token sign somebody in, once, within an hour. Links that are over are forgotten."""
    tx.connection.execute(delete(sign_in_links).where(sign_in_links.c.expires_at <= tx.now))
    values = {"token_hash": hashed(token), "user_id": user.id, "expires_at": tx.now + LASTS}
    tx.connection.execute(insert(sign_in_links).values(values))


def make_for_first(tx: Tx, token: str) -> bool:
    """Let this token sign in the first person, an operator; whether it does.

    Not once somebody has a password: from then on who reads the terminal is not who may come in.
    """
    if tx.connection.execute(select(func.count(users_table.c.password_hash))).scalar_one():
        return False
    first = users.find(tx, FIRST_PERSON) or users.add(
        tx, FIRST_PERSON, role=Role.OPERATOR, password=None, who="syncworker"
    )
    make(tx, first, token)
    return True


def use(tx: Tx, token: str) -> User | None:
    """Whom the token signs in; it does so for nobody else afterwards."""
    used = (
        delete(sign_in_links)
        .where(sign_in_links.c.token_hash == hashed(token), sign_in_links.c.expires_at > tx.now)
        .returning(sign_in_links.c.user_id)
    )
    user_id = tx.connection.execute(used).scalar_one_or_none()
    return None if user_id is None else users.of_id(tx, user_id)
