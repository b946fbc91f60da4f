"""How does an operator let people sign in, change what they may, and take it back, with who did it?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncworker.access import links, users
from syncworker.access.roles import Role
from syncworker.access.users import User
from syncworker.registration.ledger.history import Happened
from syncworker.store import portals as store
from syncworker.store.database import Tx
from syncworker.sync.did import did


def add(
    tx: Tx, email: str, *, role: Role, password: str | None, portals: Sequence[int] | None = None, who: str
) -> User:
    """Make an account; see `users.add`. Raises BadEmail, UserExists, WeakPassword, UnknownPortal."""
    _check(tx, portals)
    user = users.add(tx, email, role=role, password=password, who=who, portals=portals)
    did(tx, Happened.USER_ADDED, who=who, about=user.email, detail={"role": user.role.value, "portals": _portals(user)})
    return user


def change(
    tx: Tx,
    email: str,
    *,
    role: Role | None = None,
    password: str | None = None,
    portals: Sequence[int] | None = None,
    every_portal: bool = False,
    who: str,
) -> User:
    """Change what is given of an account; see `users.change`. Raises UnknownUser, WeakPassword, UnknownPortal."""
    _check(tx, portals)
    before = users.get(tx, email)
    user = users.change(tx, email, role=role, password=password, portals=portals, every_portal=every_portal)
    changed = {
        "role": user.role.value if user.role is not before.role else None,
        "portals": _portals(user) if _portals(user) != _portals(before) else None,
        "password": True if password is not None else None,
    }
    told = {name: value for name, value in changed.items() if value is not None}
    did(tx, Happened.USER_CHANGED, who=who, about=user.email, detail=told)
    return user


def remove(tx: Tx, email: str, *, who: str) -> None:
    """Remove an account; raises UnknownUser."""
    user = users.get(tx, email)
    users.remove(tx, email)
    did(tx, Happened.USER_REMOVED, who=who, about=user.email, detail={"role": user.role.value})


def make_link(tx: Tx, email: str, token: str, *, who: str) -> None:
    """Make a link that signs somebody in once; raises UnknownUser."""
    user = users.get(tx, email)
    links.make(tx, user, token)
    did(tx, Happened.LINK_MADE, who=who, about=user.email)


def _portals(user: User) -> list[int] | str:
    return "all" if user.every_portal else list(user.portals)


def _check(tx: Tx, hub_ids: Iterable[int] | None) -> None:
    for hub_id in hub_ids or ():
        store.get(tx, hub_id)
