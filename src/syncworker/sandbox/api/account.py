"""Whose token is this, and what kind of account?"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from syncworker.sandbox.answers import Reply, ok
from syncworker.sandbox.call import Call
from syncworker.sandbox.portals import Portal
from syncworker.sandbox.world import World


def details(_world: World, portal: Portal, _call: Call) -> Reply:
    """GET /account-info/{version}/details."""
    offset = datetime.now(UTC).astimezone(ZoneInfo(portal.time_zone)).strftime("%z")
    minutes = int(offset[0] + "1") * (int(offset[1:3]) * 60 + int(offset[3:5]))
    return ok(
        {
            "portalId": portal.hub_id,
            "accountType": "STANDARD",
            "timeZone": portal.time_zone,
            "companyCurrency": portal.currency,
            "additionalCurrencies": [],
            "utcOffset": f"{offset[:3]}:{offset[3:]}",
            "utcOffsetMilliseconds": minutes * 60_000,
            "uiDomain": "app-eu1.hubspot.com",
            "dataHostingLocation": "eu1",
        }
    )
