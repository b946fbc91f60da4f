"""Which registrations wait for a person's decision, and which does no record stand for any more?"""

from __future__ import annotations

from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.doctor.finding import Finding, fine, problem
from syncworker.sync.lists import lists
from syncworker.sync.watch.runbook import Section


def registrations(tx: Tx, portal: Portal) -> list[Finding]:
    """How many registrations of the portal need a person."""
    hub_id = portal.hub_id
    counts = lists.needing_people(tx, hub_id)
    return [
        _found(hub_id, "decisions", counts.needs_person, "registrations wait for a person's decision",
               "--needs-person", Section.NEEDS_PERSON),
        _found(hub_id, "orphans", counts.orphaned, "registrations whose contact and company are gone from the CRM",
               "--orphaned", Section.ORPHANED),
    ]  # fmt: skip


def _found(hub_id: int, name: str, count: int, said: str, option: str, section: Section) -> Finding:
    if not count:
        return fine(hub_id, name, "none")
    what = f"see: syncworker registrations list {option} --portal {hub_id}"
    return problem(hub_id, name, f"{count} {said}", what, section)
