"""Who did it, if it was a person?

History is never changed, so it names no person: it refers to a row here, whose name can be erased. What is not known
to be a machine counts as a person.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, case, func, literal, select, text, update

from syncworker.store.database import Tx
from syncworker.store.tables import history, persons

PERSON = "person"
"""What history says in place of a name."""
ERASED = "erased"
"""What is said in place of the name of somebody who was erased."""

_MACHINES = frozenset({"syncworker", "settings", "check", "unknown", "api", "brake", PERSON, ERASED, ""})
# By the part before the colon: forms by their id, and HubSpot's sources of a change that are no person.
_KINDS_OF_MACHINES = frozenset(
    {"form", "AUTOMATION_PLATFORM", "AUTOMATION_JOURNEY", "WORKFLOWS", "WORKFLOW", "INTEGRATION", "unknown"}
)


def is_person(who: str) -> bool:
    """Whether it may be the name of a person."""
    return who not in _MACHINES and who.partition(":")[0] not in _KINDS_OF_MACHINES


def refer(tx: Tx, names: Iterable[str]) -> dict[str, int]:
    """The ids of those that are persons; who was never named before gets one."""
    wanted = {name for name in names if is_person(name)}
    if not wanted:
        return {}
    found = _ids(tx, wanted)
    missing = sorted(wanted - found.keys())
    if missing:
        # Somebody else may be naming them at this moment: then theirs is found.
        tx.connection.execute(_ADD, {"names": missing, "now": tx.now})
        found |= _ids(tx, missing)
    return found


_ADD = text("""
    INSERT INTO persons (name, named_at) SELECT name, :now FROM unnest(CAST(:names AS text[])) AS name
    ON CONFLICT (name) WHERE name IS NOT NULL DO NOTHING
""")


def _ids(tx: Tx, names: Iterable[str]) -> dict[str, int]:
    rows = tx.connection.execute(select(persons.c.name, persons.c.id).where(persons.c.name.in_(sorted(names))))
    return {row.name: row.id for row in rows}


def shown() -> ColumnElement[str]:
    """Who did what a row of history tells, for a query that outer-joins `persons`."""
    erased = literal(f"{ERASED} person ").concat(func.cast(history.c.person_id, persons.c.name.type))
    return case((history.c.person_id.is_(None), history.c.who), else_=func.coalesce(persons.c.name, erased))


def erase(tx: Tx, name: str) -> bool:
    """Forget a name: history then says that it was somebody, always the same one, and not who. Whether it was known."""
    forgotten = update(persons).where(persons.c.name == name).values(name=None, erased_at=tx.now)
    return bool(tx.connection.execute(forgotten).rowcount)


def named_after(tx: Tx, email: str) -> list[str]:
    """The persons whose name is this email, alone or behind where they came from, as in `cli:` or `CRM_UI:`."""
    lowered = func.lower(persons.c.name)
    narrowed = select(persons.c.name).where(
        (lowered == email.lower()) | lowered.endswith(f":{email.lower()}", autoescape=True)
    )
    return sorted(str(name) for name in tx.connection.execute(narrowed).scalars())
