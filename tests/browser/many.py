"""How do the lists come to hold a hundred thousand rows, in seconds?"""

from __future__ import annotations

from browser.stage import Stage

_RECORDS = """
    INSERT INTO records (hub_id, kind, object_id, name, email, company, country, domain, company_id, reconciled_at)
    SELECT :hub, 'contact', (900000000 + n)::text, 'Kund ' || n, 'kund' || n || '@' || domain, 'Bolag ' || n,
           (ARRAY['Sweden', 'Norway', 'Denmark', 'Finland'])[1 + n % 4], domain, NULL, now()
      FROM generate_series(1, :rows) AS n, LATERAL (SELECT 'bolag-' || n || '.se' AS domain) AS of
"""
_REGISTRATIONS = """
    INSERT INTO registrations (partner_id, domain, hub_id, contact_id, source, registered_on, expires_on, expires_at,
                               created_at, confirmation)
    SELECT partner_id, 'bolag-' || n || '.se', hub_id, (900000000 + n)::text, 'import', day, day + 365,
           (day + 366)::timestamptz, now(), 'confirmed'
      FROM portals, generate_series(1, :rows) AS n, LATERAL (SELECT CURRENT_DATE - n % 330 AS day) AS of
     WHERE hub_id = :hub
"""


def grow(stage: Stage, rows: int) -> None:
    """Let so many more leads be registered. They stand in the ledger alone: the CRM knows nothing of them."""
    stage.change(_RECORDS, hub=stage.hub, rows=rows)
    stage.change(_REGISTRATIONS, hub=stage.hub, rows=rows)
    stage.change("UPDATE partners SET capacity = capacity + :rows WHERE name = 'fjord-furu'", rows=rows)
    with stage.context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("VACUUM ANALYZE registrations, records, lead_lines")
