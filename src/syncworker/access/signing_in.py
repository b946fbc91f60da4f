"""How does somebody sign in, by a password or by a link?"""

from __future__ import annotations

from sqlalchemy import select, update

from syncworker.access import attempts, links, passwords, sessions, users
from syncworker.access.sessions import Session
from syncworker.access.users import User
from syncworker.store.access_tables import users as users_table
from syncworker.store.database import Database, Tx
from syncworker.store.secrets import Secrets


class WrongCredentials(Exception):
    """Email and password do not belong together, or there is no such account: it is not said which."""

    def __init__(self) -> None:
        super().__init__("email and password do not belong together")


class LinkOver(Exception):
    """The link was used, is too old, or never was."""

    def __init__(self) -> None:
        super().__init__(
            "this link was used already, or is too old: sign in with email and password, or ask for another"
        )


def by_password(database: Database, secrets: Secrets, *, email: str, password: str, address: str) -> Session:
    """Sign in; takes a tenth of a second and 64 MiB, whether there is such an account or not.

    Raises TooManyAttempts, WrongCredentials.
    """
    email = email.strip().lower()

    def look(tx: Tx) -> tuple[attempts.TooManyAttempts | None, User | None, str | None]:
        refused = attempts.count(tx, secrets, email=email, address=address)
        user = users.find(tx, email)
        kept = select(users_table.c.password_hash).where(users_table.c.id == (user.id if user else None))
        return refused, user, tx.connection.execute(kept).scalar_one_or_none()

    refused, user, kept = database.run(look)
    if refused is not None:
        raise refused
    # Between two transactions: no connection waits while it is hashed.
    if not passwords.is_right(kept, password) or user is None or kept is None:
        raise WrongCredentials
    newer = passwords.hashed(password) if passwords.is_outdated(kept) else kept

    def begin(tx: Tx) -> Session | None:
        # Changed or removed meanwhile, the account is not the one whose password was right.
        same = (users_table.c.id == user.id) & (users_table.c.password_hash == kept)
        if not tx.connection.execute(update(users_table).where(same).values(password_hash=newer)).rowcount:
            return None
        attempts.forget(tx, secrets, email=email, address=address)
        return sessions.begin(tx, users.get(tx, email))

    session = database.run(begin)
    if session is None:
        raise WrongCredentials
    return session


def by_link(database: Database, secrets: Secrets, *, token: str, address: str) -> Session:
    """Sign in by a link, which is used up by it; raises TooManyAttempts, LinkOver."""

    def use(tx: Tx) -> Session | attempts.TooManyAttempts | None:
        user = links.use(tx, token)
        if user is not None:
            return sessions.begin(tx, user)
        return attempts.count(tx, secrets, email=f"link from {address}", address=address)

    found = database.run(use)
    if found is None:
        raise LinkOver
    if isinstance(found, attempts.TooManyAttempts):
        raise found
    return found
