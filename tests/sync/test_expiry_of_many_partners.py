"""Does each partner's registration end by itself, whatever is wrong with another one?"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from syncworker.registration.ledger.requests import State
from syncworker.sync.triggers import expiry
from syncworker.sync.watch.clock_skew import steady_s
from web.deployment import OTHER_HUB, Deployment


@pytest.mark.parametrize("wrong", ["tier = 'gone', capacity = NULL", "program = 'nosuch'"])
def test_a_partner_whose_settings_are_wrong_keeps_no_other_waiting(deployment: Deployment, wrong: str) -> None:
    # Given two partners with a registration that is over, and a request that nobody mended for a month
    deployment.portal(OTHER_HUB, partner="Beta")
    deployment.registered("granvik.se")
    deployment.registered("lindalen.se", hub_id=OTHER_HUB)
    request_id = deployment.asked("7", hub_id=OTHER_HUB, state=State.INVALID_DATA)
    deployment.context.hubspot_clock.heard(datetime.now(UTC), at_s=steady_s())
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE registrations SET expires_at = now() - interval '1 minute'"))
        tx.connection.execute(text("UPDATE requests SET created_at = now() - interval '31 days'"))
        # When the first one's tier, or program, is not there
        tx.connection.exec_driver_sql(f"UPDATE partners SET {wrong} WHERE name <> 'Beta'")
    expiry.end_overdue(deployment.context)
    # Then the other one's ends, and so does the request; its own waits for the settings
    over = deployment.rows(text("SELECT hub_id FROM registrations WHERE end_reason = 'expired'"))
    assert [row.hub_id for row in over] == [OTHER_HUB]
    assert deployment.rows(text(f"SELECT state FROM requests WHERE id = {request_id}"))[0].state == "ended"
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE partners SET tier = 'gold', program = 'hubspot-solutions-partner'")
    expiry.end_overdue(deployment.context)
    assert deployment.rows(text("SELECT hub_id FROM registrations WHERE ended_at IS NULL")) == []
