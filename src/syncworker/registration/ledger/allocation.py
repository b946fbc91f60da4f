"""Who gets the free slots? All waiting requests of a partner, in the order in which they were made.

Called under the partner's row lock, in whatever transaction frees capacity or adds to the waiting list.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import distinct_on

from syncworker.registration.ledger import moves
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.capacity import Terms, held
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.moves import Move
from syncworker.registration.ledger.registrations import NewRegistration, held_on, insert_free, touch, undo
from syncworker.registration.ledger.requests import State, Stored
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.portals import Mode
from syncworker.store.tables import portals, registrations
from syncworker.store.tables import requests as requests_table

# The order of the waiting list, before the id: since when a request waits, or where a manager moved it to.
IN_LINE = func.coalesce(requests_table.c.line_at, requests_table.c.requested_at).label("in_line")


def allocate(tx: Tx, partner_id: int, granted: Terms) -> Changes:
    """Register waiting requests until the slots or the requests are used up."""
    changes = Changes()
    # What the partner holds already takes no slot, and does not wait for one.
    _serve(tx, partner_id, _held_and_waited_for(tx, partner_id), changes)
    free = granted.limit - held(tx, partner_id, at_most=granted.limit)
    while free > 0:
        first = _first_in_line(tx, partner_id, domains=free)
        if not first:
            break
        wanted = [
            NewRegistration(
                domain=str(request.domain),
                hub_id=request.hub_id,
                contact_id=request.contact_id,
                company_id=request.company_id,
                source=request.source,
                time_zone=time_zone,
            )
            for request, time_zone in first
        ]
        new = insert_free(tx, partner_id, wanted, validity=granted.validity, authority=granted.authority)
        winners = {request.id for request, _ in first if request.domain in new}
        _serve(tx, partner_id, {str(request.domain) for request, _ in first}, changes, winners=winners)
        free -= len(new)
    return changes


def _held_and_waited_for(tx: Tx, partner_id: int) -> set[str]:
    both = (
        select(requests_table.c.domain)
        .join(registrations, registrations.c.domain == requests_table.c.domain)
        .join(portals, portals.c.hub_id == requests_table.c.hub_id)
        .where(
            portals.c.mode == Mode.WRITE.value,
            requests_table.c.partner_id == partner_id,
            requests_table.c.state == State.WAITING.value,
            registrations.c.partner_id == partner_id,
            registrations.c.ended_at.is_(None),
        )
    )
    return set(tx.connection.execute(both.distinct()).scalars())


def _first_in_line(tx: Tx, partner_id: int, *, domains: int) -> list[tuple[Stored, str]]:
    """The first request of each of the first `domains` domains that are waited for, with its time zone."""
    # Several requests for one domain count once.
    first = (
        asked.query()
        .add_columns(portals.c.time_zone, IN_LINE)
        .ext(distinct_on(requests_table.c.domain))
        .join_from(requests_table, portals, requests_table.c.hub_id == portals.c.hub_id)
        .where(requests_table.c.partner_id == partner_id, requests_table.c.state == State.WAITING.value)
        .where(requests_table.c.domain.is_not(None))
        # A portal that is only observed, or paused, registers nothing.
        .where(portals.c.mode == Mode.WRITE.value)
        .order_by(requests_table.c.domain, IN_LINE, requests_table.c.id)
        .subquery()
    )
    line = select(first).order_by(first.c.in_line, first.c.id).limit(domains)
    return [(asked.stored(row), row.time_zone) for row in tx.connection.execute(line)]


def _serve(tx: Tx, partner_id: int, domains: set[str], changes: Changes, *, winners: Collection[int] = ()) -> None:
    """Settle all of the partner's requests that wait for these domains, now that each domain is somebody's."""
    line = asked.query().where(
        requests_table.c.partner_id == partner_id,
        requests_table.c.state == State.WAITING.value,
        among(requests_table.c.domain, domains),
        # Those of a portal that is paused wait on, and are decided when it is not.
        requests_table.c.hub_id.in_(select(portals.c.hub_id).where(portals.c.mode == Mode.WRITE.value)),
    )
    if not domains:
        return
    changes.contacts |= moves.contacts_waiting_elsewhere(tx, partner_id, domains)
    waiting = [asked.stored(row) for row in tx.connection.execute(line.order_by(requests_table.c.id))]
    holders = held_on(tx, domains)
    lost: list[Stored] = []
    made: list[Move] = []
    for request in waiting:
        changes.contacts.add((request.hub_id, str(request.contact_id)))
        holder = holders.get(str(request.domain))
        if holder is None or holder.partner_id != partner_id:
            lost.append(request)
            continue
        if not holder.is_active:
            # Asked for again within its undo time: the claim, whose slot was kept, comes back.
            changes.add(undo(tx, [holder], who=request.who, source=request.source))
            holders[holder.domain] = replace(holder, deregistered_at=None, undo_until=None)
        touch(changes, holder)
        if request.company_id is not None:
            changes.companies.add((request.hub_id, request.company_id))
        made.append(
            Move(
                request=request,
                state=State.REGISTERED,
                happened=Happened.REGISTERED if request.id in winners else Happened.JOINED,
                domain=request.domain,
                company_id=request.company_id,
                registration_id=holder.id,
                who=request.who,
            )
        )
    moves.settle(tx, made)
    # The losers of a race decide again, and come out unavailable.
    moves.decide_again(tx, lost)
