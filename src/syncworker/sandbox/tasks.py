"""What does a task need, and which contacts and companies is it about?

What it is about is kept with its values, under a name that no property of HubSpot's has: the API shows it to nobody,
the control API does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from syncworker.sandbox.answers import invalid
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType
from syncworker.sandbox.records import Record

ABOUT = "_about"
# HubSpot's guides to tasks and to associations: the default ones of a task.
_TYPES = {204: CONTACT, 192: COMPANY}


def checked(
    given: Mapping[str, str], body: Mapping[str, object], find: Callable[[ObjectType, str], Record]
) -> dict[str, str]:
    """The values of a new task with what it is about. Raises RefusedError where something is missing or unknown."""
    if not given.get("hs_timestamp"):
        raise invalid("Error creating TASK. Some required properties were not set: hs_timestamp")
    wanted = body.get("associations") or []
    if not isinstance(wanted, list):
        raise invalid("associations must be an array")
    about = [f"{kind.plural}:{find(kind, id_).id}" for entry in wanted for kind, id_ in [_target(entry)]]
    return {**given, **({ABOUT: ";".join(about)} if about else {})}


def _target(entry: object) -> tuple[ObjectType, str]:
    to = entry.get("to") if isinstance(entry, dict) else None
    types = entry.get("types") if isinstance(entry, dict) else None
    id_ = to.get("id") if isinstance(to, dict) else None
    kinds = [
        _TYPES[one["associationTypeId"]]
        for one in (types if isinstance(types, list) else [])
        if isinstance(one, dict) and one.get("associationTypeId") in _TYPES
    ]
    if not kinds or not isinstance(id_, str | int):
        raise invalid("an association of a task names a record (to.id) and one of the types 204 and 192")
    return kinds[0], str(id_)
