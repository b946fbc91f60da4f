"""How does a portal stand, at a glance: what is due, what stands still, what HubSpot sends and allows?

Each figure is asked of the database or of Redis, none of HubSpot: a page may ask every few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import redis

from syncworker.hubspot.quota import Quota
from syncworker.store import portals
from syncworker.store.portals import Portal
from syncworker.sync import bulk_rest
from syncworker.sync.context import Context
from syncworker.sync.lists import lists, mark_lists
from syncworker.sync.lists.list_lines import NeedingPeople
from syncworker.sync.reconcile import brake
from syncworker.sync.resync import resync
from syncworker.sync.resync.resync import Resync
from syncworker.sync.watch import heard, runbook
from syncworker.sync.watch.shared_counts import Role, SharedCounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Processes:
    """How many processes of each role were heard of lately, and which roles are missed."""

    alive: dict[Role, int]
    silent: tuple[Role, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """How a portal stands. What Redis keeps is None while it is away."""

    at: datetime
    portal: Portal
    """Its mode, who paused it and why, and what blocks it."""
    is_blocked: bool
    read_more: str | None
    """Where the runbook explains the block; None where there is none."""
    due: int
    """Marks that are to be looked at now, counted up to a bound for each kind."""
    oldest_due_s: float
    parked: int
    """Marks that wait for a person."""
    webhook_at: datetime | None
    """When the last webhook came, to the minute."""
    webhooks_last_hour: int
    """Events that webhooks brought."""
    quota: Quota | None
    bulk_rests: str | None
    """Until when polls and resyncs leave the rest of the day's calls to others, as a sentence; None: they need not."""
    processes: Processes | None
    resync: Resync | None
    """The newest one."""
    people: NeedingPeople
    """Registrations that a person should look at."""
    downgrades: int
    """Statuses cleared or downgraded within an hour: too many pull the brake."""


def at_a_glance(context: Context, hub_id: int) -> Glance:
    """How the portal stands now. Raises UnknownPortal."""
    quota = context.quota(hub_id)
    rests_s = context.limiter.bulk_rests_s(hub_id) if quota is not None else 0.0
    with context.database.transaction() as tx:
        portal = portals.get(tx, hub_id)
        counts = [count for count in mark_lists.mark_counts(tx) if count.hub_id == hub_id]
        newest = resync.newest(tx, hub_id, most=1)
        blocked = portal.is_blocked(tx.now)
        return Glance(
            at=tx.now,
            portal=portal,
            is_blocked=blocked,
            read_more=runbook.of_block(portal.blocked_reason) if blocked else None,
            due=sum(count.due for count in counts),
            oldest_due_s=max((count.oldest_due_s for count in counts), default=0.0),
            parked=sum(count.parked for count in counts),
            webhook_at=heard.last(tx, hub_id),
            webhooks_last_hour=heard.of_an_hour(tx, hub_id),
            quota=quota,
            bulk_rests=bulk_rest.said(tx.now, rests_s) if rests_s else None,
            processes=_processes(context),
            resync=newest[0] if newest else None,
            people=lists.needing_people(tx, hub_id),
            downgrades=brake.fallen(tx, hub_id),
        )


def _processes(context: Context) -> Processes | None:
    counts = SharedCounts(str(context.settings.redis_url), registries=())
    try:
        return Processes(alive=counts.alive(), silent=tuple(counts.silent()))
    except redis.RedisError:
        return None
    finally:
        counts.close()
