"""How does a database come to hold a million rows, quickly, and spread as in life?"""

from __future__ import annotations

import psycopg

from syncworker.store.secrets import PortalCredentials, Secrets
from syncworker.up.postgres import plain

FIRST_HUB = 5_000_000
"""Partner n has the portal of this number and n."""
LEAST_ACTIVE, MOST_ACTIVE = 50, 5_000
# Of ten registrations four are active, as after some years in which leads expired or were given up.
ACTIVE_SHARE = 0.4
WHY_PARKED = "HubSpot refuses the website of this contact"
SECRET_KEY = "a secret key for the benchmark, long enough"

_GOLDEN = 0.6180339887498949


def partner_sizes(rows: int) -> list[int]:
    """How many registrations each partner has, ended ones included: small and large ones, evenly in logarithms."""
    sizes: list[int] = []
    while (left := rows - sum(sizes)) > 0:
        active = LEAST_ACTIVE * (MOST_ACTIVE / LEAST_ACTIVE) ** (len(sizes) * _GOLDEN % 1.0)
        sizes.append(min(left, round(active / ACTIVE_SHARE)))
    return sizes


_REGISTRATIONS = """
    INSERT INTO registrations (partner_id, domain, hub_id, contact_id, company_id, source, registered_on, expires_on,
                               expires_at, created_at, ended_at, end_reason)
    SELECT %(partner)s, 'firma-' || %(partner)s || '-' || n || '-ab.se', %(hub)s, n::text, n::text, 'form', day,
           day + 365, (day + 366)::timestamptz, day::timestamptz,
           CASE WHEN n > %(active)s THEN (day + 366)::timestamptz END, CASE WHEN n > %(active)s THEN 'expired' END
      FROM generate_series(1, %(rows)s::bigint) AS n,
           LATERAL (SELECT CURRENT_DATE - (n %% 300)::int - CASE WHEN n > %(active)s THEN 400 ELSE 0 END AS day) AS of
"""
_REQUESTS = """
    INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, contact_id, state,
                          domain, company_id, decided_at, registration_id)
    SELECT partner_id, hub_id, 'register', source, 'form:' || contact_id, 'form', created_at, created_at, contact_id,
           'registered', domain, company_id, created_at, id
      FROM registrations WHERE partner_id = %(partner)s
"""
_HISTORY = """
    INSERT INTO history (at, partner_id, hub_id, domain, event, source, who, contact_id, company_id, request_id,
                         registration_id)
    SELECT decided_at, partner_id, hub_id, domain, 'registered', source, 'form', contact_id, company_id, id,
           registration_id
      FROM requests WHERE partner_id = %(partner)s
"""


def grow_ledger(database_url: str, rows: int) -> list[int]:
    """Bring the ledger to so many registrations, each with its request and its history; return the partners."""
    sizes = partner_sizes(rows)
    with psycopg.connect(plain(database_url)) as connection:
        # Rows that refer to each other are made together: nothing need be checked for each.
        connection.execute("SET session_replication_role = replica")
        for partner, size in enumerate(sizes, 1):
            _partner(connection, partner)
            at = {"partner": partner}
            known = connection.execute(
                "SELECT count(*) FROM registrations WHERE partner_id = %(partner)s", at
            ).fetchone()
            if known and known[0] > 0:
                continue
            values = {**at, "hub": FIRST_HUB + partner, "rows": size, "active": round(size * ACTIVE_SHARE)}
            connection.execute(_REGISTRATIONS, values)
            connection.execute(_REQUESTS, at)
            connection.execute(_HISTORY, at)
        connection.execute("SELECT fill_lead_lines(), fill_asked_lines()")
    _vacuum(database_url, "registrations", "requests", "history", "partners", "portals", "lead_lines")
    return list(range(1, len(sizes) + 1))


_MARKS = """
    INSERT INTO marks (hub_id, kind, object_id, priority, cause, marked_at, not_before, attempts)
    SELECT %(hub)s, 'contact', n::text, CASE WHEN n %% 20 < 10 THEN 2 ELSE 3 END, 'bench', now(),
           now() + CASE WHEN n %% 10 = 0 THEN interval '-1 second' * (n %% 1000) ELSE interval '6 hours' END,
           CASE WHEN n %% 10 = 0 THEN 0 ELSE 5 END
      FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""


def grow_marks(database_url: str, rows: int) -> int:
    """Bring the marks of one portal to so many, nine tenths of them backed off; return the portal."""
    hub = FIRST_HUB + 1
    with psycopg.connect(plain(database_url)) as connection:
        _partner(connection, 1)
        found = connection.execute("SELECT count(*) FROM marks").fetchone()
        first = (found[0] if found else 0) + 1
        connection.execute("SET session_replication_role = replica")
        connection.execute(_MARKS, {"hub": hub, "first": first, "last": rows})
        connection.execute("UPDATE marks SET parked_at = now(), last_error = %s WHERE object_id = '7'", [WHY_PARKED])
    _vacuum(database_url, "marks")
    return hub


def _partner(connection: psycopg.Connection[tuple[object, ...]], partner: int) -> None:
    sealed = Secrets(SECRET_KEY).seal(PortalCredentials(access_token="t", client_secret="s"))
    values = {"partner": partner, "hub": FIRST_HUB + partner, "sealed": sealed}
    connection.execute(
        """
        INSERT INTO partners (id, name, program, tier, capacity)
        VALUES (%(partner)s, 'partner ' || %(partner)s, 'hubspot-solutions-partner', 'untiered', 1000000)
        ON CONFLICT DO NOTHING
        """,
        values,
    )
    connection.execute(
        """
        INSERT INTO portals (hub_id, partner_id, name, mode, time_zone, credentials, connected_at)
        VALUES (%(hub)s, %(partner)s, 'portal', 'write', 'Europe/Stockholm', %(sealed)s, now())
        ON CONFLICT DO NOTHING
        """,
        values,
    )


def _vacuum(database_url: str, *tables: str) -> None:
    # As autovacuum would have done it long since.
    with psycopg.connect(plain(database_url), autocommit=True) as connection:
        connection.execute(f"VACUUM ANALYZE {', '.join(tables)}")
