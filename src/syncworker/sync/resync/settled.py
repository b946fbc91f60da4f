"""Which listed records are as they were when they were last found right?

Most records of a resync are, and to decide each anew costs more than to read it. So a record that showed what it should
is noted as settled, with a digest of all that this rested on: what was read of it, what we keep of it and of its
company, and each row of the ledger that deciding looks at. Where all of that is the same, deciding could only say the
same again. Everything else is decided: no answer here is ever wrong for being no.
"""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from importlib.metadata import version
from operator import itemgetter

import orjson

from syncworker.hubspot.listing import Listing
from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.reading import MERGED
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx, in_drivers_words
from syncworker.store.portals import Portal
from syncworker.sync.context import Context, program
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile.leads import properties_read

# Of a new release all is decided anew: its rules may be others.
_RELEASE = version("syncworker")


def digests(names: PropertyNames, kind: Kind, page: Listing, *, own_company_id: str | None) -> dict[str, str]:
    """A digest of what was read of each record.

    Without those that are never settled: archived, with a request set, or merged with another one; and the partner's
    own company, which shows the capacity.
    """
    own = own_company_id if kind is Kind.COMPANY else None
    values_of = itemgetter(*properties_read(names, kind))
    found = {}
    for object_id, (of, associations, archived, _) in page.listed.items():
        if archived or object_id == own or of.get(names.request) or any(map(of.get, MERGED)):
            continue
        try:
            values: object = values_of(of)
        except KeyError:  # not all were given: said otherwise, and no less true
            values = sorted(of.items())
        try:
            of_all = orjson.dumps((values, associations))
        except orjson.JSONEncodeError:  # half of a surrogate pair: known again by no digest
            continue
        found[object_id] = blake2b(of_all, digest_size=16).hexdigest()
    return found


def note(tx: Tx, context: Context, portal: Portal, kind: Kind, right: Mapping[str, str]) -> None:
    """Settle records that show what they should, given the digest of each; after all else that is kept of them."""
    if right:
        tx.ask(_NOTE[kind], parameters(context, portal, kind, right))


def parameters(context: Context, portal: Portal, kind: Kind, read: Mapping[str, str]) -> dict[str, object]:
    """Those of RECOGNISED, given the digest of each record; `read_after` excepted."""
    rules = [_RELEASE, context.domain_rules.digest, program(portal.partner.program).authority.value]
    rules += [portal.partner.tier, repr(context.names)]
    return {
        "hub_id": portal.hub_id,
        "partner_id": portal.partner.id,
        "rules": blake2b(joined(rules).encode(), digest_size=16).hexdigest(),
        "kind": kind.value,
        "ids": joined(read),
        "digests": orjson.dumps(read).decode(),
    }


# `xmin` is another one whenever anything in the row was changed. In a restored backup all are others: then everything
# is decided once. In whatever order the rows come: another order only says no.
_ROWS = "(SELECT string_agg(l.id || '/' || CAST(l.xmin AS text), ' ') FROM {table} AS l WHERE {where})"
# Most have no rows by their own id: of a whole page that takes one look.
_ROWS_OF_ITS_OWN = f"""CASE
    WHEN (SELECT EXISTS (SELECT FROM {{table}} WHERE hub_id = :hub_id AND {{object_id}} = ANY({split("ids")})))
    THEN {_ROWS.format(table="{table}", where="l.hub_id = r.hub_id AND l.{object_id} = r.object_id")}
END"""
_DIGEST = "(CAST(:digests AS jsonb) ->> r.object_id)"
# What was read stands first, by itself: where it differs, nothing else is looked at.
_RESTS_ON = f"""{_DIGEST} || hash_record_extended(ROW(
    CAST(:rules AS text), r.seen, r.domain, r.company_id, r.company, r.country, r.written,
    (SELECT c.seen FROM records AS c WHERE c.hub_id = r.hub_id AND c.kind = 'company' AND c.object_id = r.company_id),
    {_ROWS.format(table="registrations", where="l.partner_id = :partner_id AND l.domain = r.domain")},
    {_ROWS_OF_ITS_OWN.replace("{table}", "registrations")},
    {_ROWS_OF_ITS_OWN.replace("{table}", "requests")}
), 0)"""
# The digests are looked up and not joined: a planner that takes the list for short compares each id with each.
_LISTED = f"""
     WHERE r.hub_id = :hub_id AND r.kind = :kind AND r.object_id = ANY({split("ids")}) AND r.presence = 'live'
"""
# The ids of those that are settled, and that nobody has looked at since `read_after`.
RECOGNISED = f"""
    SELECT r.object_id FROM records AS r {_LISTED}
       AND r.reconciled_at <= :read_after AND starts_with(r.settled, {_DIGEST}) AND r.settled = {_RESTS_ON}
"""
_NOTED = f"UPDATE records AS r SET settled = {_RESTS_ON} {_LISTED}"


def of_each_kind(statement: str) -> dict[Kind, bytes]:
    """A statement that holds RECOGNISED, or what that is made of, for records of each kind that is listed."""
    return {
        kind: in_drivers_words(statement.replace("{object_id}", f"{kind}_id")) for kind in (Kind.CONTACT, Kind.COMPANY)
    }


_NOTE = of_each_kind(_NOTED)
