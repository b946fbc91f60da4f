"""Where is what the CRM shows kept while a ledger is rebuilt from it?

In temporary tables of a session of its own, so that a million records need no more memory than a thousand. They are
gone with the session, however it ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, fields
from enum import Enum
from types import TracebackType
from typing import Any, Self

from sqlalchemy import BigInteger, Column, Date, DateTime, MetaData, Row, Table, Text, func, select, text
from sqlalchemy.dialects.postgresql import insert

from syncworker.registration.rules.terms import Confirmation, Reason, Source, Status
from syncworker.store.database import Database
from syncworker.store.portals import Portal
from syncworker.sync.marks import Kind
from syncworker.sync.recovery.crm_evidence import Shown
from syncworker.sync.recovery.rebuild_claims import OF_CLAIMS, OVER, Said

# So many domains under a partner's lock at a time; fewer where they have many records, but always one.
DOMAINS_AT_ONCE = 200
RECORDS_AT_ONCE = 2000

_metadata = MetaData()
_shown = Table(
    "crm_shown",
    _metadata,
    Column("hub_id", BigInteger, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("object_id", Text, primary_key=True),
    Column("partner_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("reason", Text),
    Column("domain", Text),
    Column("present", Text),
    Column("registered_on", Date),
    Column("expires_on", Date),
    Column("source", Text),
    Column("confirmed", Text),
    Column("company_id", Text),
    prefixes=["TEMPORARY"],
)
_said = Table(
    "crm_said",
    _metadata,
    Column("partner_id", BigInteger, primary_key=True),
    Column("domain", Text, primary_key=True),
    Column("hub_id", BigInteger, nullable=False),
    Column("status", Text, nullable=False),
    Column("set_at", DateTime(timezone=True), nullable=False),
    Column("registered_on", Date),
    Column("expires_on", Date),
    Column("contact_id", Text),
    Column("company_id", Text),
    Column("source", Text, nullable=False),
    Column("confirmed", Text),
    prefixes=["TEMPORARY"],
)


class Notes:
    """What the records of these portals show, and what was last said of their domains."""

    def __init__(self, database: Database, portals: Collection[Portal]) -> None:
        self._portals = {portal.hub_id: portal for portal in portals}
        self._connection = database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")

    def __enter__(self) -> Self:
        _metadata.create_all(self._connection, checkfirst=False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Not back to the pool: its end is the end of the session, and of the tables with it.
        self._connection.invalidate()
        self._connection.close()

    def keep_shown(self, page: Sequence[Shown]) -> int:
        """Keep what records show; one that a list gave twice counts once. Returns how many it were."""
        rows = [_plain(asdict(one), partner_id=self._portals[one.hub_id].partner.id) for one in page]
        if rows:
            self._connection.execute(insert(_shown).on_conflict_do_nothing(), rows)
        return len(rows)

    def all_shown(self) -> int:
        """All is kept: how many records it is."""
        self._connection.execute(text("CREATE INDEX ON crm_shown (partner_id, domain)"))
        self._connection.execute(text("ANALYZE crm_shown"))
        return int(self._connection.execute(select(func.count()).select_from(_shown)).scalar_one())

    def domains(self) -> Iterator[tuple[int, dict[str, list[Shown]]]]:
        """The records of each domain that shows, or showed, a registration: some domains of one partner at a time."""
        claims = _shown.c.status.in_([status.value for status in OF_CLAIMS])
        for partner_id in sorted({portal.partner.id for portal in self._portals.values()}):
            after = ""
            while names := self._next_domains(partner_id, after):
                some = select(_shown).where(_shown.c.partner_id == partner_id, _shown.c.domain.in_(names), claims)
                found: dict[str, list[Shown]] = defaultdict(list)
                for row in self._connection.execute(some.order_by(_shown.c.domain, _shown.c.kind, _shown.c.object_id)):
                    found[row.domain].append(_of_row(row))
                yield partner_id, found
                after = names[-1]

    def _next_domains(self, partner_id: int, after: str) -> list[str]:
        number = func.count().label("records")
        counted = (
            select(_shown.c.domain, number)
            .where(
                _shown.c.partner_id == partner_id,
                _shown.c.domain > after,
                _shown.c.status.in_([status.value for status in OF_CLAIMS]),
            )
            .group_by(_shown.c.domain)
            .order_by(_shown.c.domain)
            .limit(DOMAINS_AT_ONCE)
        )
        names: list[str] = []
        records = 0
        for row in self._connection.execute(counted):
            records += row.records
            if names and records > RECORDS_AT_ONCE:
                break
            names.append(row.domain)
        return names

    def keep_said(self, said: Sequence[Said]) -> None:
        """Keep the CRM's last words about domains."""
        rows = [
            _plain(
                {of.name: getattr(one, of.name) for of in fields(one) if of.name != "portal"},
                hub_id=one.portal.hub_id,
                partner_id=one.portal.partner.id,
            )
            for one in said
        ]
        if rows:
            self._connection.execute(insert(_said), rows)

    def said(self, *, over: bool) -> Iterator[tuple[int, list[Said]]]:
        """The last words of registrations that are over, or that are not: some of one partner's at a time."""
        ended = _said.c.status.in_([status.value for status in OVER])
        for partner_id in sorted({portal.partner.id for portal in self._portals.values()}):
            after = ""
            while True:
                some = (
                    select(_said)
                    .where(_said.c.partner_id == partner_id, _said.c.domain > after, ended if over else ~ended)
                    .order_by(_said.c.domain)
                    .limit(DOMAINS_AT_ONCE)
                )
                found = [self._said_of_row(row) for row in self._connection.execute(some)]
                if not found:
                    break
                yield partner_id, found
                after = found[-1].domain

    def contacts(self, hub_id: int, statuses: Collection[Status]) -> Iterator[dict[str, Shown]]:
        """The portal's contacts that show one of these, some at a time."""
        after = ""
        while True:
            some = (
                select(_shown)
                .where(_shown.c.hub_id == hub_id, _shown.c.kind == Kind.CONTACT.value, _shown.c.object_id > after)
                .where(_shown.c.status.in_([status.value for status in statuses]))
                .order_by(_shown.c.object_id)
                .limit(DOMAINS_AT_ONCE)
            )
            found = {row.object_id: _of_row(row) for row in self._connection.execute(some)}
            if not found:
                return
            yield found
            after = next(reversed(found))  # the last by the database's order, which may not be Python's

    def _said_of_row(self, row: Row[*tuple[Any, ...]]) -> Said:
        of = row._mapping
        return Said(
            **{name: of[name] for name in ("domain", "set_at", "registered_on", "expires_on")},
            portal=self._portals[row.hub_id],
            status=Status(row.status),
            contact_id=row.contact_id,
            company_id=row.company_id,
            source=Source(row.source),
            confirmed=Confirmation(row.confirmed) if row.confirmed else None,
        )


def _plain(values: Mapping[str, object], **more: object) -> dict[str, object]:
    return {name: value.value if isinstance(value, Enum) else value for name, value in values.items()} | more


def _of_row(row: Row[*tuple[Any, ...]]) -> Shown:
    of: dict[str, Any] = dict(row._mapping)
    return Shown(
        **{
            **{name: value for name, value in of.items() if name != "partner_id"},
            "kind": Kind(row.kind),
            "status": Status(row.status),
            "reason": Reason(row.reason) if row.reason else None,
            "source": Source(row.source) if row.source else None,
            "confirmed": Confirmation(row.confirmed) if row.confirmed else None,
        }
    )
