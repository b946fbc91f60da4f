"""Which expired leads can be registered again within the capacity that is free now?

The last to expire come first. Who waits in line goes before all of them; and what has no contact in the portal, for
whom it would be asked, is left out.
"""

from __future__ import annotations

from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.lists import lead_list, lists
from syncworker.sync.lists.lead_list import MOST_LINES_OF_PAGE, Leads, Sort, View


def fitting(context: Context, tx: Tx, hub_id: int) -> list[str]:
    """Their domains; raises UnknownPortal, UnknownTierError, NoCapacityError."""
    room = room_for(context, tx, hub_id)
    found: list[str] = []
    page, pages = 1, 1
    while len(found) < room and page <= pages:
        view = View(sort=Sort.EXPIRES_ON, descending=True, page=page, size=MOST_LINES_OF_PAGE)
        shown = lead_list.leads(tx, hub_id, Leads.EXPIRED, view)
        found += [line.domain for line in shown.items if line.contact_id is not None and line.hub_id == hub_id]
        page, pages = page + 1, shown.pages
    return found[:room]


def room_for(context: Context, tx: Tx, hub_id: int) -> int:
    """How many that is at most; raises as `fitting` does."""
    held = lists.capacity_of(context, tx, hub_id)
    return max(0, held.free - held.waiting)
