"""Do the portal's records show in the CRM what the ledger says?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.store.portals import Mode, Portal
from syncworker.sync.context import Context
from syncworker.sync.doctor.finding import Finding, failed, fine, problem, wrong_settings
from syncworker.sync.portals.failures import WRONG_SETTINGS
from syncworker.sync.watch.audit import SAMPLE, Difference, audit
from syncworker.sync.watch.runbook import Section


def _unheard(_: Difference) -> None:
    """For whoever wants only the number."""


def _unseen(_: Sequence[Finding]) -> None:
    """For whoever waits for all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """How much is compared, and what becomes of differences. `sample`: so many records of each kind; None: all."""

    sample: int | None = SAMPLE
    fix: bool = False
    heard: Callable[[Difference], None] = _unheard
    before: Callable[[Sequence[Finding]], None] = _unseen
    """Told what was found by then, before anything is compared: all of a million records take hours."""


def ledger(context: Context, portal: Portal, compare: Compare, *, unless: str | None) -> Finding:
    """Compare records; each difference is told to `compare.heard` as it is found.

    `unless`: why nothing is asked of HubSpot, where that is so.
    """
    hub_id = portal.hub_id
    if unless is not None:
        return fine(hub_id, "ledger", f"not compared: {unless}")
    if portal.mode is not Mode.WRITE:
        return fine(hub_id, "ledger", f"not compared: in mode {portal.mode} nothing is written")
    compared = 0
    under_way: set[tuple[str, str]] = set()
    differing: set[tuple[str, str]] = set()
    try:
        for page in audit(context, hub_id, sample=compare.sample, fix=compare.fix):
            compared += page.compared
            for one in page.differences:
                compare.heard(one)
                (under_way if one.under_way else differing).add((one.kind, one.object_id))
    except WRONG_SETTINGS as error:
        return wrong_settings(hub_id, "ledger", error)
    except (HubSpotError, RateLimited) as error:
        return failed(hub_id, "ledger", error)
    said = f"{compared} records compared with the CRM"
    waiting = f"; {len(under_way)} more are marked already" if under_way else ""
    if not differing:
        return fine(hub_id, "ledger", f"{said}{waiting}; none differs" if not waiting else f"{said}{waiting}")
    if compare.fix:
        what = "nothing more: they are marked, and the workers put them right"
    else:
        what = f"run: syncworker doctor --all --fix --portal {hub_id}"
    return problem(hub_id, "ledger", f"{said}; {len(differing)} differ{waiting}", what, Section.LEDGER_DIFFERS)
