"""Which faults are injected, and whose turn is it? All by one seed, so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from syncworker.sandbox.answers import invalid

HTTP_KINDS = (
    "429", "429_secondly", "429_daily", "423", "477", "500", "502", "html", "reset", "timeout", "slow", "cut",
    "lost_answer", "partial_batch",
)  # fmt: skip
"""What can happen to a request. `cut` ends the answer in the middle, `slow` sends it late, `lost_answer` acts and
says nothing, `partial_batch` leaves out some records of a batch; the others answer without acting."""
ROUTE_CLASSES = ("read", "write", "search", "forms", "oauth")
"""`write:lost_answer` breaks only what writes; a kind without a class breaks every route."""
SEARCH_WHIMS = ("lag_most_s", "flickers", "strangers", "repeats", "shuffled", "miscounts")
DEFAULT_SEARCH_LAG_S = 1.0
"""The real lag and its distribution are unknown ("a few moments")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchWhims:
    """How else the index of search misbehaves. What of it HubSpot's does is not documented; some was seen by others."""

    lag_most_s: float = 0.0
    """Each change has a lag of its own, from `search_lag_s` to this."""
    flickers: float = 0.0
    """Probability, for each search, that a change is shown before its time; the next search may not show it."""
    strangers: float = 0.0
    """Probability, for each page, that it holds a record that does not match."""
    repeats: float = 0.0
    """Probability, for each page, that it holds a record twice."""
    shuffled: bool = False
    miscounts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to break. HTTP and webhook numbers are probabilities, of a request (of a class) and of an event."""

    seed: int = 0
    http: Mapping[str, float] = field(default_factory=dict)
    lost: float = 0.0
    duplicated: float = 0.0
    reordered: bool = False
    delay_s: float = 0.0
    search_lag_s: float = DEFAULT_SEARCH_LAG_S
    timeout_s: float = 30.0
    """How long a request that is to time out is left without an answer."""
    slow_s: float = 2.0
    """How late a slow answer comes."""
    retry_after_s: float | None = None
    """What a 429 and a 477 tell in `Retry-After`; None: a 429 tells nothing, a 477 one second."""
    clock_s: float = 0.0
    """How far ahead (or behind) the `Date` of its answers is."""
    search: SearchWhims = field(default_factory=SearchWhims)


def _dice(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - repeatable on purpose, no secret


@dataclass(slots=True)
class Faults:
    """The plan in force and its random numbers."""

    plan: Plan = field(default_factory=Plan)
    http: random.Random = field(default_factory=lambda: _dice(0))
    webhooks: random.Random = field(default_factory=lambda: _dice(0))
    search: random.Random = field(default_factory=lambda: _dice(0))

    def set(self, plan: Plan) -> None:
        """Start over with another plan."""
        self.plan = plan
        # Separate generators: how many webhooks there are must not decide which request fails.
        self.http = _dice(plan.seed)
        self.webhooks = _dice(plan.seed + 1)
        self.search = _dice(plan.seed + 2)

    def next_lag_ms(self) -> int:
        """For how long search does not see the next change."""
        least, most = self.plan.search_lag_s, self.plan.search.lag_most_s
        return int(1000 * (self.search.uniform(least, most) if most > least else least))

    def next_http(self, route_class: str) -> str | None:
        """What happens to the next request, to a route of that class: one of HTTP_KINDS, or nothing."""
        if not self.plan.http:
            return None
        roll = self.http.random()
        for name, probability in self.plan.http.items():
            only, _, kind = name.rpartition(":")
            if only not in ("", route_class):
                continue
            if roll < probability:
                return kind
            roll -= probability
        return None


def parse(body: Mapping[str, object]) -> Plan:
    """A plan from the control API's JSON; raises RefusedError 400 where it does not fit."""
    unknown = set(body) - {
        "seed",
        "http",
        "webhooks",
        "search_lag_s",
        "timeout_s",
        "slow_s",
        "retry_after_s",
        "clock_s",
        "search",
    }
    if unknown:
        raise invalid(f"Unknown faults: {', '.join(sorted(unknown))}")
    http = _mapping(body, "http")
    webhooks = _mapping(body, "webhooks")
    search = _mapping(body, "search")
    kinds = {key.rpartition(":")[2] if key.rpartition(":")[0] in ("", *ROUTE_CLASSES) else key for key in http}
    for names, known in (
        (kinds, HTTP_KINDS),
        (set(webhooks), ("lost", "duplicated", "reordered", "delay_s")),
        (set(search), SEARCH_WHIMS),
    ):
        if names - set(known):
            raise invalid(f"Unknown faults: {', '.join(sorted(names - set(known)))}; known: {', '.join(known)}")
    rates = {kind: _number(http, kind, 0.0, most=1.0) for kind in http}
    if sum(rates.values()) > 1:
        raise invalid("The probabilities under http add up to more than 1")
    return Plan(
        seed=int(_number(body, "seed", 0.0, most=2**53)),
        http=rates,
        lost=_number(webhooks, "lost", 0.0, most=1.0),
        duplicated=_number(webhooks, "duplicated", 0.0, most=1.0),
        reordered=bool(webhooks.get("reordered", False)),
        delay_s=_number(webhooks, "delay_s", 0.0, most=86_400),
        search_lag_s=_number(body, "search_lag_s", DEFAULT_SEARCH_LAG_S, most=86_400),
        timeout_s=_number(body, "timeout_s", 30.0, most=3600),
        slow_s=_number(body, "slow_s", 2.0, most=3600),
        clock_s=_number(body, "clock_s", 0.0, least=-1e8, most=1e8),
        search=SearchWhims(
            lag_most_s=_number(search, "lag_most_s", 0.0, most=86_400),
            flickers=_number(search, "flickers", 0.0, most=1.0),
            strangers=_number(search, "strangers", 0.0, most=1.0),
            repeats=_number(search, "repeats", 0.0, most=1.0),
            shuffled=search.get("shuffled") is True,
            miscounts=search.get("miscounts") is True,
        ),
        retry_after_s=_number(body, "retry_after_s", 0.0, most=86_400) if "retry_after_s" in body else None,
    )


def _mapping(body: Mapping[str, object], key: str) -> Mapping[str, object]:
    value = body.get(key, {})
    if not isinstance(value, dict):
        raise invalid(f"{key} must be an object")
    return value


def _number(body: Mapping[str, object], key: str, default: float, *, most: float, least: float = 0) -> float:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise invalid(f"{key} must be a number from {least:g} to {most:g}")
    return value
