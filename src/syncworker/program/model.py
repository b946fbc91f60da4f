"""What is a partner program: which tiers has it, what may each hold, for how long, and whose word counts?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Authority(StrEnum):
    """Whose word it is that a lead is registered."""

    HUBSPOT = "hubspot"
    """The ledger keeps HubSpot's straight: a registration is unconfirmed until HubSpot's is known."""
    OWN = "own"
    """The ledger is the register: any vendor's program run on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Validity:
    """How long a registration holds: calendar years, or days. One of the two is zero."""

    years: int = 0
    days: int = 0


ONE_YEAR = Validity(years=1)
"""HubSpot's rule for Solutions Partners: hubspot.com/partners/faqs, about 2020-21."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A partner's standing. `name` is what settings and tables use, `label` what people read."""

    name: str
    label: str
    validity: Validity = ONE_YEAR


@dataclass(frozen=True, slots=True, kw_only=True)
class CapacityRule:
    """How many registrations a tier may have active at once, and how far the number can be trusted."""

    limit: int
    source_text: str
    """Who says so, and since when."""
    is_example: bool
    """Not published as such: to be replaced by the partner's own number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """What held from a day on, until the next rule set says otherwise."""

    valid_from: date
    source: str
    capacities: Mapping[str, CapacityRule]
    """By the tier's name."""
    unpublished: frozenset[str] = frozenset()
    """Tiers whose capacity changed that day to a number nobody published: the older is an example since."""


class UnknownTierError(Exception):
    """The program has no tier of that name; `known` lists those it has."""

    def __init__(self, *, tier: str, known: tuple[str, ...], program: str) -> None:
        self.tier = tier
        self.known = known
        self.program = program
        super().__init__(f"the program {program} has no tier {tier!r}: use one of {', '.join(known)}")


class NoCapacityError(Exception):
    """No rule set says what the tier may hold on that day."""

    def __init__(self, *, tier: str, on: date, program: str) -> None:
        self.tier = tier
        self.on = on
        self.program = program
        super().__init__(
            f"the program {program} has no capacity for the tier {tier!r} on {on.isoformat()}: "
            "set the partner's capacity itself"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The rules all partners play by. `rule_sets` are in the order of their days."""

    name: str
    label: str
    authority: Authority
    tiers: tuple[Tier, ...]
    """The lowest first."""
    rule_sets: tuple[RuleSet, ...]

    @property
    def tier_names(self) -> tuple[str, ...]:
        """The names of the tiers, the lowest first."""
        return tuple(tier.name for tier in self.tiers)

    def tier(self, name: str) -> Tier:
        """The tier of that name. Raises UnknownTierError, which lists the known ones."""
        for tier in self.tiers:
            if tier.name == name:
                return tier
        raise UnknownTierError(tier=name, known=self.tier_names, program=self.name)

    def validity(self, tier: str) -> Validity:
        """How long a registration of a partner of that tier holds. Raises UnknownTierError."""
        return self.tier(tier).validity

    def capacity(self, tier: str, on: date) -> CapacityRule:
        """What a partner of that tier may hold on that day. Raises UnknownTierError and NoCapacityError."""
        name = self.tier(tier).name
        rule: CapacityRule | None = None
        changed_since: list[str] = []
        for rule_set in self.rule_sets:
            if rule_set.valid_from > on:
                break
            if name in rule_set.capacities:
                rule, changed_since = rule_set.capacities[name], []
            elif name in rule_set.unpublished:
                changed_since.append(f"{rule_set.valid_from.isoformat()} ({rule_set.source})")
        if rule is None:
            raise NoCapacityError(tier=name, on=on, program=self.name)
        if not changed_since:
            return rule
        # An old number shown as if it still held would be a claim about HubSpot that nobody made.
        changes = ", ".join(changed_since)
        return CapacityRule(
            limit=rule.limit,
            source_text=f"{rule.source_text}; changed since to unpublished numbers: {changes}",
            is_example=True,
        )
