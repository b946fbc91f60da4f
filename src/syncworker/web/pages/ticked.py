"""Which leads does a form mean: those that are ticked, or all that match a search?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Form

from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.jobs.matching import MoreMatch, all_agreed_to
from syncworker.sync.lists import lead_list
from syncworker.sync.lists.lead_list import SOON_DAYS, Leads, View
from syncworker.web.pages.coming_back import Back, own

# More are counted, not listed: nobody reads them.
MOST_SHOWN = 100

Key = Annotated[str, Form(pattern=r"^[0-9a-f]{32}$")]
"""Of a question: answered twice, by a double click, it is one answer."""
Seen = Annotated[int, Form()]
"""How many leads a question was about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticked:
    """What a form says."""

    domains: list[str]
    q: str
    every: bool
    """All that match `q`, whichever are ticked."""
    days: int
    """Of those that expire: within how many."""
    back: str
    """The page that the form stands on; empty where it does not say."""

    @property
    def view(self) -> View:
        """How the list is looked at in which all are meant."""
        return View(q=self.q, size=MOST_SHOWN, days=self.days)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The leads that are meant."""

    q: str
    every: bool
    domains: tuple[str, ...]
    """All of them; of all that match, as many as are shown."""
    total: int

    @property
    def shown(self) -> tuple[str, ...]:
        """Those that are named."""
        return self.domains[:MOST_SHOWN]


def _ticked(
    domain: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    q: Annotated[str, Form()] = "",
    every: Annotated[bool, Form()] = False,
    days: Annotated[int, Form()] = SOON_DAYS[0],
    back: Back = "",
) -> Ticked:
    return Ticked(domains=list(dict.fromkeys(domain)), q=q, every=every, days=days, back=own(back, ""))


Meant = Annotated[Ticked, Depends(_ticked)]


def chosen_of(tx: Tx, portal: Portal, meant: Ticked, which: Leads = Leads.REGISTERED) -> Chosen:
    """The leads of a list that are meant, for the question."""
    if meant.every:
        page = lead_list.leads(tx, portal.hub_id, which, meant.view)
        return Chosen(q=meant.q, every=True, domains=tuple(line.domain for line in page.items), total=page.total)
    return Chosen(q=meant.q, every=False, domains=tuple(meant.domains), total=len(meant.domains))


def agreed(tx: Tx, portal: Portal, meant: Ticked, *, seen: int, which: Leads = Leads.REGISTERED) -> list[str] | None:
    """The domains that somebody said yes to; None where more match by now than they were told of."""
    if not meant.every:
        return meant.domains
    try:
        return all_agreed_to(tx, portal.hub_id, which, meant.view, agreed=seen)
    except MoreMatch:
        return None
