"""Has something changed that pages of a portal show, since somebody last looked?

Answered by a digest: the same one means that nothing has. Cheap enough to be asked every second: whoever looks on asks
here, and reads a list again only when the answer is another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from enum import StrEnum

from sqlalchemy import text

from syncworker.store import portals
from syncworker.sync.context import Context
from syncworker.sync.lists import glance


class Topic(StrEnum):
    """What a page shows."""

    LEADS = "leads"
    """Registrations and requests: whatever history tells of the portal's partner."""
    WORK = "work"
    """How the portal stands: what is due, what HubSpot sends and allows, how far a resync has come."""


# History has no index by partner: of its newest entries, those of this one. A partner who is not among them any more
# has another digest once, and a list is read once too often.
_LEADS = text("""
    SELECT coalesce(string_agg(id::text, ' ' ORDER BY id DESC), '') FROM (
           SELECT id FROM (SELECT id, partner_id FROM history ORDER BY id DESC LIMIT 2000) AS newest
            WHERE partner_id = :partner_id ORDER BY id DESC LIMIT 50) AS of_partner
""")


def digest(context: Context, hub_id: int, topic: Topic) -> str:
    """What is shown, as a few characters that tell nothing else. Raises UnknownPortal."""
    return hashlib.sha256(_SEEN[topic](context, hub_id).encode()).hexdigest()[:16]


def _leads(context: Context, hub_id: int) -> str:
    with context.database.transaction() as tx:
        # Several ids, not the newest alone: a transaction that took longer commits an older one.
        ids = tx.connection.execute(_LEADS, {"partner_id": portals.get(tx, hub_id).partner.id}).scalar_one()
    return str(ids)


def _work(context: Context, hub_id: int) -> str:
    seen = glance.at_a_glance(context, hub_id)
    # That time passes is no change.
    return repr(replace(seen, at=seen.portal.connected_at, oldest_due_s=0.0))


_SEEN: Mapping[Topic, Callable[[Context, int], str]] = {Topic.LEADS: _leads, Topic.WORK: _work}
