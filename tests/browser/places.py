"""Which pages are there to look at?"""

from __future__ import annotations

from collections.abc import Mapping

from browser.seed import DRIFTED, RENEWED
from syncworker.web.pages import rail
from syncworker.web.pages.lead_tables import TABLES

# By the name that a picture of it has.
PAGES: Mapping[str, str] = {
    "capacity": "/capacity",
    **{f"leads-{name}": table.path for name, table in TABLES.items()},
    "lead": f"/leads/domain/{RENEWED}",
    "lead-drifted": f"/leads/domain/{DRIFTED}",
    **{section.path.strip("/").replace("/", "-"): section.path for section in rail.SECTIONS if section.path not in
       {"/capacity", "/leads/registered"}},
    **{f"operations-{tab}": f"/operations/{tab}" for tab in ("marks", "resyncs", "forms", "holds")},
}  # fmt: skip
