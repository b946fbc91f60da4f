"""How do holds come in by the file, and what became of each row?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select

from syncworker.languages import Words, to_translate
from syncworker.registration.ledger import holds
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.holds import Hold
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import HoldKind, Source
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.tables import holds as holds_table
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.did import did
from syncworker.sync.lists import refusal_words
from syncworker.sync.marks import Priority
from syncworker.sync.portals.takeover import rows_of
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.wake import Ring

COLUMNS = ("domain", "kind", "note")
NOTE_CHARACTERS = 500


class Came(StrEnum):
    """What became of a row."""

    ADDED = "added"
    CHANGED = "changed"
    """The domain was held already, for another kind or with another note."""
    KNOWN = "known"
    LEFT_OUT = "left_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRow:
    """A row of the file, numbered as an editor shows it. `written` is untrusted."""

    number: int
    written: str
    """The domain as the file has it."""
    domain: str | None
    came: Came
    why: Words | None = None
    """Why it was left out."""


def import_holds(
    context: Context, content: bytes, name: str, *, who: str, dry_run: bool, source: Source = Source.APP
) -> list[HoldRow]:
    """Keep the holds of a CSV file, for all portals; with `dry_run` only say what would become of each row.

    Columns: domain, kind (a HoldKind) and note. Rows that cannot be used are left out; of several for a domain the
    first counts. Raises BadFile.
    """
    rows = rows_of(content, name, COLUMNS, required=("domain", "kind"))
    wanted: dict[str, tuple[int, Hold]] = {}
    left_out: list[HoldRow] = []
    for number, row in rows:
        domain = registrable(row["domain"], context.domain_rules)
        if not isinstance(domain, str):
            problem = refusal_words.words(domain, row["domain"])
        elif row["kind"] not in set(HoldKind):
            problem = Words(to_translate("kind must be one of %(kinds)s"), {"kinds": ", ".join(HoldKind)})
        elif domain in wanted:
            problem = Words(to_translate("the same domain as in row %(row)s"), {"row": wanted[domain][0]})
        else:
            note = storable(row["note"][:NOTE_CHARACTERS])
            wanted[domain] = number, Hold(domain=domain, kind=HoldKind(row["kind"]), note=note)
            continue
        named = domain if isinstance(domain, str) else None
        left_out.append(HoldRow(number=number, written=row["domain"], domain=named, came=Came.LEFT_OUT, why=problem))
    written = {number: row["domain"] for number, row in rows}

    def keep(tx: Tx) -> tuple[list[HoldRow], set[Ring]]:
        before = _kept(tx, list(wanted))
        came = [
            HoldRow(number=number, written=written[number], domain=hold.domain, came=_came(hold, before))
            for number, hold in wanted.values()
        ]
        new = [hold for _, hold in wanted.values() if _came(hold, before) is not Came.KNOWN]
        changes = Changes() if dry_run else holds.add(tx, new, who=who)
        if new and not dry_run:
            told = {"count": len(new), "file": storable(name[:100])}
            did(tx, Happened.HOLDS_IMPORTED, who=who, source=source, detail=told)
        return came, mark_changes(tx, changes, cause="import", priority=Priority.POLL)

    came, rings = context.database.run(keep)
    context.waker.ring(*rings)
    return sorted([*came, *left_out], key=lambda row: row.number)


def _kept(tx: Tx, domains: list[str]) -> dict[str, Hold]:
    of = holds_table.c
    query = select(of.domain, of.kind, of.note).where(among(of.domain, domains))
    rows = tx.connection.execute(query)
    return {row.domain: Hold(domain=row.domain, kind=HoldKind(row.kind), note=row.note) for row in rows}


def _came(hold: Hold, before: dict[str, Hold]) -> Came:
    if hold.domain not in before:
        return Came.ADDED
    return Came.KNOWN if before[hold.domain] == hold else Came.CHANGED
