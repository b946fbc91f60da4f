"""Who has an account, and with which role?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Row, Select, delete, insert, select, update

from syncworker.access import passwords
from syncworker.access.roles import Role
from syncworker.store.access_tables import sessions, sign_in_links, user_portals, users
from syncworker.store.database import Tx

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+")
# RFC 5321, 4.5.3.1.3: a path has 256 octets, of which two are its brackets.
_MOST_CHARACTERS = 254


class BadEmail(ValueError):
    """What was given is no email address."""

    def __init__(self, given: str) -> None:
        super().__init__(f"{given[:100]!r} is no email address")


class UserExists(Exception):
    """There is an account of this email already."""

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__(f"{email} has an account: change it with `syncworker users set {email}`")


class UnknownUser(Exception):
    """There is no account of this email."""

    def __init__(self, email: str) -> None:
        self.email = email
        super().__init__(f"{email} has no account: see `syncworker users list`")


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An account."""

    id: int
    email: str
    role: Role
    every_portal: bool
    portals: tuple[int, ...]
    """The portals somebody is limited to; says nothing where they see all."""
    language: str | None
    """As last chosen in a browser."""
    has_password: bool
    added_by: str
    added_at: datetime
    signed_in_at: datetime | None

    def sees(self, hub_id: int) -> bool:
        """Whether a portal is shown to them."""
        return self.every_portal or hub_id in self.portals


def add(
    tx: Tx, email: str, *, role: Role, password: str | None, who: str, portals: Sequence[int] | None = None
) -> User:  # fmt: skip
    """Make an account; without a password it signs in by links alone. `portals`: sees only these.

    Raises BadEmail, UserExists, WeakPassword.
    """
    email = clean(email)
    if find(tx, email) is not None:
        raise UserExists(email)
    values = {
        "email": email,
        "role": role.value,
        "password_hash": None if password is None else passwords.hashed(password),
        "every_portal": portals is None,
        "added_by": who,
        "added_at": tx.now,
    }
    user_id = tx.connection.execute(insert(users).values(values).returning(users.c.id)).scalar_one()
    _limit_to(tx, user_id, portals or ())
    return get(tx, email)


def change(
    tx: Tx,
    email: str,
    *,
    role: Role | None = None,
    password: str | None = None,
    portals: Sequence[int] | None = None,
    every_portal: bool = False,
) -> User:
    """Change what is given of an account, and end its sessions and links; raises UnknownUser, WeakPassword."""
    user = get(tx, email)
    values: dict[str, object] = {}
    if role is not None:
        values["role"] = role.value
    if password is not None:
        values["password_hash"] = passwords.hashed(password)
    if portals is not None or every_portal:
        values["every_portal"] = portals is None
        tx.connection.execute(delete(user_portals).where(user_portals.c.user_id == user.id))
        _limit_to(tx, user.id, portals or ())
    if values:
        tx.connection.execute(update(users).where(users.c.id == user.id).values(values))
        # Whoever holds one of them got it as somebody who might do other things.
        for table in (sessions, sign_in_links):
            tx.connection.execute(delete(table).where(table.c.user_id == user.id))
    return get(tx, email)


def remove(tx: Tx, email: str) -> None:
    """Remove an account, and end its sessions; raises UnknownUser."""
    tx.connection.execute(delete(users).where(users.c.id == get(tx, email).id))


def forget(tx: Tx, emails: Iterable[str]) -> int:
    """Remove the accounts of persons who are erased; return how many there were."""
    return tx.connection.execute(delete(users).where(users.c.email.in_([email.lower() for email in emails]))).rowcount


def speaks(tx: Tx, user_id: int, language: str) -> None:
    """Note in which language somebody reads."""
    tx.connection.execute(update(users).where(users.c.id == user_id).values(language=language))


def everyone(tx: Tx) -> list[User]:
    """All accounts, by email."""
    return _found(tx, select(users).order_by(users.c.email))


def find(tx: Tx, email: str) -> User | None:
    """The account of an email, if there is one."""
    try:
        wanted = clean(email)
    except BadEmail:
        return None
    return next(iter(_found(tx, select(users).where(users.c.email == wanted))), None)


def get(tx: Tx, email: str) -> User:
    """The account of an email; raises UnknownUser."""
    found = find(tx, email)
    if found is None:
        raise UnknownUser(email.strip().lower()[:100])
    return found


def of_id(tx: Tx, user_id: int) -> User | None:
    """The account of that id, if it is still there."""
    return next(iter(_found(tx, select(users).where(users.c.id == user_id))), None)


def clean(email: str) -> str:
    """An email as accounts have it; raises BadEmail."""
    email = email.strip().lower()
    if not _EMAIL.fullmatch(email) or len(email) > _MOST_CHARACTERS or not email.isprintable():
        raise BadEmail(email)
    return email


def _limit_to(tx: Tx, user_id: int, portals: Iterable[int]) -> None:
    rows = [{"user_id": user_id, "hub_id": hub_id} for hub_id in sorted(set(portals))]
    if rows:
        tx.connection.execute(insert(user_portals), rows)


def _found(tx: Tx, query: Select[*tuple[object, ...]]) -> list[User]:
    rows = tx.connection.execute(query).all()
    limited = [row.id for row in rows if not row.every_portal]
    portals: dict[int, list[int]] = {}
    if limited:
        seen = select(user_portals).where(user_portals.c.user_id.in_(limited)).order_by(user_portals.c.hub_id)
        for row in tx.connection.execute(seen):
            portals.setdefault(row.user_id, []).append(row.hub_id)
    return [_user(row, portals.get(row.id, [])) for row in rows]


def _user(row: Row[*tuple[object, ...]], portals: Iterable[int]) -> User:
    return User(
        id=row.id,
        email=row.email,
        role=Role(row.role),
        every_portal=row.every_portal,
        portals=tuple(portals),
        language=row.language,
        has_password=row.password_hash is not None,
        added_by=row.added_by,
        added_at=row.added_at,
        signed_in_at=row.signed_in_at,
    )
