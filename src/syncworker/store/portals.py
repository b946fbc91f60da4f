"""Which portals and partners are there, and how do they stand?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from types import SimpleNamespace

from sqlalchemy import Row, Select, bindparam, delete, func, insert, select, true, update

from syncworker.store.database import Database, Tx, in_drivers_words
from syncworker.store.secrets import PortalCredentials, Secrets
from syncworker.store.tables import deployment, partners, portals

# PostgreSQL knows 'infinity', Python does not: a block that only a person lifts ends here.
UNTIL_A_PERSON_ACTS = datetime(9999, 1, 1, tzinfo=UTC)


class Mode(StrEnum):
    """What may be done in a portal."""

    OBSERVE = "observe"
    """Decide and show what would be done; register and write nothing."""
    WRITE = "write"
    PAUSED = "paused"


class UnknownPortal(Exception):
    """No such portal is connected."""

    def __init__(self, hub_id: int) -> None:
        self.hub_id = hub_id
        super().__init__(f"portal {hub_id} is not connected: see `syncworker portals list`")


class WrongHubSpot(Exception):
    """The database has met the sandbox and is asked to meet a real portal, or the other way round."""

    def __init__(self, known: str, asked: str) -> None:
        super().__init__(
            f"this database belongs to the {known}, and SYNCWORKER_HUBSPOT_BASE_URL points to the {asked}: "
            "use another SYNCWORKER_DATABASE_URL (or SYNCWORKER_DATA_DIR) for it"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """A company that registers leads."""

    id: int
    name: str
    program: str
    tier: str
    capacity: int | None
    """Overrides the tier's capacity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Who stopped the portal, when and why; unpausing brings `mode_before` back."""

    at: datetime
    by: str
    reason: str
    mode_before: Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """A connected HubSpot account, without its credentials."""

    hub_id: int
    name: str
    mode: Mode
    time_zone: str
    ui_domain: str
    app_id: str | None
    partner_company_id: str | None
    connected_at: datetime
    blocked_until: datetime | None
    blocked_reason: str | None
    blocked_detail: str | None
    partner: Partner
    pause: Pause | None = None
    restored_from: datetime | None = None
    """Its ledger is that of a backup of this time, and was not compared with the CRM yet."""

    def is_blocked(self, now: datetime) -> bool:
        """Whether a failure of the whole portal still keeps it from being worked on."""
        return self.blocked_until is not None and self.blocked_until > now

    def address(self, kind: str, object_id: str) -> str:
        """A record in HubSpot, as a browser opens it. `kind`: contact or company."""
        return f"https://{self.ui_domain}/contacts/{self.hub_id}/record/0-{2 if kind == 'company' else 1}/{object_id}"


_COLUMNS: Select[*tuple[object, ...]] = select(
    portals.c.hub_id, portals.c.name, portals.c.mode, portals.c.time_zone, portals.c.ui_domain, portals.c.app_id,
    portals.c.partner_company_id, portals.c.connected_at, portals.c.blocked_until, portals.c.blocked_reason,
    portals.c.blocked_detail, portals.c.paused_at, portals.c.paused_by, portals.c.paused_reason, portals.c.mode_before,
    portals.c.restored_from,
    partners.c.id.label("partner_id"), partners.c.name.label("partner_name"), partners.c.program, partners.c.tier,
    partners.c.capacity,
).join_from(portals, partners)  # fmt: skip


# Past SQLAlchemy: nearly every transaction begins with it.
_ONE = in_drivers_words(str(_COLUMNS.where(portals.c.hub_id == bindparam("hub_id")).compile()))
_NAMES = tuple(str(column.key) for column in _COLUMNS.selected_columns)


def _portal(row: Row[*tuple[object, ...]] | SimpleNamespace) -> Portal:
    return Portal(
        hub_id=row.hub_id, name=row.name, mode=Mode(row.mode), time_zone=row.time_zone, ui_domain=row.ui_domain,
        app_id=row.app_id, partner_company_id=row.partner_company_id, connected_at=row.connected_at,
        blocked_until=row.blocked_until, blocked_reason=row.blocked_reason, blocked_detail=row.blocked_detail,
        partner=Partner(id=row.partner_id, name=row.partner_name, program=row.program, tier=row.tier,
                        capacity=row.capacity),
        pause=_pause(row), restored_from=row.restored_from,
    )  # fmt: skip


def _pause(row: Row[*tuple[object, ...]] | SimpleNamespace) -> Pause | None:
    if row.mode != Mode.PAUSED:
        return None
    # One that was connected as paused, or paused before that was kept, has no mode to go back to: the careful one.
    before = Mode(row.mode_before) if row.mode_before else Mode.OBSERVE
    at = row.paused_at or row.connected_at
    return Pause(at=at, by=row.paused_by or "unknown", reason=row.paused_reason or "", mode_before=before)


def get(tx: Tx, hub_id: int) -> Portal:
    """The portal, or UnknownPortal."""
    found = tx.ask(_ONE, {"hub_id": hub_id}).rows
    if not found:
        raise UnknownPortal(hub_id)
    return _portal(SimpleNamespace(**dict(zip(_NAMES, found[0], strict=True))))


def everyone(tx: Tx, *, partner_id: int | None = None) -> list[Portal]:
    """All portals (of one partner), by hub id."""
    query = _COLUMNS.order_by(portals.c.hub_id)
    if partner_id is not None:
        query = query.where(portals.c.partner_id == partner_id)
    return [_portal(row) for row in tx.connection.execute(query)]


def ensure_partner(tx: Tx, *, name: str, program: str, tier: str, capacity: int | None) -> Partner:
    """The partner of that name, made or brought to these values."""
    row = tx.connection.execute(select(partners.c.id).where(partners.c.name == name)).one_or_none()
    values = {"program": program, "tier": tier, "capacity": capacity}
    if row is None:
        created = insert(partners).values(name=name, **values).returning(partners.c.id)
        partner_id: int = tx.connection.execute(created).scalar_one()
    else:
        partner_id = row.id
        tx.connection.execute(update(partners).where(partners.c.id == partner_id).values(**values))
    return Partner(id=partner_id, name=name, **values)  # type: ignore[arg-type] # the mapping's values differ in type


def lock_partner(tx: Tx, partner_id: int) -> Partner:
    """Lock the partner's row: first in the lock order, and what makes counting its capacity safe."""
    # Not FOR UPDATE: each new row that refers to the partner holds its key, and would wait for us and we for it.
    row = tx.connection.execute(
        select(partners).where(partners.c.id == partner_id).with_for_update(key_share=True)
    ).one()
    return Partner(id=row.id, name=row.name, program=row.program, tier=row.tier, capacity=row.capacity)


def add(
    tx: Tx, *, hub_id: int, partner: Partner, name: str, mode: Mode, time_zone: str, ui_domain: str,
    app_id: str | None, partner_company_id: str | None, sealed: bytes,
) -> bool:  # fmt: skip
    """Connect a portal, or bring one that is connected to these values (its mode stays). True if it is new."""
    values = {
        "partner_id": partner.id, "name": name, "time_zone": time_zone, "ui_domain": ui_domain, "app_id": app_id,
        "partner_company_id": partner_company_id, "credentials": sealed,
    }  # fmt: skip
    known = tx.connection.execute(select(portals.c.hub_id).where(portals.c.hub_id == hub_id)).one_or_none()
    if known is not None:
        tx.connection.execute(
            update(portals).where(portals.c.hub_id == hub_id)
            .values(**values)
        )  # fmt: skip
        unblock(tx, hub_id)
        return False
    tx.connection.execute(insert(portals).values(hub_id=hub_id, mode=mode, connected_at=tx.now, **values))
    return True


def company_merged(tx: Tx, hub_id: int, moved: Mapping[str, str]) -> None:
    """Where the partner's own company record was merged, it is the one with the new id."""
    for old, new in sorted(moved.items()):
        own = update(portals).where(portals.c.hub_id == hub_id, portals.c.partner_company_id == old)
        tx.connection.execute(own.values(partner_company_id=new))


_NOT_PAUSED = {"paused_at": None, "paused_by": None, "paused_reason": None, "mode_before": None}


def set_mode(tx: Tx, hub_id: int, mode: Mode) -> None:
    """Set the mode, which ends a pause; or raise UnknownPortal."""
    row = update(portals).where(portals.c.hub_id == hub_id).values(mode=mode, **_NOT_PAUSED)
    if not tx.connection.execute(row).rowcount:
        raise UnknownPortal(hub_id)


def pause(tx: Tx, hub_id: int, *, who: str, reason: str) -> bool:
    """Set the mode to `paused` and keep what it was; false if the portal is paused already."""
    row = update(portals).where(portals.c.hub_id == hub_id, portals.c.mode != Mode.PAUSED)
    paused = row.values(
        mode=Mode.PAUSED, mode_before=portals.c.mode, paused_at=tx.now, paused_by=who, paused_reason=reason[:500]
    )
    return tx.connection.execute(paused).rowcount > 0


def note_rebuilt(tx: Tx, hub_id: int) -> None:
    """The restored ledger of the portal was compared with the CRM."""
    tx.connection.execute(update(portals).where(portals.c.hub_id == hub_id).values(restored_from=None))


def remove(tx: Tx, hub_id: int) -> None:
    """Forget a portal with its marks, cursors and requests; registrations and history stay."""
    if not tx.connection.execute(delete(portals).where(portals.c.hub_id == hub_id)).rowcount:
        raise UnknownPortal(hub_id)


def failures(tx: Tx, hub_id: int) -> int:
    """How often in a row the whole portal has failed."""
    query = select(portals.c.failures).where(portals.c.hub_id == hub_id)
    return tx.connection.execute(query).scalar_one_or_none() or 0


def note_success(tx: Tx, hub_id: int) -> None:
    """Something was done in the portal: its failures in a row are over."""
    tx.ask(_SUCCESS, {"hub_id": hub_id})


_SUCCESS = in_drivers_words("UPDATE portals SET failures = 0 WHERE hub_id = :hub_id AND failures > 0")


# A failure that passes by itself must not lift what only a person may lift.
_WAITS_FOR_NOBODY = portals.c.blocked_until.is_(None) | (portals.c.blocked_until < UNTIL_A_PERSON_ACTS)


def block(tx: Tx, hub_id: int, *, until: datetime, reason: str, detail: str) -> None:
    """Let nobody work on the portal until then. What waits for a person goes on waiting for that person."""
    tx.connection.execute(
        update(portals).where(portals.c.hub_id == hub_id, _WAITS_FOR_NOBODY)
        .values(
            blocked_until=until,
            blocked_reason=reason,
            blocked_detail=detail[:500],
            failures=func.least(portals.c.failures + 1, 1000),
        )
    )  # fmt: skip


def unblock(tx: Tx, hub_id: int, *, brake: bool = False) -> None:
    """Let the portal be worked on again; one that the brake stopped only where `brake` is released, too."""
    tx.connection.execute(
        update(portals).where(portals.c.hub_id == hub_id, true() if brake else _WAITS_FOR_NOBODY)
        .values(blocked_until=None, blocked_reason=None, blocked_detail=None)
    )  # fmt: skip


def bind_to(tx: Tx, hubspot: str) -> None:
    """Say which HubSpot this database belongs to; raise WrongHubSpot if it belongs to another."""
    known = tx.connection.execute(select(deployment.c.hubspot)).scalar_one_or_none()
    if known is None:
        tx.connection.execute(insert(deployment).values(hubspot=hubspot))
    elif known != hubspot:
        raise WrongHubSpot(known, hubspot)


def secrets_of(tx: Tx, secrets: Secrets) -> dict[int, str]:
    """The client secret that the webhooks of each portal are signed with."""
    rows = tx.connection.execute(select(portals.c.hub_id, portals.c.credentials))
    return {row.hub_id: secrets.open(row.credentials).client_secret or "" for row in rows}


class CredentialStore:
    """Reads credentials, and renews them once for all processes: the row is locked while HubSpot is asked."""

    def __init__(self, database: Database, secrets: Secrets) -> None:
        self._database = database
        self._secrets = secrets

    def load(self, hub_id: int) -> PortalCredentials:
        """The credentials as they stand."""
        with self._database.transaction() as tx:
            return self._secrets.open(_sealed(tx, hub_id, lock=False))

    def renew(self, hub_id: int, renewed: Callable[[PortalCredentials], PortalCredentials]) -> PortalCredentials:
        """Replace the credentials by `renewed(current)`, which returns the same if somebody else was faster."""
        with self._database.transaction() as tx:
            current = self._secrets.open(_sealed(tx, hub_id, lock=True))
            new = renewed(current)
            if new != current:
                sealed = self._secrets.seal(new)
                tx.connection.execute(update(portals).where(portals.c.hub_id == hub_id).values(credentials=sealed))
            return new


def _sealed(tx: Tx, hub_id: int, *, lock: bool) -> bytes:
    query = select(portals.c.credentials).where(portals.c.hub_id == hub_id)
    sealed: bytes | None = tx.connection.execute(
        query.with_for_update(key_share=True) if lock else query
    ).scalar_one_or_none()
    if sealed is None:
        raise UnknownPortal(hub_id)
    return sealed


def find(tx: Tx, hub_id: int) -> Portal | None:
    """The portal, if it is connected."""
    row = tx.connection.execute(_COLUMNS.where(portals.c.hub_id == hub_id)).one_or_none()
    return _portal(row) if row is not None else None
