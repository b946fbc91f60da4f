"""Who stands where in the waiting list? The order in which `registration/ledger/allocation.py` gives slots away."""

from __future__ import annotations

# SQL for a table of (id, domain, in_line, position, leads) of the waiting requests of :partner_id. Several requests for
# one domain count once, so they share the place of the first, which `leads`.
POSITIONS = """(
    SELECT id, domain, in_line, leads, min(place) OVER (PARTITION BY domain) AS position FROM (
        SELECT id, domain, in_line, leads, count(*) FILTER (WHERE leads) OVER (ORDER BY in_line, id) AS place FROM (
            SELECT id, domain, in_line, row_number() OVER (PARTITION BY domain ORDER BY in_line, id) = 1 AS leads
              FROM (SELECT id, domain, coalesce(line_at, requested_at) AS in_line FROM requests
                     WHERE partner_id = :partner_id AND state = 'waiting') AS waiting) AS line) AS places)"""
