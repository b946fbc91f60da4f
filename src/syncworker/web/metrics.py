"""How much is to be done, how full is each partner, and what stands still?

Asked of the database at each scrape, so any one web process tells it all; no two of them have to add up.
"""

from __future__ import annotations

from collections.abc import Iterator

import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from syncworker.program.model import NoCapacityError, UnknownTierError
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.tables import inbox
from syncworker.sync import brake, clock_skew, lists, mark_lists
from syncworker.sync.context import Context
from syncworker.web.held import held

router = APIRouter()
log = structlog.get_logger(__name__)


@router.get("/metrics", include_in_schema=False)
def metrics(request: Request) -> Response:
    """All metrics, in Prometheus' text format. Names portals by their hub ids, and no person."""
    return Response(generate_latest(held(request).telemetry.registry), media_type=CONTENT_TYPE_LATEST)


class StateCollector(Collector):
    """Reads the state of all portals when it is scraped."""

    def __init__(self, context: Context) -> None:
        self._context = context

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges; only `syncworker_database_up`, as 0, while the database is away."""
        try:
            with self._context.database.transaction() as tx:
                found = [*_marks(tx), *_inbox(tx), *_clock(tx), *_portals(self._context, tx)]
        except SQLAlchemyError as error:
            log.warning("metrics_without_database", error=str(error).partition("\n")[0][:300])
            yield _gauge("database_up", "Whether the database could be asked.", 0)
            return
        yield _gauge("database_up", "Whether the database could be asked.", 1)
        yield from found


def _marks(tx: Tx) -> list[GaugeMetricFamily]:
    labels = ["portal", "kind", "priority"]
    due = GaugeMetricFamily("syncworker_marks_due", "Marks that are to be looked at now.", labels=labels)
    parked = GaugeMetricFamily("syncworker_marks_parked", "Marks that wait for a person.", labels=labels)
    oldest = GaugeMetricFamily(
        "syncworker_marks_oldest_due_seconds", "For how long the oldest due mark is due.", labels=labels
    )
    for count in mark_lists.mark_counts(tx):
        of = [str(count.hub_id), count.kind.value, count.priority.name.lower()]
        due.add_metric(of, count.due)
        parked.add_metric(of, count.parked)
        oldest.add_metric(of, count.oldest_due_s)
    return [due, parked, oldest]


def _inbox(tx: Tx) -> list[GaugeMetricFamily]:
    rows = tx.connection.execute(select(func.count()).select_from(inbox)).scalar_one()
    return [_gauge("inbox_rows", "Webhook requests that no worker has turned into marks yet.", rows)]


def _clock(tx: Tx) -> list[GaugeMetricFamily]:
    noted = clock_skew.last_noted(tx)
    if noted is None:
        return []
    ahead = "How far HubSpot's clock is ahead of the database's. Beyond five minutes nothing ends."
    held = "1 while nothing ends and nothing renews because the clocks are apart."
    return [
        _gauge("clock_skew_seconds", ahead, noted.seconds),
        _gauge("expiry_held", held, int(noted.apart_since is not None)),
    ]


def _portals(context: Context, tx: Tx) -> list[GaugeMetricFamily]:
    shared = "Portals of one partner share it: it counts once."
    limit = GaugeMetricFamily(
        "syncworker_capacity_limit", f"How many registrations may be active. {shared}", labels=["portal"]
    )
    used = GaugeMetricFamily("syncworker_capacity_used", f"How many slots are taken. {shared}", labels=["portal"])
    waiting = GaugeMetricFamily(
        "syncworker_capacity_waiting", f"How many domains wait for a slot. {shared}", labels=["portal"]
    )
    blocked = GaugeMetricFamily(
        "syncworker_portal_blocked",
        "1 while a failure of the whole portal keeps it from being worked on.",
        labels=["portal", "reason"],
    )
    paused = GaugeMetricFamily("syncworker_portal_paused", "1 while a person has paused it.", labels=["portal"])
    fallen = GaugeMetricFamily(
        "syncworker_brake_downgrades",
        "Statuses cleared or downgraded within an hour, or about to be; too many stop the portal's write-backs.",
        labels=["portal"],
    )
    for portal in portals.everyone(tx):
        hub_id = str(portal.hub_id)
        paused.add_metric([hub_id], int(portal.mode is portals.Mode.PAUSED))
        fallen.add_metric([hub_id], brake.fallen(tx, portal.hub_id))
        is_blocked = portal.is_blocked(tx.now)
        blocked.add_metric([hub_id, (portal.blocked_reason or "") if is_blocked else ""], int(is_blocked))
        try:
            capacity = lists.capacity_of(context, tx, portal.hub_id)
        except (UnknownTierError, NoCapacityError) as error:
            # One partner's odd tier must not blind us for the others.
            log.warning("no_capacity_known", hub_id=portal.hub_id, error=str(error))
            continue
        limit.add_metric([hub_id], capacity.limit)
        used.add_metric([hub_id], capacity.used)
        waiting.add_metric([hub_id], capacity.waiting)
    return [limit, used, waiting, blocked, paused, fallen]


def _gauge(name: str, meaning: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"syncworker_{name}", meaning, value=value)
