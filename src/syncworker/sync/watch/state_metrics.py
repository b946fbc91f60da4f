"""How much is to be done, how full is each partner, how far has each poll come, and what stands still?

Asked of the database at each scrape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import structlog
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from syncworker.program import NO_TERMS
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync.context import Context
from syncworker.sync.lists import lists, mark_lists
from syncworker.sync.reconcile import brake
from syncworker.sync.watch import clock_skew

log = structlog.get_logger(__name__)

# A call that HubSpot does not answer takes 40 s at most, and who rings for it a few.
_A_TRY = timedelta(minutes=1)
_FAILURES = 2


class StateCollector(Collector):
    """Reads the state of all portals when it is scraped."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges; only `syncworker_database_up`, as 0, while the database is away."""
        try:
            with self._context.database.transaction() as tx:
                connected = portals.everyone(tx)
                found = [
                    *_marks(tx),
                    *_inbox(tx),
                    *_standing(tx, connected),
                    *_capacity(self._context, tx, connected),
                    *_polls(tx),
                    *_resyncs(tx),
                    *_clock(tx),
                ]
        except SQLAlchemyError as error:
            log.warning("metrics_without_database", error=str(error).partition("\n")[0][:300])
            yield gauge("database_up", "Whether the database could be asked.", value=0)
            return
        yield gauge("database_up", "Whether the database could be asked.", value=1)
        yield from found
        yield from _quota(self._context, connected)


def gauge(
    name: str, meaning: str, labels: Iterable[str] | None = None, *, value: float | None = None
) -> GaugeMetricFamily:
    """A gauge of ours."""
    return GaugeMetricFamily(f"syncworker_{name}", meaning, labels=list(labels) if labels else None, value=value)


def _marks(tx: Tx) -> list[GaugeMetricFamily]:
    labels = ["portal", "kind", "priority"]
    due = gauge("marks_due", "Marks that are to be looked at now.", labels)
    parked = gauge("marks_parked", "Marks that wait for a person.", labels)
    oldest = gauge("marks_oldest_due_seconds", "For how long the oldest due mark is due.", labels)
    for count in mark_lists.mark_counts(tx):
        of = [str(count.hub_id), count.kind.value, count.priority.name.lower()]
        due.add_metric(of, count.due)
        parked.add_metric(of, count.parked)
        oldest.add_metric(of, count.oldest_due_s)
    return [due, parked, oldest]


_INBOX = text("""
    SELECT count(*) AS rows, coalesce(extract(epoch FROM CAST(:now AS timestamptz) - min(received_at)), 0) AS oldest
      FROM inbox
""")


def _inbox(tx: Tx) -> list[GaugeMetricFamily]:
    row = tx.connection.execute(_INBOX, {"now": tx.now}).one()
    meaning = "Webhook requests that no worker has turned into marks yet."
    return [
        gauge("inbox_rows", meaning, value=row.rows),
        gauge("inbox_oldest_seconds", "For how long the oldest of them waits.", value=max(0.0, float(row.oldest))),
    ]


_WEBHOOKS = text("SELECT hub_id, webhook_at FROM portals WHERE webhook_at IS NOT NULL ORDER BY hub_id")


def _standing(tx: Tx, connected: Iterable[Portal]) -> list[GaugeMetricFamily]:
    blocked = gauge(
        "portal_blocked", "1 while a failure of the whole portal keeps it from being worked on.", ["portal", "reason"]
    )
    mode = gauge("portal_mode", "1 for the mode that the portal is in.", ["portal", "mode"])
    heard = gauge("webhook_age_seconds", "Since when no webhook of the portal came.", ["portal"])
    meaning = "Statuses cleared or downgraded within an hour, or about to be; too many stop the portal's write-backs."
    falls = gauge("brake_downgrades", meaning, ["portal"])
    for portal in connected:
        hub_id = str(portal.hub_id)
        falls.add_metric([hub_id], brake.fallen(tx, portal.hub_id))
        is_blocked = portal.is_blocked(tx.now) or _is_tried_again(tx, portal)
        blocked.add_metric([hub_id, (portal.blocked_reason or "") if is_blocked else ""], int(is_blocked))
        for each in Mode:
            mode.add_metric([hub_id, each.value], int(portal.mode is each))
    for row in tx.connection.execute(_WEBHOOKS):
        heard.add_metric([str(row.hub_id)], max(0.0, (tx.now - row.webhook_at).total_seconds()))
    return [blocked, mode, heard, falls]


def _is_tried_again(tx: Tx, portal: Portal) -> bool:
    """Whether a portal that has failed several times is just being tried once more: an alert knows no gaps."""
    until = portal.blocked_until
    return until is not None and tx.now < until + _A_TRY and portals.failures(tx, portal.hub_id) >= _FAILURES


def _capacity(context: Context, tx: Tx, connected: Iterable[Portal]) -> list[GaugeMetricFamily]:
    shared = "Portals of one partner share it: it counts once."
    limit = gauge("capacity_limit", f"How many registrations may be active. {shared}", ["portal"])
    used = gauge("capacity_used", f"How many slots are taken. {shared}", ["portal"])
    waiting = gauge("capacity_waiting", f"How many domains wait for a slot. {shared}", ["portal"])
    for portal in connected:
        hub_id = str(portal.hub_id)
        try:
            capacity = lists.capacity_of(context, tx, portal.hub_id)
        except NO_TERMS as error:
            # One partner's odd tier or program must not blind us for the others.
            log.warning("no_capacity_known", hub_id=portal.hub_id, error=str(error))
            continue
        limit.add_metric([hub_id], capacity.limit)
        used.add_metric([hub_id], capacity.used)
        waiting.add_metric([hub_id], capacity.waiting)
    return [limit, used, waiting]


# A portal may have many forms: the one that was polled the longest ago speaks for all.
_POLLS = text("""
    SELECT hub_id, CASE WHEN trigger LIKE 'form:%' THEN 'form' ELSE trigger END AS trigger,
           max(extract(epoch FROM CAST(:now AS timestamptz) - due_at)) AS late,
           count(*) FILTER (WHERE last_error IS NOT NULL) AS failing
      FROM cursors GROUP BY 1, 2 ORDER BY 1, 2
""")


def _polls(tx: Tx) -> list[GaugeMetricFamily]:
    labels = ["portal", "trigger"]
    late = gauge("poll_late_seconds", "For how long a poll is due.", labels)
    failing = gauge("polls_failing", "Polls whose last try failed.", labels)
    for row in tx.connection.execute(_POLLS, {"now": tx.now}):
        late.add_metric([str(row.hub_id), row.trigger], max(0.0, float(row.late)))
        failing.add_metric([str(row.hub_id), row.trigger], row.failing)
    return [late, failing]


def _quota(context: Context, connected: Iterable[Portal]) -> list[GaugeMetricFamily]:
    """What HubSpot has told of its limits; a portal is left out while Redis, where that is kept, is away."""
    labels = ["portal", "window"]
    limit = gauge("quota_limit", "Calls that HubSpot allows in a window: ten_seconds, or daily.", labels)
    left = gauge("quota_left", "Calls that are left of them.", labels)
    spent = gauge("quota_spent_today", "Calls that this deployment made since the portal's midnight.", ["portal"])
    meaning = "For how long polls and resyncs leave the rest of the day's calls to those who wait; 0: they need not."
    rests = gauge("bulk_rests_seconds", meaning, ["portal"])
    for portal in connected:
        known = context.quota(portal.hub_id)
        if known is None:
            continue
        hub_id = str(portal.hub_id)
        rests.add_metric([hub_id], context.limiter.bulk_rests_s(portal.hub_id))
        limit.add_metric([hub_id, "ten_seconds"], known.limit)
        left.add_metric([hub_id, "ten_seconds"], known.left)
        spent.add_metric([hub_id], known.spent_today)
        if known.daily_limit is not None and known.daily_left is not None:
            limit.add_metric([hub_id, "daily"], known.daily_limit)
            left.add_metric([hub_id, "daily"], known.daily_left)
    return [limit, left, spent, rests]


_RESYNCS = text("""
    SELECT DISTINCT ON (hub_id) hub_id, state, listed, marked FROM resyncs ORDER BY hub_id, id DESC
""")


def _resyncs(tx: Tx) -> list[GaugeMetricFamily]:
    running = gauge("resync_running", "1 while the portal's newest resync runs.", ["portal"])
    failed = gauge("resync_failed", "1 where the portal's newest resync failed.", ["portal"])
    listed = gauge("resync_listed", "Records that the portal's newest resync has listed.", ["portal"])
    for row in tx.connection.execute(_RESYNCS):
        hub_id = str(row.hub_id)
        running.add_metric([hub_id], int(row.state == "running"))
        failed.add_metric([hub_id], int(row.state == "failed"))
        listed.add_metric([hub_id], row.listed)
    return [running, failed, listed]


def _clock(tx: Tx) -> list[GaugeMetricFamily]:
    """Without a sample before HubSpot's clock was ever looked at."""
    ahead = "How far HubSpot's clock is ahead of the database's. Beyond five minutes nothing ends."
    skew = gauge("clock_skew_seconds", ahead, ())
    held = gauge("expiry_held", "1 while nothing ends and nothing renews because the clocks are apart.", ())
    noted = clock_skew.last_noted(tx)
    if noted is not None:
        skew.add_metric([], noted.seconds)
        held.add_metric([], int(noted.apart_since is not None))
    return [skew, held]
