"""What is a property definition, ours or one that HubSpot has?"""

from __future__ import annotations

from dataclasses import dataclass

from syncworker.hubspot.json_values import JsonObject, objects, read_text, text


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One value of an enumeration, with what people read."""

    value: str
    label: str
    description: str = ""
    display_order: int = 0
    hidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyDefinition:
    """A property of a kind. `type` and `field_type` are HubSpot's words (`enumeration`, `select`)."""

    name: str
    label: str
    type: str
    field_type: str
    group: str
    description: str = ""
    options: tuple[Option, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyGroup:
    """The heading under which properties stand in the CRM."""

    name: str
    label: str


def read_option(source: JsonObject) -> Option:
    """An option as HubSpot gives it."""
    order = source.get("displayOrder")
    return Option(
        value=read_text(source, "value"),
        label=text(source, "label") or "",
        description=text(source, "description") or "",
        display_order=order if isinstance(order, int) else -1,
        hidden=source.get("hidden") is True,
    )


def read_definition(source: JsonObject) -> PropertyDefinition:
    """A definition as HubSpot gives it."""
    return PropertyDefinition(
        name=read_text(source, "name"),
        label=text(source, "label") or "",
        type=text(source, "type") or "",
        field_type=text(source, "fieldType") or "",
        group=text(source, "groupName") or "",
        description=text(source, "description") or "",
        options=tuple(read_option(option) for option in objects(source, "options")),
    )


def read_group(source: JsonObject) -> PropertyGroup:
    """A group as HubSpot gives it."""
    return PropertyGroup(name=read_text(source, "name"), label=text(source, "label") or "")


def option_json(option: Option) -> JsonObject:
    """An option as HubSpot takes it."""
    return {
        "value": option.value,
        "label": option.label,
        "description": option.description,
        "displayOrder": option.display_order,
        "hidden": option.hidden,
    }


def definition_json(definition: PropertyDefinition) -> JsonObject:
    """A definition as HubSpot takes it."""
    body: JsonObject = {
        "name": definition.name,
        "label": definition.label,
        "type": definition.type,
        "fieldType": definition.field_type,
        "groupName": definition.group,
        "description": definition.description,
    }
    if definition.options:
        body["options"] = [option_json(option) for option in definition.options]
    return body
