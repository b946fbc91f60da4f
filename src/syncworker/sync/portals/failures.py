"""Whose failure is it: a record's, or the whole portal's?

A failure of the whole portal (credentials, scope, daily quota, migration, outage, a missing property) blocks the
portal for a time; claims go back with their attempts unchanged, because no record did anything wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import structlog

from syncworker.hubspot.errors import FixCredentials, FixRequest, HubSpotError, RetryLater
from syncworker.hubspot.quota import DAY_MARGIN_S, Lane, until_new_day
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.program import NO_TERMS, NoCapacityError, ProgramError, UnknownTierError
from syncworker.store import portals
from syncworker.store.database import Database, Tx
from syncworker.store.portals import Mode
from syncworker.store.secrets import WrongSecretKey

log = structlog.get_logger(__name__)

# Nobody can tell when a person acts, who renews a token: asked again after this long, so that it heals by itself.
ASK_AGAIN = timedelta(seconds=5)

# What lasts is asked about less and less often: so it is over for us after about as long again as it lasted.
WAIT_MOST = timedelta(minutes=5)

# HubSpot's error handling guide: 423, other writes hold these records for some seconds.
LOCKED = 423
RATE_LIMITED = 429


class Blocked(StrEnum):
    """Why a portal cannot be worked on."""

    CREDENTIALS = "credentials"
    SCOPES = "scopes"
    PROPERTIES = "properties"
    RATE_LIMIT = "rate_limit"
    DAILY_QUOTA = "daily_quota"
    MIGRATION = "migration"
    OUTAGE = "outage"
    SETTINGS = "settings"
    BRAKE = "brake"


_LASTS = frozenset({Blocked.OUTAGE, Blocked.CREDENTIALS, Blocked.SCOPES, Blocked.PROPERTIES, Blocked.SETTINGS})


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalFailure:
    """Why nothing can be done in the portal, and for how long."""

    reason: Blocked
    detail: str
    wait: timedelta
    bulk_only: bool = False
    """Our own limiter keeps the quota for interactive work: only bulk work has to wait, and the portal goes on."""


_OF_SCOPE = {
    "call": Blocked.OUTAGE,
    "portal": Blocked.RATE_LIMIT,
    "daily": Blocked.DAILY_QUOTA,
    "migration": Blocked.MIGRATION,
}


def portal_failure(error: HubSpotError | RateLimited) -> PortalFailure | None:
    """The failure of the whole portal that this error means; None where it is one record's."""
    if isinstance(error, RateLimited):
        return _of_our_limit(error)
    if isinstance(error.__cause__, RateLimited):
        return _of_our_limit(error.__cause__)
    if isinstance(error, RetryLater) and error.status == LOCKED:
        return None
    if isinstance(error, RetryLater):
        wait = timedelta(seconds=max(0.5, error.retry_after_s))
        return PortalFailure(reason=_reason(error), detail=str(error), wait=wait)
    if isinstance(error, FixCredentials):
        reason = Blocked.SCOPES if error.missing_scopes else Blocked.CREDENTIALS
        return PortalFailure(reason=reason, detail=str(error), wait=ASK_AGAIN)
    missing = missing_properties(error)
    if missing:
        detail = f"properties that do not exist in the portal: {', '.join(missing)}; run `syncworker setup`"
        return PortalFailure(reason=Blocked.PROPERTIES, detail=detail, wait=ASK_AGAIN)
    return None


def _of_our_limit(error: RateLimited) -> PortalFailure:
    return PortalFailure(
        reason=Blocked.DAILY_QUOTA if error.daily else Blocked.RATE_LIMIT,
        detail=str(error),
        wait=timedelta(seconds=max(0.05, error.retry_after_s)),
        bulk_only=error.lane is Lane.BULK,
    )


def _reason(error: RetryLater) -> Blocked:
    # All of the portal has to wait when HubSpot is away, too, and nobody should look for a limit then.
    outage = error.scope == "portal" and error.status != RATE_LIMITED
    return Blocked.OUTAGE if outage else _OF_SCOPE[error.scope]


def failure_of_record(error: HubSpotError) -> PortalFailure | None:
    """The same for an error that a batch's answer gives for one record: then trouble at HubSpot is that record's."""
    return None if isinstance(error, RetryLater) and error.scope == "call" else portal_failure(error)


# What a mistake in the settings is met with, by whoever needs the program or the credentials.
WRONG_SETTINGS = (*NO_TERMS, WrongSecretKey)


def of_settings(error: ProgramError | UnknownTierError | NoCapacityError | WrongSecretKey) -> PortalFailure:
    """The failure that a mistake in the settings is: of all the portal's records, and of none."""
    return PortalFailure(reason=Blocked.SETTINGS, detail=str(error), wait=ASK_AGAIN)


def missing_properties(error: HubSpotError) -> list[str]:
    """The properties that the error says do not exist."""
    if not isinstance(error, FixRequest):
        return []
    return sorted({bad.name for bad in error.bad_properties if bad.error == "PROPERTY_DOESNT_EXIST"})


def may_be_called(tx: Tx, hub_id: int) -> bool:
    """Whether the portal is connected, not paused and not blocked: whatever rang, it is not called otherwise."""
    portal = portals.find(tx, hub_id)
    return portal is not None and portal.mode is not Mode.PAUSED and not portal.is_blocked(tx.now)


def block(tx: Tx, hub_id: int, failure: PortalFailure) -> None:
    """Let nobody work on the portal for that long, and say why. What only bulk work waits for blocks nobody else."""
    wait = failure.wait
    if failure.bulk_only:
        log.info("bulk_work_waits", hub_id=hub_id, reason=failure.reason, detail=failure.detail, seconds=wait.seconds)
        return
    if failure.reason is Blocked.DAILY_QUOTA:
        portal = portals.find(tx, hub_id)
        # Not later than the quota is new; earlier, because more of it may be bought.
        new = until_new_day(portal.time_zone if portal else "UTC", tx.now) + timedelta(seconds=DAY_MARGIN_S)
        wait = min(wait, new)
    if failure.reason in _LASTS:
        portal = portals.find(tx, hub_id)
        if portal is not None and portal.is_blocked(tx.now) and portal.blocked_reason == failure.reason:
            # Several were asking when it began: that is one failure, and no reason to wait longer.
            return
        wait = min(wait * 2 ** min(portals.failures(tx, hub_id), 10), max(wait, WAIT_MOST))
    log.warning("portal_blocked", hub_id=hub_id, reason=failure.reason, detail=failure.detail, seconds=wait.seconds)
    portals.block(tx, hub_id, until=tx.now + wait, reason=failure.reason, detail=failure.detail)


def block_if_of_portal(database: Database, hub_id: int, error: HubSpotError | RateLimited) -> bool:
    """Block the portal, in a transaction of its own, if the error is all of the portal's; return whether it is."""
    failure = portal_failure(error)
    if failure is not None:
        database.run(lambda tx: block(tx, hub_id, failure))
    return failure is not None
