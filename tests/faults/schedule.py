"""What happens when, in a run of a seed? Pure: the same seed and length give the same schedule."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

Weather = dict[str, object]
"""A fault plan of the sandbox, as its control API takes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that begins `at` seconds after the start. `dice` is the seed of what it chooses by itself."""

    at: float
    what: str
    dice: int
    seconds: float = 0.0
    weather: Weather = field(default_factory=dict)

    def choices(self) -> random.Random:
        """What it chooses with."""
        return random.Random(self.dice)  # noqa: S311 - repeatable on purpose, no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """All steps of a run, each kind in the order of its time."""

    load: tuple[Step, ...]
    breaks: tuple[Step, ...]
    absences: tuple[Step, ...]
    """What is away for minutes, while other things break beside it; only in a thorough run."""
    weather: tuple[Step, ...]


# What people do, and how often relative to each other.
LOAD = {
    "form": 40, "incomplete_form": 5, "contact_edit": 12, "asked_in_crm": 8, "deregistered_in_crm": 2,
    "company_edit": 4, "registered_by_api": 6, "deregistered_by_api": 4, "undone_by_api": 1, "merged_contacts": 2,
    "merged_companies": 1, "deleted_contact": 2, "restored_contact": 2, "erased_contact": 1, "deleted_company": 1,
    "moved_contact": 3, "hand_edit": 4, "resync": 1, "imported": 1,
}  # fmt: skip
MOST_OF = {"imported": 2, "resync": 3, "deregistered_by_api": 8, "deregistered_in_crm": 4}
"""Per minute: an import is a process of its own, and too many deregistrations are no everyday load."""

# What breaks, how often, and for how long: (weight, seconds in a short run, seconds in a long one).
BREAKS: dict[str, tuple[int, tuple[float, float], tuple[float, float]]] = {
    "kill_worker": (4, (0, 0), (0, 0)),
    "kill_all_workers": (3, (0, 0), (0, 0)),
    "kill_web": (3, (0, 0), (0, 0)),
    "kill_scheduler": (1, (0, 0), (0, 0)),
    "kill_guard": (2, (0, 0), (0, 0)),
    "kill_postgres": (2, (0, 0), (0, 0)),
    "kill_a_connection": (2, (0, 0), (0, 0)),
    "restart_postgres": (2, (0, 0), (0, 0)),
    "postgres_refuses": (2, (4, 8), (20, 60)),
    "postgres_hangs": (1, (2, 5), (10, 40)),
    "kill_valkey": (2, (0, 0), (0, 0)),
    "flush_valkey": (3, (0, 0), (0, 0)),
    "valkey_gone": (2, (6, 10), (60, 600)),
    "valkey_hangs": (1, (2, 4), (10, 30)),
    "kill_sandbox": (2, (0, 0), (0, 0)),
    "kill_up": (1, (0, 0), (0, 0)),
    "token_revoked": (2, (3, 8), (20, 60)),
    "clock_jumps": (2, (8, 15), (20, 60)),
}
ABSENCES = frozenset({"valkey_gone", "token_revoked"})
ONCE_IN_A_MINUTE = frozenset({"kill_up", "valkey_gone", "postgres_refuses", "token_revoked"})

_STORM = {"429": 0.01, "429_secondly": 0.01, "500": 0.02, "502": 0.01, "html": 0.02, "reset": 0.02, "cut": 0.02}
_WRITES = {"write:423": 0.02, "write:lost_answer": 0.05, "write:partial_batch": 0.02}
_WEATHER: tuple[Weather, ...] = (
    {},
    {"http": _STORM | _WRITES},
    {"http": {"429": 0.1, "search:429_secondly": 0.1}, "retry_after_s": 1},
    {"http": {"429": 0.1}},
    {"http": {"429_daily": 0.02}, "retry_after_s": 3},
    {"http": {"500": 0.15}},
    {"http": {"502": 0.15}},
    {"http": {"html": 0.15}},
    {"http": {"reset": 0.1, "cut": 0.1}},
    {"http": {"write:lost_answer": 0.3, "write:cut": 0.1}},
    {"http": {"write:423": 0.1, "write:partial_batch": 0.05}},
    {"http": {"477": 0.02}, "retry_after_s": 4},
    {"http": {"slow": 0.1, "timeout": 0.01}, "slow_s": 3, "timeout_s": 12},
)
_TELLING: tuple[Weather, ...] = (
    {},
    {"webhooks": {"lost": 0.3}},
    {"webhooks": {"lost": 1.0}},
    {"webhooks": {"duplicated": 1.0, "reordered": True}},
    {"webhooks": {"delay_s": 4, "reordered": True, "lost": 0.1}},
    {"search_lag_s": 15},
)


def of_seed(seed: int, *, seconds: float, a_second: float = 4.0, thorough: bool = False) -> Schedule:
    """The schedule of a run. `thorough`: what breaks stays broken for as long as it does in the field."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose, no secret
    return Schedule(
        load=tuple(_load(dice, seconds, a_second)),
        breaks=tuple(_breaks(dice, seconds, thorough=thorough)),
        absences=tuple(_absences(seed, seconds)) if thorough else (),
        weather=tuple(_weather(dice, seconds, thorough=thorough)),
    )


def _load(dice: random.Random, seconds: float, a_second: float) -> list[Step]:
    steps: list[Step] = []
    done: dict[str, int] = {}
    at = 0.0
    while at < seconds:
        at += dice.expovariate(a_second)
        [what] = dice.choices(list(LOAD), weights=list(LOAD.values()))
        done[what] = done.get(what, 0) + 1
        if what in MOST_OF and done[what] > MOST_OF[what] * max(1.0, seconds / 60):
            what = "form"
        steps.append(Step(at=at, what=what, dice=dice.getrandbits(32)))
    return steps


def _breaks(dice: random.Random, seconds: float, *, thorough: bool) -> list[Step]:
    steps: list[Step] = []
    happened: dict[str, float] = {}
    at = 3.0
    while at < seconds - 3:
        [what] = dice.choices(list(BREAKS), weights=[weight for weight, _, _ in BREAKS.values()])
        if thorough and what in ABSENCES:
            continue
        if what in ONCE_IN_A_MINUTE and at - happened.get(what, -60) < 60:
            continue
        happened[what] = at
        _, short, long = BREAKS[what]
        lasts = min(dice.uniform(*(long if thorough else short)), max(4.0, seconds - at))
        steps.append(Step(at=at, what=what, dice=dice.getrandbits(32), seconds=lasts))
        at += lasts + dice.uniform(1.0, 6.0)
    return steps


def _absences(seed: int, seconds: float) -> list[Step]:
    # Numbers of their own: what a seed does in a short run stays what it was.
    dice = random.Random(f"absences of {seed}")  # noqa: S311 - repeatable on purpose, no secret
    steps: list[Step] = []
    at = dice.uniform(5, 60)
    while at < seconds - 20:
        what = dice.choice(sorted(ABSENCES))
        lasts = min(dice.uniform(*BREAKS[what][2]), seconds - at)
        steps.append(Step(at=at, what=what, dice=dice.getrandbits(32), seconds=lasts))
        at += lasts + dice.uniform(30, 120)
    return steps


def _weather(dice: random.Random, seconds: float, *, thorough: bool) -> list[Step]:
    steps: list[Step] = []
    at = 0.0
    while at < seconds:
        lasts = dice.uniform(20, 60) if thorough else dice.uniform(6, 14)
        weather = {**dice.choice(_WEATHER), **dice.choice(_TELLING), "seed": dice.getrandbits(32)}
        steps.append(Step(at=at, what="weather", dice=0, seconds=lasts, weather=weather))
        at += lasts
    return steps
