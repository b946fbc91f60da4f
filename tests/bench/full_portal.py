"""How does a portal come to hold a hundred thousand registrations with all that lies around them, in seconds?

Names are made of a few hundred words, so that searches find a few, many or nearly all of them. What lies in the CRM,
too, is found by the word `ISLAND`: leads that can be deregistered, and seen to be so there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from syncworker.up.postgres import plain

REGISTERED = 100_000
EXPIRING, EXPIRED, DEREGISTERED = 3_000, 10_000, 500
WAITING, REFUSED, INCOMPLETE, TO_DEREGISTER, UNRESOLVED = 20_000, 5_000, 5_000, 300, 200
PARKED, HOLDS = 50, 2_000

# Of what is sought in the registered leads, and so many are found.
SOUGHT = {
    "nothing": "nobody is called so",
    "1": "n77777",
    "20": "gata1234",
    "19,000": "norge",
    "nearly all": "se",
    "two words": "berg norge",
}
ISLAND = "island"


@dataclass(frozen=True, slots=True, kw_only=True)
class InCrm:
    """A lead that the CRM has."""

    domain: str
    company_id: str
    contact_id: str | None


# n: 1 to the last one. A registration each; behind the active ones those that expired, then those that were given up.
_NAMED = """
    CREATE TEMPORARY TABLE named AS
    SELECT n, (900000000 + n)::text AS contact_id, (800000000 + n)::text AS company_id,
           stem || '-' || 'n' || n || '-ab.se' AS domain,
           initcap(stem) || ' Gata' || n %% 5000 || ' AB' AS company,
           given || ' ' || family AS name, given || '.' || family || '@' || stem || '-n' || n || '-ab.se' AS email,
           CASE WHEN n %% 100 < 19 THEN 'Norge' WHEN n %% 100 < 30 THEN 'Danmark' WHEN n %% 100 < 40 THEN 'Finland'
                ELSE 'Sverige' END AS country
      FROM generate_series(1, %(rows)s) AS n,
           LATERAL (SELECT (ARRAY['nord','syd','fjord','berg','skog','lund','dal','vik','strand','by','holm','sten'])
                               [1 + n %% 12]
                        || (ARRAY['verk','data','bygg','el','design','mat','bil','tak','golv','ljus'])[1 + n %% 10]
                           AS stem) AS s,
           LATERAL (SELECT (ARRAY['Ada','Bo','Cilla','Dan','Eva','Frej','Gun','Hans','Ida','Jan','Kim','Lo','Åsa'])
                               [1 + n %% 13] AS given,
                           (ARRAY['Ek','Lind','Alm','Björk','Gran','Asp','Rönn','Tall','Hägg','Idegran','Sälg','Al',
                                  'Pil','Bok','Lönn','Oxel','Avenbok'])[1 + n %% 17] AS family) AS of
"""
_RECORDS = """
    INSERT INTO records (hub_id, kind, object_id, name, email, company, country, domain, company_id, reconciled_at)
    SELECT %(hub)s, 'contact', contact_id, name, email, company, country, domain, company_id, now() FROM named
     UNION ALL
    SELECT %(hub)s, 'company', company_id, company, NULL, NULL, country, domain, NULL, now() FROM named
"""
_REGISTRATIONS = """
    INSERT INTO registrations (partner_id, domain, hub_id, contact_id, company_id, source, registered_on, expires_on,
                               expires_at, created_at, ended_at, end_reason, deregistered_at, undo_until)
    SELECT %(partner)s, domain, %(hub)s, contact_id, company_id,
           (ARRAY['form','form','form','app','import','crm'])[1 + n %% 6], day, day + 365, (day + 366)::timestamptz,
           day::timestamptz, CASE WHEN n > %(active)s THEN now() END,
           CASE WHEN n > %(active)s + %(expired)s THEN 'deregistered' WHEN n > %(active)s THEN 'expired' END,
           CASE WHEN n > %(active)s + %(expired)s THEN now() END, CASE WHEN n > %(active)s + %(expired)s THEN now() END
      FROM named,
           -- Those that expire soon are spread over their month, the others over the rest of the year.
           LATERAL (SELECT CURRENT_DATE - CASE WHEN n > %(active)s THEN 366 + n %% 200
                                               WHEN n <= %(expiring)s THEN 337 + n %% 28 ELSE n %% 330 END AS day) AS of
     WHERE n <= %(claims)s
"""
_REQUESTS = """
    INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, contact_id, state,
                          reason, detail, domain, company_id, decided_at)
    SELECT %(partner)s, %(hub)s, 'register', (ARRAY['form','form','crm','app'])[1 + n %% 4], 'bench:' || n, 'form',
           now() - n * interval '17 seconds', now() - n * interval '17 seconds', contact_id, of.state,
           CASE of.state WHEN 'waiting' THEN 'capacity_reached' WHEN 'invalid_data' THEN 'missing_data'
                         WHEN 'unavailable' THEN (ARRAY['existing_customer','pursued_by_vendor',
                                                        'registered_by_another'])[1 + n %% 3] END,
           CASE of.state WHEN 'invalid_data' THEN 'Missing: country; company' ELSE '' END,
           CASE WHEN of.state <> 'invalid_data' THEN domain END, company_id, now()
      FROM named,
           LATERAL (SELECT CASE WHEN n <= %(claims)s THEN 'registered' WHEN n <= %(claims)s + %(waiting)s THEN 'waiting'
                                WHEN n <= %(claims)s + %(waiting)s + %(refused)s THEN 'unavailable'
                                ELSE 'invalid_data' END AS state) AS of
"""
_TO_DEREGISTER = """
    INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, contact_id, state,
                          reason, domain, company_id, decided_at)
    SELECT %(partner)s, %(hub)s, 'deregister', 'crm', 'bench:away:' || n, 'crm', now() - n * interval '1 hour', now(),
           contact_id, 'confirming', 'awaiting_confirmation', domain, company_id, now()
      FROM named WHERE n %% 331 = 0 AND n <= 331 * %(to_deregister)s
"""
_UNRESOLVED = """
    INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, email, state)
    SELECT %(partner)s, %(hub)s, 'register', 'form', 'bench:lost:' || n, 'form', now() - n * interval '1 hour', now(),
           'lost-' || n || '@nowhere.se', 'unresolved'
      FROM generate_series(1, %(unresolved)s) AS n
"""
_HISTORY = """
    INSERT INTO history (at, partner_id, hub_id, domain, event, source, who, contact_id, company_id, request_id)
    SELECT requested_at, partner_id, hub_id, domain, event, source, who, contact_id, company_id, id
      FROM requests, unnest(ARRAY['requested', 'registered']) AS event
     WHERE partner_id = %(partner)s AND domain IS NOT NULL AND (event = 'requested' OR state = 'registered')
     ORDER BY id
"""
_MARKS = """
    INSERT INTO marks (hub_id, kind, object_id, priority, cause, marked_at, not_before, attempts, last_error, parked_at)
    SELECT %(hub)s, 'contact', contact_id, 1, 'webhook', now(), now() + interval '6 hours', 6,
           'HubSpot refuses the website of this contact', CASE WHEN n <= %(parked)s THEN now() END
      FROM named WHERE n <= 4 * %(parked)s
"""
_HOLDS = """
    INSERT INTO holds (domain, kind, note, added_by, added_at)
    SELECT 'kund-' || n || '.se', 'existing_customer', 'since ' || 2000 + n %% 25, 'bench', now()
      FROM generate_series(1, %(holds)s) AS n
"""
_IN_CRM = """
    WITH given AS (
        SELECT * FROM unnest(CAST(%(domains)s AS text[]), CAST(%(companies)s AS text[]), CAST(%(contacts)s AS text[]))
                   AS of (domain, company_id, contact_id)),
    of_companies AS (
        INSERT INTO records (hub_id, kind, object_id, name, country, domain, reconciled_at)
        SELECT %(hub)s, 'company', company_id, domain, 'Island', domain, now() FROM given)
    INSERT INTO registrations (partner_id, domain, hub_id, contact_id, company_id, source, registered_on, expires_on,
                               expires_at, created_at)
    SELECT %(partner)s, domain, %(hub)s, contact_id, company_id, 'import', CURRENT_DATE, CURRENT_DATE + 364,
           now() + interval '365 days', now()
      FROM given
"""


def fill(database_url: str, hub: int, in_crm: Sequence[InCrm] = ()) -> None:
    """Fill a connected portal: `REGISTERED` are active, those that the CRM has among them."""
    claims = REGISTERED - len(in_crm) + EXPIRED + DEREGISTERED
    values: dict[str, object] = {
        "hub": hub,
        "active": REGISTERED - len(in_crm),
        "expiring": EXPIRING,
        "expired": EXPIRED,
        "claims": claims,
        "waiting": WAITING,
        "refused": REFUSED,
        "rows": claims + WAITING + REFUSED + INCOMPLETE,
        "to_deregister": TO_DEREGISTER,
        "unresolved": UNRESOLVED,
        "parked": PARKED,
        "holds": HOLDS,
        "domains": [lead.domain for lead in in_crm],
        "companies": [lead.company_id for lead in in_crm],
        "contacts": [lead.contact_id for lead in in_crm],
    }
    with psycopg.connect(plain(database_url)) as connection:
        found = connection.execute("SELECT partner_id FROM portals WHERE hub_id = %(hub)s", values).fetchone()
        assert found is not None, hub
        values["partner"] = found[0]
        # Rows that refer to each other are made together, and the lines of lists at once.
        connection.execute("SET session_replication_role = replica")
        connection.execute(_NAMED, values)
        parts = (_RECORDS, _REGISTRATIONS, _IN_CRM, _REQUESTS, _TO_DEREGISTER, _UNRESOLVED, _HISTORY, _MARKS, _HOLDS)
        for part in parts:
            connection.execute(part, values)
        connection.execute("SELECT fill_lead_lines(), fill_asked_lines()")
    with psycopg.connect(plain(database_url), autocommit=True) as connection:
        # As autovacuum would have done it long since.
        connection.execute("VACUUM ANALYZE")
