"""What does a scrape tell?"""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest
import redis
from prometheus_client.parser import text_string_to_metric_families

from syncworker.registration.ledger.requests import State
from syncworker.store import portals
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.failures import Blocked, PortalFailure, block
from web import signed
from web.deployment import HUB, OTHER_HUB, Deployment


def scraped(client: httpx.Client) -> dict[tuple[str, tuple[str, ...]], float]:
    """Each sample's value by its name and the values of its labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {(s.name, tuple(s.labels.values())): s.value for family in families for s in family.samples}


def test_webhooks_are_counted_by_outcome_and_events_by_what_became_of_them(client: httpx.Client) -> None:
    content = signed.body(signed.event(1), signed.event(2, hub_id=999), signed.event(subscriptionType="x.y"))
    client.post("/webhooks/hubspot", content=content, headers=signed.headers(content))
    client.post("/webhooks/hubspot", content=content)
    found = scraped(client)
    assert found["syncworker_webhook_requests_total", ("accepted",)] == 1
    assert found["syncworker_webhook_requests_total", ("unsigned",)] == 1
    assert found["syncworker_webhook_events_total", ("accepted",)] == 1
    assert found["syncworker_webhook_events_total", ("ignored_other_portal",)] == 1
    assert found["syncworker_webhook_events_total", ("ignored_unknown_type",)] == 1
    assert found["syncworker_inbox_rows", ()] == 1


def test_marks_are_counted_by_portal_kind_and_priority(client: httpx.Client, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        mark(tx, HUB, Kind.CONTACT, ["1", "2"], priority=Priority.WEBHOOK, cause="webhook")
        mark(tx, HUB, Kind.CONTACT, ["3"], priority=Priority.WEBHOOK, cause="webhook", delay=timedelta(hours=1))
        tx.connection.exec_driver_sql("UPDATE marks SET parked_at = now() WHERE object_id = '2'")
        tx.connection.exec_driver_sql("UPDATE marks SET not_before = now() - interval '1 hour' WHERE object_id = '1'")
    found = scraped(client)
    of = ("contact", str(HUB), "webhook")  # labels come in alphabetical order
    assert found["syncworker_marks_due", of] == 1
    assert found["syncworker_marks_parked", of] == 1
    assert 3600 <= found["syncworker_marks_oldest_due_seconds", of] < 3700


def test_capacity_is_told_for_each_portal(client: httpx.Client, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta", capacity=9)
    deployment.registered("acme.se")
    deployment.asked("7", state=State.WAITING, domain="beta.se")
    found = scraped(client)
    assert found["syncworker_capacity_limit", (str(HUB),)] == 5
    assert found["syncworker_capacity_used", (str(HUB),)] == 1
    assert found["syncworker_capacity_waiting", (str(HUB),)] == 1
    assert found["syncworker_capacity_limit", (str(OTHER_HUB),)] == 9


def test_a_blocked_portal_shows_with_its_reason(client: httpx.Client, deployment: Deployment) -> None:
    assert scraped(client)["syncworker_portal_blocked", (str(HUB), "")] == 0
    with deployment.database.transaction() as tx:
        portals.block(tx, HUB, until=tx.now + timedelta(minutes=5), reason="credentials", detail="expired")
    assert scraped(client)["syncworker_portal_blocked", (str(HUB), "credentials")] == 1


def test_a_portal_that_goes_on_failing_is_blocked_between_two_tries_too(
    client: httpx.Client, deployment: Deployment
) -> None:
    # Given one that fails again and again, and is just being tried once more
    outage = PortalFailure(reason=Blocked.OUTAGE, detail="no answer", wait=timedelta(seconds=5))
    over = "UPDATE portals SET blocked_until = now() - interval '1 second'"
    for _ in range(2):
        with deployment.database.transaction() as tx:
            block(tx, HUB, outage)
            tx.connection.exec_driver_sql(over)
    # I expect no gap, in which an alert would begin to wait anew
    assert scraped(client)["syncworker_portal_blocked", (str(HUB), "outage")] == 1
    # But none in a portal for which there was nothing to do since
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql("UPDATE portals SET blocked_until = now() - interval '2 minutes'")
    assert scraped(client)["syncworker_portal_blocked", (str(HUB), "")] == 0
    # Nor after a success
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql(over)
        portals.note_success(tx, HUB)
    assert scraped(client)["syncworker_portal_blocked", (str(HUB), "")] == 0
    # Nor after a single failure, which is over by itself
    with deployment.database.transaction() as tx:
        block(tx, HUB, outage)
        tx.connection.exec_driver_sql(over)
    assert scraped(client)["syncworker_portal_blocked", (str(HUB), "")] == 0


def test_that_bulk_work_rests_is_told_of_the_portal_where_it_does(
    client: httpx.Client, deployment: Deployment, redis_url: str
) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    assert scraped(client)["syncworker_bulk_rests_seconds", (str(HUB),)] == 0
    with redis.Redis.from_url(redis_url) as server:
        server.hset(f"hubspot:daily:{HUB}", mapping={"limit": 625_000, "spent": 620_000})
    found = scraped(client)
    assert 0 < found["syncworker_bulk_rests_seconds", (str(HUB),)] <= 86_430
    assert found["syncworker_bulk_rests_seconds", (str(OTHER_HUB),)] == 0


@pytest.mark.parametrize("wrong", ["tier = 'gone', capacity = NULL", "program = 'nosuch'"])
def test_a_partner_of_wrong_settings_does_not_hide_the_others(
    client: httpx.Client, deployment: Deployment, wrong: str
) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql(f"UPDATE partners SET {wrong} WHERE name = 'Beta'")
    found = scraped(client)
    assert found["syncworker_capacity_limit", (str(HUB),)] == 5
    assert ("syncworker_capacity_limit", (str(OTHER_HUB),)) not in found
