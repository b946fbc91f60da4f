"""Which kinds of record are there, and by which names may a caller ask for them?"""

from __future__ import annotations

from dataclasses import dataclass

from syncworker.sandbox.answers import RefusedError, Reply, dumps


@dataclass(frozen=True, slots=True)
class ObjectType:
    """A kind of record. `number` names it in the database; `type_id` is HubSpot's `objectTypeId`."""

    number: int
    plural: str
    singular: str
    type_id: str | None
    modified_property: str
    scope: str
    defaults: tuple[str, ...]
    """Properties returned where none are asked for (HubSpot's API reference)."""
    fixed: bool = False
    """Neither creation nor deletion through the API (partner clients and services)."""

    @property
    def synthetic(self) -> tuple[str, str, str]:
        """Properties that are columns, not stored values."""
        return ("createdate", self.modified_property, "hs_object_id")


CONTACT = ObjectType(
    1, "contacts", "contact", "0-1", "lastmodifieddate", "contacts",
    ("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
)  # fmt: skip
COMPANY = ObjectType(
    2, "companies", "company", "0-2", "hs_lastmodifieddate", "companies",
    ("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
)  # fmt: skip
# 0-145 was observed for partner clients; the id of partner services is unknown, so they answer to their name only.
PARTNER_CLIENT = ObjectType(
    3, "partner_clients", "partner_client", "0-145", "hs_lastmodifieddate", "partner-clients",
    ("createdate", "hs_lastmodifieddate", "hs_object_id"), fixed=True,
)  # fmt: skip
PARTNER_SERVICE = ObjectType(
    4, "partner_services", "partner_service", None, "hs_lastmodifieddate", "partner-services",
    ("createdate", "hs_lastmodifieddate", "hs_object_id"), fixed=True,
)  # fmt: skip

# No scopes of its own: who may write contacts may write tasks (HubSpot's guide to the tasks API).
TASK = ObjectType(
    5, "tasks", "task", "0-27", "hs_lastmodifieddate", "contacts",
    ("createdate", "hs_lastmodifieddate", "hs_object_id"),
)  # fmt: skip

ALL = (CONTACT, COMPANY, PARTNER_CLIENT, PARTNER_SERVICE, TASK)
BY_NUMBER = {kind.number: kind for kind in ALL}
_BY_NAME = {name: kind for kind in ALL for name in (kind.plural, kind.singular, kind.type_id) if name}


def resolve(name: str) -> ObjectType:
    """The type meant by `name`: singular, plural or type id, in any case. Raises RefusedError 400 for anything else."""
    kind = _BY_NAME.get(name) or _BY_NAME.get(name.lower())
    if kind is None:
        # Recorded: this answer carries no category.
        body = {"status": "error", "message": f"Unable to infer object type from: {name}"}
        raise RefusedError(Reply(400, dumps(body)))
    return kind
