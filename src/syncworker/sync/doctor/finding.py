"""What does the doctor say of one thing it looked at?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from syncworker.hubspot.errors import HubSpotError, RetryLater
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.sync.portals.failures import Blocked
from syncworker.sync.watch.runbook import Section, of_block

MEND_SETTINGS = "mend the settings that it names, and start again"
ASK_LATER = "ask again later"
MODE = "mode"
"""The name of what is found about a portal's mode: observe or paused is no problem, but somebody's choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. Where it is not `ok`, `runbook` says where to read."""

    portal: int | None
    """Its hub id; None for what concerns all portals."""
    name: str
    ok: bool
    text: str
    what_now: str = ""
    runbook: str = ""


def fine(portal: int | None, name: str, said: str, what_now: str = "") -> Finding:
    """All is well with it; where somebody chose it to be so, `what_now` says what ends that."""
    return Finding(portal=portal, name=name, ok=True, text=said, what_now=what_now)


def problem(portal: int | None, name: str, said: str, what_now: str, section: Section | str) -> Finding:
    """Something is wrong with it; `section` is one of the runbook, or where to read."""
    runbook = section.link if isinstance(section, Section) else section
    return Finding(portal=portal, name=name, ok=False, text=said, what_now=what_now, runbook=runbook)


def failed(hub_id: int, name: str, error: HubSpotError | RateLimited) -> Finding:
    """It could not be looked at, for what HubSpot said."""
    if isinstance(error, RateLimited | RetryLater):
        said = error.told if isinstance(error, RetryLater) else str(error)
        return problem(hub_id, name, said, ASK_LATER, Section.HUBSPOT_SILENT)
    return problem(hub_id, name, error.message, error.advice, Section.HUBSPOT_SILENT)


def is_silent(finding: Finding) -> bool:
    """Whether it could not be looked at because HubSpot did not answer, or would not now."""
    return finding.what_now == ASK_LATER


def wrong_settings(hub_id: int, name: str, error: Exception) -> Finding:
    """It could not be looked at, for a mistake in the settings (one of WRONG_SETTINGS)."""
    return problem(hub_id, name, f"not looked at: {error}", MEND_SETTINGS, of_block(Blocked.SETTINGS))


def ago(since: timedelta) -> str:
    """A time span as people say it."""
    seconds = int(since.total_seconds())
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
