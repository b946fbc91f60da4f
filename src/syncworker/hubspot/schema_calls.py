"""What can be asked of HubSpot about the properties and groups that a portal has?"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.hubspot.calling import Call, Caller
from syncworker.hubspot.definitions import (
    PropertyDefinition,
    PropertyGroup,
    definition_json,
    read_definition,
    read_group,
)
from syncworker.hubspot.json_values import JsonObject, read_objects
from syncworker.hubspot.paths import Kind, Paths


class SchemaCalls:
    """The calls of the client that concern definitions and not records. They need the schema scopes."""

    def __init__(self, paths: Paths, caller: Caller) -> None:
        self.paths = paths
        self._caller = caller

    def property_definitions(self, object_type: Kind) -> list[PropertyDefinition]:
        """All property definitions of a kind."""
        call = Call(method="GET", path=self.paths.properties(object_type))
        return self._caller.call(
            call, lambda source: [read_definition(item) for item in read_objects(source, "results")]
        )

    def create_property(self, object_type: Kind, definition: PropertyDefinition) -> None:
        """Create a property. FixRequest with `exists` where there is one of that name."""
        body = definition_json(definition)
        self._caller.call(Call(method="POST", path=self.paths.properties(object_type), body=body), _nothing)

    def update_property(self, object_type: Kind, name: str, changes: Mapping[str, object]) -> None:
        """Change fields of a property, in HubSpot's words. `options` replaces all options."""
        call = Call(
            method="PATCH",
            path=self.paths.properties(object_type, name),
            template=f"{self.paths.properties(object_type)}/{{name}}",
            body=changes,
        )
        self._caller.call(call, _nothing)

    def property_groups(self, object_type: Kind) -> list[PropertyGroup]:
        """All property groups of a kind."""
        call = Call(method="GET", path=self.paths.groups(object_type))
        return self._caller.call(call, lambda source: [read_group(item) for item in read_objects(source, "results")])

    def create_group(self, object_type: Kind, group: PropertyGroup) -> None:
        """Create a property group. FixRequest with `exists` where there is one of that name."""
        body = {"name": group.name, "label": group.label, "displayOrder": -1}
        self._caller.call(Call(method="POST", path=self.paths.groups(object_type), body=body), _nothing)


def _nothing(_: JsonObject) -> None:
    """The answer of a write that says nothing new."""
