"""Which pages are there to look at?"""

from __future__ import annotations

from collections.abc import Mapping

from browser.people import LONG_DOMAIN
from browser.seed import DRIFTED, RENEWED, WAITING
from syncworker.web.pages import rail
from syncworker.web.pages.lead_tables import TABLES
from syncworker.web.pages.operations import tabs

# By the name that a picture of it has.
PAGES: Mapping[str, str] = {
    "capacity": "/capacity",
    **{f"leads-{name}": table.path for name, table in TABLES.items()},
    "lead": f"/leads/domain/{RENEWED}",
    "lead-drifted": f"/leads/domain/{DRIFTED}",
    "lead-long": f"/leads/domain/{LONG_DOMAIN}",
    "register-checked": f"/register?lead={WAITING[0].email}",
    **{section.path.strip("/").replace("/", "-"): section.path for section in rail.SECTIONS if section.path not in
       {"/capacity", "/leads/registered"}},
    **{one.path.strip("/").replace("/", "-"): one.path for one in tabs.TABS},
    "runbook": "/runbook",
}  # fmt: skip
