"""Who stands where in the waiting list? The order in which `registration/ledger/allocation.py` gives slots away."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from syncworker.store.database import Tx

_WAITING = """
    SELECT id, domain, hub_id, contact_id, company_id, source, requested_at,
           coalesce(line_at, requested_at) AS in_line
      FROM requests WHERE partner_id = :partner_id AND state = 'waiting'"""

# SQL for a table of the waiting requests of :partner_id, with their places. Several requests for one domain count once:
# here stands the first of them.
PLACES = f"""(
    SELECT *, row_number() OVER (ORDER BY in_line, id) AS position
      FROM (SELECT DISTINCT ON (domain) * FROM ({_WAITING}) AS waiting ORDER BY domain, in_line, id) AS heads)"""

# The same of all of them, each with the place of the first for its domain.
POSITIONS = f"""(
    SELECT waiting.id, waiting.domain, waiting.in_line, first.position
      FROM ({_WAITING}) AS waiting JOIN {PLACES} AS first ON first.domain = waiting.domain)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ahead:
    """How many domains are waited for, and how many of them stand before one; where nobody waits for that, all do.

    Those that are `served` get a slot as soon as one is free: what a portal waits for that is paused, or observed only,
    does not.
    """

    waiting: int
    before: int
    served: int
    served_before: int


def ahead_of(tx: Tx, partner_id: int, domain: str | None) -> Ahead:
    """Who stands before that domain in the partner's line."""
    row = tx.connection.execute(_AHEAD, {"partner_id": partner_id, "domain": domain}).one()
    return Ahead(**row._mapping)


# Read once, and not sorted.
_AHEAD = text(f"""
    WITH mine AS (SELECT in_line, id FROM ({_WAITING} AND domain = :domain) AS of ORDER BY in_line, id LIMIT 1),
    first AS (SELECT coalesce((SELECT in_line FROM mine), 'infinity') AS in_line,
                     coalesce((SELECT id FROM mine), 0) AS id),
    line AS (
        SELECT of.domain, bool_or((of.in_line, of.id) < (first.in_line, first.id)) AS is_before,
               bool_or(of.hub_id IN (SELECT hub_id FROM portals WHERE mode = 'write')) AS is_served
          FROM ({_WAITING}) AS of CROSS JOIN first GROUP BY of.domain)
    SELECT count(*) AS waiting, count(*) FILTER (WHERE is_before) AS before,
           count(*) FILTER (WHERE is_served) AS served,
           count(*) FILTER (WHERE is_served AND is_before) AS served_before
      FROM line
""")
