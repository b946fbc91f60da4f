"""Which webhook events wait for delivery?

An event is stored in the transaction that caused it, for each active subscription, so that a restart goes on with it.
Losing, doubling and delaying by a fault plan happens here, where every event passes once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from syncworker.sandbox.database import Database, marks
from syncworker.sandbox.faults import Faults
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.records import Source

REORDER_SPREAD_MS = 1500
DUPLICATE_SPREAD_MS = 1000


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event taken for delivery. `event` is its JSON without the attempt number."""

    seq: int
    event: str
    attempt: int

    def json(self) -> str:
        """The event as this attempt sends it."""
        return f'{self.event[:-1]},"attemptNumber":{self.attempt}}}'


@dataclass(slots=True)
class Outbox:
    """Events not delivered yet, and what became of the others (since the start or the last reset of the stats)."""

    database: Database
    faults: Faults
    counts: Counter[str] = field(default_factory=Counter)
    wake: Callable[[int], None] = lambda _hub_id: None
    _event_id: int = 0
    touched: set[int] = field(default_factory=set)
    """Portals with new events in the transaction that is under way."""

    def put(
        self,
        portal: Portal,
        subscription: str,
        source: Source,
        at: int,
        facts: dict[str, object],
        prop: str | None = None,
    ) -> None:
        """Queue an event, where the portal has a target and a subscription for it.

        `at` is in ms; `facts` are the keys that this kind of event has besides the common ones.
        """
        if portal.webhook_url is None:
            return
        key = subscription if prop is None else f"{subscription}:{prop}"
        if key not in portal.subscriptions:
            return
        plan, dice = self.faults.plan, self.faults.webhooks
        self.counts["events"] += 1
        if plan.lost and dice.random() < plan.lost:
            self.counts["lost"] += 1
            return
        event: dict[str, object] = {
            "eventId": self._next_event_id(at),
            "subscriptionId": portal.app_id % 100_000 * 100 + portal.subscriptions.index(key) + 1,
            "portalId": portal.hub_id,
            "appId": portal.app_id,
            "occurredAt": at,
            "subscriptionType": subscription,
        }
        event.update(facts)
        event["changeSource"] = source.type
        event["sourceId"] = source.id
        text = json.dumps(event, ensure_ascii=False, separators=(",", ":"))
        due = at + int(plan.delay_s * 1000)
        if plan.reordered:
            due += dice.randrange(REORDER_SPREAD_MS)
        self._insert(portal.hub_id, text, due)
        if plan.duplicated and dice.random() < plan.duplicated:
            self.counts["duplicated"] += 1
            self._insert(portal.hub_id, text, due + dice.randrange(DUPLICATE_SPREAD_MS))
        self.touched.add(portal.hub_id)

    def _insert(self, hub_id: int, event: str, due: int) -> None:
        self.database.execute("INSERT INTO outbox (portal, event, due) VALUES (?, ?, ?)", (hub_id, event, due))

    def _next_event_id(self, at: int) -> int:
        # HubSpot's event ids are large and not promised to be unique; these are, within a run.
        self._event_id = max(self._event_id + 1, at % 4_000_000_000)
        return self._event_id

    def committed(self) -> None:
        """Wake the deliveries of portals that have new events; call it after the commit."""
        for hub_id in self.touched:
            self.wake(hub_id)
        self.touched.clear()

    def take(self, hub_id: int, now: int, limit: int = 100) -> list[Waiting]:
        """Claim up to `limit` due events (HubSpot sends up to 100 a POST)."""
        rows = self.database.execute(
            "UPDATE outbox SET sending = 1 WHERE seq IN (SELECT seq FROM outbox WHERE portal = ? AND "
            "sending = 0 "
            "AND due <= ? ORDER BY due, seq LIMIT ?) RETURNING seq, event, attempt",
            (hub_id, now, limit),
        ).fetchall()
        taken = [Waiting(*row) for row in rows]
        if self.faults.plan.reordered:
            self.faults.webhooks.shuffle(taken)
        else:
            taken.sort(key=lambda waiting: waiting.seq)
        return taken

    def next_due(self, hub_id: int) -> int | None:
        """When the next event of a portal is due, in ms; None where there is none."""
        row = self.database.execute(
            "SELECT min(due) FROM outbox WHERE portal = ? AND sending = 0", (hub_id,)
        ).fetchone()
        return None if row is None else row[0]

    def done(self, events: Sequence[Waiting]) -> None:
        """Delivered."""
        self.counts["delivered"] += len(events)
        self._delete(events)

    def again(self, events: Sequence[Waiting], due: Sequence[int], *, retries: int) -> None:
        """Not delivered: each tries again at its time, or is given up after `retries` of them."""
        hopeless = [event for event in events if event.attempt >= retries]
        self.counts["attempts_failed"] += len(events)
        self.counts["failed"] += len(hopeless)
        self._delete(hopeless)
        self.database.executemany(
            "UPDATE outbox SET attempt = attempt + 1, due = ?, sending = 0 WHERE seq = ?",
            [(at, event.seq) for event, at in zip(events, due, strict=True) if event.attempt < retries],
        )

    def put_back(self, events: Sequence[Waiting]) -> None:
        """Not tried after all."""
        self.database.executemany("UPDATE outbox SET sending = 0 WHERE seq = ?", [(event.seq,) for event in events])

    def pending(self) -> int:
        """How many events wait."""
        return int(self.database.execute("SELECT count(*) FROM outbox").fetchone()[0])

    def _delete(self, events: Sequence[Waiting]) -> None:
        if events:
            self.database.execute(
                f"DELETE FROM outbox WHERE seq IN ({marks(len(events))})",
                [event.seq for event in events],
            )
