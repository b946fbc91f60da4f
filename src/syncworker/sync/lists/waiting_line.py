"""Who stands where in the waiting list? The order in which `registration/ledger/allocation.py` gives slots away."""

from __future__ import annotations

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
