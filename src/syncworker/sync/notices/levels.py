"""What has been crossed since it was last told: capacity, a portal that stands still?

Told when it is crossed upwards, and not again before it has fallen well below: a slot that is given up and taken again
every few minutes is told once.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import text

from syncworker.program import NO_TERMS
from syncworker.registration.ledger.capacity import Capacity
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.lists import lists
from syncworker.sync.notices.kinds import NoticeKind
from syncworker.sync.notices.making import New
from syncworker.sync.portals.failures import Blocked

log = structlog.get_logger(__name__)

# Percent of the capacity that are told of, and from where on downwards each is told of again.
FULL, NEARLY = 100, 90
_OVER_BELOW = {FULL: 95, NEARLY: 85}
# Only a person ends these.
WAIT_FOR_A_PERSON = frozenset(
    {Blocked.CREDENTIALS, Blocked.SCOPES, Blocked.PROPERTIES, Blocked.SETTINGS, Blocked.BRAKE}
)
# One failure may be a token that is being replaced.
_FAILURES = 2
# One that comes and goes is told this often at most.
AGAIN_AFTER = timedelta(hours=1)

_STATE = text("SELECT level, at FROM notice_states WHERE hub_id = :hub_id AND kind = :kind")
_SET = text("""
    INSERT INTO notice_states (hub_id, kind, level, at) VALUES (:hub_id, :kind, :level, :at)
    ON CONFLICT (hub_id, kind) DO UPDATE SET level = excluded.level, at = coalesce(excluded.at, notice_states.at)
""")


def capacity_of(tx: Tx, context: Context, hub_id: int) -> Capacity | None:
    """How full it is; None where the program or the tier says nothing that can be used."""
    try:
        return lists.capacity_of(context, tx, hub_id)
    except NO_TERMS as error:
        # Told as settings that are wrong, once somebody asks for a lead; what else there is to tell is told now.
        log.warning("no_capacity_known", hub_id=hub_id, error=str(error))
        return None


def capacity_crossed(tx: Tx, hub_id: int, picture: Capacity) -> list[New]:
    """A notice where 90 or 100 % of the capacity came to be used."""
    told, _ = level(tx, hub_id, NoticeKind.CAPACITY)
    now = next_level(told, picture.used, picture.limit)
    if now != told:
        set_level(tx, hub_id, NoticeKind.CAPACITY, now, at=tx.now)
    if now <= told:
        return []
    return [New(kind=NoticeKind.CAPACITY, cause=f"{now}:{tx.now.isoformat()}", facts=capacity_facts(picture, now))]


def capacity_facts(picture: Capacity, percent: int) -> dict[str, object]:
    """How full it is, as facts of a notice."""
    return {
        "percent": percent,
        "limit": picture.limit,
        "used": picture.used,
        "free": picture.free,
        "waiting": picture.waiting,
    }


def next_level(told: int, used: int, limit: int) -> int:
    """Which level holds now, after `told` was; 0 for none. Of a capacity of nothing nobody is told."""
    if limit <= 0:
        return 0
    for one in (FULL, NEARLY):
        reached = used * 100 >= limit * one
        still = told >= one and used * 100 >= limit * _OVER_BELOW[one]
        if reached or still:
            return one
    return 0


def stands_still(tx: Tx, portal: Portal) -> list[New]:
    """A notice where the portal came to stand still until a person acts."""
    reason = _reason(tx, portal)
    told, last = level(tx, portal.hub_id, NoticeKind.BLOCKED)
    if reason is None:
        if told:
            set_level(tx, portal.hub_id, NoticeKind.BLOCKED, 0, at=None)
        return []
    if told or (last is not None and tx.now - AGAIN_AFTER < last <= tx.now):
        return []
    set_level(tx, portal.hub_id, NoticeKind.BLOCKED, 1, at=tx.now)
    return [New(kind=NoticeKind.BLOCKED, cause=tx.now.isoformat(), facts={"reason": reason.value})]


def _reason(tx: Tx, portal: Portal) -> Blocked | None:
    """Why the portal stands still. Between two tries it is not blocked, and its failures go on."""
    reason = Blocked(portal.blocked_reason) if portal.blocked_reason in set(Blocked) else None
    if reason not in WAIT_FOR_A_PERSON:
        return None
    failing = portals.failures(tx, portal.hub_id) >= _FAILURES
    return reason if failing or (reason is Blocked.BRAKE and portal.is_blocked(tx.now)) else None


def level(tx: Tx, hub_id: int, kind: str) -> tuple[int, datetime | None]:
    """How high it stood when it was last told, and when that was."""
    row = tx.connection.execute(_STATE, {"hub_id": hub_id, "kind": kind}).one_or_none()
    return (row.level, row.at) if row is not None else (0, None)


def set_level(tx: Tx, hub_id: int, kind: str, level: int, *, at: datetime | None) -> None:
    """Note how high it stands; `at` None: as it was."""
    tx.connection.execute(_SET, {"hub_id": hub_id, "kind": kind, "level": level, "at": at})
