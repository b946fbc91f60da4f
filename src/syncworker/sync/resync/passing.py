"""Which pages of a list lead to nothing, and are passed by?

Of most pages there is nothing to decide: their records are settled, or strangers. What tells that moves the resync on
as well, in one statement, or two where there are strangers. A transaction around it would be five trips to PostgreSQL,
and the trips are what such a page takes.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.hubspot.records import Record
from syncworker.store.arrays import SEPARATOR, joined
from syncworker.store.database import in_drivers_words
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.resync import settled
from syncworker.sync.resync.ahead import Read
from syncworker.sync.resync.place import MOVED, PAGE_KEPT, Taken, stepped
from syncworker.sync.resync.scope import kind_of
from syncworker.sync.resync.strangers import NAMED, may_be

# What was recognised rests on the partner as the turn found it, and a paused portal stays where it is.
_AS_IT_WAS = """
    EXISTS (SELECT FROM portals AS p JOIN partners AS b ON b.id = p.partner_id
             WHERE p.hub_id = :hub_id AND p.mode <> 'paused'
               AND b.id = :partner_id AND b.program = :program AND b.tier = :tier)
"""
_PASS_IF_SETTLED = settled.of_each_kind(f"""
    WITH settled AS MATERIALIZED ({settled.RECOGNISED}),
         moved AS ({MOVED} AND (SELECT count(*) FROM settled) = :listed AND {_AS_IT_WAS} RETURNING id),
         kept AS ({PAGE_KEPT})
    SELECT EXISTS (SELECT FROM moved), (SELECT string_agg(object_id, chr(31)) FROM settled)
""")
_PASS_IF_STRANGERS = in_drivers_words(f"""
    WITH named AS MATERIALIZED ({NAMED}),
         moved AS ({MOVED} AND :all_may_be AND NOT EXISTS (SELECT FROM named) AND {_AS_IT_WAS} RETURNING id),
         kept AS ({PAGE_KEPT})
    SELECT 'moved', NULL FROM moved UNION ALL SELECT kind, object_id FROM named
""")


def pass_by(
    context: Context, portal: Portal, taken: Taken, read: Read, digests: Mapping[str, str]
) -> dict[str, Record] | None:
    """Pass the page by, and return None; or the records of it that are to be decided: then the resync is where it was.

    `portal`: as it was lately; what is decided after this is to be decided for the same partner. `digests`: what was
    read of each record, in short.
    """
    kind = kind_of(read.place.stage)
    listed = read.listing.listed
    partner = portal.partner
    step: dict[str, object] = {
        # That the lease counts from a little before costs nothing, and what time it is would be another trip.
        **stepped(taken.id, read.place, read.to, listed=len(listed), calls=1, now=read.read_after),
        "page": joined(listed),
        "program": partner.program,
        "tier": partner.tier,
    }
    right: frozenset[str] = frozenset()
    if digests:
        of_records = settled.parameters(context, portal, kind, digests) | {"read_after": read.read_after}
        [(moved, found)] = context.database.ask(_PASS_IF_SETTLED[kind], step | of_records).rows
        if moved:
            return None
        right = frozenset((found or "").split(SEPARATOR))
    left = {key: read.listing.record(key) for key, of in listed.items() if key not in right and not of.archived}
    # Where most of a page is to be decided anyhow, that finds the strangers as well.
    if kind is Kind.CONTACT and left and 2 * len(left) < len(listed):
        some = may_be(context, left)
        of_contacts = some.parameters(portal) | {"all_may_be": len(some.domains) == len(left)}
        named = context.database.ask(_PASS_IF_STRANGERS, step | of_contacts).rows
        if ("moved", None) in named:
            return None
        for stranger in some.without(named):
            del left[stranger]
    return left
