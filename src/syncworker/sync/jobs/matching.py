"""Which domains does somebody mean who says "all that match"?

More may match by the time they say so than they saw: nobody agreed to those.
"""

from __future__ import annotations

from syncworker.store.database import Tx
from syncworker.sync.jobs.job import JobAction
from syncworker.sync.lists import lead_list
from syncworker.sync.lists.lead_list import SOON_DAYS, Leads, View
from syncworker.sync.lists.lead_lists import LeadList
from syncworker.sync.lists.lists import UnknownFilter


class MoreMatch(Exception):
    """More match than were agreed to: nothing was done."""

    def __init__(self, count: int, agreed: int) -> None:
        self.count = count
        self.agreed = agreed
        super().__init__(
            f"{count} match by now, more than the {agreed} that were agreed to: look again, and say {count}"
        )


def all_that_match(
    tx: Tx, hub_id: int, of: LeadList, action: JobAction, *, q: str | None, days: int = SOON_DAYS[0], agreed: int
) -> list[str]:
    """The domains of a list that match, if they are no more than were agreed to.

    Raises UnknownPortal, UnknownFilter where that cannot be done to this list, MoreMatch.
    """
    if of.leads is None or action not in of.actions:
        raise UnknownFilter(f"what is done to all of {of.name}", action, of.actions)
    return all_agreed_to(tx, hub_id, of.leads, View(q=q, days=days), agreed=agreed)


def all_agreed_to(tx: Tx, hub_id: int, which: Leads, view: View, *, agreed: int) -> list[str]:
    """The domains that match, if they are no more than were agreed to. Raises UnknownPortal, MoreMatch."""
    found = lead_list.domains(tx, hub_id, which, view)
    if len(found) > agreed:
        raise MoreMatch(len(found), agreed)
    return found
