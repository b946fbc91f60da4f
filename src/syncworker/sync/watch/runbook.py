"""Which section of the runbook explains this finding, this block, this parked mark?

A section says what it means, who is hurt and the one command. A test holds that every section named here exists in
`docs/operating.md`, and that everything that can be found, block or park has one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from syncworker.languages import to_translate
from syncworker.sync.portals.failures import Blocked

PAGE = "docs/operating.md"
_PACKAGE = Path(__file__).resolve().parents[2]


class MissingRunbook(Exception):
    """The installation lacks the file."""

    def __init__(self, package: Path) -> None:
        self.package = package
        super().__init__(f"no {PAGE} beside {package}: install the package again")


class Section(StrEnum):
    """A section of the runbook, by its anchor."""

    DATABASE = "database-away"
    REDIS = "redis-away"
    CLOCKS = "clocks-differ"
    HUBSPOT_CLOCK = "hubspots-clock-differs"
    SCHEMA = "old-schema"
    INBOX = "inbox-waits"
    PROCESSES = "no-process"
    NO_PORTAL = "no-portal"
    SECRET_KEY = "lost-secret-key"  # noqa: S105 - an anchor
    HUBSPOT_SILENT = "hubspot-does-not-answer"
    TOKEN = "token-of-another-account"  # noqa: S105 - an anchor
    CLIENT_SECRET = "no-client-secret"  # noqa: S105 - an anchor
    SCOPE = "missing-scope"
    PROPERTIES = "properties-differ"
    FORM = "form-is-gone"
    WEBHOOKS = "no-webhooks"
    MARKS_LATE = "marks-are-late"
    POLL_FAILS = "poll-fails"
    POLL_LATE = "poll-is-late"
    LEDGER_DIFFERS = "ledger-differs"
    RESYNC_FAILED = "resync-failed"
    REBUILD = "rebuild-from-the-crm"
    NEEDS_PERSON = "registration-needs-a-person"
    ORPHANED = "registration-is-orphaned"
    PARKED = "what-parks-a-mark"
    BLOCKED = "what-blocks-a-portal"
    NOT_KEPT = "parked-not-kept"
    REFUSED = "parked-refused"
    CONTENDED = "parked-contended"
    GONE = "parked-gone"
    NO_HISTORY = "parked-no-history"
    HUBSPOT_FAILS = "parked-hubspot-fails"
    OUR_MISTAKE = "parked-our-mistake"
    NOTICE = "parked-notice"

    @property
    def link(self) -> str:
        """Where to read it."""
        return link(self)


def text(package: Path = _PACKAGE) -> str:
    """All of it, as Markdown: inside an installed package, or at the root of a checkout.

    `package` is the folder of the package `syncworker`. Raises MissingRunbook.
    """
    # The installed one first: a wheel's neighbour folder might belong to anybody.
    for folder in (package, package.parent.parent):
        if (folder / PAGE).is_file():
            return (folder / PAGE).read_text(encoding="utf-8")
    raise MissingRunbook(package)


def link(anchor: str) -> str:
    """Where a section of that anchor is to be read."""
    return f"{PAGE}#{anchor}"


def of_block(reason: str | None) -> str:
    """Where to read about a portal that is blocked for this reason."""
    return link(f"blocked-{reason}") if reason in set(Blocked) else Section.BLOCKED.link


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a mark is parked, in words, and what to do about it."""

    section: Section
    meaning: str
    """In English, as `what_now`; a page translates them."""
    what_now: str
    command: Literal["retry", "dismiss"] = "retry"
    """What `what_now` comes to, of `syncworker marks`."""

    def of_mark(self, kind: str, object_id: str, hub_id: int | str) -> str:
        """That command, for a mark."""
        return f"syncworker marks {self.command} {kind} {object_id} --portal {hub_id}"


_NOT_KEPT = Why(
    section=Section.NOT_KEPT,
    meaning=to_translate("something in the CRM sets our values back each time we write them"),
    what_now=to_translate("stop the workflow or app that changes the partner registration properties, then retry"),
)
_NO_HISTORY = Why(
    section=Section.NO_HISTORY,
    meaning=to_translate("its request property is set, and HubSpot does not tell who set it when"),
    what_now=to_translate("set the request anew in the CRM, then retry"),
)
_GONE = Why(
    section=Section.GONE,
    meaning=to_translate("it was deleted while it was worked on"),
    what_now=to_translate("dismiss it"),
    command="dismiss",
)
_CONTENDED = Why(
    section=Section.CONTENDED,
    meaning=to_translate("others write the same record all the time"),
    what_now=to_translate("see in the record's history who, then retry"),
)
_REFUSED = Why(
    section=Section.REFUSED,
    meaning=to_translate("HubSpot refuses to have this record written"),
    what_now=to_translate("change the rule, or fill the property, that the message names, then retry"),
)
_HUBSPOT_FAILS = Why(
    section=Section.HUBSPOT_FAILS,
    meaning=to_translate("HubSpot has failed for this one record, for hours"),
    what_now=to_translate("retry later; else ask HubSpot with the correlation id"),
)
_OUR_MISTAKE = Why(
    section=Section.OUR_MISTAKE,
    meaning=to_translate("a mistake in this program, about this record"),
    what_now=to_translate("report the line, and retry after the next version"),
)
_NOTICE = Why(
    section=Section.NOTICE,
    meaning=to_translate("somebody could not be told of something"),
    what_now=to_translate("mend what the message names (mail settings, address, task), then retry; or dismiss it"),
)
# In the order in which they are tried, on what is kept as the mark's last error.
_BY_TEXT = (
    (re.compile(r"^notice not sent"), _NOTICE),
    (re.compile(r"the CRM does not keep our values"), _NOT_KEPT),
    (re.compile(r"HubSpot gives no history"), _NO_HISTORY),
    (re.compile(r"HubSpot answered 404\b"), _GONE),
    (re.compile(r"HubSpot answered (409|423)\b"), _CONTENDED),
    (re.compile(r"HubSpot answered 4\d\d\b"), _REFUSED),
    # A good status with an answer that could not be read is HubSpot's trouble too.
    (re.compile(r"HubSpot answered \d|No answer from HubSpot"), _HUBSPOT_FAILS),
)


def of_parked(last_error: str | None) -> Why:
    """Why a mark with this last error is parked."""
    said = last_error or ""
    return next((why for pattern, why in _BY_TEXT if pattern.search(said)), _OUR_MISTAKE)
