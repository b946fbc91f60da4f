"""What does a company show whose contacts, or whose domains, are in different states?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from syncworker.registration.rules import sentences
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.text import quote


def best(decisions: Sequence[Decision]) -> Decision:
    """The best of the states: registered, pending, unavailable, invalid_data, expired, deregistered.

    Of several registrations the one that lasts longest; of other equals the first domain by name, so that
    the order of the decisions changes nothing. The detail names the other domains with their states. Its
    outcome is NOTHING: a company has no requests of its own. Without any state it shows nothing.
    """
    shown = sorted((decision for decision in decisions if decision.status), key=_order)
    if not shown:
        return Decision(outcome=Outcome.NOTHING)
    chosen = shown[0]
    others = list(_other_domains(shown, chosen))
    detail = sentences.other_domains(chosen.detail, others) if others else chosen.detail
    return replace(chosen, outcome=Outcome.NOTHING, detail=detail)


def _order(decision: Decision) -> tuple[int, int, str, str, str]:
    rank = decision.status.rank if decision.status else 0
    # A registration that is only being made has no dates yet: after those that have.
    last_day = -decision.claim.expires_on.toordinal() if decision.claim else 0
    return rank, last_day, decision.domain or "", decision.reason or "", decision.detail


def _other_domains(shown: Iterable[Decision], chosen: Decision) -> Iterable[str]:
    seen = {chosen.domain, None}
    for decision in shown:
        if decision.domain not in seen and decision.domain and decision.status:
            seen.add(decision.domain)
            yield f"{quote(decision.domain)} {decision.status.replace('_', ' ')}"
