"""How many registrations may a partner have active at once, and how many has it?

Counted, never kept: a counter can drift, a count cannot.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy import text

from syncworker.program import Authority, Program, Validity
from syncworker.store.database import Tx
from syncworker.store.portals import Partner


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the program grants a partner now."""

    limit: int
    limit_source: str
    """`override`, or the tier and the rule set that say so."""
    validity: Validity
    authority: Authority


@dataclass(frozen=True, slots=True, kw_only=True)
class Capacity:
    """A partner's capacity; `used` counts a deregistered slot until it can no longer be undone."""

    limit: int
    used: int
    waiting: int
    source: str

    @property
    def free(self) -> int:
        """Never negative: a lower tier ends no registration."""
        return max(0, self.limit - self.used)


def terms(partner: Partner, program: Program, now: datetime) -> Terms:
    """What holds for the partner at this time. Raises UnknownTier or NoCapacity."""
    # The program's rule sets change by the day; which zone's day it is matters to nobody.
    validity = program.validity(partner.tier)
    if partner.capacity is not None:
        return Terms(limit=partner.capacity, limit_source="override", validity=validity, authority=program.authority)
    rule = program.capacity(partner.tier, now.astimezone(ZoneInfo("UTC")).date())
    source = f"tier {partner.tier}: {rule.source_text}" + (" (example value)" if rule.is_example else "")
    return Terms(limit=rule.limit, limit_source=source, validity=validity, authority=program.authority)


_HELD = text("""
    SELECT count(*) FROM (
        SELECT FROM registrations WHERE partner_id = :partner_id AND ended_at IS NULL LIMIT :limit
    ) AS held
""")
# Not count(DISTINCT ...), which sorts them all.
_WAITING = text("""
    SELECT count(*) FROM (
        SELECT DISTINCT domain FROM requests WHERE partner_id = :partner_id AND state = 'waiting') AS domains
""")


def held(tx: Tx, partner_id: int, *, at_most: int) -> int:
    """How many slots are taken, counted no further than `at_most`."""
    return int(tx.connection.execute(_HELD, {"partner_id": partner_id, "limit": at_most}).scalar_one())


def capacity(tx: Tx, partner: Partner, granted: Terms) -> Capacity:
    """The whole picture, for people."""
    # Counted to the end: an over-full partner wants to see by how much.
    used = held(tx, partner.id, at_most=2**31)
    waiting = tx.connection.execute(_WAITING, {"partner_id": partner.id}).scalar_one()
    return Capacity(limit=granted.limit, used=used, waiting=waiting, source=granted.limit_source)


_KEPT = text("""
    SELECT count(*) FROM registrations
     WHERE partner_id = :partner_id AND ended_at IS NULL AND undo_until IS NOT NULL AND undo_until > :now
""")


def kept_for_undo(tx: Tx, partner_id: int) -> int:
    """How many of the slots that are used belong to deregistrations that can still be taken back."""
    return int(tx.connection.execute(_KEPT, {"partner_id": partner_id, "now": tx.now}).scalar_one())
