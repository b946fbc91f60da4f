"""Is everything as it must be, and if not, what is to be done?

Nothing is changed, but that what differs is marked where that is asked for. Each check is in the file of its question.
"""

from __future__ import annotations

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from syncworker.store import portals
from syncworker.sync import bulk_rest
from syncworker.sync.context import Context
from syncworker.sync.doctor import servers
from syncworker.sync.doctor.access import check_access as check_access
from syncworker.sync.doctor.access import why_not_asked
from syncworker.sync.doctor.finding import MODE as MODE
from syncworker.sync.doctor.finding import Finding as Finding
from syncworker.sync.doctor.finding import problem
from syncworker.sync.doctor.ledger import Compare as Compare
from syncworker.sync.doctor.ledger import ledger
from syncworker.sync.doctor.prepared import prepared, webhooks
from syncworker.sync.doctor.registrations import registrations
from syncworker.sync.doctor.telling import telling
from syncworker.sync.doctor.work import work
from syncworker.sync.lists.mark_lists import mark_counts
from syncworker.sync.watch.runbook import Section


def examine(context: Context, *, only: int | None = None, compare: Compare | None = None) -> list[Finding]:
    """Everything, or one portal and what concerns all; records only with `compare`. Raises UnknownPortal."""
    found = [servers.redis_answers(context), *servers.processes(context)]
    try:
        with context.database.transaction() as tx:
            found += servers.database(tx)
            if not all(finding.ok for finding in found if finding.name == "schema"):
                return found
            found += [servers.hubspot_clock(tx), servers.inbox(tx)]
            connected = portals.everyone(tx) if only is None else [portals.get(tx, only)]
            counts = mark_counts(tx)
            rest_s = {portal.hub_id: context.limiter.bulk_rests_s(portal.hub_id) for portal in connected}
            now = tx.now
            of_portal = {
                portal.hub_id: [
                    *work(tx, portal, counts, bulk_rests_s=rest_s[portal.hub_id]),
                    *registrations(tx, portal),
                    webhooks(tx, portal),
                    *telling(tx, portal, context.settings),
                ]
                for portal in connected
            }
    except (DBAPIError, PoolTimeout) as error:
        return [*found, servers.database_away(error)]
    if not connected:
        what = "run: syncworker portals add"
        found.append(problem(None, "portals", "no portal is connected", what, Section.NO_PORTAL))
    asks_no_more: dict[int, str | None] = {}
    for portal in connected:
        found += of_portal[portal.hub_id]
        access = check_access(context, portal)
        asks_no_more[portal.hub_id] = why_not_asked(access)
        found += access
        if asks_no_more[portal.hub_id] is None:
            readied = prepared(context, portal)
            asks_no_more[portal.hub_id] = why_not_asked(readied) or (
                bulk_rest.said(now, rest_s[portal.hub_id]) if rest_s[portal.hub_id] else None
            )
            found += readied
    if compare is not None:
        compare.before(found)
        found += [ledger(context, portal, compare, unless=asks_no_more[portal.hub_id]) for portal in connected]
    return found
