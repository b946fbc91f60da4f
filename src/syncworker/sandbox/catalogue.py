"""Which properties does a portal have: HubSpot's own, and those made through the API?"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TypedDict

from syncworker.sandbox.database import Database
from syncworker.sandbox.object_types import BY_NUMBER, COMPANY, CONTACT, TASK, ObjectType


class Option(TypedDict, total=False):
    """One choice of an enumeration."""

    label: str
    value: str
    displayOrder: int
    hidden: bool
    description: str


class Definition(TypedDict, total=False):
    """A property as the properties API shows it."""

    name: str
    label: str
    type: str
    fieldType: str
    description: str
    groupName: str
    options: list[Option]
    displayOrder: int
    calculated: bool
    externalOptions: bool
    hasUniqueValue: bool
    hidden: bool
    hubspotDefined: bool
    formField: bool
    archived: bool
    dataSensitivity: str
    createdAt: str
    updatedAt: str
    modificationMetadata: dict[str, bool]


class Group(TypedDict):
    """A property group as the API shows it."""

    name: str
    label: str
    displayOrder: int
    archived: bool


_STAGES = (
    "subscriber", "lead", "marketingqualifiedlead", "salesqualifiedlead", "opportunity", "customer",
    "evangelist",
)  # fmt: skip
LIFECYCLE = _STAGES
"""In order: the API moves a record forward only."""

_TEXT = ("string", "text")
_READ_ONLY_DATE = ("datetime", "date")
_READ_ONLY_NUMBER = ("number", "number")

_CONTACT_TEXTS = (
    "firstname", "lastname", "email", "company", "website", "country", "phone", "mobilephone", "jobtitle",
    "city", "state", "zip", "address", "message", "industry", "hs_language", "hubspot_owner_id",
)  # fmt: skip
_COMPANY_TEXTS = (
    "name", "domain", "country", "website", "phone", "city", "state", "zip", "address", "industry",
    "description",
)  # fmt: skip
# HubSpot's guide to the tasks API.
_TASK_TEXTS = ("hs_task_subject", "hs_task_body", "hubspot_owner_id")
_TASK_CHOICES = {
    "hs_task_status": ("NOT_STARTED", "COMPLETED"),
    "hs_task_priority": ("LOW", "MEDIUM", "HIGH"),
    "hs_task_type": ("EMAIL", "CALL", "TODO"),
}
_CONTACT_READ_ONLY = {
    "num_conversion_events": _READ_ONLY_NUMBER,
    "num_unique_conversion_events": _READ_ONLY_NUMBER,
    "recent_conversion_date": _READ_ONLY_DATE,
    "recent_conversion_event_name": _TEXT,
    "first_conversion_date": _READ_ONLY_DATE,
    "first_conversion_event_name": _TEXT,
    "hs_calculated_form_submissions": _TEXT,
    "associatedcompanyid": _READ_ONLY_NUMBER,
}
_LABELS = {
    "firstname": "First Name",
    "lastname": "Last Name",
    "company": "Company Name",
    "website": "Website URL",
    "country": "Country/Region",
    "phone": "Phone Number",
    "name": "Company name",
    "domain": "Company Domain Name",
    "lifecyclestage": "Lifecycle Stage",
    "createdate": "Create Date",
    "lastmodifieddate": "Last Modified Date",
    "hs_lastmodifieddate": "Last Modified Date",
    "hs_object_id": "Record ID",
    "hs_merged_object_ids": "Merged record IDs",
    "jobtitle": "Job Title",
    "num_conversion_events": "Number of Form Submissions",
    "recent_conversion_event_name": "Recent Conversion",
    "recent_conversion_date": "Recent Conversion Date",
    "first_conversion_event_name": "First Conversion",
    "first_conversion_date": "First Conversion Date",
    "num_unique_conversion_events": "Unique Forms Submitted",
}


def _standard(
    name: str,
    kind: ObjectType,
    shape: tuple[str, str],
    *,
    read_only: bool = False,
    options: tuple[str, ...] = (),
) -> Definition:
    return Definition(
        name=name,
        label=_LABELS.get(name, name.removeprefix("hs_").replace("_", " ").capitalize()),
        type=shape[0],
        fieldType=shape[1],
        description="",
        groupName=f"{kind.singular}information" if kind in (CONTACT, COMPANY) else f"{kind.singular}_information",
        options=[
            Option(label=value.capitalize(), value=value, displayOrder=order, hidden=False)
            for order, value in enumerate(options)
        ],
        displayOrder=-1,
        calculated=read_only,
        externalOptions=False,
        hasUniqueValue=False,
        hidden=False,
        hubspotDefined=True,
        formField=not read_only,
        archived=False,
        dataSensitivity="non_sensitive",
        modificationMetadata={"archivable": False, "readOnlyDefinition": True, "readOnlyValue": read_only},
    )


def standard(kind: ObjectType) -> dict[str, Definition]:
    """HubSpot's own properties of a type: those that matter to a lead, with the calculated ones read-only."""
    found = [
        _standard("createdate", kind, _READ_ONLY_DATE, read_only=True),
        _standard(kind.modified_property, kind, _READ_ONLY_DATE, read_only=True),
        _standard("hs_object_id", kind, _READ_ONLY_NUMBER, read_only=True),
        _standard("hs_merged_object_ids", kind, _TEXT, read_only=True),
    ]
    if kind is CONTACT:
        found += [_standard(name, kind, _TEXT) for name in _CONTACT_TEXTS]
        found += [_standard(name, kind, shape, read_only=True) for name, shape in _CONTACT_READ_ONLY.items()]
    elif kind is COMPANY:
        found += [_standard(name, kind, _TEXT) for name in _COMPANY_TEXTS]
        found += [_standard(name, kind, _READ_ONLY_NUMBER) for name in ("numberofemployees", "annualrevenue")]
    elif kind is TASK:
        found.append(_standard("hs_timestamp", kind, _READ_ONLY_DATE))
        found += [_standard(name, kind, _TEXT) for name in _TASK_TEXTS]
        found += [
            _standard(name, kind, ("enumeration", "select"), options=options) for name, options in _TASK_CHOICES.items()
        ]
    else:
        # The real names are unknown: these two are examples. A client should ask the properties API.
        found += [_standard(name, kind, _TEXT) for name in ("name", "domain")]
    if kind in (CONTACT, COMPANY):
        found.append(_standard("lifecyclestage", kind, ("enumeration", "radio"), options=_STAGES))
    return {definition["name"]: definition for definition in found}


def _standard_groups(kind: ObjectType) -> dict[str, Group]:
    name = standard(kind)["createdate"]["groupName"]
    label = f"{kind.singular.replace('_', ' ').capitalize()} information"
    return {name: Group(name=name, label=label, displayOrder=0, archived=False)}


@dataclass(slots=True)
class Schema:
    """The properties and groups of one type in one portal."""

    definitions: dict[str, Definition]
    groups: dict[str, Group]
    unique: frozenset[str] = frozenset()

    def refresh(self) -> None:
        """Note again which properties hold unique values."""
        self.unique = frozenset(name for name, one in self.definitions.items() if one.get("hasUniqueValue"))


@dataclass(slots=True)
class Catalogue:
    """All schemas, kept in memory and stored where they differ from HubSpot's own."""

    database: Database
    unsaved: bool = False
    """Something was changed in the transaction under way: after a rollback, memory must be read anew."""
    _schemas: dict[tuple[int, int], Schema] = field(default_factory=dict)

    def load(self) -> None:
        """Read what was made through the API."""
        self.unsaved = False
        self._schemas.clear()
        for portal, number, what, name, text in self.database.execute(
            "SELECT portal, type, what, name, definition FROM properties"
        ):
            schema = self.schema(portal, BY_NUMBER[number])
            if what == "group":
                schema.groups[name] = json.loads(text)
            else:
                schema.definitions[name] = json.loads(text)
        for schema in self._schemas.values():
            schema.refresh()

    def schema(self, portal: int, kind: ObjectType) -> Schema:
        """The schema of a type in a portal."""
        found = self._schemas.get((portal, kind.number))
        if found is None:
            found = Schema(dict(standard(kind)), _standard_groups(kind))
            self._schemas[portal, kind.number] = found
        return found

    def put_property(self, portal: int, kind: ObjectType, definition: Definition) -> None:
        """Create or replace a definition."""
        schema = self.schema(portal, kind)
        schema.definitions[definition["name"]] = definition
        schema.refresh()
        self._store(portal, kind, "property", definition["name"], json.dumps(definition))

    def put_group(self, portal: int, kind: ObjectType, group: Group) -> None:
        """Create or replace a group."""
        self.schema(portal, kind).groups[group["name"]] = group
        self._store(portal, kind, "group", group["name"], json.dumps(group))

    def drop(self, portal: int, kind: ObjectType, what: str, name: str) -> None:
        """Archive a property (`what` is `property`) or a group (`group`)."""
        schema = self.schema(portal, kind)
        self.unsaved = True
        if what == "group":
            schema.groups.pop(name, None)
        else:
            schema.definitions.pop(name, None)
            schema.refresh()
        self.database.execute(
            "DELETE FROM properties WHERE portal = ? AND type = ? AND what = ? AND name = ?",
            (portal, kind.number, what, name),
        )

    def _store(self, portal: int, kind: ObjectType, what: str, name: str, text: str) -> None:
        self.unsaved = True
        self.database.execute(
            "INSERT OR REPLACE INTO properties VALUES (?, ?, ?, ?, ?)",
            (portal, kind.number, what, name, text),
        )
