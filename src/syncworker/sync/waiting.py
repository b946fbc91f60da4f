"""What can a manager do about the waiting list, and about deregistrations that were asked for in the CRM?

The pages, the API and the command line call these. Each checks that the request is the portal's partner's.
"""

from __future__ import annotations

from datetime import timedelta

from syncworker.registration.ledger import allocation, line_places, moves, registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.requests import NotOpen, State, Stored
from syncworker.registration.rules.terms import Source
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.lists import lists
from syncworker.sync.under_lock import under_lock


class NotExchanged(Exception):
    """The slot that would come free does not go to the request: nothing was changed."""

    def __init__(self, domain: str, wanted: str) -> None:
        self.domain = domain
        self.wanted = wanted
        super().__init__(
            f"{domain} stays registered: giving it up would not register {wanted}, because more is registered than the "
            "capacity, the portal registers nothing at present, or the domain is taken by now"
        )


def waiting_of(tx: Tx, hub_id: int, request_id: int) -> Stored:
    """A waiting request of the portal's partner; raises UnknownPortal, UnknownRequest, NotWaiting."""
    return line_places.waiting(tx, lists.request_of(tx, hub_id, request_id).partner_id, request_id)


def move(context: Context, hub_id: int, request_id: int, *, to: int, who: str, source: Source) -> int:
    """Put a waiting request at a place of the list (1: next), with all for its domain; return the place.

    Raises UnknownPortal, UnknownRequest, NotWaiting.
    """

    def work(tx: Tx, _: Portal, __: Changes) -> int:
        request = waiting_of(tx, hub_id, request_id)
        return line_places.move(tx, request, to=to, who=who, source=source.value)

    return under_lock(context, hub_id, work, cause="moved in line")


def exchange(context: Context, hub_id: int, domain: str, request_id: int, *, who: str, source: Source) -> Stored:
    """Give a registration up for a request that waits, in one transaction: its slot goes to nobody else.

    So it cannot be undone. Raises UnknownPortal, UnknownRequest, NotRegistered, NotWaiting, NotExchanged; then nothing
    is changed.
    """
    domain = storable(domain)

    def work(tx: Tx, portal: Portal, changes: Changes) -> Stored:
        request = waiting_of(tx, hub_id, request_id)
        claim = registrations.active_of(tx, portal.partner.id, domain)
        line_places.move(tx, request, to=1, who=who, source=source.value)
        changes.add(registrations.deregister(tx, [claim], who=who, source=source, undo=timedelta(0)))
        changes.add(allocation.allocate(tx, portal.partner.id, context.terms(portal.partner, tx)))
        after = asked.get(tx, request_id)
        if after.state is not State.REGISTERED:
            raise NotExchanged(domain, str(request.domain))
        return after

    return under_lock(context, hub_id, work, cause="exchanged", domains=[domain])


def confirm_deregistration(context: Context, hub_id: int, request_id: int, *, who: str) -> Stored:
    """Do as somebody asked in the CRM; raises UnknownPortal, UnknownRequest, NotOpen."""

    def work(tx: Tx, _: Portal, changes: Changes) -> Stored:
        lists.request_of(tx, hub_id, request_id)
        changes.add(moves.confirm(tx, request_id, who=who))
        return asked.get(tx, request_id)

    return under_lock(context, hub_id, work, cause="a person's word")


def refuse_deregistration(context: Context, hub_id: int, request_id: int, *, who: str) -> Stored:
    """Leave registered what somebody asked in the CRM to deregister; raises UnknownPortal, UnknownRequest, NotOpen."""

    def work(tx: Tx, _: Portal, changes: Changes) -> Stored:
        if lists.request_of(tx, hub_id, request_id).state is not State.CONFIRMING:
            raise NotOpen(request_id)
        changes.add(moves.withdraw(tx, request_id, who=who))
        return asked.get(tx, request_id)

    return under_lock(context, hub_id, work, cause="a person's word")
