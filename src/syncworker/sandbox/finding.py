"""Which records match a search, in which order?

Search looks at an index that lags behind: a record that changed a moment ago matches, and is sorted, by what it was
before, while the values shown are the new ones. `temp.lagging` holds those older states.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from syncworker.sandbox import records, unsteady
from syncworker.sandbox.answers import invalid, invalid_json
from syncworker.sandbox.call import needed, strings, text
from syncworker.sandbox.catalogue import Schema
from syncworker.sandbox.clock import iso, parse_ms
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Record
from syncworker.sandbox.world import World

OPERATORS = (
    "IN", "NOT_HAS_PROPERTY", "LT", "EQ", "GT", "NOT_IN", "GTE", "CONTAINS_TOKEN", "HAS_PROPERTY", "LTE",
    "NOT_CONTAINS_TOKEN", "BETWEEN", "NEQ",
)  # fmt: skip
"""In the order in which the real error message lists them."""
_COMPARE = {"EQ": "=", "NEQ": "<>", "LT": "<", "LTE": "<=", "GT": ">", "GTE": ">="}
GROUPS, FILTERS, ALL_FILTERS = 5, 6, 18
"""Limits of the filter groups (HubSpot's search guide)."""

Sql = tuple[str, list[object]]


@dataclass(frozen=True, slots=True)
class Finder:
    """A parsed search: one SQL condition over records, and an order."""

    world: World
    portal: Portal
    kind: ObjectType
    condition: str
    values: list[object] = field(default_factory=list)
    order: str = "id"
    order_values: list[object] = field(default_factory=list)
    descending: bool = False

    @classmethod
    def parse(cls, world: World, portal: Portal, kind: ObjectType, body: Mapping[str, object]) -> Finder:
        """Read a search's body; raises RefusedError 400 where it breaks a limit or names something unknown."""
        schema = world.catalogue.schema(portal.hub_id, kind)
        groups = _objects(body, "filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
        filters = [_objects(group, "filters") for group in groups]
        if len(groups) > GROUPS or any(len(one) > FILTERS for one in filters) or sum(map(len, filters)) > ALL_FILTERS:
            raise invalid(f"A search takes at most {GROUPS} groups of {FILTERS} filters, {ALL_FILTERS} in all")
        parts: list[str] = []
        values: list[object] = []
        for group in filters:
            tests = [_test(kind, schema, one) for one in group]
            parts.append(" AND ".join(sql for sql, _ in tests) or "1")
            values += [value for _, given in tests for value in given]
        condition = " OR ".join(f"({part})" for part in parts) or "1"
        query = (text(body, "query") or "").strip().lower()
        if query:
            searched = "email" if kind is CONTACT else "domain"
            condition = f"({condition}) AND (lower(props) LIKE ? ESCAPE '\\' OR {searched} LIKE ? ESCAPE '\\')"
            values += [f"%{_escape(query)}%", f"{_escape(query)}%"]
        sorts = body.get("sorts") or []
        if not isinstance(sorts, list) or len(sorts) > 1:
            raise invalid("A search takes one sort")
        order, order_values, descending = "id", list[object](), False
        if sorts:
            first = sorts[0] if isinstance(sorts[0], dict) else {"propertyName": sorts[0]}
            name = needed(first, "propertyName").removeprefix("-")
            descending = (text(first, "direction") or "ASCENDING").upper() == "DESCENDING"
            order, order_values = _column(kind, schema, name)
        return cls(world, portal, kind, f"({condition})", values, order, order_values, descending)

    def run(self, *, offset: int, limit: int, now: int) -> tuple[int, list[Record]]:
        """How many match, and those from `offset` on as they are now."""
        database = self.world.database
        database.execute("DELETE FROM lagging WHERE visible <= ?", (now,))
        scope: list[object] = [self.portal.hub_id, self.kind.number]
        unsteady.show_some_early(self.world, self.portal, self.kind)
        lagging = database.execute(
            "SELECT EXISTS (SELECT 1 FROM lagging WHERE portal = ? AND type = ? AND NOT early)", scope
        ).fetchone()[0]
        matching = f"FROM records r WHERE portal = ? AND type = ? AND archived IS NULL AND {self.condition}"
        values = [*scope, *self.values]
        if lagging:
            matching += (
                " AND NOT EXISTS (SELECT 1 FROM lagging l "
                "WHERE l.portal = ? AND l.type = ? AND l.id = r.id AND NOT l.early)"
            )
            values += scope
        key = f"SELECT {self.order} AS place, id "
        sql = key + matching
        everything: list[object] = [*self.order_values, *values]
        if lagging:
            # The first state that is not visible yet hides all that came after it.
            sql += (
                f" UNION ALL {key}FROM lagging WHERE portal = ? AND type = ? AND present AND "
                f"{self.condition} "
                "AND seq IN (SELECT min(seq) FROM lagging WHERE portal = ? AND type = ? AND NOT early GROUP BY id)"
            )
            everything += [*self.order_values, *scope, *self.values, *scope]
        total = database.execute(f"SELECT count(*) FROM ({sql})", everything).fetchone()[0]
        direction = "DESC" if self.descending else "ASC"
        ids = [
            row[1]
            for row in database.execute(
                f"{sql} ORDER BY place {direction}, id {direction} LIMIT ? OFFSET ?",
                (*everything, limit, offset),
            )
        ]
        found = records.by_ids(database, self.portal.hub_id, self.kind, ids)
        return total, [found[id_] for id_ in ids if id_ in found]


def _column(kind: ObjectType, schema: Schema, name: str) -> Sql:
    """What to compare for a property: its column where it has one, else its JSON value, in lower case."""
    if name == "hs_object_id":
        return "id", []
    if name == kind.modified_property:
        return "modified", []
    if name == "createdate":
        return "created", []
    if (name == "email" and kind is CONTACT) or (name == "domain" and kind is COMPANY):
        return name, []
    definition = schema.definitions.get(name)
    if definition is None:
        raise invalid(f"There was a problem with the request: property {name[:100]} does not exist")
    if name == "website":
        # Word for word as in its index: a parameter would hide it.
        return "lower(json_extract(props, '$.\"website\"'))", []
    path = f"$.{json.dumps(name)}"
    if definition["type"] == "number":
        return "CAST(json_extract(props, ?) AS REAL)", [path]
    if definition["type"] in ("enumeration", "date", "datetime"):
        return "json_extract(props, ?)", [path]
    return "lower(json_extract(props, ?))", [path]


def _test(kind: ObjectType, schema: Schema, one: Mapping[str, object]) -> Sql:
    name = needed(one, "propertyName")
    operator = text(one, "operator") or ""
    if operator not in OPERATORS:
        raise invalid_json(f"Enum type must be one of: [{', '.join(OPERATORS)}]")
    column, path = _column(kind, schema, name)
    if operator == "HAS_PROPERTY":
        return f"{column} IS NOT NULL", path
    if operator == "NOT_HAS_PROPERTY":
        return f"{column} IS NULL", path
    if operator in ("IN", "NOT_IN"):
        wanted = [_operand(kind, schema, name, value) for value in strings(one, "values")]
        if not wanted:
            raise invalid(f"{operator} needs values")
        sql = f"{column} IN ({','.join('?' * len(wanted))})"
        # These three match records that lack the property; the others do not (observed).
        return (
            (sql, [*path, *wanted])
            if operator == "IN"
            else (f"({column} IS NULL OR NOT {sql})", [*path, *path, *wanted])
        )
    value = _operand(kind, schema, name, needed(one, "value"))
    if operator == "BETWEEN":
        high = _operand(kind, schema, name, needed(one, "highValue"))
        return f"{column} BETWEEN ? AND ?", [*path, value, high]
    if operator.endswith("CONTAINS_TOKEN"):
        pattern = _escape(str(value)).replace("*", "%")
        spaced = f"replace(replace(replace({column}, '@', ' '), '.', ' '), '-', ' ')"
        words = f"' ' || {spaced} || ' ' LIKE ? ESCAPE '\\' OR {column} LIKE ? ESCAPE '\\'"
        given = [*path, f"% {pattern} %", *path, pattern]
        if operator == "CONTAINS_TOKEN":
            return f"({words})", given
        return f"({column} IS NULL OR NOT ({words}))", [*path, *given]
    sql = f"{column} {_COMPARE[operator]} ?"
    if operator == "NEQ":
        return f"({column} IS NULL OR {sql})", [*path, *path, value]
    return sql, [*path, value]


def _operand(kind: ObjectType, schema: Schema, name: str, value: str) -> object:
    """A filter's value as the column holds it. Times come as epoch milliseconds (HubSpot's search guide)."""
    type_ = schema.definitions[name]["type"] if name in schema.definitions else "string"
    if type_ in ("date", "datetime"):
        moment = parse_ms(value)
        if moment is None:
            raise invalid(f"{value[:100]} is not a time for {name}: give epoch milliseconds")
        if name in ("createdate", kind.modified_property):
            return moment
        return iso(moment)[:10] if type_ == "date" else iso(moment)
    if type_ == "number":
        try:
            return float(value) if name != "hs_object_id" else int(value)
        except ValueError:
            raise invalid(f"{value[:100]} is not a number for {name}") from None
    return value if type_ == "enumeration" else value.lower()


def _objects(body: Mapping[str, object], key: str) -> list[dict[str, object]]:
    value = body.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise invalid_json(f"`{key}` must be an array of objects")
    return value


def _escape(pattern: str) -> str:
    return pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
