"""What happens when somebody changes a record?

The new state is stored, with its history, search keeps its old view for a while, and subscribers are told. Everything
here runs inside a transaction of the world.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from syncworker.sandbox import history, records
from syncworker.sandbox.answers import RefusedError, conflict
from syncworker.sandbox.object_types import COMPANY, CONTACT, ObjectType
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Record, Source
from syncworker.sandbox.values import BadValueError, forward_only, merged_choice, refusal
from syncworker.sandbox.world import World

SILENT = frozenset(
    {
        "num_conversion_events",
        "num_unique_conversion_events",
        "recent_conversion_date",
        "recent_conversion_event_name",
        "first_conversion_date",
        "first_conversion_event_name",
        "hs_calculated_form_submissions",
    }
)
"""Calculated: whether HubSpot's fire propertyChange is unknown, so these do not."""

_INSERT = "INSERT INTO records VALUES (?, ?, ?, ?, ?, NULL, ?, ?, ?, ?, ?)"
_UPDATE = "UPDATE records SET modified = ?, email = ?, domain = ?, props = ? WHERE portal = ? AND type = ? AND id = ?"
_LAG = (
    "INSERT INTO lagging (portal, type, id, visible, present, created, modified, email, domain, props) "
    "SELECT portal, type, id, ?, archived IS NULL, created, modified, email, domain, props FROM records "
    "WHERE portal = ? AND type = ? AND id = ?"
)
_LAG_NEW = "INSERT INTO lagging (portal, type, id, visible, present, created, modified) VALUES (?, ?, ?, ?, 0, 0, 0)"


@dataclass(frozen=True, slots=True)
class Writer:
    """Somebody (`source`) who changes records of a portal at a time (`now`, ms)."""

    world: World
    portal: Portal
    source: Source
    now: int

    def create(self, kind: ObjectType, properties: Mapping[str, str]) -> Record:
        """A new record. Raises RefusedError 409 where a live contact has the email already."""
        values = {name: value for name, value in properties.items() if value}
        self._check_unique(kind, [(None, values)])
        id_ = self.world.database.next_ids(self.portal.hub_id, kind.number)[0]
        made = Record(id_, self.now, self.now, None, values, self.source)
        self.world.database.execute(
            _INSERT,
            (
                self.portal.hub_id, kind.number, id_, self.now, self.now, _email(kind, values),
                _domain(kind, values), _dump(values), self.source.type, self.source.id,
            ),
        )  # fmt: skip
        self.lag_new(kind, id_)
        self.tell(kind, "creation", {"objectId": id_, "changeFlag": "CREATED"})
        self._tell_changes(kind, id_, values)
        self._note(kind, id_, "created", values)
        return made

    def update(self, kind: ObjectType, record: Record, properties: Mapping[str, str]) -> Record:
        """One record's new values."""
        return self.update_many(kind, [(record, properties)])[0]

    def update_many(
        self, kind: ObjectType, wanted: Sequence[tuple[Record, Mapping[str, str]]], *, at: int | None = None
    ) -> list[Record]:
        """New values for records, "" clearing; equal values change nothing, neither history nor the modified time.

        `at` dates the history (a form's submission time); raises RefusedError where a unique value is taken.
        """
        definitions = self.world.catalogue.schema(self.portal.hub_id, kind).definitions
        changes: list[tuple[Record, dict[str, str]]] = []
        result: list[Record] = []
        for record, properties in wanted:
            changed = {}
            for name, value in properties.items():
                old = record.properties.get(name, "")
                new = merged_choice(definitions.get(name), old, value)
                if new != old:
                    changed[name] = new
            forward_only(record.properties, changed)
            if not changed:
                result.append(record)
                continue
            values = {name: value for name, value in {**record.properties, **changed}.items() if value}
            changes.append((record, changed))
            result.append(replace(record, modified=max(self.now, record.modified), properties=values))
        if not changes:
            return result
        self._check_unique(kind, [(record.id, changed) for record, changed in changes])
        history.append(
            self.world.database,
            self.portal.hub_id,
            kind,
            changes,
            at=self.now if at is None else at,
            source=self.source,
        )
        self.lag(kind, (record.id for record, _ in changes))
        touched = {record.id for record, _ in changes}
        self.world.database.executemany(
            _UPDATE,
            [
                (
                    record.modified, _email(kind, record.properties), _domain(kind, record.properties),
                    _dump(record.properties), self.portal.hub_id, kind.number, record.id,
                )
                for record in result
                if record.id in touched
            ],
        )  # fmt: skip
        for record, changed in changes:
            self._tell_changes(kind, record.id, changed)
            self._note(kind, record.id, "changed", changed)
        return result

    def lag(self, kind: ObjectType, ids: Iterable[int]) -> None:
        """Let search see the present state of records for a while longer; call it before changing them."""
        lag = self.world.faults.next_lag_ms
        changes = [(self.now + lag(), self.portal.hub_id, kind.number, id_) for id_ in ids]
        self.world.database.executemany(_LAG, [change for change in changes if change[0] > self.now])

    def lag_new(self, kind: ObjectType, id_: int) -> None:
        """Hide a new record from search for a while."""
        lag = self.world.faults.next_lag_ms()
        if lag:
            self.world.database.execute(_LAG_NEW, (self.portal.hub_id, kind.number, id_, self.now + lag))

    def tell(self, kind: ObjectType, what: str, facts: dict[str, object], prop: str | None = None) -> None:
        """Send subscribers an event, `what` being the part after the dot of its type."""
        self.world.outbox.put(self.portal, f"{kind.singular}.{what}", self.source, self.now, facts, prop)

    def _tell_changes(self, kind: ObjectType, id_: int, changed: Mapping[str, str]) -> None:
        for name, value in changed.items():
            if name not in SILENT:
                facts: dict[str, object] = {"objectId": id_, "propertyName": name, "propertyValue": value}
                self.tell(kind, "propertyChange", facts, name)

    def _note(self, kind: ObjectType, id_: int, what: str, changed: Mapping[str, str]) -> None:
        self.world.feed.note(
            hub_id=self.portal.hub_id, type=kind.plural, id=str(id_), what=what, properties=dict(changed),
            source=self.source.type, at=self.now,
        )  # fmt: skip

    def _check_unique(self, kind: ObjectType, values: Sequence[tuple[int | None, Mapping[str, str]]]) -> None:
        """Emails of contacts, and whatever property says `hasUniqueValue`."""
        database, hub_id = self.world.database, self.portal.hub_id
        if kind is CONTACT:
            wanted = [(id_, value["email"]) for id_, value in values if value.get("email")]
            if wanted:
                holders = records.by_value(database, hub_id, kind, "email", [email for _, email in wanted])
                seen: set[str] = set()
                for id_, email in wanted:
                    holder = holders.get(email)
                    if holder is not None and holder.id != id_:
                        raise _taken(holder.id)
                    if email in seen:
                        raise conflict("Contact already exists.")
                    seen.add(email)
        for name in self.world.catalogue.schema(hub_id, kind).unique:
            claims = [(id_, value[name]) for id_, value in values if value.get(name)]
            if not claims:
                continue
            holders = records.by_value(database, hub_id, kind, name, [text for _, text in claims])
            for id_, text in claims:
                holder = holders.get(text.lower())
                if holder is not None and holder.id != id_:
                    message = f"Cannot set {name} to {text[:100]}: {holder.id} already has that value"
                    raise refusal([BadValueError(name, "CONFLICTING_UNIQUE_VALUE", message)], hub_id)


def _taken(holder: int) -> RefusedError:
    """Recorded many times, word for word."""
    return conflict(f"Contact already exists. Existing ID: {holder}")


def _email(kind: ObjectType, values: Mapping[str, str]) -> str | None:
    return values.get("email", "").lower() or None if kind is CONTACT else None


def _domain(kind: ObjectType, values: Mapping[str, str]) -> str | None:
    return values.get("domain", "").lower() or None if kind is COMPANY else None


def _dump(values: Mapping[str, str]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
