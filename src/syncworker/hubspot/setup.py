"""What is missing in a portal before registrations can be shown there, and how is it brought about?

`plan` looks and changes nothing; `apply` does what the plan says. Safe to run again: the second plan is
empty. Nothing is ever deleted, and a property of another type is reported and left alone: changing it could
lose what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from syncworker.hubspot.definitions import (
    Option,
    PropertyDefinition,
    PropertyGroup,
    option_json,
)
from syncworker.hubspot.errors import FixRequest
from syncworker.hubspot.paths import Kind
from syncworker.hubspot.properties import GROUP
from syncworker.hubspot.schema_calls import SchemaCalls

Action = Literal["create_group", "create_property", "update_property", "conflict"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of a setup; `str()` says it to a person. A `conflict` is for a person to solve."""

    object_type: Kind
    action: Action
    name: str
    detail: str
    group: PropertyGroup | None = None
    wanted: PropertyDefinition | None = None
    fields: Mapping[str, object] | None = None

    def __str__(self) -> str:
        what = {
            "create_group": "create group",
            "create_property": "create property",
            "update_property": "change property",
            "conflict": "cannot use property",
        }[self.action]
        return f"{self.object_type}: {what} {self.name}: {self.detail}"


def plan(
    client: SchemaCalls,
    wanted: Mapping[Kind, Sequence[PropertyDefinition]],
    *,
    group: PropertyGroup = GROUP,
) -> list[Change]:
    """What must change so that the portal has the wanted properties; empty where it has.

    Raises what the client raises: FixCredentials where the schema scopes are missing.
    """
    changes: list[Change] = []
    for object_type, definitions in wanted.items():
        if group.name not in {one.name for one in client.property_groups(object_type)}:
            changes.append(_create_group(object_type, group))
        existing = {one.name: one for one in client.property_definitions(object_type)}
        changes += _differences(object_type, definitions, existing)
    return changes


def apply(client: SchemaCalls, changes: Iterable[Change]) -> list[Change]:
    """Do what a plan says, and return what was done.

    Conflicts are skipped. What somebody else created meanwhile is compared and put right, or comes back as a
    conflict.
    """
    done: list[Change] = []
    for change in changes:
        try:
            if change.action == "create_group" and change.group:
                client.create_group(change.object_type, change.group)
            elif change.action == "create_property" and change.wanted:
                client.create_property(change.object_type, change.wanted)
            elif change.action == "update_property" and change.fields:
                client.update_property(change.object_type, change.name, change.fields)
            else:
                continue
        except FixRequest as error:
            if not error.exists:
                raise
            # HubSpot's body for this is not documented: whatever it says, look at what is there.
            done += _settle(client, change)
        else:
            done.append(change)
    return done


def _settle(client: SchemaCalls, change: Change) -> list[Change]:
    if change.wanted is None:
        return []
    existing = {one.name: one for one in client.property_definitions(change.object_type)}
    left = _differences(change.object_type, [change.wanted], existing)
    for one in left:
        if one.action == "update_property" and one.fields:
            client.update_property(one.object_type, one.name, one.fields)
        elif one.action == "create_property":
            # Said to exist, and not in the list: its name is taken by something that is not shown, such as an
            # archived property. Only a person can restore or rename that.
            return [replace(one, action="conflict", detail="the name is taken by a property that is not listed")]
    return left


def _create_group(object_type: Kind, group: PropertyGroup) -> Change:
    return Change(object_type=object_type, action="create_group", name=group.name, detail=group.label, group=group)


def _differences(
    object_type: Kind, wanted: Sequence[PropertyDefinition], existing: Mapping[str, PropertyDefinition]
) -> list[Change]:
    found = (_difference(object_type, one, existing.get(one.name)) for one in wanted)
    return [change for change in found if change is not None]


def _difference(object_type: Kind, wanted: PropertyDefinition, there: PropertyDefinition | None) -> Change | None:
    change = Change(
        object_type=object_type,
        action="create_property",
        name=wanted.name,
        detail=wanted.label,
        wanted=wanted,
    )
    if there is None:
        return change
    if there.type != wanted.type:
        detail = (
            f"it is there as {there.type} and must be {wanted.type}; rename or delete it in HubSpot, "
            "or choose another name in the settings"
        )
        return replace(change, action="conflict", detail=detail)
    fields: dict[str, object] = {}
    said: list[str] = []
    for key, is_, should in (
        ("label", there.label, wanted.label),
        ("description", there.description, wanted.description),
        ("fieldType", there.field_type, wanted.field_type),
    ):
        if is_ != should:
            fields[key] = should
            said.append(f"{key} {is_!r} becomes {should!r}")
    options, told = _options(wanted.options, there.options)
    if told:
        fields["options"] = [option_json(option) for option in options]
        said += told
    if not fields:
        return None
    return replace(change, action="update_property", detail=", ".join(said), fields=fields)


def _options(wanted: Sequence[Option], there: Sequence[Option]) -> tuple[list[Option], list[str]]:
    """All options the property is to have, and what is new about them. Options that are not ours stay."""
    merged = {option.value: option for option in there}
    said: list[str] = []
    for option in wanted:
        present = merged.get(option.value)
        if present is None:
            merged[option.value] = option
            said.append(f"option {option.value} is added")
        elif (present.label, present.description, present.hidden) != (
            option.label,
            option.description,
            False,
        ):
            merged[option.value] = replace(option, display_order=present.display_order)
            said.append(f"option {option.value} gets its texts")
    return list(merged.values()), said
